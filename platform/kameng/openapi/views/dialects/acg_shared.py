"""The shared store of acg-faka: this station as somebody's upstream store."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from kameng.errors import DomainError
from kameng.openapi import api
from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.dialects.acg_shared import goods, orders
from kameng.openapi.domain.dialects.acg_shared.form import (
    Form,
    check_signature,
    read_form,
    text_of,
    whole_of,
)
from kameng.openapi.domain.dialects.acg_shared.refusals import No, refusal_of, wrong_quantity
from kameng.openapi.domain.dialects.wire import code_of_http, total_of
from kameng.openapi.domain.facts import Buy, ProductFacts
from kameng.openapi.views.dialects.selling import buy_or_find, let_in
from kameng.openapi.views.native import REFUSED_PER_MINUTE
from kameng.web import client_ip, limit, no_store

log = logging.getLogger(__name__)
blueprint = Blueprint("dock_acg_shared", __name__)

MAX_BODY = 64 * 1024
AT_ONCE = 100
# Every address takes every method, so that a wrong one is refused in the protocol's words.
RULE: dict[str, Any] = {
    "methods": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    "provide_automatic_options": False, "merge_slashes": False,
}  # fmt: skip
REFUSED = 0  # the code of every refusal; HTTP says 200, as the store does
Data = Mapping[str, Any] | list[Any]


def _at(path: str) -> Callable[[Callable[[Caller, Form], Data]], Callable[[Caller, Form], Data]]:
    """Answer at an address of the protocol, to known callers only."""

    def decorate(answer: Callable[[Caller, Form], Data]) -> Callable[[Caller, Form], Data]:
        def view() -> Response:
            if request.method != "POST":
                raise MethodNotAllowed(["POST"])
            return _said({"code": 200, "msg": "success", "data": answer(*_caller())})

        blueprint.add_url_rule(f"/shared/{path}", answer.__name__, view, **RULE)
        return answer

    return decorate


def nowhere(rest: str = "") -> Response:
    """What the protocol does not have."""
    raise NotFound


for _rule in ("/", "/<path:rest>"):
    blueprint.add_url_rule(_rule, "nowhere", nowhere, **RULE)


@_at("authentication/connect")
def connect(caller: Caller, form: Form) -> Data:
    """The wallet, and whose store this is."""
    return {"shopName": g.station.name, "balance": decimal(api.account(caller).balance)}


@_at("commodity/items")
def items(caller: Caller, form: Form) -> Data:
    """The whole catalogue."""
    return goods.catalogue(_everything(caller))


@_at("commodity/item")
def item(caller: Caller, form: Form) -> Data:
    """One of the goods."""
    found = _goods(caller, form, "code")
    if not found.on_sale:
        raise No("该商品暂未上架")
    return goods.commodity(found)


@_at("commodity/inventoryState")
def inventory_state(caller: Caller, form: Form) -> Data:
    """Whether so many are left."""
    found = _on_sale(caller, form, "shared_code")
    if found.stock < max(1, whole_of(form, "num")):
        raise refusal_of("out_of_stock", 409)
    return []


@_at("commodity/inventory")
def inventory(caller: Caller, form: Form) -> Data:
    """How many are left, and the caller's price."""
    return goods.inventory(_on_sale(caller, form, "sharedCode"))


@_at("commodity/stock")
def stock(caller: Caller, form: Form) -> Data:
    """How many are left."""
    return {"stock": str(max(0, _goods(caller, form, "code").stock))}


@_at("commodity/valuation")
def valuation(caller: Caller, form: Form) -> Data:
    """What so many cost together now."""
    found, quantity = _goods(caller, form, "code"), whole_of(form, "num")
    if not found.on_sale:
        raise refusal_of("not_on_sale", 409)
    _check_quantity(found, quantity)
    return {"price": decimal(total_of(found.price, quantity))}


@_at("commodity/trade")
def trade(caller: Caller, form: Form) -> Data:
    """Buy from the wallet; the same request_no again answers with the same order."""
    wish = orders.read_wish(form)

    def read(found: ProductFacts) -> Buy:
        return Buy(
            sku=found.sku, quantity=wish.quantity, merchant_order_no=wish.number,
            inputs=goods.inputs_of(form, found.fields),
        )  # fmt: skip

    return orders.traded(buy_or_find(caller, wish.sku_id, wish.quantity, wish.number, read))


@_at("commodity/query")
def query(caller: Caller, form: Form) -> Data:
    """How an order stands, by this store's number."""
    return orders.told(api.order(caller, text_of(form, "tradeNo")))


@_at("commodity/draftCard")
def draft_card(caller: Caller, form: Form) -> Data:
    """Cards are not chosen by hand here."""
    raise No("该商品不支持预选")


@_at("commodity/draft")
def draft(caller: Caller, form: Form) -> Data:
    """Likewise."""
    raise No("该商品不支持预选")


def _caller() -> tuple[Caller, Form]:
    request.max_content_length = MAX_BODY
    form = read_form(request.get_data())
    try:
        caller, secrets = api.open_key("acg-shared", text_of(form, "app_id"), client_ip())
        secret = check_signature(form, secrets)
    except (No, DomainError):
        limit("api-refused", client_ip(), REFUSED_PER_MINUTE, 60)
        raise
    return let_in(caller, secret), form


def _everything(caller: Caller) -> Iterator[ProductFacts]:
    cursor = ""
    while True:
        page = api.products(caller, cursor, AT_ONCE)
        yield from page.items
        if not (cursor := page.next_cursor):
            return


def _goods(caller: Caller, form: Form, name: str) -> ProductFacts:
    goods.check_variant(form)
    return api.product_by_id(caller, orders.sku_id_of(form, name))


def _on_sale(caller: Caller, form: Form, name: str) -> ProductFacts:
    found = _goods(caller, form, name)
    if not found.on_sale:
        raise refusal_of("not_on_sale", 409)
    return found


def _check_quantity(found: ProductFacts, quantity: int) -> None:
    if quantity < max(1, found.minimum) or (found.maximum and quantity > found.maximum):
        raise wrong_quantity(found.minimum, found.maximum, quantity)


def _said(fields: Mapping[str, object], status: int = 200) -> Response:
    body = json.dumps(fields, ensure_ascii=False)
    return no_store(Response(body, status, mimetype="application/json"))


@blueprint.errorhandler(No)
def _no(no: No) -> Response:
    return _said({"code": REFUSED, "msg": no.message})


@blueprint.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    message = refusal_of(error.code, error.status).message
    # What broke here is no answer to the question: HTTP says so, too.
    status = error.status if error.status >= 500 else 200
    response = _said({"code": status if status >= 500 else REFUSED, "msg": message}, status)
    if "retry_after" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after"])
    return response


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    status = error.code or (error.response.status_code if error.response else 500)
    response = _said(
        {"code": status, "msg": refusal_of(code_of_http(status), status).message}, status
    )
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


@blueprint.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    log.error("acg-shared: %s", type(error).__name__, exc_info=error)
    return _said({"code": 500, "msg": refusal_of("internal", 500).message}, 500)
