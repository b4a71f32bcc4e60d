"""Times of other demand: public holidays and the days before them, sales, own seasons. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)
SAME_HOLIDAY = timedelta(days=8)  # another feast may lie inside: 中秋 within 国庆 in 2025


@dataclass(frozen=True, slots=True)
class Festival:
    """A time that comes back every year.

    `name` is what staff call it. `run_up` days before the first day off sell otherwise too.
    `fixed` are (month, day) of its first and last day: for sales always, for holidays where the
    calendar has no data yet. A festival without them goes by the moon.
    """

    code: str
    name: str
    run_up: int
    holiday: bool
    fixed: tuple[tuple[int, int], tuple[int, int]] | None = None


FESTIVALS: Mapping[str, Festival] = {
    festival.code: festival
    for festival in (
        Festival("new_years_day", "元旦", 3, True, ((1, 1), (1, 1))),
        Festival("spring_festival", "春节", 14, True),
        Festival("tomb_sweeping_day", "清明", 3, True),
        Festival("labour_day", "劳动节", 5, True, ((5, 1), (5, 5))),
        Festival("dragon_boat_festival", "端午", 3, True),
        Festival("mid_autumn_festival", "中秋", 5, True),
        Festival("national_day", "国庆", 5, True, ((10, 1), (10, 7))),
        Festival("mid_year_sale", "618", 7, False, ((6, 10), (6, 18))),
        Festival("back_to_school", "开学季", 3, False, ((8, 25), (9, 8))),
        Festival("double_11", "双11", 7, False, ((11, 3), (11, 11))),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One occurrence: from the first day of the run-up to the last day, both included.

    `code` is a festival's, or "season:<id>" for an own season. `source`: calendar, rule or own.
    """

    code: str
    first: date
    last: date
    begins: date  # the first day of the festival itself
    source: str
    name: str = ""

    def holds(self, day: date) -> bool:
        """Whether a day lies inside."""
        return self.first <= day <= self.last

    @property
    def kind(self) -> str:
        """What comes back: the festival, or the name that staff gave."""
        return f"own:{self.name}" if self.name else self.code

    @property
    def days(self) -> int:
        """How many days, the run-up included."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSeason:
    """A season that staff wrote down. `festival`: its name is that of a festival, whose place it
    takes in a year for which the calendar has no data."""

    id: int
    name: str
    first: date
    last: date
    festival: str = ""


def occurrences(
    days_off: Mapping[date, str], years: Iterable[int], own: Sequence[OwnSeason] = ()
) -> list[Window]:
    """Every window whose festival begins in one of these years, in order of time.

    `days_off` names the festival of each day off. Years for which it knows no day at all are
    filled by fixed dates and by own seasons of a festival's name.
    """
    wanted = sorted(set(years))
    known = {day.year for day in days_off}
    found = [window for year in wanted for window in _of_year(year, days_off, own, year in known)]
    found += [
        _own(season)
        for season in own
        if season.first.year in wanted and not (season.festival and season.first.year not in known)
    ]
    return sorted(found, key=lambda window: (window.first, window.code))


def missing(
    days_off: Mapping[date, str], year: int, own: Sequence[OwnSeason] = ()
) -> list[Festival]:
    """Festivals of which nobody knows the days in a year: no data, no fixed date, no own season."""
    if year in {day.year for day in days_off}:
        return []
    given = {season.festival for season in own if season.first.year == year}
    return [f for f in FESTIVALS.values() if f.fixed is None and f.code not in given]


def window_on(windows: Iterable[Window], day: date) -> list[Window]:
    """The windows that hold a day."""
    return [window for window in windows if window.holds(day)]


def _of_year(
    year: int, days_off: Mapping[date, str], own: Sequence[OwnSeason], known: bool
) -> list[Window]:
    found = []
    for festival in FESTIVALS.values():
        if festival.holiday and known:
            span, source = _days_off(festival.code, year, days_off), "calendar"
        elif festival.fixed is not None:
            span, source = tuple(date(year, *end) for end in festival.fixed), "rule"
        else:
            span, source = _given(festival.code, year, own), "own"
        if span:
            found.append(_window(festival, span[0], span[-1], source))
    return found


def _days_off(code: str, year: int, days_off: Mapping[date, str]) -> tuple[date, ...]:
    """The run of days off whose larger part lies in the year: 元旦 may begin in December."""
    runs: list[list[date]] = []
    for day in sorted(day for day, name in days_off.items() if name == code):
        if runs and day - runs[-1][-1] <= SAME_HOLIDAY:
            runs[-1].append(day)
        else:
            runs.append([day])
    return next((tuple(run) for run in runs if run[-1].year == year), ())


def _given(code: str, year: int, own: Sequence[OwnSeason]) -> tuple[date, ...]:
    mine = (s for s in own if s.festival == code and s.first.year == year)
    return next(((season.first, season.last) for season in mine), ())


def _window(festival: Festival, begins: date, last: date, source: str) -> Window:
    return Window(
        code=festival.code, first=begins - festival.run_up * DAY, last=last, begins=begins,
        source=source,
    )  # fmt: skip


def _own(season: OwnSeason) -> Window:
    return Window(
        code=f"season:{season.id}", first=season.first, last=season.last, begins=season.first,
        source="own", name=season.name,
    )  # fmt: skip
