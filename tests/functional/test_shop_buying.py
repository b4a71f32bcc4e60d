"""From the product to the card, and all that may go wrong on the way."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

MAIN = "http://main.localhost:8000"
YE = "http://yehang.localhost:8000"


def order_path(location: str) -> str:
    return location.split("?")[0]


def latest_number(market: Any) -> str:
    row = market.owner.execute("SELECT order_no FROM orders ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0])


def test_O7_a_guest_pays_in_three_steps(market: Any) -> None:
    browser = market.browser()
    assert "立即购买" in market.get(browser, "/p/xinghai")  # 1: buy
    form = market.order_form(browser, "XH30", 2)  # 2: pay
    answer = market.post(browser, "/orders", form)
    assert answer.status_code == 303
    assert "/epay/" in answer.headers["Location"]  # 3: the cashier
    number = latest_number(market)
    waiting = browser.get(f"/o/{number}", base_url=MAIN)
    assert waiting.status_code == 200
    assert "等待付款" in waiting.text
    assert waiting.headers["Cache-Control"] == "no-store"
    assert 'http-equiv="refresh"' in waiting.text
    assert "<svg" in waiting.text


def test_an_order_is_shown_to_nobody_else(market: Any) -> None:
    browser = market.browser()
    market.post(browser, "/orders", market.order_form(browser, "XH30"))
    number = latest_number(market)
    page = market.get(browser, f"/o/{number}")
    secret = page.split('id="order-secret">')[1].split("<")[0]
    stranger = market.browser()
    nothing = stranger.get(f"/o/{number}", base_url=MAIN)
    assert nothing.status_code == 404
    assert f"/orders/lookup?order_no={number}" in nothing.text
    assert nothing.headers["Cache-Control"] == "no-store"
    assert stranger.get(f"/o/{number}?k=WRONG", base_url=MAIN).status_code == 404
    assert stranger.get(f"/o/{number}?k={secret}", base_url=YE).status_code == 404
    assert stranger.get(f"/o/{number}?k={secret}", base_url=MAIN).status_code == 200
    # The browser keeps it from now on.
    assert stranger.get(f"/o/{number}", base_url=MAIN).status_code == 200


def test_look_up_tells_a_wrong_number_and_a_wrong_secret_apart_by_nothing(market: Any) -> None:
    browser = market.browser()
    market.post(browser, "/orders", market.order_form(browser, "XH30"))
    number = latest_number(market)
    page = market.get(browser, f"/o/{number}")
    secret = page.split('id="order-secret">')[1].split("<")[0]
    stranger = market.browser()
    answers = [
        market.post(stranger, "/orders/lookup", {"order_no": given, "secret": "ABCDE-FGHJK"})
        for given in (number, "2611000000000000")
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("没有找到这张订单" in answer.text for answer in answers)
    assert all('value="ABCDE-FGHJK"' in answer.text for answer in answers)  # kept as typed
    right = market.post(
        stranger, "/orders/lookup", {"order_no": f" {number} ", "secret": secret.lower()}
    )
    assert right.status_code == 303
    assert number in market.get(stranger, "/orders/lookup").replace(" ", "")


def test_look_up_is_limited(market: Any) -> None:
    browser = market.browser()
    for _try in range(25):
        answer = browser.post("/orders/lookup", base_url=MAIN, data={"_csrf": "x"})
    form = {"order_no": "2611000000000000", "secret": "X"}
    codes = {market.post(browser, "/orders/lookup", form).status_code for _try in range(25)}
    assert 429 in codes
    assert answer.status_code == 400


@pytest.mark.parametrize("quantity", ["0", "-1", "1000000000", "99999999999999", "abc", "1.5", ""])
def test_a_bad_quantity_is_a_message_and_no_order(market: Any, quantity: str) -> None:
    browser = market.browser()
    before = market.count("SELECT count(*) FROM orders")
    for path in ("/checkout", "/orders"):
        answer = market.post(browser, path, {"sku": "XH30", "quantity": quantity})
        assert answer.status_code == 422, (path, answer.status_code)
        words = "一次最多买" if len(quantity) > 9 else "至少要买 1 件"
        assert words in answer.text, path
    assert market.count("SELECT count(*) FROM orders") == before


def test_a_bad_account_number_is_said_beside_its_field(market: Any) -> None:
    browser = market.browser()
    answer = market.post(
        browser, "/checkout", {"sku": "P100", "quantity": "1", "in.phone": "1380013602"}
    )
    assert answer.status_code == 422
    assert "少了 1 位，手机号是 11 位数字" in answer.text
    assert 'value="1380013602"' in answer.text
    away = market.post(
        browser, "/checkout", {"sku": "P100", "quantity": "1", "in.phone": "138 0013 6021"}
    )
    assert "138" not in away.headers["Location"]  # addresses land in logs and histories
    right = browser.get(away.headers["Location"], base_url=MAIN)
    assert "138 0013 6021" in right.text
    assert "充错无法追回" in right.text


def test_contact_method_and_consent_are_asked_for_in_place(market: Any) -> None:
    browser = market.browser()
    form = market.order_form(browser, "XH30") | {"contact": "nobody", "method": "", "agree": ""}
    answer = market.post(browser, "/orders", form)
    assert answer.status_code == 422
    for text in ("有 3 处要改", "请填 11 位手机号", "请选一种付款方式", "请先同意购买须知"):
        assert text in answer.text


def test_a_changed_price_is_shown_side_by_side_and_nothing_is_charged(market: Any) -> None:
    browser = market.browser()
    form = market.order_form(browser, "XH30")
    before = market.count("SELECT count(*) FROM orders")
    shown = int(form["expected_payable"])
    answer = market.post(browser, "/orders", form | {"expected_payable": str(shown - 1_0000)})
    assert answer.status_code == 409
    assert "价格刚变了" in answer.text
    assert f'name="expected_payable" value="{shown}"' in answer.text
    assert "不买了" in answer.text
    assert market.count("SELECT count(*) FROM orders") == before


def test_an_empty_pool_cannot_be_ordered(market: Any) -> None:
    browser = market.browser()
    assert "补货中" in market.get(browser, "/p/empty")
    early = market.post(browser, "/checkout", {"sku": "EMPTY", "quantity": "1"})
    assert early.status_code == 422
    assert "卖完了" in early.text
    answer = market.post(browser, "/orders", typed_order(market, "EMPTY"))
    assert answer.status_code == 409
    assert "刚刚卖完了" in answer.text
    assert 'action="/orders"' in answer.text
    assert "看同类商品" in answer.text
    assert "data-busy" not in answer.text.split("km-buybar")[1]  # nothing left to press pay for


def test_stock_that_went_between_page_and_pay_offers_what_is_left(market: Any) -> None:
    browser = market.browser()
    before = market.count("SELECT count(*) FROM orders")
    answer = market.post(browser, "/orders", typed_order(market, "LONE", 3))
    assert answer.status_code == 409
    assert "库存不够了，只剩 1 件" in answer.text
    assert "3 件" in answer.text
    assert 'name="quantity" value="1"' in answer.text
    assert "不买了" in answer.text
    assert market.count("SELECT count(*) FROM orders") == before


def typed_order(market: Any, sku: str, quantity: int = 1) -> dict[str, str]:
    """What a checkout page of a moment ago would send."""
    price = market.count(
        "SELECT price FROM listing WHERE station_id = 1 AND sku_id = %s", market.skus[sku]
    )
    payable = (price * quantity + 50) // 100 * 100
    return {
        "sku": sku, "quantity": str(quantity), "key": secrets.token_urlsafe(24),
        "expected_payable": str(payable), "contact": "13800136021",
        "method": "payment-epay:alipay", "agree": "1",
    }  # fmt: skip


def test_coming_back_from_the_cashier_and_paying_again_is_the_same_order(market: Any) -> None:
    browser = market.browser()
    market.get(browser, "/p/phone")  # tells that this browser keeps cookies
    form = market.order_form(browser, "P100", phone="13800136021")
    first = market.post(browser, "/orders", form)
    before = market.count("SELECT count(*) FROM orders")
    again = market.get(browser, "/checkout?sku=P100&quantity=1")
    assert "138 0013 6021" in again
    assert f'name="key" value="{form["key"]}"' in again
    assert market.post(browser, "/orders", form).headers["Location"] == first.headers["Location"]
    assert market.count("SELECT count(*) FROM orders") == before
    # Buying once more from the product is another order.
    assert market.order_form(browser, "P100", phone="13800136021")["key"] != form["key"]


def test_a_kept_choice_is_worth_nothing_for_other_goods_and_other_stations(market: Any) -> None:
    browser = market.browser()
    market.get(browser, "/p/phone")
    market.order_form(browser, "P100", phone="13800136021")
    assert "138 0013 6021" not in market.get(browser, "/checkout?sku=P100&quantity=2")
    kept = browser.get_cookie("km_choice", domain="main.localhost", path="/checkout")
    assert kept is not None
    stranger = market.browser()
    stranger.set_cookie("km_choice", kept.value, domain="yehang.localhost", path="/checkout")
    assert "138 0013 6021" not in market.get(stranger, "/checkout?sku=P100&quantity=1", YE)


def test_without_cookies_the_checkout_answers_the_form_itself(market: Any) -> None:
    answer = market.post(market.browser(), "/checkout", {"sku": "XH30", "quantity": "1"})
    assert answer.status_code == 200
    assert "确认付款" in answer.text


def test_a_double_click_makes_one_order(market: Any) -> None:
    browser = market.browser()
    form = market.order_form(browser, "XH30")
    token = browser.get("/checkout?sku=XH30&quantity=1", base_url=MAIN)
    assert token.status_code == 200
    before = market.count("SELECT count(*) FROM orders")
    csrf = token.text.split('name="_csrf" value="')[1].split('"')[0]

    def click(_number: int) -> int:
        other = market.app.test_client()
        return int(other.post("/orders", data={**form, "_csrf": csrf}, base_url=MAIN).status_code)

    with ThreadPoolExecutor(4) as pool:
        codes = set(pool.map(click, range(4)))
    assert codes == {303}
    assert market.count("SELECT count(*) FROM orders") == before + 1


def test_a_member_pays_from_the_wallet_and_reveals_the_card(market: Any) -> None:
    browser = market.browser()
    market.member(browser, "wallet@example.com", wallet=500_0000)
    form = market.order_form(browser, "XH100", 2) | {"method": "payment-balance:balance"}
    answer = market.post(browser, "/orders", form)
    assert answer.status_code == 303
    number = latest_number(market)
    page = browser.get(order_path(answer.headers["Location"]), base_url=MAIN)
    assert "已发货，共 2 张" in page.text
    assert "SECRET-" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    shown = market.post(browser, f"/o/{number}/reveal", {"index": "1"})
    assert "XH100-SECRET-" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    everything = market.post(browser, f"/o/{number}/reveal", {"index": "all"})
    assert everything.text.count("XH100-SECRET-") >= 2
    assert "复制全部卡号卡密" in everything.text
    assert market.post(browser, f"/o/{number}/reveal", {"index": "99"}).status_code == 404
    seen = market.count(
        "SELECT count(*) FROM audit_event WHERE action = 'card.reveal' AND actor LIKE 'member:%%'"
    )
    assert seen == 3
    assert number in market.get(browser, "/me/orders").replace(" ", "")
    assert "购买商品" in market.get(browser, "/me/wallet")


def test_the_wallet_of_a_guest_is_refused(market: Any) -> None:
    browser = market.browser()
    form = market.order_form(browser, "XH30") | {"method": "payment-balance:balance"}
    answer = market.post(browser, "/orders", form)
    assert answer.status_code == 303
    assert "/pay" in answer.headers["Location"]
    assert "选择付款方式" in browser.get(answer.headers["Location"], base_url=MAIN).text


def test_an_unpaid_order_can_be_cancelled_and_says_so(market: Any) -> None:
    browser = market.browser()
    market.post(browser, "/orders", market.order_form(browser, "XH30"))
    number = latest_number(market)
    assert market.post(browser, f"/o/{number}/cancel", {}).status_code == 303
    page = market.get(browser, f"/o/{number}")
    assert "订单已取消" in page
    assert "重新下单" in page
    assert browser.get(f"/o/{number}/pay", base_url=MAIN).status_code == 303


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("paid", "已收到付款"), ("fulfilling", "充值中"), ("held", "这笔订单需要核对"),
        ("failed", "没有办成"), ("expired", "订单已过期"), ("refunding", "正在退款"),
        ("refunded", "已退款"), ("delivered", "已发货"), ("completed", "已完成"),
        ("partially_delivered", "先发出了一部分"),
    ],
)  # fmt: skip
def test_every_state_has_its_face(market: Any, state: str, text: str) -> None:
    browser = market.browser()
    form = market.order_form(browser, "P100", phone="13800136021")
    market.post(browser, "/orders", form)
    number = latest_number(market)
    market.owner.execute("UPDATE orders SET state = %s WHERE order_no = %s", (state, number))
    assert text in market.get(browser, f"/o/{number}")
    gone = browser.get(f"/o/{number}/status?n=1&was=pending_payment", base_url=MAIN)
    assert gone.headers["HX-Redirect"] == f"/o/{number}"


def test_after_the_deadline_nobody_is_asked_to_pay(market: Any) -> None:
    browser = market.browser()
    market.post(browser, "/orders", market.order_form(browser, "XH30"))
    number = latest_number(market)
    assert "打开支付宝付款" in market.get(browser, f"/o/{number}")
    market.owner.execute(
        "UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_no = %s", (number,)
    )
    page = market.get(browser, f"/o/{number}")
    assert "付款时间到了" in page
    assert "打开支付宝付款" not in page
    assert "我已付款，查一下" in page
    assert "data-deadline" not in page  # nothing that reloads the page over and over


def test_buttons_read_as_people_speak(market: Any) -> None:
    page = market.get(market.browser(), "/checkout?sku=XH30&quantity=1")
    assert 'data-verb="支付宝付"' in page
    assert 'data-verb="微信付"' in page


def test_the_status_card_slows_down(market: Any) -> None:
    browser = market.browser()
    market.post(browser, "/orders", market.order_form(browser, "XH30"))
    number = latest_number(market)
    for asked, delay in ((1, 2), (20, 5), (80, 15)):
        card = market.get(browser, f"/o/{number}/status?n={asked}&was=pending_payment")
        assert f"delay:{delay}s" in card


def test_a_form_of_another_site_is_refused(market: Any) -> None:
    browser = market.browser()
    answer = browser.post("/orders", data={"sku": "XH30", "quantity": "1"}, base_url=MAIN)
    assert answer.status_code == 400
