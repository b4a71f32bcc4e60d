"""Asking for "money" back in the sandbox: answered after a moment, by the end of the number."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.openapi.domain import sandbox as rules
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import RefundRequestFacts
from kameng.openapi.models import SandboxRefund
from kameng.openapi.services import sandbox
from kameng.openapi.services.refund_requests import asked_number, asked_reason, content_hash
from kameng.openapi.services.refusing import refused

_COLUMNS = """
SELECT r.id, r.request_no, r.request_hash, r.amount, r.reason, r.created_at, o.order_no,
       extract(epoch FROM now() - r.created_at)::float8 AS age_s
  FROM sandbox_refund r JOIN sandbox_order o ON o.station_id = r.station_id
   AND o.id = r.sandbox_order_id WHERE o.station_id = :station AND o.api_key_id = :key
"""
_BY_NO = text(_COLUMNS + " AND r.request_no = :number")
_OF_ORDER = text(_COLUMNS + " AND o.order_no = :number ORDER BY r.id DESC")


def request_refund(
    caller: Caller, order_no: str, *, amount: int | None, reason: str, request_no: str
) -> RefundRequestFacts:
    """As the real one: open for seconds, then accepted, or declined when the number says so."""
    asked_number(request_no)
    reason = asked_reason(reason)
    digest = content_hash(order_no, amount, reason)
    sandbox.lock(caller)
    known = _rows(caller, _BY_NO, request_no)
    if known:
        db.session.rollback()
        if known[0].request_hash != digest:
            raise refused("conflict")
        return _facts(known[0], repeated=True)
    row = sandbox.find(caller, order_no)
    wanted = _room(caller, row, amount)
    db.session.add(
        SandboxRefund(
            station_id=caller.station_id, sandbox_order_id=row.id, request_no=request_no,
            request_hash=digest, amount=wanted, reason=reason,
        )
    )  # fmt: skip
    db.session.flush()
    made = _facts(_rows(caller, _BY_NO, request_no)[0])
    db.session.commit()
    return made


def refund_requests_of(caller: Caller, order_no: str) -> list[RefundRequestFacts]:
    """Requests of one of the key's orders, newest first; raises `order_unknown`."""
    sandbox.find(caller, order_no)
    return [_facts(row) for row in _rows(caller, _OF_ORDER, order_no)]


def _room(caller: Caller, row: Any, amount: int | None) -> int:
    """The amount that may be asked for; refused in the order in which real requests are."""
    now = sandbox.course_of(row)
    left, whole = rules.refund_room(now.state, row.payable, now.refunded)
    wanted = left if amount is None else amount
    if left <= 0:
        raise refused("refund_not_possible")
    if any(one.state == "open" for one in refund_requests_of(caller, row.order_no)):
        raise refused("refund_request_open")
    if not 0 < wanted <= left or wanted % 100 or (whole and wanted != left):
        raise refused("amount_invalid", refundable=left)
    return wanted


def _rows(caller: Caller, statement: Any, number: str) -> list[Any]:
    given = {"station": caller.station_id, "key": caller.api_key_id, "number": number}
    return list(db.session.execute(statement, given))


def _facts(row: Any, *, repeated: bool = False) -> RefundRequestFacts:
    state = rules.decision(row.request_no, row.age_s)
    decided = None if state == "open" else row.created_at + timedelta(seconds=rules.DECIDED_S)
    return RefundRequestFacts(
        request_no=row.request_no, order_no=row.order_no, amount=row.amount, reason=row.reason,
        state=state, answer="" if state == "open" else "SANDBOX", created_at=row.created_at,
        decided_at=decided, repeated=repeated,
    )  # fmt: skip
