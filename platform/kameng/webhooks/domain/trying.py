"""When a message is sent again, and what an answer means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

# Seconds before each try, counted from the one before: ten tries in a good three days.
STANDARD_SCHEDULE_S = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.1  # so that a receiver that comes back is not met by everything at once
LONGEST_PAUSE_S = 86_400  # a receiver may put us off by no more than that
FAILING_FOR = timedelta(days=5)

Verdict = Literal["delivered", "gone", "again"]


def delay_s(schedule_s: Sequence[int], tries: int, chance: float) -> float | None:
    """Seconds until the next try after so many, None when all are used up.

    ``chance`` is in [0, 1) and lengthens it by up to a tenth.
    """
    if tries >= len(schedule_s):
        return None
    return schedule_s[tries] * (1 + JITTER * chance)


def verdict(status: int, accepted: bool) -> Verdict:
    """What an answer comes to. A redirect is a failure: it is never followed."""
    if accepted:
        return "delivered"
    return "gone" if status == 410 else "again"


def is_success(status: int, _body: bytes = b"") -> bool:
    """Standard Webhooks: 2xx and nothing else."""
    return 200 <= status < 300


def pause_s(status: int, retry_after: str, now: datetime) -> int | None:
    """Seconds that the receiver asks us to wait (429, 503), at most a day; None without a word."""
    if status not in (429, 503):
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), LONGEST_PAUSE_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0, int((until - now).total_seconds())), LONGEST_PAUSE_S)


def has_failed_too_long(failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint has not taken anything for days, and nobody seems to listen."""
    return failing_since is not None and now - failing_since >= FAILING_FOR
