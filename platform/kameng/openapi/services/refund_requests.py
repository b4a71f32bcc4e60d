"""A member asks for money back, sees what became of it, or no longer wants it."""

from __future__ import annotations

import hashlib
import re
import time
from typing import Any

import psycopg
from sqlalchemy import select

from kameng.db import call, current_scope, db, in_transaction
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import RefundRequestFacts
from kameng.openapi.models import RefundRequest
from kameng.openapi.services.refusing import refused
from kameng.orders import api as orders

LOCKED = ("40P01", "40001", "55P03")  # deadlock, serialisation, lock time-out
WAIT_S = 2.0
MOST = 10**17
MOST_REASON = 200
NUMBER = re.compile(r"[0-9A-Za-z_.:-]{1,64}")


def request_refund(
    caller: Caller, order_no: str, *, amount: int | None, reason: str, request_no: str
) -> RefundRequestFacts:
    """Ask for `amount` (scale 4, whole fen) of an order back; None: all that still can be.

    What is delivered can be given back in parts, what is not yet delivered as a whole. The same
    `request_no` with the same content is the same request, and `repeated`. Raises `order_unknown`,
    `refund_not_possible`, `refund_request_open`, `amount_invalid` (with `refundable`), `conflict`,
    or `field_invalid` for a number or reason that cannot be.
    """
    reason = asked_reason(reason)
    row = ask_again(
        "open_refund_request", p_station=caller.station_id, p_member=caller.member_id,
        p_key=caller.api_key_id, p_order_no=order_no[:40].replace("\0", ""),
        p_amount=amount if amount is None else max(min(amount, MOST), -1), p_reason=reason,
        p_request_no=asked_number(request_no), p_hash=content_hash(order_no, amount, reason),
        p_actor=caller.actor,
    )  # fmt: skip
    code = str(row["code"])
    if code == "amount_invalid":
        raise refused(code, refundable=row["refundable"])
    if code not in ("ok", "repeat"):
        raise refused(code)
    known = db.session.get_one(RefundRequest, (caller.station_id, row["request_id"]))
    return facts_of(known, order_no, repeated=code == "repeat")


def refund_requests_of(caller: Caller, order_no: str) -> list[RefundRequestFacts]:
    """Requests of one of the caller's orders, newest first; raises `order_unknown`."""
    found = orders.orders_by_numbers([order_no[:40].replace("\0", "")])
    if not found or found[0].member_id != caller.member_id:
        raise refused("order_unknown")
    return requests_of_order(found[0].id, order_no)


def requests_of_order(order_id: int, order_no: str) -> list[RefundRequestFacts]:
    """Requests of an order at the scope's station, newest first: for its pages."""
    query = select(RefundRequest).where(
        RefundRequest.station_id == current_scope().station_id, RefundRequest.order_id == order_id
    )
    rows = db.session.scalars(query.order_by(RefundRequest.id.desc()).limit(50))
    return [facts_of(row, order_no) for row in rows]


def withdraw_refund_request(caller: Caller, order_no: str, request_no: str) -> RefundRequestFacts:
    """Take a request back while nobody has decided it; repeating is harmless.

    Raises `order_unknown`, `request_unknown`, or `request_decided`.
    """
    mine = {one.request_no: one for one in refund_requests_of(caller, order_no)}
    if request_no not in mine:
        raise refused("request_unknown")
    code = ask_again(
        "withdraw_refund_request", p_station=caller.station_id, p_member=caller.member_id,
        p_request_no=request_no,
    )["code"]  # fmt: skip
    if code == "decided":
        raise refused("request_decided")
    return next(o for o in refund_requests_of(caller, order_no) if o.request_no == request_no)


def asked_number(request_no: str) -> str:
    """The program's own number of a request: 1–64 letters, digits and `_ . : -`."""
    if not NUMBER.fullmatch(request_no):
        raise refused("field_invalid", field="request_no")
    return request_no


def asked_reason(reason: str) -> str:
    """What staff and statements can show: one line of 1–200 characters."""
    plain = " ".join(reason.encode("utf-8", "ignore").decode().replace("\0", "").split())
    if not 0 < len(plain) <= MOST_REASON:
        raise refused("field_invalid", field="reason")
    return plain


def content_hash(order_no: str, amount: int | None, reason: str) -> bytes:
    """Tells a repeat of a request from another one under the same number."""
    parts = (order_no, "all" if amount is None else str(amount), reason)
    return hashlib.sha256("\x1d".join(parts).encode()).digest()


def facts_of(row: RefundRequest, order_no: str, *, repeated: bool = False) -> RefundRequestFacts:
    """A row as programs are told it."""
    return RefundRequestFacts(
        request_no=row.request_no, order_no=order_no, amount=row.amount, reason=row.reason,
        state=row.state, answer=row.answer, created_at=row.created_at, decided_at=row.decided_at,
        repeated=repeated,
    )  # fmt: skip


def ask_again(function: str, *, as_main: bool = False, **params: Any) -> dict[str, Any]:
    """One statement, asked again for a moment while others hold the order's lock."""
    if in_transaction():
        db.session.rollback()
    give_up = time.monotonic() + WAIT_S
    while True:
        try:
            return call(function, as_main=as_main, **params)
        except psycopg.Error as error:
            if error.sqlstate not in LOCKED or time.monotonic() > give_up:
                raise
            time.sleep(0.05)
