"""What becomes of an order of the sandbox: by the end of its number and by its age."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.openapi.domain.sandbox import (
    BALANCE,
    REFUSED,
    card_text,
    course,
    decision,
    refund_room,
    refusal_of,
)

TOTAL = 98_6100
numbers = st.sampled_from(["m-1", "m-1-slow", "m-1-hold", "m-1-fail", "slow-1"])
kinds = st.sampled_from(["card", "top_up", "manual"])


@pytest.mark.parametrize(
    ("kind", "number", "states"),
    [
        ("card", "m-1", {0: "delivered", 99: "delivered"}),
        ("top_up", "m-1", {0: "fulfilling", 4.9: "fulfilling", 5: "delivered"}),
        ("manual", "m-1", {0: "fulfilling", 5: "delivered"}),
        ("card", "m-1-slow", {0: "paid", 29.9: "paid", 30: "delivered"}),
        ("top_up", "m-1-slow", {6: "paid", 30: "delivered"}),
        ("card", "m-1-hold", {0: "paid", 10**7: "paid"}),
        ("card", "m-1-fail", {0: "paid", 29.9: "paid", 30: "refunded"}),
        ("card", "m-slow-1", {0: "delivered"}),
        ("card", "m-1", {-0.5: "delivered"}),
        ("top_up", "m-1", {-0.5: "fulfilling"}),
    ],
)
def test_an_order_goes_its_way_by_the_end_of_its_number(
    kind: str, number: str, states: dict[float, str]
) -> None:
    assert {age: course(kind, number, age, TOTAL).state for age in states} == states


def test_what_fails_comes_back_and_was_never_delivered() -> None:
    gone = course("card", "m-1-fail", 30, TOTAL)
    assert (gone.refunded, gone.delivered_s) == (TOTAL, None)


def test_what_was_given_back_before_delivery_is_not_delivered_any_more() -> None:
    early = course("card", "m-1-slow", 99, TOTAL, TOTAL, 12.0)
    late = course("card", "m-1-slow", 99, TOTAL, TOTAL, 45.0)
    assert (early.state, early.delivered_s) == ("refunded", None)
    assert (late.state, late.delivered_s) == ("refunded", 30)


def test_a_part_given_back_leaves_the_order_as_it_is() -> None:
    part = course("card", "m-1", 99, TOTAL, 1_0000, 50.0)
    assert (part.state, part.refunded) == ("delivered", 1_0000)


@given(kinds, numbers, st.floats(0, 10**6), st.integers(1, 10**9), st.integers(0, 10**9))
def test_never_more_comes_back_than_was_paid(
    kind: str, number: str, age: float, total: int, back: int
) -> None:
    now = course(kind, number, age, total, min(back, total), age if back else None)
    assert 0 <= now.refunded <= total
    assert (now.state == "refunded") == (now.refunded == total)
    room, whole = refund_room(now.state, total, now.refunded)
    assert 0 <= room <= total - now.refunded
    assert not (whole and now.delivered_s is not None)


@given(kinds, numbers, st.floats(0, 100), st.floats(0, 100))
def test_time_never_turns_a_state_back(kind: str, number: str, one: float, two: float) -> None:
    order = ["paid", "fulfilling", "delivered", "refunded"]
    first, later = (course(kind, number, age, TOTAL) for age in sorted((one, two)))
    assert order.index(first.state) <= order.index(later.state)


@pytest.mark.parametrize(("end", "code"), REFUSED.items())
def test_a_number_can_ask_for_a_refusal(end: str, code: str) -> None:
    assert refusal_of(f"m-1{end}") == code
    assert refusal_of(f"m{end}-1") is None


@pytest.mark.parametrize(
    ("number", "age", "state"),
    [("r", 0, "open"), ("r", 4.9, "open"), ("r", 5, "accepted"), ("r-decline", 5, "declined"),
     ("r-decline", 1, "open")],
)  # fmt: skip
def test_a_request_is_decided_after_a_moment(number: str, age: float, state: str) -> None:
    assert decision(number, age) == state


def test_cards_say_what_they_are() -> None:
    assert card_text("T2611000000000001", 2) == "SANDBOX-T2611000000000001-2"
    assert BALANCE == 10_000 * 10_000
