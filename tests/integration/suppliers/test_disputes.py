"""S8: a dispute is answered in time, and what both sides agree on comes back through the books."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from kameng.db import main_scope, supplier_scope
from kameng.errors import DomainError, NotFound
from kameng.suppliers import api as suppliers


def opened(trade: Any, supplier: int, claim: int = 20_0000, kind: str = "bad_card") -> int:
    _id, number = trade.bought(supplier)
    with main_scope(reason="test"):
        return suppliers.open_dispute(number, kind, claim, "卡密提示已使用", "staff:1")[1]


def test_S8_an_answer_with_an_offer_leads_to_money_that_comes_back_once(trade: Any) -> None:
    supplier = trade.active(email="dispute@example.com")
    number = opened(trade, supplier)
    with supplier_scope(supplier):
        one = suppliers.dispute(supplier, number)
        assert one.due_at - one.opened_at == timedelta(hours=24)
        assert one.first_answer_at is None
    suppliers.answer_dispute(supplier, number, "核实属实，愿意退", 20_0000)
    with main_scope(reason="test"):
        one = suppliers.dispute(supplier, number)
        assert one.state == "answered"
        assert one.first_answer_at is not None
        assert suppliers.offered(supplier, number) == 20_0000
        for _twice in range(2):
            suppliers.agree(supplier, number, 20_0000, "", "staff:1")
        assert suppliers.dispute(supplier, number).agreed == 20_0000
        assert suppliers.owed_to(supplier) == 73_2000
        with pytest.raises(DomainError, match="over"):
            suppliers.reply(supplier, number, "再说一句", "staff:1")
    assert (
        trade.shop.one("SELECT refunded FROM purchase WHERE supplier_id = %s", supplier) == 20_0000
    )
    assert (
        trade.shop.one(
            "SELECT count(*) FROM notice WHERE recipient = 'dispute@example.com' AND kind = 'supplier.dispute'"
        )
        == 1
    )
    trade.shop.assert_books_balance()


def test_S8_the_contract_says_how_soon_an_answer_is_due(trade: Any) -> None:
    from .test_contracts import TERMS, signed

    supplier = trade.active()
    with main_scope(reason="test"):
        signed(supplier, TERMS, {})
    number = opened(trade, supplier)
    with main_scope(reason="test"):
        one = suppliers.dispute(supplier, number)
        assert one.due_at - one.opened_at == timedelta(minutes=TERMS.duty_minutes)


def test_S8_more_than_was_offered_needs_words_and_never_exceeds_the_cost(trade: Any) -> None:
    supplier = trade.active()
    number = opened(trade, supplier)
    with main_scope(reason="test"):
        with pytest.raises(DomainError, match="reason_missing"):
            suppliers.agree(supplier, number, 10_0000, "", "staff:1")
        with pytest.raises(DomainError, match="too_much"):
            suppliers.agree(supplier, number, 93_2001, "电话同意", "staff:1")
        suppliers.agree(supplier, number, 10_0000, "电话同意，王海", "staff:1")
        assert suppliers.owed_to(supplier) == 83_2000


def test_S8_a_dispute_ends_without_money_too(trade: Any) -> None:
    supplier = trade.active()
    number = opened(trade, supplier)
    with main_scope(reason="test"):
        suppliers.reply(supplier, number, "请补充截图", "staff:1")
        suppliers.close_dispute(supplier, number, "refused", "对方有送达记录", "staff:1")
        assert suppliers.dispute(supplier, number).state == "refused"
        assert suppliers.owed_to(supplier) == 93_2000
    with pytest.raises(DomainError, match="over"):
        suppliers.answer_dispute(supplier, number, "太晚了")


def test_S8_no_dispute_is_opened_on_what_is_not_there(trade: Any) -> None:
    supplier = trade.active()
    _id, number = trade.bought(supplier)
    with main_scope(reason="test"):
        with pytest.raises(NotFound):
            suppliers.open_dispute("NOPE", "late", 0, "没有这张", "staff:1")
        with pytest.raises(DomainError, match="too_much"):
            suppliers.open_dispute(number, "cost", 99_0000, "比成本还多", "staff:1")
        with pytest.raises(DomainError, match="kind_unknown"):
            suppliers.open_dispute(number, "mood", 0, "不喜欢", "staff:1")


def test_S8_words_of_people_never_pass_for_those_of_the_product(trade: Any) -> None:
    supplier = trade.active()
    number = opened(trade, supplier)
    for forged in ("offer:99.0000\nx", "agreed:1", "bill:amount:a:b:c"):
        suppliers.answer_dispute(supplier, number, forged)
    with main_scope(reason="test"):
        assert suppliers.offered(supplier, number) == 0
        words = [m.words for m in suppliers.messages_of(supplier, number)]
        assert words[1:] == [" offer:99.0000\nx", " agreed:1", " bill:amount:a:b:c"]


def test_S8_two_hands_agree_once(trade: Any) -> None:
    supplier = trade.active()
    number = opened(trade, supplier)
    suppliers.answer_dispute(supplier, number, "同意", 20_0000)

    def click(_n: int) -> None:
        with trade.shop.app.app_context(), main_scope(reason="test"):
            suppliers.agree(supplier, number, 20_0000, "", "staff:1")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(click, range(8)))
    with main_scope(reason="test"):
        assert suppliers.owed_to(supplier) == 73_2000
    trade.shop.assert_books_balance()
