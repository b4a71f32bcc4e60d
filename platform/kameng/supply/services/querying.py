"""Purchases with an open outcome are asked about with their own number, never repeated."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope
from kameng.plugins import api as plugins
from kameng.supply.domain.purchases import after_query
from kameng.supply.services import fulfilling, placing, settling
from kameng_sdk.suppliers import SupplierCapability

log = logging.getLogger("kameng.supply")

RUN_S = 15.0  # no question begins later: a run is over before the lease of its job is
SLOW_S = 3.0  # who takes so long for one answer is left alone for the rest of the run

# Claimed by moving the time on, so that two jobs never ask about the same purchase at once; one at
# a time and for as long as a question may take, so that a killed worker leaves little behind. A row
# in state `created` without a time was left behind by a killed worker.
_CLAIM = text("""
UPDATE purchase p SET next_query_at = now() + interval '30 seconds' FROM (
  SELECT station_id, id FROM purchase
  WHERE state IN ('created', 'sent', 'unknown')
    AND (next_query_at <= now() OR (state = 'created' AND next_query_at IS NULL
      AND created_at < now() - interval '30 seconds'))
    AND connection_id <> ALL(CAST(:slow AS bigint[]))
  ORDER BY next_query_at LIMIT 1 FOR UPDATE SKIP LOCKED) due
WHERE p.station_id = due.station_id AND p.id = due.id
RETURNING p.station_id, p.id, p.state, p.order_id, p.connection_id, p.purchase_no
""")
_NEVER = text(
    "UPDATE purchase SET next_query_at = NULL, waits_for = :waits"
    " WHERE station_id = :station AND id = :id AND state IN ('created', 'sent', 'unknown')"
)

_KNOWN = text("SELECT state, waits_for FROM purchase WHERE station_id = :station AND id = :id")


def query_due(limit: int = 200, *, slow_s: float = SLOW_S) -> int:
    """Ask about purchases whose time has come, one after the other; returns how many. Opens its own
    scopes.

    A supplier that takes `slow_s` seconds for an answer holds up nobody else's purchases.
    """
    end, slow, count = time.monotonic() + RUN_S, set[int](), 0
    while count < limit and time.monotonic() < end:
        row = _claim(slow)
        if row is None:
            break
        count += 1
        try:
            if _bring_on(row, slow, slow_s) == "next":
                fulfilling.fulfil(row.station_id, row.order_id)
        except Exception:
            log.exception("purchase %s", row.purchase_no)
    return count


def _claim(slow: Collection[int]) -> Row[Any] | None:
    """The purchase that is due for the longest time, but none at the connections in `slow`."""
    with main_scope(reason="a purchase to ask about"):
        row = db.session.execute(_CLAIM, {"slow": list(slow)}).first()
        db.session.commit()
    return row


def _bring_on(row: Row[Any], slow: set[int], slow_s: float) -> str:
    """Send it, or ask about it."""
    step, begun = placing.place if row.state == "created" else ask, time.monotonic()
    try:
        return step(row.station_id, row.id)
    finally:
        if time.monotonic() - begun >= slow_s:
            slow.add(row.connection_id)


def ask(station_id: int, purchase_id: int) -> str:
    """One question about one purchase, now. "next": its order may go on at once, else "wait".

    Also about a closed one: money may have come back, or goods after a refusal.
    """
    row = placing.read(station_id, purchase_id)
    if row is None or row.state == "created":
        return "wait"
    try:
        supplier = plugins.supplier(row.plugin_id, row.account)
    except plugins.PluginUnavailable:
        return "wait"  # its claim runs out, and it is due again
    if SupplierCapability.QUERY not in supplier.capabilities:
        manual = SupplierCapability.MANUAL in supplier.capabilities
        _leave(station_id, purchase_id, "desk" if manual else "person")
        return "wait"
    answer = supplier.query(row.purchase_no, row.supplier_ref)
    judged = after_query(
        settling.said(answer), placing.asked(row), supplier.rules, supplier.capabilities
    )
    return settling.settle(row, answer, judged, "query")


def ask_about(station_id: int, purchase_id: int) -> str:
    """Ask once, and what is known then: a state, or what waits for a person. Opens its own scopes.

    "unknown": nobody has answered.
    """
    ask(station_id, purchase_id)
    given = {"station": station_id, "id": purchase_id}
    with main_scope(reason="what a question came to"):
        row = db.session.execute(_KNOWN, given).one()
    return str(row.waits_for if row.waits_for in ("person", "desk") else row.state)


def _leave(station_id: int, purchase_id: int, waits_for: str) -> None:
    given = {"station": station_id, "id": purchase_id, "waits": waits_for}
    with main_scope(reason="a person settles this purchase"):
        db.session.execute(_NEVER, given)
        db.session.commit()
