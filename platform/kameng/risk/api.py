"""What other contexts and the faces may use of risk."""

from __future__ import annotations

from kameng.risk.domain import Decision
from kameng.risk.services.assessing import assess_order
from kameng.risk.services.desk import (
    DecisionView,
    HeldOrder,
    held_orders,
    recent_decisions,
    refuse,
    release,
)

__all__ = [
    "Decision", "DecisionView", "HeldOrder", "assess_order", "held_orders", "recent_decisions",
    "refuse", "release",
]  # fmt: skip
