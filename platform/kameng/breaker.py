"""A way out that fails several times in a row rests; then one trial says if it is back. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

TRIP_AFTER = 5  # failures in a row
PAUSES_S = (60, 300, 900, 3600)  # longer with each trip that follows without a success between
TRIAL_S = 30  # as long as one trial may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """`failures` in a row, `trips` without a success between, `broken_until` while it rests."""

    failures: int = 0
    trips: int = 0
    broken_until: datetime | None = None

    def is_broken(self, now: datetime) -> bool:
        """Whether nothing may be sent; for the length of a trial, nothing but that."""
        return self.broken_until is not None and self.broken_until > now

    def needs_trial(self, now: datetime) -> bool:
        """Whether the rest is over and one call may try."""
        return self.broken_until is not None and self.broken_until <= now


def after_trial_begun(breaker: Breaker, now: datetime) -> Breaker:
    """Everybody else waits for the trial."""
    return replace(breaker, broken_until=now + timedelta(seconds=TRIAL_S))


def after_failure(breaker: Breaker, now: datetime, *, trial: bool = False) -> tuple[Breaker, bool]:
    """The next state, and whether it has tripped now."""
    if breaker.broken_until is not None and not trial:
        return breaker, False  # sent before it tripped: this tells nothing new
    failures = min(breaker.failures + 1, 1_000_000)
    if failures < TRIP_AFTER and not trial:
        return replace(breaker, failures=failures), False
    pause = PAUSES_S[min(breaker.trips, len(PAUSES_S) - 1)]
    until = now + timedelta(seconds=pause)
    return Breaker(failures=failures, trips=breaker.trips + 1, broken_until=until), True
