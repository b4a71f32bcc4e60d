"""Background work of risk."""

from __future__ import annotations

from typing import Any

from kameng.jobs import every, subscribe
from kameng.risk.services import upkeep


@subscribe("order.held", queue="bulk")
def attach_decision(station_id: int, payload: dict[str, Any]) -> None:
    """The person who reviews finds the decision from the order."""
    upkeep.attach_decision(station_id, int(payload["order_id"]))


@every(seconds=3600)
def prune_hits() -> None:
    """Old velocity hits."""
    upkeep.prune_hits()
