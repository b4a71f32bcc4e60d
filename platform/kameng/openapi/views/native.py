"""The native interface, version 1 (design §11). Every call is signed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from kameng.errors import DomainError
from kameng.openapi import api as openapi
from kameng.openapi.api import Caller
from kameng.openapi.views import answering, proof, reading
from kameng.promotions import api as promotions
from kameng.web import client_ip, limit, no_store, refuse_below


class Signed(Blueprint):
    """What is signed holds for one address: none of them leads on to another one."""

    def add_url_rule(self, rule: str, *given: Any, **options: Any) -> None:
        """As ever, but two slashes are not one."""
        super().add_url_rule(rule, *given, merge_slashes=False, **options)


blueprint = Signed("openapi_v1", __name__)
REFUSED_PER_MINUTE = 300
View = Callable[..., Response]


def signed(scope: str) -> Callable[[View], View]:
    """Check the signature and let the request in; the view gets the caller."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**kwargs: Any) -> Response:
            caller, nonce, secret = authenticate()
            g.allowance = openapi.admit(caller, nonce, secret=secret)
            proof.check_scope(caller, scope)
            return view(caller, **kwargs)

        return guarded

    return decorate


def authenticate() -> tuple[Caller, str, str]:
    """Who signed this request, its nonce, and the secret that it was signed with."""
    path = request.environ.get("RAW_URI") or request.full_path.rstrip("?")
    return proof.prove(proof.signed_by(request.environ), request.method, path, reading.body)


@blueprint.get("/account")
@signed("account.read")
def account(caller: Caller) -> Response:
    """The member behind the key and the balance."""
    reading.arguments()
    return answering.answer(answering.account_of(openapi.account(caller)))


@blueprint.get("/products")
@signed("products.read")
def products(caller: Caller) -> Response:
    """What is on sale at this station, a page at a time."""
    given = reading.arguments("cursor", "limit", "category", "keyword")
    page = openapi.products(
        caller, given.get("cursor", ""), reading.size(given), reading.number(given, "category"),
        given.get("keyword", ""),
    )  # fmt: skip
    items = [answering.product_of(one) for one in page.items]
    return answering.answer({"items": items, "next_cursor": page.next_cursor})


@blueprint.get("/products/<sku>")
@signed("products.read")
def product(caller: Caller, sku: str) -> Response:
    """One SKU, on sale or not."""
    reading.arguments()
    return answering.answer(answering.product_of(openapi.product(caller, sku)))


@blueprint.post("/orders")
def buy() -> Response:
    """Buy by balance: 201 for a new order, 200 for the one of an earlier request."""
    caller, nonce, secret = authenticate()
    try:
        proof.check_scope(caller, "orders.write")
        reading.arguments()
        wanted = reading.wanted(reading.body())
    except DomainError:
        g.allowance = openapi.admit(caller, nonce, secret=secret)
        raise
    entry = openapi.Entry(nonce, secret, lambda allowance: setattr(g, "allowance", allowance))
    bought = openapi.admit_and_buy(caller, wanted, entry)
    return answering.answer(answering.order_of(bought.order), 200 if bought.repeated else 201)


@blueprint.get("/orders")
@signed("orders.read")
def orders(caller: Caller) -> Response:
    """One order by the member's own number, or a page of all, newest first."""
    given = reading.arguments("merchant_order_no", "cursor", "limit")
    size = reading.size(given)
    if "merchant_order_no" in given:
        found = openapi.order_of(caller, given["merchant_order_no"][:64])
        return answering.answer(answering.order_of(found))
    items, cursor = openapi.orders(caller, given.get("cursor", ""), size)
    shown = [answering.order_of(one) for one in items]
    return answering.answer({"items": shown, "next_cursor": cursor})


@blueprint.get("/flash-sales")
@signed("products.read")
def flash_sales(_caller: Caller) -> Response:
    """Flash sales that run or are to come, the earliest first."""
    reading.arguments()
    shown = [answering.flash_sale_of(one) for one in promotions.shown_sales()]
    return answering.answer({"items": shown})


@blueprint.get("/orders/<order_no>")
@signed("orders.read")
def order(caller: Caller, order_no: str) -> Response:
    """One order with what was delivered."""
    reading.arguments()
    return answering.answer(answering.order_of(openapi.order(caller, order_no)))


@blueprint.post("/orders/<order_no>/refund-requests")
@signed("refunds.write")
def request_refund(caller: Caller, order_no: str) -> Response:
    """Ask for money back: 201 for a new request, 200 for the one of an earlier call."""
    reading.arguments()
    given = reading.fields(("reason", "request_no"), ("amount",))
    found = openapi.request_refund(
        caller, order_no, amount=reading.amount(given, "amount"),
        reason=reading.text(given, "reason"), request_no=reading.text(given, "request_no"),
    )  # fmt: skip
    return answering.answer(answering.refund_request_of(found), 200 if found.repeated else 201)


@blueprint.get("/orders/<order_no>/refund-requests")
@signed("orders.read")
def refund_requests(caller: Caller, order_no: str) -> Response:
    """What was asked for an order, newest first."""
    reading.arguments()
    found = openapi.refund_requests_of(caller, order_no)
    return answering.answer({"items": [answering.refund_request_of(one) for one in found]})


@blueprint.get("/statements/<day>")
@signed("account.read")
def statement(caller: Caller, day: str) -> Response:
    """One day that is over, as a file for sheets or as JSON."""
    reading.arguments()
    found = openapi.statement(caller, reading.day(day))
    if request.accept_mimetypes.best_match(["text/csv", "application/json"]) != "text/csv":
        return answering.answer(found.as_json())
    response = no_store(Response(found.csv, mimetype="text/csv"))
    name = f"statement-{found.day.isoformat()}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@blueprint.route("/<path:_rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def unknown(_rest: str) -> Response:
    """No such address, or not with this method."""
    allowed = KNOWN.allowed(request.path.removeprefix("/api/v1"), request.method)
    raise MethodNotAllowed(valid_methods=allowed) if allowed else NotFound()


class _Known:
    """Addresses and their methods, to tell a wrong method from a wrong address."""

    def __init__(self) -> None:
        self.rules = [
            (re.compile(r"/account|/products|/products/[^/]+|/orders/[^/]+"), ["GET", "HEAD"]),
            (re.compile(r"/orders"), ["GET", "HEAD", "POST"]),
            (re.compile(r"/orders/[^/]+/refund-requests"), ["GET", "HEAD", "POST"]),
            (re.compile(r"/statements/[^/]+|/flash-sales|/openapi\.json|/docs"), ["GET", "HEAD"]),
        ]

    def allowed(self, path: str, method: str) -> list[str]:
        """The methods of an address when this one is not among them."""
        for pattern, methods in self.rules:
            if pattern.fullmatch(path) and method not in methods:
                return methods
        return []


KNOWN = _Known()


@blueprint.errorhandler(DomainError)
def refuse(error: DomainError) -> Response:
    """Refusals in the catalogue's words; who is refused too often at the door waits."""
    if error.status == 401:
        try:
            limit("api-refused", client_ip(), REFUSED_PER_MINUTE, 60)
        except DomainError as too_many:
            error = too_many
    return answering.refusal(error)


@blueprint.errorhandler(HTTPException)
def refuse_http(error: HTTPException) -> Response:
    """Wrong addresses, methods, broken requests."""
    return answering.http_refusal(error)


blueprint.after_request(answering.show_limits)
blueprint.record_once(lambda state: refuse_below(state.app, "/api/v1", answering.refusal_by_status))
