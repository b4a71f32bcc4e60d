"""The upstream API 1.0 of dujiao-next: this station as somebody's upstream site."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from kameng.errors import DomainError
from kameng.openapi import api
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.dialects.dujiao_next import door, goods, orders
from kameng.openapi.domain.dialects.dujiao_next.problems import Problem, problem_of
from kameng.openapi.domain.dialects.dujiao_next.wish import read_wish
from kameng.openapi.domain.dialects.wire import code_of_http, row_id
from kameng.openapi.domain.facts import Buy, ProductFacts
from kameng.openapi.services import dujiao_notices
from kameng.openapi.views.dialects.selling import buy_or_find, let_in
from kameng.openapi.views.native import REFUSED_PER_MINUTE
from kameng.web import client_ip, limit, no_store

log = logging.getLogger(__name__)
blueprint = Blueprint("dock_dujiao_next", __name__)
dujiao_notices.register()

MAX_BODY = 64 * 1024
# Every address takes every method, so that a wrong one is refused in the protocol's words.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
RULE: dict[str, Any] = {
    "methods": METHODS, "provide_automatic_options": False, "merge_slashes": False,
}  # fmt: skip
Fields = Mapping[str, Any]


def _at(method: str, path: str) -> Callable[[Callable[..., Fields]], Callable[..., Fields]]:
    """Answer at an address of the protocol, to known callers only."""

    def decorate(answer: Callable[..., Fields]) -> Callable[..., Fields]:
        def view(**values: str) -> Response:
            if request.method != method:
                raise MethodNotAllowed([method])
            return _said(answer(_caller(), **values))

        blueprint.add_url_rule(f"{door.ROOT}{path}", answer.__name__, view, **RULE)
        return answer

    return decorate


def nowhere(rest: str = "") -> Response:
    """What the protocol does not have."""
    raise NotFound


for _rule in ("/", "/<path:rest>"):
    blueprint.add_url_rule(_rule, "nowhere", nowhere, **RULE)


@_at("POST", "ping")
def ping(caller: Caller) -> Fields:
    """The wallet, and who calls."""
    return orders.account(api.account(caller), g.station.name, caller.member_id)


@_at("GET", "categories")
def categories(caller: Caller) -> Fields:
    """All of them."""
    return {"ok": True, "categories": goods.categories(api.categories(caller))}


@_at("GET", "products")
def products(caller: Caller) -> Fields:
    """A page of what is on sale."""
    page = goods.page_of(request.args.get("page"), 1, 10**9)
    size = goods.page_of(request.args.get("page_size"), goods.PAGE_DEFAULT, goods.PAGE_MOST)
    numbers = api.product_ids(caller)
    shown = api.skus_of_products(caller, numbers[(page - 1) * size : page * size])
    items = [one for one in goods.products(shown) if one["is_active"]]
    return {"ok": True, "items": items, "total": len(numbers), "page": page, "page_size": size}


@_at("GET", "products/<number>")
def product(caller: Caller, number: str) -> Fields:
    """One product with its SKUs."""
    wanted = row_id(number)
    found = goods.products(api.skus_of_products(caller, [wanted] if wanted else []))
    if not found:
        raise Problem("product_not_found", "没有这个商品")
    if not found[0]["is_active"]:
        raise Problem("product_unavailable", "商品已下架", 404)
    return {"ok": True, "product": found[0]}


@_at("POST", "orders")
def order(caller: Caller) -> Fields:
    """Buy from the wallet; the same number again answers with the same order."""
    wish = read_wish(request.get_data())

    def read(found: ProductFacts) -> Buy:
        return Buy(
            sku=found.sku, quantity=wish.quantity, merchant_order_no=wish.number,
            inputs=wish.inputs, notify_url=wish.callback_url,
        )  # fmt: skip

    return orders.placed(buy_or_find(caller, wish.sku_id, wish.quantity, wish.number, read))


@_at("GET", "orders/<number>")
def order_detail(caller: Caller, number: str) -> Fields:
    """How an order stands, with its cards once all are there."""
    return orders.detail(api.order(caller, _order_no(caller, number)))


@_at("POST", "orders/<number>/cancel")
def cancel(caller: Caller, number: str) -> Fields:
    """Only what is over already counts as cancelled: goods are bought the moment they are paid."""
    found = orders.placed(api.order(caller, _order_no(caller, number)))
    if found["status"] != "canceled":
        raise Problem("cancel_not_allowed", "订单已付款，不能取消；需要退款请联系客服")
    return found


def _caller() -> Caller:
    request.max_content_length = MAX_BODY
    body = request.get_data()
    head = door.read_head(dict(request.headers.items()), time.time())
    path = request.script_root + request.path
    try:
        caller, secrets = api.open_key("dujiao-next", head.key_id, client_ip())
        secret = door.check_signature(head, secrets, request.method, path, body)
    except (Problem, DomainError):
        limit("api-refused", client_ip(), REFUSED_PER_MINUTE, 60)
        raise
    return let_in(caller, secret)


def _order_no(caller: Caller, text: str) -> str:
    found = orders.order_no(text, sandbox=caller.sandbox)
    if found is None:
        raise Problem("order_not_found", "没有这个订单")
    return found


def _said(fields: Fields, status: int = 200) -> Response:
    body = json.dumps(fields, ensure_ascii=False)
    return no_store(Response(body, status, mimetype="application/json"))


@blueprint.errorhandler(Problem)
def _no(problem: Problem) -> Response:
    return _said(problem.fields(), problem.status)


@blueprint.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    response = _no(problem_of(error.code, error.status, str(error.message)))
    if "retry_after" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after"])
    return response


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    status = error.code or (error.response.status_code if error.response else 500)
    response = _no(problem_of(code_of_http(status), status))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


@blueprint.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    log.error("dujiao-next: %s", type(error).__name__, exc_info=error)
    return _no(problem_of("internal", 500))
