"""Purchases with an open outcome are asked about with their own number, never repeated."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope
from kameng.plugins import api as plugins
from kameng.supply.services import fulfilment, settling
from kameng_sdk.suppliers import SupplierCapability

log = logging.getLogger("kameng.supply")

# Claimed by moving the time on, so that two jobs never ask about the same purchase at once.
_DUE = text(
    "UPDATE purchase p SET next_query_at = now() + interval '2 minutes' FROM ("
    " SELECT station_id, id FROM purchase WHERE state IN ('created', 'sent', 'unknown')"
    " AND (next_query_at <= now() OR (state = 'created' AND next_query_at IS NULL"
    "  AND created_at < now() - interval '60 seconds'))"
    " ORDER BY next_query_at LIMIT 20 FOR UPDATE SKIP LOCKED) due"
    " WHERE p.station_id = due.station_id AND p.id = due.id"
    " RETURNING p.station_id, p.id, p.state, p.plugin_id, p.purchase_no, p.supplier_ref,"
    "  extract(epoch FROM now() - coalesce(p.sent_at, p.created_at))::int AS waited_s"
)
_TO_PERSON = text(
    "UPDATE purchase SET next_query_at = NULL WHERE station_id = :station AND id = :id"
)


def query_due() -> int:
    """Ask about every purchase whose time has come; returns how many. Opens its own scopes."""
    with main_scope(reason="purchases to ask about"):
        rows = db.session.execute(_DUE).all()
        db.session.commit()
    for row in rows:
        try:
            if row.state == "created":
                fulfilment.place(row.station_id, row.id)
            else:
                _query(row)
        except Exception:
            log.exception("purchase %s", row.purchase_no)
    return len(rows)


def _query(row: Row[Any]) -> None:
    try:
        supplier = plugins.supplier(row.plugin_id)
    except plugins.PluginUnavailable:
        return  # asked again in two minutes
    if SupplierCapability.QUERY in supplier.capabilities:
        answer = supplier.query(row.purchase_no, row.supplier_ref)
        settling.settle_query(row.station_id, row.id, answer, row.waited_s)
        return
    with main_scope(reason="a person settles this purchase"):
        db.session.execute(_TO_PERSON, {"station": row.station_id, "id": row.id})
        db.session.commit()
