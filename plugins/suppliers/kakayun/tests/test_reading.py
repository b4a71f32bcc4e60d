"""Orders and goods as the papers show them, and as they must not be believed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import OfferKind
from kameng_supplier_kakayun import reading

ORDER: dict[str, Any] = {
    "orderno": "D2024", "usorderno": "261100000000000001", "money": "0.2000", "buynum": 2,
    "status": 5, "refundmoney": "0.0000", "refundstatus": 0, "receipt": "", "cardlist": [],
    "cards": [],
}  # fmt: skip


def order(**changes: Any) -> dict[str, Any]:
    return ORDER | changes


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (0, Outcome.PENDING), (1, Outcome.PENDING), (2, Outcome.DECLINED), (3, Outcome.PENDING),
        (4, Outcome.UNKNOWN), (5, Outcome.SUCCEEDED), ("5", Outcome.SUCCEEDED),
    ],
)  # fmt: skip
def test_each_status_has_its_outcome(status: object, outcome: Outcome) -> None:
    assert reading.result(order(status=status)).outcome is outcome


@pytest.mark.parametrize("status", [6, -1, "", None, "done", True])
def test_a_status_that_is_not_in_the_papers_is_not_guessed(status: object) -> None:
    with pytest.raises(ValueError, match="unknown status"):
        reading.result(order(status=status))


@pytest.mark.parametrize(
    ("refundstatus", "refundmoney", "outcome", "back"),
    [
        (0, "0.0000", Outcome.UNKNOWN, None),
        (1, "0.2000", Outcome.DECLINED, Money(2000)),
        (1, "0.1000", Outcome.UNKNOWN, Money(1000)),
        (2, "0.1000", Outcome.UNKNOWN, Money(1000)),
        (3, "0.2000", Outcome.UNKNOWN, None),
        (4, "0.2000", Outcome.UNKNOWN, None),
    ],
)
def test_a_failed_order_is_refused_only_when_all_the_money_is_back(
    refundstatus: int, refundmoney: str, outcome: Outcome, back: Money | None
) -> None:
    result = reading.result(
        order(status=4, refundstatus=refundstatus, refundmoney=refundmoney, receipt="账号错误")
    )
    assert (result.outcome, result.refunded) == (outcome, back)
    assert result.message


@pytest.mark.parametrize("refundstatus", [3, 4])
def test_marked_refunds_of_delivered_orders_are_never_credited(refundstatus: int) -> None:
    result = reading.result(order(refundstatus=refundstatus, refundmoney="0.2000"))
    assert (result.outcome, result.refunded) == (Outcome.SUCCEEDED, None)
    assert "人工" in result.message


def test_the_receipt_of_one_top_up_is_shown_and_that_of_several_is_no_piece() -> None:
    (piece,) = reading.result(order(buynum=1, receipt="充值成功 流水 77")).deliveries
    assert (piece.note, piece.code) == ("充值成功 流水 77", None)
    assert reading.result(order(buynum=2, receipt="充值成功")).deliveries == ()


def test_cards_come_as_objects_or_as_lines() -> None:
    cards = [
        {"card_no": "N1", "card_pwd": "P1", "card_expire_at": 1730215121},
        {"card_no": "only", "card_pwd": ""},
    ]
    first, second = reading.result(order(status=1, cards=cards, cardlist=["not read"])).deliveries
    assert first.code is not None
    assert (first.number, first.code.reveal()) == ("N1", "P1")
    assert first.expires_at == datetime.fromtimestamp(1730215121, UTC)
    assert second.code is not None
    assert (second.number, second.code.reveal(), second.expires_at) == ("", "only", None)
    (line,) = reading.result(order(cardlist=["卡号：jLeoal5TwbE\r"])).deliveries
    assert line.code is not None
    assert line.code.reveal() == "卡号：jLeoal5TwbE"


@pytest.mark.parametrize(
    "wrong",
    [
        {"cards": ["x"]}, {"cards": [{"card_no": "", "card_pwd": None}]}, {"cardlist": [""]},
        {"cards": [{"card_pwd": "P", "card_expire_at": 10**20}]}, {"money": "x"}, {"money": None},
        {"money": "0.00001"}, {"refundstatus": 1, "refundmoney": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_as_a_whole(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each says something else
        reading.result(order(**wrong))


def test_amounts_come_as_text_and_as_numbers() -> None:
    for amount in ("13.3600", Decimal("13.36"), Decimal("1.336E+1")):
        assert reading.money({"goodsprice": amount}, "goodsprice") == Money(13_3600)


def test_goods_of_both_kinds() -> None:
    row: dict[str, Any] = {
        "goodsid": 4584, "goodsname": "Q币", "goodsprice": Decimal("0.1"), "goodsstatus": 1,
        "goodstype": 1, "stock": "12", "groupid": 196, "attach": [{"title": "QQ", "tip": ""}],
    }  # fmt: skip
    offer = reading.offer(row, {"196": "游戏 / Q币"})
    assert (offer.sku_ref, offer.kind, offer.category) == ("4584", OfferKind.TOP_UP, "游戏 / Q币")
    assert [(f.name, f.label) for f in offer.fields] == [("QQ", "QQ")]
    (account,) = reading.offer(row | {"attach": []}, {}).fields
    assert account.name == "充值帐号"
    off = reading.offer(row | {"goodstype": 0, "goodsstatus": 404}, {})
    assert (off.kind, off.on_sale, off.fields) == (OfferKind.CARD, False, ())


def test_groups_may_lack_a_number_or_a_brand() -> None:
    rows = [
        {"groupname": "联名会员", "groupid": 313, "brandname": ""},
        {"groupname": "特价", "brandname": ""},
        {"groupname": "Q币", "groupid": 314, "brandname": "游戏"},
        "nonsense",
    ]
    assert reading.groups(rows) == {"313": "联名会员", "314": "游戏 / Q币"}
    assert reading.groups(None) == {}
