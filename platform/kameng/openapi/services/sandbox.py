"""Trying the interface out: it answers as ever, and no goods and no money move."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.identity import api as identity
from kameng.openapi.domain import sandbox as rules
from kameng.openapi.domain.buying import check
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import (
    AccountFacts,
    Bought,
    Buy,
    CardFacts,
    OrderFacts,
    ProductFacts,
)
from kameng.openapi.models import SandboxOrder
from kameng.openapi.services import shelf
from kameng.openapi.services.refusing import refused
from kameng.orders import api as orders_api
from kameng.stations import api as stations
from kameng.webhooks import api as webhooks

MOST = 100
NO_LIMIT = 1_000  # a stock of so many stands for "as many as you like"
LIMITS = {"fail": f"%{rules.FAIL}", "fail_s": rules.FAIL_S, "declined": f"%{rules.DECLINED}",
          "decided_s": rules.DECIDED_S}  # fmt: skip

# What requests have brought back of an order by now, and when the last of it did.
BACK = """
LEFT JOIN LATERAL (
  SELECT coalesce(sum(r.amount), 0)::bigint AS back,
         extract(epoch FROM max(r.created_at) - o.created_at)::float8 + :decided_s AS back_s
    FROM sandbox_refund r WHERE r.station_id = o.station_id AND r.sandbox_order_id = o.id
     AND r.request_no NOT LIKE :declined
     AND r.created_at <= now() - make_interval(secs => :decided_s)) b ON true
"""
COLUMNS = """
SELECT o.station_id, o.id, o.api_key_id, o.order_no, o.merchant_order_no, o.request_hash,
       s.code AS sku, o.sku_id, p.name AS product_name, s.name AS sku_name, p.kind, o.quantity,
       o.unit_price, o.payable, o.inputs, o.notify_url, o.created_at, b.back, b.back_s,
       extract(epoch FROM now() - o.created_at)::float8 AS age_s
  FROM sandbox_order o JOIN sku s ON s.id = o.sku_id JOIN product p ON p.id = s.product_id
"""
_MINE = COLUMNS + BACK + " WHERE o.station_id = :station AND o.api_key_id = :key AND "
_BY_NO = text(_MINE + "o.order_no = :number")
_BY_MERCHANT = text(_MINE + "o.merchant_order_no = :number")
_PAGE = text(
    _MINE + "(CAST(:before AS bigint) IS NULL OR o.id < :before) ORDER BY o.id DESC LIMIT :limit"
)
_SPENT = text(
    "SELECT coalesce(sum(CASE WHEN o.merchant_order_no LIKE :fail"
    " AND o.created_at <= now() - make_interval(secs => :fail_s) THEN 0"
    " ELSE greatest(o.payable - b.back, 0) END), 0)::bigint FROM sandbox_order o"
    + BACK
    + " WHERE o.station_id = :station AND o.api_key_id = :key"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def account(caller: Caller) -> AccountFacts:
    """The member behind the key, with the balance that the sandbox pretends."""
    member = identity.get_member(caller.member_id)
    return AccountFacts(
        login=member.login, name=member.name, level=member.level, balance=balance(caller),
        sandbox=True,
    )  # fmt: skip


def balance(caller: Caller) -> int:
    """10 000.00 yuan less what the key has "bought" and not got back; scale 4."""
    return rules.BALANCE - int(db.session.scalar(_SPENT, _given(caller)) or 0)


def buy(caller: Caller, wanted: Buy, request_hash: bytes) -> Bought:
    """ "Buy": checked like a real purchase of real goods, refused for the same reasons.

    The end of `merchant_order_no` chooses what becomes of it (see `domain.sandbox`). The same
    number and hash give the same order, another hash raises `conflict`.
    """
    problem = check(wanted)
    if problem is not None:
        raise refused(problem.code, field=problem.field)
    known = _served(caller, wanted, request_hash)
    if known is None:
        item, inputs = _checked(caller, wanted)
        lock(caller)
        known = _served(caller, wanted, request_hash)
    if known is None:
        return Bought(_placed(caller, wanted, request_hash, item, inputs), repeated=False)
    db.session.rollback()
    return Bought(known, repeated=True)


def order(caller: Caller, order_no: str) -> OrderFacts:
    """One order by our number, with its cards; raises `order_unknown`."""
    return facts_of(find(caller, order_no))


def order_of(caller: Caller, merchant_order_no: str) -> OrderFacts:
    """One order by the program's own number, with its cards; raises `order_unknown`."""
    row = _row(caller, _BY_MERCHANT, merchant_order_no)
    if row is None:
        raise refused("order_unknown")
    return facts_of(row)


