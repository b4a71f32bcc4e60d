"""A person gives money back: in whole or in parts, again after a no, or past the gateway."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from flask_babel import lazy_gettext as _l

from kameng.db import call, db, in_transaction
from kameng.errors import Conflict, DomainError, NotFound
from kameng.payments.services.applying import LOCKED, WAIT_S
from kameng_sdk.money import Money

MOST = 10**17
MOST_TEXT = 200


def request_refund(
    station_id: int, order_no: str, amount: int, note: str, actor: str, key: str
) -> tuple[str, str]:
    """Give back `amount` (scale 4, whole fen) of a delivered order; returns (code, refund number).

    `ok`, or `repeat` when the same `key` has asked for the same before: nothing happens twice.
    Raises `NotFound` (`order_unknown`), `DomainError` (`amount_invalid`) or `Conflict`
    (`not_refundable`, `above_paid` with `refundable` among its facts, `request_conflict`).
    """
    if not 0 < amount <= MOST or amount % 100 or not key:
        raise _amount_invalid()
    row = _call(
        "refund_order", p_station=station_id, p_order_no=_plain(order_no), p_amount=amount,
        p_note=_plain(note), p_actor=actor, p_key=_plain(key, None),
    )  # fmt: skip
    code = str(row["code"])
    if code in ("ok", "repeat"):
        return code, str(row["refund_no"])
    if code == "not_found":
        raise NotFound("order_unknown", _l("没有这个订单"))
    if code == "amount_invalid":
        raise _amount_invalid()
    if code == "conflict":
        raise Conflict("request_conflict", _l("这次退款已经提交过，金额不同。请刷新后再看"))
    if code == "above_paid":
        left = int(row["refundable"])
        words = _l("最多还能退 %(amount)s 元", amount=Money(left).format(2))
        raise Conflict("above_paid", words, refundable=left)
    raise _bad_state()


def retry_refund(station_id: int, refund_no: str, actor: str) -> str:
    """Try a declined refund again under its own number; what became of it is asked first.

    Returns `ok`. Raises `NotFound` (`refund_unknown`) or `Conflict` (`not_declined`).
    """
    code = _call(
        "retry_refund", p_station=station_id, p_refund_no=_plain(refund_no), p_actor=actor
    )["code"]
    return _told(str(code), _l("这笔退款没有被拒绝，不用重试"))


def refund_by_hand(station_id: int, refund_no: str, actor: str, ref: str, note: str) -> str:
    """Note that a person has paid a declined refund past the gateway; `ref` names that payment.

    Returns `ok` or `repeat`. Raises `NotFound` (`refund_unknown`), `Conflict` (`not_declined`: the
    gateway may still do it) or `DomainError` (`reference_missing`).
    """
    if not ref.strip():
        raise DomainError("reference_missing", _l("请填写转账的流水号或凭证"))
    code = _call(
        "refund_by_hand", p_station=station_id, p_refund_no=_plain(refund_no), p_actor=actor,
        p_ref=_plain(ref.strip()), p_note=_plain(note),
    )["code"]  # fmt: skip
    return _told(str(code), _l("渠道还可能退这笔款，现在不能手工退"))


def _told(code: str, refused: object) -> str:
    if code == "not_found":
        raise NotFound("refund_unknown", _l("没有这笔退款"))
    if code == "bad_state":
        raise Conflict("not_declined", refused)
    return code


def _call(function: str, **params: Any) -> dict[str, Any]:
    """One statement as role main, asked again while another refund of the order holds its lock."""
    if in_transaction():
        db.session.rollback()
    give_up = time.monotonic() + WAIT_S
    while True:
        try:
            return call(function, as_main=True, **params)
        except psycopg.errors.NoDataFound as error:  # delivered, and yet nothing was ever paid
            raise _bad_state() from error
        except psycopg.Error as error:
            if error.sqlstate not in LOCKED or time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def _amount_invalid() -> DomainError:
    return DomainError("amount_invalid", _l("退款金额不对：要大于 0，最多两位小数"))


def _bad_state() -> Conflict:
    return Conflict("not_refundable", _l("订单现在的状态不能退款"))


def _plain(text: str, most: int | None = MOST_TEXT) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:most]
