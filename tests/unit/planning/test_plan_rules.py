"""Plans: what is missing, how far it is, and when it is behind."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.planning.domain.plans import progress, suggested

START, END = date(2026, 11, 1), date(2026, 11, 10)
lines = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 2000)), max_size=8)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_stock_and_what_is_bought_meet_the_demand(wanted, stock):
    assert suggested(wanted, stock) + stock >= wanted
    assert suggested(wanted, stock) == 0 or suggested(wanted, stock) + stock == wanted


@given(lines, st.integers(-5, 20))
def test_no_line_makes_up_for_another(pairs, day):
    found = progress(pairs, started=START, ends=END, today=START + timedelta(days=day))
    assert found.done == sum(min(got, planned) for planned, got in pairs)
    assert 0 <= found.share <= 1
    assert 0 <= found.due_share <= 1
    assert found.days_left >= 0
    if found.done == found.planned:
        assert not found.behind


@pytest.mark.parametrize(
    ("got", "day", "behind"),
    [
        (0, 0, False),
        (0, 1, True),
        (45, 5, False),
        (44, 5, True),
        (50, 5, False),
        (89, 30, True),
        (90, 30, False),
    ],
)
def test_a_plan_is_behind_from_a_tenth_of_what_is_due(got, day, behind):
    found = progress([(100, got)], started=START, ends=END, today=START + timedelta(days=day))
    assert found.behind is behind


def test_the_last_day_belongs_to_the_plan():
    assert progress([(1, 0)], started=START, ends=END, today=END).days_left == 1
    assert progress([(1, 0)], started=START, ends=END, today=END + timedelta(days=1)).days_left == 0
    assert progress([], started=START, ends=END, today=END).share == 1