def orders(caller: Caller, cursor: str = "", limit: int = 50) -> tuple[list[OrderFacts], str]:
    """The key's orders, newest first, without their cards; raises `cursor_invalid`."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise refused("cursor_invalid")
    size = max(1, min(limit, MOST))
    given = _given(caller, before=int(cursor) if cursor else None, limit=size + 1)
    rows = db.session.execute(_PAGE, given).all()
    found = [facts_of(row, with_cards=False) for row in rows[:size]]
    return found, str(rows[size - 1].id) if len(rows) > size else ""


def find(caller: Caller, order_no: str) -> Any:
    """The row of one of the key's orders; raises `order_unknown`."""
    row = _row(caller, _BY_NO, order_no)
    if row is None:
        raise refused("order_unknown")
    return row


def course_of(row: Any) -> rules.Course:
    """How far the order of a row has got."""
    return rules.course(
        row.kind, row.merchant_order_no, row.age_s, row.payable, row.back, row.back_s
    )


def lock(caller: Caller) -> None:
    """One change of a key's sandbox after the other, until the transaction ends."""
    db.session.execute(_LOCK, {"name": f"sandbox:{caller.station_id}:{caller.api_key_id}"})


def facts_of(row: Any, *, with_cards: bool = True) -> OrderFacts:
    """A row as programs are told it, at this moment."""
    now = course_of(row)
    delivered = now.delivered_s is not None
    delivered_at = row.created_at + timedelta(seconds=now.delivered_s or 0)
    cards = _cards(row) if with_cards and delivered and row.kind == "card" else ()
    return OrderFacts(
        order_no=row.order_no, merchant_order_no=row.merchant_order_no, state=now.state,
        sku=row.sku, sku_id=row.sku_id, product_name=row.product_name, sku_name=row.sku_name,
        kind=row.kind, quantity=row.quantity, unit_price=row.unit_price, total=row.payable,
        delivered=row.quantity if delivered else 0, refunded=now.refunded,
        created_at=row.created_at, paid_at=row.created_at, inputs=row.inputs, cards=cards,
        delivered_at=delivered_at if delivered else None,
        delivery_text="" if row.kind == "card" or not delivered else "SANDBOX", sandbox=True,
    )  # fmt: skip


def _cards(row: Any) -> tuple[CardFacts, ...]:
    texts = [rules.card_text(row.order_no, number) for number in range(1, row.quantity + 1)]
    return tuple(CardFacts(one, one) for one in texts)


def _served(caller: Caller, wanted: Buy, request_hash: bytes) -> OrderFacts | None:
    row = _row(caller, _BY_MERCHANT, wanted.merchant_order_no)
    if row is None:
        return None
    if row.request_hash != request_hash:
        db.session.rollback()
        raise refused("conflict")
    return facts_of(row)


def _checked(caller: Caller, wanted: Buy) -> tuple[ProductFacts, Mapping[str, str]]:
    """The goods and the cleaned inputs, refused in the order in which real purchases are."""
    if wanted.notify_url:
        webhooks.check_url(wanted.notify_url)
    goods = shelf.goods_of(caller.station_id, wanted.sku)
    inputs = wanted.inputs
    if goods is not None and (goods.asks or wanted.inputs):
        inputs = shelf.check_inputs(goods, wanted.inputs)
    station = stations.load_station(caller.station_id)
    if station is None or not station.selling:
        raise refused("station_closed")
    item = shelf.product(caller, wanted.sku)
    total = payable(item.price, wanted.quantity)
    code = (
        "not_on_sale" if not item.on_sale
        else "quantity_invalid" if not item.minimum <= wanted.quantity <= item.maximum
        else "max_total_exceeded" if wanted.max_total is not None and total > wanted.max_total
        else "out_of_stock" if item.stock < min(wanted.quantity, NO_LIMIT)
        else rules.refusal_of(wanted.merchant_order_no)
    )  # fmt: skip
    if code is not None:
        raise refused(code)
    return item, inputs


def _placed(
    caller: Caller, wanted: Buy, request_hash: bytes, item: ProductFacts, inputs: Mapping[str, str]
) -> OrderFacts:
    total = payable(item.price, wanted.quantity)
    if total > balance(caller):
        db.session.rollback()
        raise refused("insufficient_balance")
    number = "T" + orders_api.order_number(datetime.now(UTC), secrets.randbelow(10**12))
    db.session.add(
        SandboxOrder(
            station_id=caller.station_id, api_key_id=caller.api_key_id, order_no=number,
            merchant_order_no=wanted.merchant_order_no, request_hash=request_hash,
            sku_id=item.sku_id, quantity=wanted.quantity, unit_price=item.price, payable=total,
            inputs=dict(inputs), notify_url=wanted.notify_url,
        )
    )  # fmt: skip
    db.session.flush()
    placed = facts_of(find(caller, number))
    db.session.commit()
    return placed


def payable(price: int, quantity: int) -> int:
    """Whole fen, half up, as real orders are rounded; scale 4."""
    return (price * quantity + 50) // 100 * 100


def _row(caller: Caller, statement: Any, number: str) -> Any:
    plain = number[:64].replace("\0", "")
    return db.session.execute(statement, _given(caller, number=plain)).first()


def _given(caller: Caller, **more: Any) -> dict[str, Any]:
    return {"station": caller.station_id, "key": caller.api_key_id, **LIMITS, **more}
