"""What is read from answers: money against us, cards whole or not at all, orders without luck."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_supplier_yile.orders import COMMUNITY_WORDS, SUP_WORDS, Ref, read_order
from kameng_supplier_yile.reading import cards_of, money_of, refusal_code

TOP_UP, CARDS = Ref("7", cards=False), Ref("7", cards=True)


@given(st.decimals("0", "1000000", places=7, allow_nan=False), st.integers(1, 1000))
def test_a_price_is_never_read_as_less_than_it_is(price: Decimal, times: int) -> None:
    money = money_of(price, times)
    assert money is not None
    assert 0 <= money.amount - price * times * 10_000 < 1


@pytest.mark.parametrize("value", [None, True, "", "NaN", "-1", "1,5", "1e99", [], {}, 1.5])
def test_what_is_no_price_is_none(value: object) -> None:
    assert money_of(value) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["A----B", "C"], [("A", "B"), ("", "C")]),
        ("A----B,\nC\n", [("A", "B"), ("", "C")]),
        ([{"card": "A", "pass": "B"}, {"card": "C", "pass": ""}], [("A", "B"), ("", "C")]),
    ],
)
def test_cards_come_as_lists_texts_and_pairs(value: object, found: list[object]) -> None:
    cards = cards_of(value)
    assert cards is not None
    assert [(card.number, card.code.reveal()) for card in cards if card.code] == found


@pytest.mark.parametrize("value", [None, 5, {}, ["A", None], ["A", ""], ["A----"], [{"x": "A"}]])
def test_one_unreadable_card_spoils_all(value: object) -> None:
    assert cards_of(value) is None


@pytest.mark.parametrize("state", [3, 4, 7, 93, None, "x", True])
def test_a_state_of_several_meanings_decides_nothing(state: object) -> None:
    result = read_order(COMMUNITY_WORDS, {"status": state}, TOP_UP)
    assert (result.outcome, result.supplier_ref) == (Outcome.UNKNOWN, "7.t")


@pytest.mark.parametrize(
    ("order", "outcome", "refunded"),
    [
        ({"amount": "2", "refund_amount": "2"}, Outcome.DECLINED, Money.parse("2")),
        ({"amount": "2", "refund_amount": "1"}, Outcome.UNKNOWN, Money.parse("1")),
        ({"amount": "2", "refund_amount": "0"}, Outcome.UNKNOWN, Money.zero()),
        ({"start_num": 10, "current_num": 10}, Outcome.DECLINED, None),
        ({"start_num": 10, "current_num": 11}, Outcome.UNKNOWN, None),
    ],
)
def test_only_money_wholly_back_is_a_refusal(
    order: dict[str, Any], outcome: Outcome, refunded: Money | None
) -> None:
    result = read_order(SUP_WORDS, {"status": 8, **order}, TOP_UP)
    assert (result.outcome, result.refunded) == (outcome, refunded)


def test_done_is_enough_for_a_top_up_and_not_for_cards() -> None:
    assert read_order(SUP_WORDS, {"status": 6}, TOP_UP).outcome is Outcome.SUCCEEDED
    assert read_order(SUP_WORDS, {"status": 6}, CARDS).outcome is Outcome.UNKNOWN
    late = read_order(SUP_WORDS, {"status": 6, "card_code_ids": "A----B"}, CARDS)
    assert [card.number for card in late.deliveries] == ["A"]


@pytest.mark.parametrize("text", ["", "系统繁忙", "处理中", "下单失败"])
def test_a_text_that_is_not_on_the_list_is_no_refusal(text: str) -> None:
    assert refusal_code(text) is None


@pytest.mark.parametrize("text", ["", "7", "7.x", ".c"])
def test_what_we_never_gave_is_no_reference(text: str) -> None:
    assert Ref.parse(text) is None
    assert Ref.parse(str(CARDS)) == CARDS
