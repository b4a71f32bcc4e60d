"""Orders and the account as programs see them: a member's own, nothing else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.identity import api as identity
from kameng.ledger import api as ledger
from kameng.openapi.domain.buying import idempotency_key, merchant_number
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import AccountFacts, CardFacts, OrderFacts
from kameng.openapi.services.refusing import refused
from kameng.stock import api as stock

MOST = 100
HANDED_OVER = ("delivered", "completed", "partially_delivered", "refunding", "refunded")

_ORDERS = """
SELECT o.id, o.order_no, o.idempotency_key, o.state, s.code AS sku, o.sku_id, o.product_name,
       o.sku_name, o.kind, o.quantity, o.unit_price, o.payable, o.created_at, o.paid_at,
       o.delivered_at, o.inputs, o.delivery_text, o.short,
       (SELECT coalesce(sum(r.amount), 0) FROM refund r WHERE r.station_id = o.station_id
         AND r.order_id = o.id AND r.state = 'succeeded')::bigint AS given_back
  FROM orders o JOIN sku s ON s.id = o.sku_id
 WHERE o.station_id = :station AND o.member_id = :member AND {which}
"""
_BY_NO = text(_ORDERS.format(which="o.order_no = :order_no"))
_BY_KEY = text(_ORDERS.format(which="o.idempotency_key = :key"))
_PAGE = text(
    _ORDERS.format(which="(CAST(:before AS bigint) IS NULL OR o.id < :before)")
    + " ORDER BY o.id DESC LIMIT :limit"
)
_EXISTS = text("SELECT 1 FROM orders WHERE station_id = :station AND idempotency_key = :key")


def account(caller: Caller) -> AccountFacts:
    """The member and what can be spent."""
    member = identity.get_member(caller.member_id)
    return AccountFacts(
        login=member.login, name=member.name, level=member.level,
        balance=ledger.wallet(caller.member_id),
    )  # fmt: skip


def order(caller: Caller, order_no: str) -> OrderFacts:
    """One order by our number, with its cards; raises `order_unknown`."""
    return _one(caller, _BY_NO, {"order_no": order_no[:40]})


def order_of(caller: Caller, merchant_order_no: str) -> OrderFacts:
    """One order by the member's own number, with its cards; raises `order_unknown`."""
    return _one(caller, _BY_KEY, {"key": idempotency_key(caller.member_id, merchant_order_no)})


def orders(caller: Caller, cursor: str = "", limit: int = 50) -> tuple[list[OrderFacts], str]:
    """The member's orders, newest first, without their cards; raises `cursor_invalid`."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise refused("cursor_invalid")
    size = max(1, min(limit, MOST))
    given = {
        "station": caller.station_id, "member": caller.member_id,
        "before": int(cursor) if cursor else None, "limit": size + 1,
    }  # fmt: skip
    rows = db.session.execute(_PAGE, given).all()
    found = [_facts(row, ()) for row in rows[:size]]
    return found, str(rows[size - 1].id) if len(rows) > size else ""


def exists(caller: Caller, merchant_order_no: str) -> bool:
    """Whether the member has used this number; leaves no transaction open."""
    key = idempotency_key(caller.member_id, merchant_order_no)
    found = db.session.execute(_EXISTS, {"station": caller.station_id, "key": key}).first()
    db.session.rollback()
    return found is not None


def _one(caller: Caller, statement: Any, given: dict[str, Any]) -> OrderFacts:
    owner = {"station": caller.station_id, "member": caller.member_id}
    row = db.session.execute(statement, {**owner, **given}).first()
    if row is None:
        raise refused("order_unknown")
    cards: tuple[CardFacts, ...] = ()
    if row.kind == "card" and row.state in HANDED_OVER:
        plain = stock.reveal_all(row.id, caller.actor, caller.ip)
        cards = tuple(CardFacts(card.number, card.secret) for card in plain)
    return _facts(row, cards)


def _facts(row: Any, cards: tuple[CardFacts, ...]) -> OrderFacts:
    done = row.state in ("delivered", "completed") or row.delivered_at is not None
    return OrderFacts(
        order_no=row.order_no, merchant_order_no=merchant_number(row.idempotency_key),
        state=row.state, sku=row.sku, sku_id=row.sku_id, product_name=row.product_name,
        sku_name=row.sku_name, kind=row.kind, quantity=row.quantity, unit_price=row.unit_price,
        total=row.payable, delivered=len(cards) or (row.quantity - row.short if done else 0),
        refunded=row.given_back, created_at=row.created_at, paid_at=row.paid_at,
        delivered_at=row.delivered_at, inputs=row.inputs, cards=cards,
        delivery_text=row.delivery_text,
    )  # fmt: skip
