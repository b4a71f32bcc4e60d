"""What other contexts and the faces may use of risk."""

from __future__ import annotations

from kameng.risk.domain import Count, Decision
from kameng.risk.services.assessing import (
    Judged,
    OrderRules,
    assess_order,
    judge_order,
    keep_decision,
    order_rules,
    store_decision,
    stored_facts,
)
from kameng.risk.services.desk import (
    DecisionView,
    HeldOrder,
    held_orders,
    recent_decisions,
    refuse,
    release,
)

__all__ = [
    "Count", "Decision", "DecisionView", "HeldOrder", "Judged", "OrderRules", "assess_order",
    "held_orders", "judge_order", "keep_decision", "order_rules", "recent_decisions", "refuse",
    "release", "store_decision", "stored_facts",
]  # fmt: skip
