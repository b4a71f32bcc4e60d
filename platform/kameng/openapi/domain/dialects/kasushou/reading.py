"""What requests of 卡速售 2.0 ask for. What cannot be read raises `DomainError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kameng.errors import DomainError
from kameng.openapi.domain.dialects.values import (
    merchant_number,
    pieces,
    text,
    whole,
    yuan,
)
from kameng.openapi.domain.facts import Buy, ProductFacts

PAGE_LIMIT, MOST_ORDERS, MOST_INPUTS = 100, 50, 50
ACCOUNT = "recharge_account"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of goods; ``category_id`` None: of all categories."""

    category_id: int | None
    keyword: str
    limit: int
    page: int


def listing(body: Body) -> Listing:
    """`goods/list`. More than 100 a page are cut to 100, as in the original."""
    limit = whole(body, "limit", PAGE_LIMIT) or PAGE_LIMIT
    return Listing(
        category_id=whole(body, "cate_id", 0) or None,
        keyword=text(body, "keyword", 100),
        limit=min(limit, PAGE_LIMIT),
        page=max(whole(body, "page", 1), 1),
    )


def buy(body: Body, product: ProductFacts) -> Buy:
    """`order/buy`. Here `external_orderno` is required: without it no repeat is safe."""
    return Buy(
        sku=product.sku,
        quantity=pieces(body, "quantity", 1),
        merchant_order_no=merchant_number(body, "external_orderno"),
        inputs=_inputs(body.get("attach"), product),
        max_total=yuan(body, "safe_price"),
        notify_url=text(body, "url"),
    )


def _inputs(attach: object, product: ProductFacts) -> dict[str, str]:
    """Under the names that `goods/info` shows. `recharge_account`, which many programs always send,
    is understood where there is one field only; nothing is guessed among several."""
    if attach is None or attach == "" or attach == []:  # an empty list is PHP's empty object
        return {}
    if not isinstance(attach, dict) or len(attach) > MOST_INPUTS:
        raise DomainError("field_invalid", field="attach")
    names = [field.name for field in product.fields]
    found = {name: value for name in attach if (value := text(attach, name))}
    if ACCOUNT in found and ACCOUNT not in names and len(names) == 1:
        found.setdefault(names[0], found[ACCOUNT])
    return {name: found[name] for name in names if name in found}


def asked_orders(body: Body) -> tuple[list[str], list[str]]:
    """`order/info`: buyer's numbers and ours, at most 50 together, at least one."""
    own, ours = _numbers(body, "external_orderno"), _numbers(body, "ordersn")
    if not own and not ours:
        raise DomainError("field_missing", field="ordersn")
    if len(own) + len(ours) > MOST_ORDERS:
        raise DomainError("field_invalid", field="ordersn")
    return own, ours


def _numbers(body: Body, name: str) -> list[str]:
    """A list with commas, each number once."""
    listed = text(body, name, 5_000).split(",")
    return list(dict.fromkeys(number.strip() for number in listed if number.strip()))


def complaint(body: Body) -> str:
    """What the buyer complains about."""
    return text(body, "content", 200) or "买家投诉"
