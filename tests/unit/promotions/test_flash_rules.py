"""Rules of flash sales: numbers, states by the clock, what is left in a word, forms, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.openapi.domain.buying import check, fingerprint
from kameng.openapi.domain.facts import Buy
from kameng.orders.domain import PlaceRequest, flash_refusal
from kameng.promotions.domain import (
    band,
    buyer_mark,
    is_sale_number,
    sale_number,
    state_at,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(st.integers(min_value=0))
def test_a_number_that_is_made_is_one(random_part: int) -> None:
    assert is_sale_number(sale_number(NOW, random_part))


@pytest.mark.parametrize(
    "text", ["", "F", "26110000000001", "F2611000000001", "F261100000000012", "f26110000000001",
             "F²6110000000001", "F2611 000000001"],
)  # fmt: skip
def test_other_texts_are_none(text: str) -> None:
    assert not is_sale_number(text)


@pytest.mark.parametrize(
    ("stored", "start", "end", "now"),
    [
        ("planned", HOUR, 2 * HOUR, "planned"), ("planned", -HOUR, HOUR, "running"),
        ("running", -HOUR, HOUR, "running"), ("running", -2 * HOUR, -HOUR, "ended"),
        ("planned", -2 * HOUR, -HOUR, "ended"), ("planned", timedelta(0), HOUR, "running"),
        ("running", -HOUR, timedelta(0), "ended"), ("ended", -HOUR, HOUR, "ended"),
        ("cancelled", HOUR, 2 * HOUR, "cancelled"),
    ],
)  # fmt: skip
def test_a_sale_is_what_its_times_say_unless_it_was_closed(
    stored: str, start: timedelta, end: timedelta, now: str
) -> None:
    assert state_at(stored, NOW + start, NOW + end, NOW) == now  # type: ignore[arg-type]  # texts of the table


@pytest.mark.parametrize(
    ("left", "word"),
    [
        (0, "none"),
        (-1, "none"),
        (1, "few"),
        (10, "few"),
        (11, "some"),
        (50, "some"),
        (51, "plenty"),
    ],
)
def test_what_is_left_is_told_in_a_word(left: int, word: str) -> None:
    assert band(left, 100) == word


@given(st.integers(1, 5000), st.integers(0, 5000))
def test_nothing_left_is_told_exactly(units: int, left: int) -> None:
    assert (band(left, units) == "none") == (left == 0)


def test_the_gate_knows_buyers_by_a_mark_that_tells_nothing() -> None:
    assert buyer_mark("m:3:17") == buyer_mark("m:3:17")
    assert buyer_mark("m:3:17") != buyer_mark("m:3:18")
    assert "13800136021" not in buyer_mark("g:13800136021")
    assert "|" not in buyer_mark("m:3:17")  # the gate puts the place's number behind it


@pytest.mark.parametrize(
    ("sqlstate", "constraint", "code"),
    [
        ("KM011", None, "flash_sold_out"), ("KM012", None, "flash_once"),
        ("23505", "flash_unit_once", "flash_once"), ("23505", "orders_pkey", ""),
        ("KM003", None, ""), (None, None, ""),
    ],
)  # fmt: skip
def test_what_postgresql_raises_is_a_refusal(
    sqlstate: str | None, constraint: str | None, code: str
) -> None:
    assert flash_refusal(sqlstate, constraint) == code


def test_a_wish_for_a_sale_is_another_wish_and_for_one_piece() -> None:
    plain = Buy(sku="S", quantity=1, merchant_order_no="N1")
    flash = Buy(sku="S", quantity=1, merchant_order_no="N1", flash_sale="F26110000000001")
    assert fingerprint("native", plain) != fingerprint("native", flash)
    assert check(flash) is None
    two = Buy(sku="S", quantity=2, merchant_order_no="N1", flash_sale="F26110000000001")
    found = check(two)
    assert found is not None
    assert found.field == "quantity"


def test_an_order_form_with_a_sale_is_another_form() -> None:
    def request(sale: str) -> PlaceRequest:
        return PlaceRequest("S", 1, {}, "a@example.com", 100, "k", "192.0.2.1", flash_sale=sale)

    assert request("").content_hash() != request("F26110000000001").content_hash()
