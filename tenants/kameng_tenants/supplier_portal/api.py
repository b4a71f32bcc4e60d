"""The suppliers' API: goods in, open purchases out, delivery and refusal; every call is signed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import Response, g, jsonify, request
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from kameng.db import supplier_scope
from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web import client_ip, limit
from kameng_tenants.supplier_portal import programs
from kameng_tenants.supplier_portal.changes import tell_of_changes
from kameng_tenants.supplier_portal.purchases import Cards, complete, fail

MOST_BODY = 1024 * 1024
MOST_OFFERS = 1000
PER_MINUTE = 120
View = Callable[..., Response]


@programs.before_request
def main_host_only() -> None:
    """Suppliers deal with the main station; other hosts know nothing of this."""
    if not g.station.is_main:
        raise NotFound


def signed(view: View) -> View:
    """Check the signature, then run with the number of the supplier it belongs to."""

    @wraps(view)
    def guarded(**kwargs: Any) -> Response:
        limit("supplier-api-address", client_ip(), 600, 60)
        supplier_id = suppliers.supplier_of(_request())
        limit("supplier-api", supplier_id, PER_MINUTE, 60)
        return view(supplier_id, **kwargs)

    return guarded


@programs.post("/offers")
@signed
def push_offers(supplier_id: int) -> Response:
    """Put goods on the list or change them: all lines or none."""
    given = _json()
    if not isinstance(given, list) or not 0 < len(given) <= MOST_OFFERS:
        raise DomainError("offers_invalid", _l("要一个 1 到 1000 条的列表"), 422)
    lines = [(n, one if isinstance(one, dict) else {}) for n, one in enumerate(given, 1)]
    good, wrong = suppliers.read_lines(lines)
    if wrong:
        errors = [{"line": p.line, "sku_ref": p.sku_ref, "fields": p.wrong} for p in wrong[:100]]
        raise DomainError("offers_invalid", _l("有些行不对，没有一条生效"), 422, errors=errors)
    changed = suppliers.save_offers(supplier_id, good)
    tell_of_changes(changed)
    return jsonify(received=len(good), changed=len(changed))


@programs.get("/purchases")
@signed
def list_open(supplier_id: int) -> Response:
    """What waits for delivery, newest first, with the account to top up."""
    with supplier_scope(supplier_id):
        rows = [_purchase(one) for one in suppliers.open_sales(supplier_id)]
    return jsonify(purchases=rows)


@programs.get("/purchases/<number>")
@signed
def show(supplier_id: int, number: str) -> Response:
    """One purchase in any state."""
    with supplier_scope(supplier_id):
        return jsonify(_purchase(suppliers.sale(supplier_id, number[:80])))


@programs.post("/purchases/<number>/deliver")
@signed
def deliver(supplier_id: int, number: str) -> Response:
    """Hand the goods over; the same again changes nothing."""
    given = _object()
    text = given.get("text", "")
    if not isinstance(text, str):
        raise DomainError("text_invalid", _l("text 要是字符串"), 422)
    result = complete(supplier_id, number[:80], text, _cards(given.get("cards")))
    return jsonify(purchase_no=number, state="succeeded", repeated=result == "repeat")


@programs.post("/purchases/<number>/fail")
@signed
def refuse(supplier_id: int, number: str) -> Response:
    """Say no for certain; the same again changes nothing."""
    reason = _object().get("reason", "")
    if not isinstance(reason, str):
        raise DomainError("reason_needed", _l("请写明无法处理的原因"), 422)
    result = fail(supplier_id, number[:80], reason)
    return jsonify(purchase_no=number, state="declined", repeated=result == "repeat")


def _request() -> suppliers.Signed:
    headers = request.headers
    query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
    return suppliers.Signed(
        key_id=headers.get("Kameng-Key", ""), timestamp=headers.get("Kameng-Timestamp", ""),
        nonce=headers.get("Kameng-Nonce", ""), signature=headers.get("Kameng-Signature", ""),
        method=request.method, path=request.path + query, body=_body(),
    )  # fmt: skip


def _body() -> bytes:
    if "supplier_body" not in g:
        request.max_content_length = MOST_BODY
        try:
            g.supplier_body = request.get_data(cache=True)
        except RequestEntityTooLarge:
            raise DomainError("too_large", _l("请求内容不能超过 1 MB"), 413) from None
    return bytes(g.supplier_body)


def _json() -> Any:
    given = request.get_json(force=True, silent=True)
    if given is None:
        raise DomainError("json_invalid", _l("请求内容不是 JSON"), 422)
    return given


def _object() -> Mapping[str, Any]:
    given = _json()
    if not isinstance(given, dict):
        raise DomainError("json_invalid", _l("请求内容要是一个 JSON 对象"), 422)
    return given


def _cards(given: Any) -> Cards:
    if given is None:
        return []
    good = isinstance(given, list) and all(
        isinstance(one, dict) and isinstance(one.get("code"), str)
        and isinstance(one.get("number", ""), str) for one in given
    )  # fmt: skip
    if not good:
        raise DomainError("cards_invalid", _l("cards 要是 {number, code} 的列表"), 422)
    return [(one.get("number", ""), one["code"]) for one in given]


def _purchase(one: suppliers.SaleView) -> dict[str, Any]:
    return {
        "purchase_no": one.purchase_no, "state": one.state, "sku_ref": one.sku_ref,
        "title": one.title, "kind": one.kind, "quantity": one.quantity,
        "delivered": one.delivered, "inputs": dict(one.inputs),
        "cost": suppliers.cost_text(one.expected_cost if one.cost is None else one.cost),
        "refunded": suppliers.cost_text(one.refunded), "created_at": one.created_at.isoformat(),
    }  # fmt: skip
