"""Numbers, fees and waiting times of payments."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.payments.domain import attempt_number, gateway_fee, next_query_delay, next_refund_delay

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_attempt_numbers_have_twenty_digits() -> None:
    assert attempt_number(NOW, 7) == "26110000000000000007"


@pytest.mark.parametrize(
    ("amount", "bp", "fee"),
    [(95_5000, 60, 5700), (98_6100, 60, 5900), (100, 60, 0), (100, 5000, 100)],
)
def test_the_fee_is_whole_fen_half_up(amount: int, bp: int, fee: int) -> None:
    assert gateway_fee(amount, bp) == fee


@given(st.integers(1, 10**9), st.integers(0, 10000))
def test_the_fee_never_exceeds_the_amount(fen: int, bp: int) -> None:
    fee = gateway_fee(fen * 100, bp)
    assert 0 <= fee <= fen * 100
    assert fee % 100 == 0


def test_O5_a_payable_attempt_is_asked_about_at_least_every_25_seconds() -> None:
    for count in range(200):
        delay = next_query_delay(count, NOW, NOW + timedelta(minutes=5))
        assert delay is not None
        assert delay <= timedelta(seconds=25)


def test_old_attempts_are_asked_about_ever_more_seldom_and_then_left() -> None:
    ages = [timedelta(minutes=30), timedelta(hours=5), timedelta(days=3)]
    delays = [next_query_delay(50, NOW, NOW - age) for age in ages]
    assert delays == [timedelta(seconds=60), timedelta(seconds=900), None]


def test_a_refund_is_never_given_up() -> None:
    delays = [next_refund_delay(tries) for tries in range(50)]
    assert delays == sorted(delays)
    assert delays[-1] == timedelta(hours=1)
