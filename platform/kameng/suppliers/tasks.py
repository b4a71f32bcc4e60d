"""Jobs of suppliers: papers that run out, statements that are due."""

from __future__ import annotations

from kameng.jobs import every
from kameng.suppliers.api import draw_up_due, watch_expiry

DAY_S = 86_400
MORNING_S = 1 * 3600  # 09:00 in China
NIGHT_S = 18 * 3600  # 02:00 in China: every posting of yesterday is committed


@every(seconds=DAY_S, offset_s=MORNING_S, lease_s=900)
def watch_papers() -> int:
    """Licences and contracts that run out within 30, 7 or 0 days."""
    return watch_expiry()


@every(seconds=DAY_S, offset_s=NIGHT_S, lease_s=3600, queue="bulk")
def draw_up_statements() -> int:
    """Statements of suppliers whose period is over."""
    return draw_up_due()
