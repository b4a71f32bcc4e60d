"""What is read from answers: money against us, texts that are no cards, catalogues of all ages."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_supplier_acg_shared.goods import Sku, read_catalogue, read_config
from kameng_supplier_acg_shared.reading import cards_of, money_of, widget_fields


@given(st.decimals("0", "1000000", places=7, allow_nan=False))
def test_a_price_is_never_read_as_less_than_it_is(price: Decimal) -> None:
    money = money_of(price)
    assert money is not None
    assert 0 <= money.amount - price * 10_000 < 1


@pytest.mark.parametrize("value", [None, True, "", "NaN", "-1", "1,5", [], {}, 1.5])
def test_what_is_no_price_is_none(value: object) -> None:
    assert money_of(value) is None


def test_a_card_is_a_line() -> None:
    cards = cards_of("A----B\r\n\r\n C \n")
    assert cards is not None
    assert [(c.number, c.code.reveal()) for c in cards if c.code] == [("A", "B"), ("", "C")]


@pytest.mark.parametrize(
    "text",
    [
        "", " \n", "A----", "很抱歉，有人在你付款之前抢走了商品，请联系客服。",
        "正在发货中，请耐心等待，如有疑问，请联系客服。", "A----B\n正在发货",
    ],
)  # fmt: skip
def test_an_apology_is_no_card(text: str) -> None:
    assert cards_of(text) is None


def test_a_configuration_is_read_and_odd_lines_are_left_out() -> None:
    text = "[category]\r\n月卡=13.5\n年卡=128\nodd\na=b=c\n[sku]\n区服.一区=0\n区服.二区=1"
    assert read_config(text) == {
        "category": {"月卡": "13.5", "年卡": "128"},
        "sku": {"区服.一区": "0", "区服.二区": "1"},
    }
    assert read_config({"category": {"月卡": "13.5"}, "x": 1}) == {"category": {"月卡": "13.5"}}
    assert read_config(None) == {}


def test_specifications_are_asked_for_and_kinds_are_offers() -> None:
    item = {
        "code": "A1", "name": "点卡", "delivery_way": 0, "price": "9", "user_price": "8",
        "config": "[category]\n月卡=13.5\n[category_factory]\n月卡=12\n[sku]\n区服.一区=0",
    }  # fmt: skip
    (offer,) = read_catalogue(
        [{"name": "游戏", "children": [{"name": "手游", "children": [item]}]}]
    )
    assert (offer.sku_ref, offer.name, offer.category) == ("c/A1/月卡", "点卡 月卡", "游戏 / 手游")
    assert offer.cost.format() == "12.00"
    assert [(f.name, f.choices) for f in offer.fields] == [("sku[区服]", ("一区",))]


def test_bad_lines_are_left_out_and_good_ones_stay() -> None:
    good = {"code": "A", "name": "好", "user_price": 1}
    bad: list[object] = [None, 5, {"code": "B", "name": "", "user_price": 1}, {"code": "C"}]
    (offer,) = read_catalogue([{"name": "x", "children": [*bad, good]}, "odd"])
    assert offer.sku_ref == "c/A"


@pytest.mark.parametrize("value", [None, "no JSON", "{}", [None], [{"cn": "无名"}], 7])
def test_widgets_that_cannot_be_read_ask_for_nothing(value: object) -> None:
    assert widget_fields(value) == []


@given(st.sampled_from("ctm"), st.text("ABC123", min_size=1), st.text("月卡/ x"))
def test_a_reference_can_be_read_back(way: str, code: str, race: str) -> None:
    assert Sku.parse(Sku(way, code, race).ref) == Sku(way, code, race)
