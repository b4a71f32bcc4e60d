"""Decisions find their orders; old hits are forgotten. In the open main scope."""

from __future__ import annotations

from sqlalchemy import text

from kameng.db import db

_ATTACH = text(
    "UPDATE risk_decision d SET order_id = o.id FROM orders o"
    " WHERE o.station_id = :station AND o.id = :order AND d.station_id = o.station_id"
    " AND d.order_id IS NULL AND d.at > o.created_at - interval '1 hour'"
    " AND d.facts ->> 'event_id' = o.idempotency_key"
)
_PRUNE = text("DELETE FROM risk_hit WHERE at < now() - interval '2 days'")  # windows end at one


def attach_decision(station_id: int, order_id: int) -> None:
    """Write the order's id on the decision that was made before the order existed."""
    db.session.execute(_ATTACH, {"station": station_id, "order": order_id})


def prune_hits() -> None:
    """Forget what no window can reach any more."""
    db.session.execute(_PRUNE)
    db.session.commit()
