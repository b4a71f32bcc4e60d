"""Answers: JSON of facts, RFC 9457 of refusals, limits in headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from flask import Response, g
from flask_babel import get_locale
from werkzeug.exceptions import HTTPException, NotFound

from kameng.errors import DomainError
from kameng.openapi.api import (
    REFUSALS,
    AccountFacts,
    Allowance,
    OrderFacts,
    ProductFacts,
    RefundRequestFacts,
    decimal,
)
from kameng.promotions import api as promotions
from kameng.runtime import application_context
from kameng.web import no_store

# Refusals of the layers around, in the catalogue's words.
ALIASES = {"member_unknown": "key_unknown"}
BY_STATUS = {
    400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large",
    421: "unknown_host", 429: "too_many", 503: "unavailable",
}  # fmt: skip


PROBLEM = "application/problem+json"
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_problem = json.JSONEncoder(ensure_ascii=False, default=str).encode


def answer(content: Any, status: int = 200) -> Response:
    """JSON that no cache keeps."""
    return no_store(Response(encode(content), status, mimetype="application/json"))


def show_limits(response: Response) -> Response:
    """How many requests are left, as draft-ietf-httpapi-ratelimit-headers has it."""
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        response.headers.extend(limits_of(allowance))
    return response


def limits_of(allowance: Allowance) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two headers."""
    return (
        ("RateLimit-Policy", f'"key";q={allowance.limit};w=60'),
        ("RateLimit", f'"key";r={allowance.remaining};t={allowance.reset_s}'),
    )


def refusal(error: DomainError) -> Response:
    """A refusal as a problem document with word and number."""
    return refusal_by_status(error.status, error.code, error.facts)


def refusal_by_status(status: int, code: str, facts: Mapping[str, Any]) -> Response:
    """A refusal that was not found here: with its code if the catalogue has it, else by status."""
    code = ALIASES.get(code, code)
    if code not in REFUSALS:
        code = BY_STATUS.get(status, "internal" if status >= 500 else "bad_request")
    return _problem(code, facts)


def http_refusal(error: HTTPException) -> Response:
    """What the router or the reader of requests refuses."""
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()  # type: ignore[return-value]  # made by ourselves
    code = "not_found" if isinstance(error, NotFound) else BY_STATUS.get(error.code or 500, "")
    response = _problem(code or ("internal" if (error.code or 500) >= 500 else "bad_request"), {})
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _problem(code: str, facts: Mapping[str, Any]) -> Response:
    raw = problem_of(code, facts, english=str(get_locale() or "").startswith("en"))
    response = Response(raw, REFUSALS[code].status, mimetype=PROBLEM)
    if "retry_after" in facts:
        response.headers["Retry-After"] = str(facts["retry_after"])
    return no_store(response)


def problem_of(code: str, facts: Mapping[str, Any], *, english: bool) -> str:
    """The document of a refusal of the catalogue."""
    body = {"request_id": application_context().g.get("request_id", ""), **facts}
    return _plain_problem(code, english) + _encode_problem(body)[1:]


@cache
def _plain_problem(code: str, english: bool) -> str:
    """What every refusal of this kind says, up to what only one says."""
    found = REFUSALS[code]
    body = {
        "type": f"/api/v1/docs#error-{code}",
        "title": found.english if english else found.chinese, "status": found.status,
        "code": code, "number": found.number,
    }  # fmt: skip
    return _encode_problem(body)[:-1] + ", "


def account_of(facts: AccountFacts) -> dict[str, Any]:
    """The member behind the key."""
    return {
        "login": facts.login, "name": facts.name, "level": facts.level,
        "balance": decimal(facts.balance), "currency": facts.currency, "sandbox": facts.sandbox,
    }  # fmt: skip


def product_of(facts: ProductFacts) -> dict[str, Any]:
    """One SKU."""
    return {
        "sku": facts.sku, "product": str(facts.product_id), "name": facts.name,
        "sku_name": facts.sku_name, "category": facts.category, "category_id": facts.category_id,
        "kind": facts.kind,
        "price": decimal(facts.price), "face_value": decimal(facts.face_value),
        "stock": facts.stock, "on_sale": facts.on_sale, "minimum": facts.minimum,
        "maximum": facts.maximum, "description": facts.description,
        "fields": [
            {
                "name": one.name, "label": one.label, "kind": one.kind, "required": one.required,
                "choices": list(one.choices), "hint": one.hint,
            }
            for one in facts.fields
        ],
    }  # fmt: skip


def flash_sale_of(sale: promotions.SaleView) -> dict[str, Any]:
    """One flash sale."""
    return {
        "flash_sale": sale.sale_no, "sku": sale.sku_code, "name": sale.product_name,
        "sku_name": sale.sku_name, "kind": sale.kind, "price": decimal(sale.price),
        "normal_price": decimal(sale.normal_price), "units": sale.units, "left": sale.band,
        "state": sale.state, "starts_at": moment(sale.starts_at), "ends_at": moment(sale.ends_at),
    }  # fmt: skip


def order_of(facts: OrderFacts) -> dict[str, Any]:
    """One order; its cards are there once something is delivered."""
    return {
        "order_no": facts.order_no, "merchant_order_no": facts.merchant_order_no,
        "state": facts.state, "sku": facts.sku, "product_name": facts.product_name,
        "sku_name": facts.sku_name, "kind": facts.kind, "quantity": facts.quantity,
        "unit_price": decimal(facts.unit_price), "total": decimal(facts.total),
        "currency": facts.currency, "delivered": facts.delivered,
        "refunded": decimal(facts.refunded),
        "cards": [{"number": card.number, "code": card.code} for card in facts.cards],
        "delivery_text": facts.delivery_text, "inputs": dict(facts.inputs),
        "created_at": moment(facts.created_at), "paid_at": moment(facts.paid_at),
        "delivered_at": moment(facts.delivered_at), "sandbox": facts.sandbox,
    }  # fmt: skip


def refund_request_of(facts: RefundRequestFacts) -> dict[str, Any]:
    """One request for money back."""
    return {
        "request_no": facts.request_no, "order_no": facts.order_no,
        "amount": decimal(facts.amount), "reason": facts.reason, "state": facts.state,
        "answer": facts.answer, "created_at": moment(facts.created_at),
        "decided_at": moment(facts.decided_at),
    }  # fmt: skip


@lru_cache(maxsize=256)  # an order that is delivered at once says the same three times
def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second."""
    return None if at is None else at.astimezone(UTC).isoformat()[:19] + "Z"
