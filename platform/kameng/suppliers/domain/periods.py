"""Periods of statements, by the calendar in China."""

from __future__ import annotations

from datetime import date, timedelta


def last_period(cycle: str, today: date) -> tuple[date, date]:
    """First and last day of the newest period that is over; prepaid suppliers settle monthly."""
    if cycle == "daily":
        yesterday = today - timedelta(days=1)
        return yesterday, yesterday
    if cycle == "weekly":
        monday = today - timedelta(days=today.weekday() + 7)
        return monday, monday + timedelta(days=6)
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def missing_periods(
    cycle: str, today: date, first_day: date, drawn_until: date | None, most: int = 100
) -> list[tuple[date, date]]:
    """Periods that are over and have no statement yet, oldest first.

    ``first_day``: of the supplier's first posting; ``drawn_until``: last day of its newest
    statement. When the cycle has changed in between, the next period begins where the last one
    ended, so that every day stands on exactly one statement.
    """
    found: list[tuple[date, date]] = []
    begin = drawn_until + timedelta(days=1) if drawn_until else None
    start, end = last_period(cycle, today)
    while end >= (begin or first_day):
        found.append((max(start, begin) if begin else start, end))
        start, end = last_period(cycle, start)
    return found[::-1][:most]
