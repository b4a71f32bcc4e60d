"""Demand: whole, never negative, robust, and a season of last year is found again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kameng.planning.domain.forecasting import Asked, error_share, forecast
from kameng.planning.domain.levels import TREND_BOUNDS, level_before, without_peaks
from kameng.planning.domain.seasons import Window
from kameng.planning.domain.uplift import MOST, NOTHING, Evidence, evidence, shrunk, together

TODAY = date(2026, 11, 2)
OLD = date(2020, 1, 1)
DAY = timedelta(days=1)

evidences = st.builds(
    Evidence, sold=st.integers(0, 10_000), expected=st.floats(0, 10_000), seasons=st.integers(0, 5)
)


def every_day(_day: date) -> bool:
    return True


def daily(pieces: int, days: int = 120, last: date = TODAY - DAY) -> dict[date, int]:
    return {last - n * DAY: pieces for n in range(days)}


def ask(sales: dict[date, int], days: int = 10, **changes: object):
    values = {
        "sales": sales,
        "on_sale_since": OLD,
        "today": TODAY,
        "first": TODAY,
        "last": TODAY + (days - 1) * DAY,
    }
    return forecast(Asked(**{**values, **changes}), every_day)


def test_steady_sales_go_on():
    found = ask(daily(12))
    assert found.p50 == 120
    assert 120 < found.p90 < 160
    assert found.explain["daily"] == 12
    assert found.explain["from"] == "own"
    assert (found.explain["trend"], found.explain["weekday"]) == (1, [1] * 7)


@settings(max_examples=60)
@given(
    st.dictionaries(st.integers(1, 90), st.integers(0, 500), max_size=60),
    st.integers(1, 60),
    st.none() | st.floats(0, 50),
    st.integers(0, 90),
)
def test_a_forecast_is_whole_and_never_negative(sold, days, newcomers, age):
    sales = {TODAY - n * DAY: pieces for n, pieces in sold.items() if n <= age}
    found = ask(sales, days, newcomers=newcomers, on_sale_since=TODAY - age * DAY)
    assert isinstance(found.p50, int)
    assert isinstance(found.p90, int)
    assert 0 <= found.p50 <= found.p90
    assert len(found.days) == days
    assert all(pieces >= 0 for _day, pieces in found.days)


@given(st.dictionaries(st.integers(1, 28), st.integers(0, 200), min_size=1), st.integers(2, 20))
def test_ten_times_the_sales_are_about_ten_times_the_level(sold, times):
    small = {TODAY - n * DAY: pieces for n, pieces in sold.items()}
    large = {day: pieces * times for day, pieces in small.items()}
    one = level_before(small, TODAY, OLD, every_day)
    many = level_before(large, TODAY, OLD, every_day)
    assert many.daily == pytest.approx(one.daily * times)
    assert TREND_BOUNDS[0] <= many.trend <= TREND_BOUNDS[1]


def test_one_wild_day_hardly_moves_the_level():
    sales = daily(10)
    wild = {**sales, TODAY - 3 * DAY: 5_000}
    assert level_before(wild, TODAY, OLD, every_day).daily < 11
    assert without_peaks([0, 2, 2, 100, 0]) == [0, 2, 2, 6, 0]
    assert without_peaks([0, 0]) == [0, 0]


def test_weekends_are_told_from_workdays():
    sales = {day: 30 if day.weekday() >= 5 else 10 for day in daily(1)}
    level = level_before(sales, TODAY, OLD, every_day)
    assert sum(level.weekday) == pytest.approx(7)
    assert level.weekday[5] > 1.3 > 0.9 > level.weekday[1]
    saturday = ask(sales, 1, first=date(2026, 11, 7), last=date(2026, 11, 7))
    assert saturday.p50 > ask(sales, 1).p50


def test_days_of_seasons_are_no_normal_days():
    season = Window(
        code="double_11",
        first=TODAY - 10 * DAY,
        last=TODAY - DAY,
        begins=TODAY - DAY,
        source="rule",
    )
    sales = {day: 100 if season.holds(day) else 10 for day in daily(1)}
    assert level_before(sales, TODAY, OLD, lambda day: not season.holds(day)).daily == 10


def test_without_any_past_the_categorys_newcomers_are_the_guess():
    assert ask({}, newcomers=4.0, on_sale_since=TODAY).p50 == 40
    assert ask({}, newcomers=4.0, on_sale_since=TODAY).explain["from"] == "newcomers"
    nothing = ask({}, on_sale_since=TODAY)
    assert (nothing.p50, nothing.p90, nothing.explain["from"]) == (0, 0, "none")
    assert ask({}, newcomers=4.0).p50 == 0  # on sale for years and never sold: no newcomer


def test_a_young_sku_stands_between_its_own_days_and_its_kin():
    young = {TODAY - n * DAY: 10 for n in range(1, 15)}
    found = ask(young, newcomers=4.0, on_sale_since=TODAY - 14 * DAY)
    assert found.explain["from"] == "blended"
    assert found.explain["daily"] == 7


def test_a_season_of_last_year_is_found_and_used_again():
    last_year = Window(
        code="spring_festival",
        first=date(2026, 2, 1),
        last=date(2026, 2, 21),
        begins=date(2026, 2, 15),
        source="calendar",
    )
    ahead = Window(
        code="spring_festival", first=TODAY, last=TODAY + 20 * DAY, begins=TODAY, source="own"
    )
    sales = daily(20, days=600)
    sales.update({last_year.first + n * DAY: 60 for n in range(last_year.days)})
    normal = lambda day: not last_year.holds(day)  # noqa: E731  # one line says it
    own = evidence(sales, OLD, last_year, normal)
    assert own.ratio == pytest.approx(3)
    uplift = shrunk(own, own, own)
    assert 2.8 < uplift.factor < 3
    found = forecast(
        Asked(sales=sales, on_sale_since=OLD, today=TODAY, first=ahead.first, last=ahead.last, windows=[ahead], uplifts={"spring_festival": uplift}),
        normal,
    )  # fmt: skip
    assert 1170 < found.p50 < 21 * 60
    (told,) = found.explain["seasons"]
    assert (told["kind"], told["own"], told["seasons"]) == ("spring_festival", 3, 1)


def test_a_season_teaches_nothing_about_what_was_not_on_sale_before_it():
    window = Window(code="x", first=TODAY, last=TODAY + DAY, begins=TODAY, source="rule")
    assert evidence(daily(5, 10), TODAY - 10 * DAY, window, every_day) == NOTHING
    assert evidence({}, OLD, window, every_day) == NOTHING


@given(evidences, evidences, evidences)
def test_an_uplift_lies_between_its_own_past_and_its_kin(own, category, overall):
    uplift = shrunk(own, category, overall)
    assert 0 <= uplift.factor <= MOST
    assert 0 <= uplift.weight < 1
    assert uplift.doubt >= 0
    if own.expected >= 1 and uplift.factor < MOST:
        ends = sorted((own.ratio, uplift.category))
        assert ends[0] - 1e-9 <= uplift.factor <= ends[1] + 1e-9


@given(evidences, evidences, evidences)
def test_more_of_the_same_past_is_believed_more(own, category, overall):
    if own.expected < 1:
        return
    doubled = shrunk(own + own, category, overall)
    once = shrunk(own, category, overall)
    assert doubled.weight > once.weight
    assert (
        abs(doubled.factor - min(own.ratio, MOST)) <= abs(once.factor - min(own.ratio, MOST)) + 1e-9
    )


def test_nothing_known_means_no_uplift():
    assert shrunk(NOTHING, NOTHING, NOTHING).factor == 1
    assert together([]) == NOTHING


@pytest.mark.parametrize(
    ("pairs", "share"),
    [([], None), ([(5, 0)], None), ([(10, 10)], 0), ([(8, 10), (15, 10)], 0.35)],
)
def test_the_error_is_the_sum_of_misses_by_the_sum_sold(pairs, share):
    assert error_share(pairs) == share
