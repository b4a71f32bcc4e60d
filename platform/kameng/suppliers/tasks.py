"""Background work about suppliers."""

from __future__ import annotations

from kameng.jobs import every
from kameng.suppliers.api import compute_scores, watch_recent

NIGHT_S = 19.5 * 3600  # 03:30 in China


@every(seconds=15)
def watch_recent_success() -> int:
    """Who fails now is asked after the others, or no longer at all."""
    return watch_recent()


@every(seconds=86_400, offset_s=NIGHT_S, lease_s=600)
def compute_scorecards() -> int:
    """The daily card of every supplier."""
    return compute_scores()
