"""When documents and contracts run out, and who hears of it how often. Pure."""

from __future__ import annotations

from datetime import date

MARKS = (0, 7, 30)  # days before the end: people hear of it once at each
CONTRACT_NOTICE_DAYS = 30


def mark_of(valid_until: date | None, today: date) -> int | None:
    """The mark that has been passed: 30, 7, 0 (it is over or ends today), None while it is far."""
    if valid_until is None:
        return None
    left = (valid_until - today).days
    return next((mark for mark in MARKS if left <= mark), None)


def stops_routing(kind: str) -> bool:
    """Whether nothing is bought from a supplier whose document of this kind has expired."""
    return kind in ("business_licence", "telecom_licence")
