"""Jobs of suppliers: papers that run out, statements that are due, grades."""

from __future__ import annotations

from kameng.jobs import every
from kameng.suppliers.api import compute_scores, draw_up_due, watch_expiry, watch_recent

DAY_S = 86_400
MORNING_S = 1 * 3600  # 09:00 in China
NIGHT_S = 18 * 3600  # 02:00 in China: every posting of yesterday is committed
CARDS_S = 19.5 * 3600  # 03:30 in China


@every(seconds=DAY_S, offset_s=MORNING_S, lease_s=900)
def watch_papers() -> int:
    """Licences and contracts that run out within 30, 7 or 0 days."""
    return watch_expiry()


@every(seconds=DAY_S, offset_s=NIGHT_S, lease_s=3600, queue="bulk")
def draw_up_statements() -> int:
    """Statements of suppliers whose period is over."""
    return draw_up_due()


@every(seconds=15)
def watch_recent_success() -> int:
    """Who fails now is asked after the others, or no longer at all."""
    return watch_recent()


@every(seconds=DAY_S, offset_s=CARDS_S, lease_s=600)
def compute_scorecards() -> int:
    """The daily card of every supplier."""
    return compute_scores()
