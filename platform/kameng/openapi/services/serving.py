"""One face for both modes of a key: what is real, and what the sandbox pretends."""

from __future__ import annotations

from datetime import date

from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import AccountFacts, OrderFacts, RefundRequestFacts
from kameng.openapi.domain.statements import Statement, make_statement
from kameng.openapi.services import (
    reading,
    refund_requests,
    sandbox,
    sandbox_refunds,
    statements,
)


def account(caller: Caller) -> AccountFacts:
    """The member and what can be spent."""
    if caller.sandbox:
        return sandbox.account(caller)
    return reading.account(caller)


def order(caller: Caller, order_no: str) -> OrderFacts:
    """One order by our number, with its cards; raises `order_unknown`."""
    if caller.sandbox:
        return sandbox.order(caller, order_no)
    return reading.order(caller, order_no)


def order_of(caller: Caller, merchant_order_no: str) -> OrderFacts:
    """One order by the member's own number, with its cards; raises `order_unknown`."""
    if caller.sandbox:
        return sandbox.order_of(caller, merchant_order_no)
    return reading.order_of(caller, merchant_order_no)


def orders(caller: Caller, cursor: str = "", limit: int = 50) -> tuple[list[OrderFacts], str]:
    """Orders, newest first, without their cards; raises `cursor_invalid`."""
    if caller.sandbox:
        return sandbox.orders(caller, cursor, limit)
    return reading.orders(caller, cursor, limit)


def request_refund(
    caller: Caller, order_no: str, *, amount: int | None, reason: str, request_no: str
) -> RefundRequestFacts:
    """Ask for money back (scale 4, whole fen); `amount` None: all that still can be."""
    if caller.sandbox:
        return sandbox_refunds.request_refund(
            caller, order_no, amount=amount, reason=reason, request_no=request_no
        )
    return refund_requests.request_refund(
        caller, order_no, amount=amount, reason=reason, request_no=request_no
    )


def refund_requests_of(caller: Caller, order_no: str) -> list[RefundRequestFacts]:
    """Requests of one order, newest first; raises `order_unknown`."""
    if caller.sandbox:
        return sandbox_refunds.refund_requests_of(caller, order_no)
    return refund_requests.refund_requests_of(caller, order_no)


def statement(caller: Caller, day: date) -> Statement:
    """One day (China's calendar) that is over; raises `date_invalid`.

    A sandbox key moves no money: its days are empty.
    """
    found = statements.statement(caller, day)
    if caller.sandbox:
        return make_statement(day, 0, 0, (), ())
    return found
