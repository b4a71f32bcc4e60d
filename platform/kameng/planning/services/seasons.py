"""Seasons: those of the calendar and those that staff write down. Main scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.identity.api import audit
from kameng.planning.domain.seasons import (
    FESTIVALS,
    Festival,
    OwnSeason,
    Window,
    missing,
    occurrences,
)
from kameng.planning.services.calendar import days_off

LONGEST_DAYS = 120
MOST_NAME = 40
WORDS: Mapping[str, Any] = {
    "new_years_day": _l("元旦"),
    "spring_festival": _l("春节"),
    "tomb_sweeping_day": _l("清明"),
    "labour_day": _l("劳动节"),
    "dragon_boat_festival": _l("端午"),
    "mid_autumn_festival": _l("中秋"),
    "national_day": _l("国庆"),
    "mid_year_sale": "618",
    "back_to_school": _l("开学季"),
    "double_11": _l("双11"),
}
_BY_NAME = {festival.name: festival.code for festival in FESTIVALS.values()}

_OWN = text("SELECT id, name, starts_on, ends_on FROM season ORDER BY starts_on, id")
_ADD = text("""
INSERT INTO season(name, starts_on, ends_on, created_by) VALUES (:name, :first, :last, :actor)
RETURNING id
""")
_DROP = text("DELETE FROM season WHERE id = :id RETURNING name")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonYear:
    """All windows of a year, and the festivals of which nobody knows the days yet."""

    year: int
    windows: tuple[Window, ...]
    missing: tuple[Festival, ...]


def own_seasons() -> list[OwnSeason]:
    """What staff wrote down; one with a festival's name may take its place."""
    return [
        OwnSeason(
            id=row.id, name=row.name, first=row.starts_on, last=row.ends_on,
            festival=_BY_NAME.get(row.name, ""),
        )
        for row in db.session.execute(_OWN)
    ]  # fmt: skip


def windows(years: Iterable[int]) -> list[Window]:
    """Every window whose festival begins in these years."""
    return occurrences(days_off(), years, own_seasons())


def season_years(years: Iterable[int]) -> list[SeasonYear]:
    """The same by year, with what is missing."""
    own = own_seasons()
    return [
        SeasonYear(
            year=year, windows=tuple(occurrences(days_off(), [year], own)),
            missing=tuple(missing(days_off(), year, own)),
        )
        for year in years
    ]  # fmt: skip


def windows_between(first: date, last: date) -> list[Window]:
    """Windows that touch these days."""
    found = windows(range(first.year, last.year + 2))
    return [window for window in found if window.first <= last and window.last >= first]


def window_of(code: str, year: int) -> Window:
    """One occurrence of a festival ("spring_festival") or an own season ("season:7").

    Raises `NotFound` when its days are not known.
    """
    years = range(year, year + 1) if code in FESTIVALS else range(year - 1, year + 2)
    found = next((window for window in windows(years) if window.code == code), None)
    if found is None:
        raise NotFound("season_unknown", _l("这个时令还没有日期，请先在时令日历里补上。"))
    return found


def season_word(kind: str) -> Any:
    """A window's kind or code in words."""
    return kind.removeprefix("own:") if kind.startswith("own:") else WORDS.get(kind, kind)


def add_season(name: str, first: date, last: date, actor: str, ip: str = "") -> int:
    """Write down a season; its id. Raises `DomainError("season_invalid")` with the field."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_NAME:
        raise DomainError("season_invalid", _l("请填写名称，最多 40 个字"), field="name")
    if not first <= last <= first + timedelta(days=LONGEST_DAYS - 1):
        raise DomainError("season_invalid", _l("结束不能早于开始，最长 120 天"), field="last")
    given = {"name": name, "first": first, "last": last, "actor": actor}
    number = int(db.session.execute(_ADD, given).scalar_one())
    detail = {"name": name, "first": first.isoformat(), "last": last.isoformat()}
    audit(actor, "season.add", f"season:{number}", detail, ip)
    db.session.commit()
    return number


def drop_season(season_id: int, actor: str, ip: str = "") -> None:
    """Forget a season; plans that were made for it stay. Raises `NotFound`."""
    name = db.session.execute(_DROP, {"id": season_id}).scalar()
    if name is None:
        raise NotFound("season_unknown", _l("没有这个时令。"))
    audit(actor, "season.drop", f"season:{season_id}", {"name": name}, ip)
    db.session.commit()
