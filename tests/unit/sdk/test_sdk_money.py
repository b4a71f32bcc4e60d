"""Money: whole units, one currency, plain decimals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_sdk.money import Money


@pytest.mark.parametrize(
    ("text", "units"),
    [("95.50", 955_000), ("0.0001", 1), ("-3", -30_000), ("1", 10_000), ("0.1", 1_000)],
)
def test_a_plain_decimal_is_read(text, units):
    assert Money.parse(text) == Money(units)


@pytest.mark.parametrize(
    "text", ["", " 1", "1.", ".5", "1e3", "1,000", "0.00001", "+1", "NaN", "１", "--1", "1\n"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="not an amount"):
        Money.parse(text)


@pytest.mark.parametrize("amount", [1.0, True, "1", None])
def test_only_whole_numbers_are_taken(amount):
    with pytest.raises(TypeError):
        Money(amount)


def test_a_float_cannot_slip_in_by_a_side_door():
    for slip in (lambda: Money.from_fen(1.5), lambda: Money(1) * 1.5, lambda: Money.parse(1.5)):
        with pytest.raises(TypeError):
            slip()


def test_fen_are_whole_or_an_error():
    assert Money.from_fen(9550).to_fen() == 9550
    with pytest.raises(ValueError, match="whole number of fen"):
        Money(9_999).to_fen()
    with pytest.raises(ValueError, match="whole number of fen"):
        Money(9_999).format(2)


@given(st.integers(-(10**18), 10**18))
def test_four_places_read_back_as_the_same_amount(units):
    assert Money.parse(Money(units).format(4)) == Money(units)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_order_and_sums_are_those_of_the_units(one, other):
    assert (Money(one) < Money(other)) == (one < other)
    assert Money(one) + Money(other) - Money(other) == Money(one)


def test_currencies_do_not_mix():
    with pytest.raises(TypeError, match="do not mix"):
        Money(1, "CNY") < Money(1, "USD")  # noqa: B015
    with pytest.raises(TypeError, match="do not mix"):
        Money(1, "CNY") + Money(1, "USD")
    with pytest.raises(TypeError, match="do not mix"):
        Money(1) < 5  # noqa: B015
    with pytest.raises(ValueError, match="currency"):
        Money(1, "yuan")
