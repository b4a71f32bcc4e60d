"""Purchases with an open outcome are asked about with their own number, never repeated."""

from __future__ import annotations

import logging

from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.plugins import api as plugins
from kameng.supply.domain.purchases import after_query
from kameng.supply.services import fulfilling, placing, settling
from kameng_sdk.suppliers import SupplierCapability

log = logging.getLogger("kameng.supply")

# Claimed by moving the time on, so that two jobs never ask about the same purchase at once. A row
# in state `created` without a time was left behind by a killed worker.
_DUE = text("""
UPDATE purchase p SET next_query_at = now() + interval '2 minutes' FROM (
  SELECT station_id, id, state, order_id FROM purchase
  WHERE state IN ('created', 'sent', 'unknown')
    AND (next_query_at <= now() OR (state = 'created' AND next_query_at IS NULL
      AND created_at < now() - interval '30 seconds'))
  ORDER BY next_query_at LIMIT :limit FOR UPDATE SKIP LOCKED) due
WHERE p.station_id = due.station_id AND p.id = due.id
RETURNING p.station_id, p.id, p.state, p.order_id, p.purchase_no
""")
_NEVER = text(
    "UPDATE purchase SET next_query_at = NULL, waits_for = :waits"
    " WHERE station_id = :station AND id = :id AND state IN ('created', 'sent', 'unknown')"
)

_KNOWN = text("SELECT state, waits_for FROM purchase WHERE station_id = :station AND id = :id")


def query_due(limit: int = 20) -> int:
    """Ask about every purchase whose time has come; returns how many. Opens its own scopes."""
    with main_scope(reason="purchases to ask about"):
        rows = db.session.execute(_DUE, {"limit": limit}).all()
        db.session.commit()
    for row in rows:
        try:
            step = placing.place if row.state == "created" else ask
            if step(row.station_id, row.id) == "next":
                fulfilling.fulfil(row.station_id, row.order_id)
        except Exception:
            log.exception("purchase %s", row.purchase_no)
    return len(rows)


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
        return "wait"  # asked again in two minutes
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
