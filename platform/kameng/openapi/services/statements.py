"""A day of the wallet behind a key: for the reseller's own books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import text

from kameng.db import db, run
from kameng.identity.api import get_member
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.statements import CHINA, Moved, OrderLine, Statement, make_statement
from kameng.openapi.services.refusing import refused

# A transfer bears the time at which its transaction began: the last ones of a day are in by then.
SETTLED = timedelta(minutes=5)

# The state at the end of the day, so that the same question has the same answer for ever.
_ORDERS = text("""
SELECT o.created_at AS at, o.order_no, o.idempotency_key, o.product_name, o.sku_name, o.quantity,
       o.payable AS total, coalesce(e.to_state, 'pending_payment') AS state
  FROM orders o
  LEFT JOIN LATERAL (SELECT x.to_state FROM order_event x WHERE x.station_id = o.station_id
     AND x.order_id = o.id AND x.at < :until ORDER BY x.id DESC LIMIT 1) e ON true
 WHERE o.station_id = :station AND o.member_id = :member
   AND o.created_at >= :from AND o.created_at < :until ORDER BY o.created_at, o.id
""")


def statement(caller: Caller, day: date) -> Statement:
    """One day (China's calendar) of the caller's wallet and the orders placed on it.

    Days from the member's first to the last that is over; others raise `date_invalid`. The same
    day gives the same bytes whenever it is asked for. Raises `StatementBroken` when the books do
    not add up: that is for us to look into, and never an answer.
    """
    begin, end = _span(caller, day)
    rows = run(
        "wallet_span", p_station=caller.station_id, p_member=caller.member_id, p_from=begin,
        p_until=end,
    )  # fmt: skip
    moved = [
        Moved(
            at=row["at"], kind=row["kind"], amount=row["amount"], order_no=row["order_no"] or "",
            merchant_order_no=_merchants(caller, row["idempotency_key"]),
        )
        for row in rows
        if row["id"] is not None
    ]  # fmt: skip
    opening, closing = rows[0]["opening"], rows[0]["closing"]
    return make_statement(day, opening, closing, moved, _orders(caller, begin, end))


def _span(caller: Caller, day: date) -> tuple[datetime, datetime]:
    first = get_member(caller.member_id).created_at.astimezone(CHINA).date()
    last = (datetime.now(UTC) - SETTLED).astimezone(CHINA).date() - timedelta(days=1)
    if not first <= day <= last:
        raise refused("date_invalid", first=first.isoformat(), last=last.isoformat())
    begin = datetime.combine(day, time.min, CHINA)
    return begin, begin + timedelta(days=1)


def _orders(caller: Caller, begin: datetime, end: datetime) -> Sequence[OrderLine]:
    given = {
        "station": caller.station_id, "member": caller.member_id, "from": begin, "until": end,
    }  # fmt: skip
    return [
        OrderLine(
            at=row.at, order_no=row.order_no, quantity=row.quantity, total=row.total,
            merchant_order_no=_merchants(caller, row.idempotency_key), state=row.state,
            product=f"{row.product_name} {row.sku_name}",
        )
        for row in db.session.execute(_ORDERS, given)
    ]  # fmt: skip


def _merchants(caller: Caller, key: str | None) -> str:
    """The program's own number, which stands in the key of an order bought over the API."""
    prefix = f"api:{caller.member_id}:"
    return key.removeprefix(prefix) if key and key.startswith(prefix) else ""
