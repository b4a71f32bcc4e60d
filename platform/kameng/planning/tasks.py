"""Background work of planning."""

from __future__ import annotations

from kameng.jobs import every
from kameng.planning.api import watch_plans


@every(seconds=3600, offset_s=300)
def watch_purchase_plans() -> int:
    """Plans that fall behind become alerts."""
    return watch_plans()
