"""What a shopper sees while suppliers serve an order, and nobody else."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from tests.functional.trade import ASKS, INNER, NO, WAIT, YES, Trade, cards

from kameng.plugins import api as plugins

from .conftest import MAIN, YE, hidden


@pytest.fixture
def trade(market: Any, monkeypatch: pytest.MonkeyPatch) -> Trade:
    made = Trade(market)
    monkeypatch.setattr(plugins, "supplier", made.find)
    return made


def test_cards_that_are_fetched_are_waited_for_calmly(trade: Trade) -> None:
    browser = trade.market.browser()
    code = trade.goods()
    trade.left(code, None)
    far = trade.supplier(code, WAIT)
    number = trade.bought(browser, code)
    page = trade.market.get(browser, f"/o/{number}")
    for words in ("正在取卡密", "取不到会全额退款", 'hx-trigger="load delay:2s"'):
        assert words in page, words
    assert not any(word in page for word in (*INNER, far.account))
    far.answer = cards(f"WHOLE-{code}")
    trade.work()
    gone = trade.market.browser().get(f"/o/{number}/status", base_url=MAIN)
    assert gone.status_code == 404
    moved = browser.get(f"/o/{number}/status?was=fulfilling", base_url=MAIN)
    assert moved.headers["HX-Redirect"] == f"/o/{number}"
    done = trade.market.get(browser, f"/o/{number}")
    assert "已发货，共 1 张" in done
    assert 'id="status"' not in done
    assert f"WHOLE-{code}" not in done
    assert f"WHOLE-{code}" in trade.market.post(browser, f"/o/{number}/reveal", {"index": "1"}).text


def test_a_part_is_shown_with_what_is_still_to_come(trade: Trade) -> None:
    browser = trade.market.browser()
    number, second = trade.partly(browser)
    page = trade.market.get(browser, f"/o/{number}")
    for words in ("已到 1 张，还差 2 张", "补不上的部分会退款", "was=partially_delivered-1"):
        assert words in page, words
    assert 'http-equiv="refresh"' in page  # without scripts the page comes again by itself
    assert "FIRST-" not in page
    assert not any(word in page for word in (*INNER, second.account))
    shown = trade.market.post(browser, f"/o/{number}/reveal", {"index": "1"})
    assert "FIRST-" in shown.text
    assert 'http-equiv="refresh"' not in shown.text  # it would close what was opened
    assert trade.market.post(browser, f"/o/{number}/reveal", {"index": "2"}).status_code == 404
    rows = trade.market.get(browser, "/orders/lookup")
    assert "部分发货" in rows


def test_more_cards_of_a_part_are_a_new_page_unless_a_secret_stands_open(trade: Trade) -> None:
    browser = trade.market.browser()
    code = trade.goods()
    number, second = trade.partly(browser, code)
    trade.supplier(code, WAIT)
    still = trade.market.get(browser, f"/o/{number}/status?was=partially_delivered-1")
    assert "hx-get" in still
    second.answer = cards("SECOND-A")
    trade.work()
    address = f"/o/{number}/status?was=partially_delivered-1"
    assert browser.get(address, base_url=MAIN).headers["HX-Redirect"] == f"/o/{number}"
    reading = browser.get(f"{address}&reading=1", base_url=MAIN)
    assert "HX-Redirect" not in reading.headers
    assert "订单有新进展" in reading.text
    assert "hx-get" not in reading.text
    assert "已到 2 张，还差 1 张" in trade.market.get(browser, f"/o/{number}")


def test_T12_cards_of_a_part_are_nobody_elses(trade: Trade) -> None:
    browser = trade.market.browser()
    number, _second = trade.partly(browser)
    stranger = trade.market.browser()
    for base in (MAIN, YE):
        for path in ("", "/status"):
            assert stranger.get(f"/o/{number}{path}", base_url=base).status_code == 404
        token = hidden(stranger.get("/orders/lookup", base_url=base).text, "_csrf")
        for index in ("1", "all"):
            given = {"index": index, "_csrf": token}
            refused = stranger.post(f"/o/{number}/reveal", data=given, base_url=base)
            assert refused.status_code == 404
            assert "FIRST-" not in refused.text
    member = trade.market.browser()
    trade.market.member(member, f"{secrets.token_hex(4)}@example.com")
    assert member.get(f"/o/{number}", base_url=MAIN).status_code == 404


@pytest.mark.parametrize("state", ["paid", "fulfilling", "refunding", "refunded", "held"])
def test_no_other_state_opens_the_cards_that_have_come(trade: Trade, state: str) -> None:
    browser = trade.market.browser()
    number, _second = trade.partly(browser)
    trade.market.owner.execute("UPDATE orders SET state = %s WHERE order_no = %s", (state, number))
    assert "FIRST-" not in trade.market.get(browser, f"/o/{number}")
    refused = trade.market.post(browser, f"/o/{number}/reveal", {"index": "all"})
    assert refused.status_code == 404
    assert "FIRST-" not in refused.text


def test_what_cannot_be_delivered_is_told_with_its_money(trade: Trade) -> None:
    browser = trade.market.browser()
    number, second = trade.partly(browser)
    second.answer = NO
    trade.work()
    page = trade.market.get(browser, f"/o/{number}")
    back = trade.market.count("SELECT refunded FROM orders WHERE order_no = %s", number)
    for words in (
        "已发货，共 1 张", f"有 2 件没能发出，¥{back // 10_000}.{back // 100 % 100:02d} 退回支付宝",
        "退款不收手续费",
    ):  # fmt: skip
        assert words in page, words
    assert 'id="status"' not in page
    assert 'http-equiv="refresh"' not in page
    assert not any(word in page for word in (*INNER, second.account))
    assert "少 2 件，退回" in trade.market.get(browser, "/orders/lookup")


def test_money_for_missing_pieces_is_back_in_the_wallet_at_once(trade: Trade) -> None:
    browser = trade.market.browser()
    login = f"{secrets.token_hex(4)}@example.com"
    member = trade.market.member(browser, login, wallet=500_0000)
    number, second = trade.partly(browser, method="payment-balance:balance")
    for tab in ("running", "done"):
        assert number in trade.market.get(browser, f"/me/orders?tab={tab}").replace(" ", "")
    second.answer = NO
    trade.work()
    page = trade.market.get(browser, f"/o/{number}")
    assert "退回余额" in page
    assert "已到余额，不收手续费" in page
    payable, back = trade.market.owner.execute(
        "SELECT payable, refunded FROM orders WHERE order_no = %s", (number,)
    ).fetchone()
    balance = trade.market.count(
        "SELECT balance FROM account_balance b JOIN account a ON a.id = b.account_id"
        " WHERE a.kind = 'wallet' AND a.ref = %s", str(member),
    )  # fmt: skip
    assert balance == 500_0000 - payable + back


def test_a_part_and_its_end_are_mailed_once_each(trade: Trade) -> None:
    browser = trade.market.browser()
    number, second = trade.partly(browser, contact="far@example.com")
    ((kind, body),) = trade.mails(number)
    assert kind == "order.part"
    assert "共 3 件，已发出 1 件" in body
    second.answer = cards("MAIL-1")
    trade.work()
    trade.market.owner.execute(
        "UPDATE outbox SET sent_at = NULL WHERE topic IN ('purchase.part', 'order.delivered')"
    )
    trade.work()
    kinds = [kind for kind, _body in trade.mails(number)]
    assert kinds == ["order.part", "order.short"]
    body = trade.mails(number)[1][1]
    assert "已发出 2 件" in body
    assert "另外 1 件没能发出" in body
    assert "MAIL-1" not in body


def test_a_part_whose_rest_comes_at_once_is_no_news(trade: Trade) -> None:
    browser = trade.market.browser()
    code = trade.goods()
    trade.left(code, None)
    trade.supplier(code, cards(f"ONE-{code}"))
    trade.supplier(code, cards(f"TWO-{code}"))
    number = trade.bought(browser, code, 2, contact="quick@example.com")
    assert [kind for kind, _body in trade.mails(number)] == ["order.delivered"]


@pytest.mark.parametrize("kind", ["card", "top_up"])
def test_what_suppliers_have_not_is_sold_out_before_anybody_pays(trade: Trade, kind: str) -> None:
    market, browser = trade.market, trade.market.browser()
    code = trade.goods(kind)
    trade.left(code, 0)
    page = market.get(browser, f"/p/{code.lower()}")
    assert "补货中" in page
    assert "disabled" in page.split("km-buybar")[-1]
    assert "补货中" in market.get(browser, f"/search?q={code}")
    early = market.post(browser, "/checkout", {"sku": code, "quantity": "1"})
    assert early.status_code == 422
    assert "卖完了" in early.text


def test_a_top_up_says_no_more_about_its_supply_than_is_needed(trade: Trade) -> None:
    market, browser = trade.market, trade.market.browser()
    code = trade.goods("top_up", max_quantity=10)
    trade.left(code, 37)
    page = market.get(browser, f"/p/{code.lower()}")
    assert "余 37" not in page
    assert 'data-stock=""' in page
    assert "立即充值" in page
    trade.left(code, 4)
    page = market.get(browser, f"/p/{code.lower()}")
    assert "余 4" in page
    assert 'data-stock="4"' in page
    many = market.post(browser, "/checkout", {"sku": code, "quantity": "5"})
    assert many.status_code == 422
    assert "只剩 4 件" in many.text


@pytest.mark.parametrize(
    ("left", "words"), [(0, "刚刚卖完了，库存不够了"), (2, "库存不够了，只剩 2 件")]
)
def test_a_top_up_that_went_between_page_and_order_is_a_clear_message(
    trade: Trade, left: int, words: str
) -> None:
    browser = trade.market.browser()
    code = trade.goods("top_up")
    trade.left(code, 9)
    form = trade.market.order_form(browser, code, 3)
    before = trade.market.count("SELECT count(*) FROM orders")
    trade.left(code, left)
    refused = trade.market.post(browser, "/orders", form)
    assert refused.status_code == 409
    assert words in refused.text
    assert "没有扣款" in refused.text
    assert trade.market.count("SELECT count(*) FROM orders") == before


def test_a_top_up_that_is_served_and_one_that_is_refused(trade: Trade) -> None:
    browser = trade.market.browser()
    code = trade.goods("top_up")
    far = trade.supplier(code, WAIT, ASKS)
    first = trade.bought(browser, code)
    assert "充值中" in trade.market.get(browser, f"/o/{first}")
    far.answer = YES
    trade.work()
    assert "已发货" in trade.market.get(browser, f"/o/{first}")
    far.answer = NO
    second = trade.bought(browser, code)
    page = trade.market.get(browser, f"/o/{second}")
    assert "退回支付宝" in page
    assert not any(word in page for word in (*INNER, far.account))


def test_a_stations_console_tells_how_far_an_order_is_and_nothing_of_suppliers(
    trade: Trade,
) -> None:
    from kameng.db import main_scope
    from kameng.orders import api as orders

    market, owner = trade.market, trade.market.browser()
    login, password = market.owner_login
    market.post(owner, "/console/login", {"login": login, "password": password}, YE)
    code = trade.goods()
    second = trade.two_suppliers(code)
    number = trade.sold(2, code, 3)
    page = market.get(owner, f"/console/orders/{number}", YE)
    assert "部分发货" in page
    assert "1 件，还差 2 件" in page
    assert "部分发货" in market.get(owner, "/console/orders?tab=open", YE)
    order_id = market.count("SELECT id FROM orders WHERE order_no = %s", number)
    with market.app.app_context(), main_scope(reason="test"):
        assert orders.money_trail(2, order_id).balanced

    second.answer = NO
    trade.work()
    page = market.get(owner, f"/console/orders/{number}", YE)
    listed = market.get(owner, "/console/orders?tab=done", YE)
    for words in ("没能发出", "2 件", "已退款"):
        assert words in page, words
    assert "少 2 件" in listed
    steps = page.split("km-timeline")[1]
    assert steps.count("<li>") == 5  # placed, paid, fetched, part, delivered: no refusal between
    inner = (*INNER, second.account, "supplier", "purchase", "采购", "供货", "FIRST-")
    assert [word for word in inner if word in page + listed] == []
    with market.app.app_context(), main_scope(reason="test"):
        assert orders.money_trail(2, order_id).balanced
