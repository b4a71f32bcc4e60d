"""What a list shows, filters and counts, said in one place per view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from kameng.runtime import current_settings

Phone = Literal["", "title", "state", "meta", "amount", "actions"]
Choices = Callable[[], Sequence[tuple[str, Any]]]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `show` gives the cell (escaped unless Markup), `export` the sheet's value."""

    name: str
    label: Any
    show: Callable[[Any], Any] | None = None
    export: Callable[[Any], Any] | None = None
    css: str = ""  # is-num, is-strong, is-tight, is-clip
    phone: Phone = ""  # where it stands when a row becomes two lines
    sort: bool = False
    in_list: bool = True
    in_export: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter chip; `where` turns the chosen value into a condition, or None to ignore it."""

    name: str
    label: Any
    where: Callable[[str], Any]
    kind: Literal["choice", "text", "day"] = "choice"
    choices: Choices = field(default=tuple)

    def label_of(self, value: str) -> Any:
        """How the chosen value reads on the chip."""
        return dict(self.choices()).get(value, value)


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved filter above the list; counted unless that would read the whole table."""

    key: str
    label: Any
    where: Callable[[], Any] | None = None
    counted: bool = True


def equals(column: Any) -> Callable[[str], Any]:
    """Filter by the exact text of a column."""
    return lambda value: column == value


def equals_number(column: Any) -> Callable[[str], Any]:
    """Filter by a whole number; anything else is ignored."""
    return lambda value: column == int(value) if value.isdecimal() and len(value) < 19 else None


def day_of(column: Any) -> Callable[[str], Any]:
    """Filter by `today`, `7d`, `30d`, one day (2026-11-22) or a span (2026-11-01..2026-11-07)."""

    def where(value: str) -> Any:
        span = _span(value)
        return None if span is None else (column >= span[0]) & (column < span[1])

    return where


def _span(value: str) -> tuple[datetime, datetime] | None:
    zone = ZoneInfo(current_settings().timezone)
    today = datetime.now(zone).date()
    back = {"today": 0, "7d": 6, "30d": 29}.get(value)
    if back is not None:
        first, last = today - timedelta(days=back), today
    else:
        start, _, end = value.partition("..")
        try:
            first = date.fromisoformat(start)
            last = date.fromisoformat(end) if end else first
        except ValueError:
            return None
    if not date(2000, 1, 1) <= first <= last <= date(2200, 1, 1):
        return None
    return (
        datetime.combine(first, time.min, zone),
        datetime.combine(last + timedelta(days=1), time.min, zone),
    )
