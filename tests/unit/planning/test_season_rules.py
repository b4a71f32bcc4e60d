"""Seasons: the calendar's days with the days before them, rules where it is silent, own ones."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kameng.planning.domain.seasons import FESTIVALS, OwnSeason, missing, occurrences, window_on


def span(name: str, first: date, days: int) -> dict[date, str]:
    return {first + timedelta(days=n): name for n in range(days)}


CALENDAR = {
    **span("new_years_day", date(2022, 12, 31), 3),
    **span("spring_festival", date(2023, 1, 21), 7),
    **span(
        "new_years_day", date(2023, 12, 30), 3
    ),  # 2024's, known already: it is announced late in a year
    **span("national_day", date(2023, 10, 1), 5),
    **span("mid_autumn_festival", date(2023, 10, 6), 1),
    **span("national_day", date(2023, 10, 7), 2),
}


def by_code(found):
    return {window.code: window for window in found}


def test_the_calendar_gives_days_off_and_the_run_up_stands_before_them():
    spring = by_code(occurrences(CALENDAR, [2023]))["spring_festival"]
    assert (spring.begins, spring.last) == (date(2023, 1, 21), date(2023, 1, 27))
    assert spring.first == date(2023, 1, 7)
    assert (spring.days, spring.source) == (21, "calendar")


def test_a_holiday_with_another_inside_stays_one():
    found = by_code(occurrences(CALENDAR, [2023]))
    assert (found["national_day"].begins, found["national_day"].last) == (
        date(2023, 10, 1),
        date(2023, 10, 8),
    )
    assert found["mid_autumn_festival"].begins == date(2023, 10, 6)
    assert {w.code for w in window_on(found.values(), date(2023, 10, 6))} == {
        "national_day",
        "mid_autumn_festival",
    }


def test_new_year_belongs_to_the_year_it_ends_in():
    assert by_code(occurrences(CALENDAR, [2023]))["new_years_day"].begins == date(2022, 12, 31)


def test_years_without_data_are_told_and_filled_by_fixed_dates_and_own_seasons():
    codes = {festival.code for festival in missing(CALENDAR, 2027)}
    assert codes == {
        "spring_festival",
        "tomb_sweeping_day",
        "dragon_boat_festival",
        "mid_autumn_festival",
    }
    own = [
        OwnSeason(
            id=4,
            name="春节",
            first=date(2027, 2, 5),
            last=date(2027, 2, 11),
            festival="spring_festival",
        )
    ]
    assert "spring_festival" not in {festival.code for festival in missing(CALENDAR, 2027, own)}
    found = by_code(occurrences(CALENDAR, [2027], own))
    assert found["spring_festival"].first == date(2027, 1, 22)
    assert found["spring_festival"].source == "own"
    assert found["national_day"].source == "rule"
    assert found["labour_day"].last == date(2027, 5, 5)
    assert "season:4" not in found


def test_own_seasons_stand_as_they_are():
    own = [OwnSeason(id=7, name="暑假", first=date(2023, 7, 1), last=date(2023, 8, 20))]
    found = by_code(occurrences(CALENDAR, [2023], own))["season:7"]
    assert (found.first, found.last, found.kind) == (
        date(2023, 7, 1),
        date(2023, 8, 20),
        "own:暑假",
    )
    assert missing(CALENDAR, 2023) == []


@given(st.integers(2004, 2100))
def test_sales_come_every_year_and_windows_are_in_order(year):
    found = occurrences(CALENDAR, [year])
    assert {"double_11", "mid_year_sale", "back_to_school"} <= {window.code for window in found}
    assert [w.first for w in found] == sorted(w.first for w in found)
    for window in found:
        assert window.first <= window.begins <= window.last
        assert (window.begins - window.first).days == FESTIVALS[window.code].run_up
