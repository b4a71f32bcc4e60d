"""Splitting without a remainder."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.ledger.domain import split
from kameng.ledger.services.checks import checks


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_T6_parts_sum_exactly_and_none_is_negative(amount: int, weights: list[int]) -> None:
    if sum(weights) == 0:
        with pytest.raises(ValueError, match="one of them positive"):
            split(amount, weights)
        return
    parts = split(amount, weights)
    assert sum(parts) == amount
    assert min(parts) >= 0
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


def test_T6_many_random_splits_over_six_levels() -> None:
    source = random.Random(20261122)
    for _ in range(20_000):
        weights = [source.randrange(1, 1000) for _ in range(source.randrange(1, 7))]
        amount = source.randrange(10**10)
        assert sum(split(amount, weights)) == amount


def test_the_checks_have_distinct_names_and_titles() -> None:
    assert len({c.name for c in checks()}) == len({c.title for c in checks()}) == len(checks())
    assert len(checks()) >= 12
