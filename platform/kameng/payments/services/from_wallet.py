"""Pay from a member's wallet: no gateway, one guarded statement."""

from __future__ import annotations

import time

import psycopg
from flask_babel import lazy_gettext as _l

from kameng.db import call, db
from kameng.errors import NotFound
from kameng.payments.services.applying import LOCKED, WAIT_S
from kameng.payments.services.attempts import fresh_number, scope_station
from kameng.payments.services.refusing import PaymentRefused


def pay_with_balance(order_no: str, member_id: int) -> str:
    """Pay an order from its member's wallet: one statement, cards delivered when it returns.

    Returns `ok`, `held`, `awaiting_fulfilment` or `repeat`. Raises `PaymentRefused` with
    `insufficient_funds`, `out_of_stock` or `not_payable`: then nothing has happened.
    """
    db.session.rollback()
    code = _call_from_wallet(order_no, member_id)
    if code == "not_found":
        raise NotFound("order_unknown", _l("没有这个订单"))
    if code == "bad_state":
        raise PaymentRefused("not_payable", _l("订单已不能付款"))
    return code


def _call_from_wallet(order_no: str, member_id: int) -> str:
    """The one statement; asked again while others hold the last cards or a lock, then refused."""
    give_up, number = time.monotonic() + WAIT_S, fresh_number()
    while True:
        try:
            row = call(
                "pay_with_balance", p_station=scope_station(), p_order_no=order_no,
                p_member=member_id, p_attempt_no=number,
            )  # fmt: skip
            return str(row["code"])
        except psycopg.Error as error:
            if error.sqlstate in ("KM005", *LOCKED) and time.monotonic() < give_up:
                time.sleep(0.05)
                continue
            if error.sqlstate == "KM003":
                raise PaymentRefused("insufficient_funds", _l("余额不足，没有扣款")) from error
            if error.sqlstate in ("KM001", "KM005"):
                raise PaymentRefused("out_of_stock", _l("库存不够了，没有扣款")) from error
            raise
