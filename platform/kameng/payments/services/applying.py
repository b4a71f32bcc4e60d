"""Money has arrived: one guarded statement does all that follows."""

from __future__ import annotations

import logging
import time
from typing import Any

import psycopg

from kameng.db import call

log = logging.getLogger(__name__)

WAIT_S = 2.0  # for cards that other transactions hold at this moment
LOCKED = ("40P01", "40001", "55P03")  # deadlock, serialisation, lock time-out
TRANSIENT = (*LOCKED, "23505")  # and a unique key


def call_until_decided(function: str, **params: Any) -> dict[str, Any]:
    """Call apply_payment or receive_notice; ask again while stock is locked, then decide.

    A unique key is broken when one payment is reported for two attempts at once: asked again, the
    function sees it and says so. After `WAIT_S` the function is told not to wait: without a card
    the money goes back.
    """
    give_up = time.monotonic() + WAIT_S
    while True:
        waiting = time.monotonic() < give_up
        try:
            return call(function, as_main=True, p_wait=waiting, **params)
        except psycopg.Error as error:
            if error.sqlstate == "KM005" or (error.sqlstate in TRANSIENT and waiting):
                time.sleep(0.05)
                continue
            raise


def apply_payment(
    station_id: int, plugin_id: str, attempt_no: str, amount: int, provider_ref: str, source: str,
    *, currency: str = "CNY", holder: int = 1, account: str = "",
) -> str:  # fmt: skip
    """Apply money that a query reported (scale 4); returns the function's code.

    `holder` and `account`: whose account at the gateway said so.
    """
    row = call_until_decided(
        "apply_payment",
        p_station=station_id,
        p_attempt_no=attempt_no,
        p_plugin=plugin_id,
        p_holder=holder,
        p_account=account,
        p_amount=amount,
        p_currency=currency,
        p_provider_ref=provider_ref,
        p_source=source,
    )
    log.info("payment applied attempt=%s code=%s source=%s", attempt_no, row["code"], source)
    return str(row["code"])
