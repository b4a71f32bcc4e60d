"""The pages between shop and gateway: forms, WeChat's bridge, bank transfers with proofs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.functional.conftest import MAIN, Market, hidden

from kameng_sdk.payments import Device

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
DETAILS = [
    {"label": "账号", "value": "6222 0000 0000 1234", "copy": True},
    {"label": "附言（必填）", "value": "48213377", "copy": True},
]
WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50"


def cashier(market: Market, number: str, content: dict[str, Any], url: str = "") -> None:
    market.owner.execute(
        "UPDATE payment_attempt SET cashier = %s, redirect_url = %s, qr_content = ''"
        " WHERE order_id = (SELECT id FROM orders WHERE order_no = %s)",
        (json.dumps(content), url, number),
    )


def placed(market: Market, browser: Any, sku: str = "XH30") -> str:
    """An order with an open attempt; returns its number."""
    answer = market.post(browser, "/orders", market.order_form(browser, sku))
    assert answer.status_code == 303, answer.text[:300]
    row = market.owner.execute("SELECT order_no FROM orders ORDER BY id DESC LIMIT 1").fetchone()
    assert row
    return str(row[0])


def send_proof(market: Market, browser: Any, path: str, content: bytes) -> Any:
    token = hidden(browser.get("/orders/lookup", base_url=MAIN).text, "_csrf")
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name, value)
        for name, value in ((b"_csrf", token.encode()), (b"note", "张三付的".encode()))
    )
    head = b'--x\r\nContent-Disposition: form-data; name="proof"; filename="p.png"\r\n\r\n'
    return browser.post(
        path, base_url=MAIN, data=body + head + content + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (WECHAT, Device.WECHAT),
        ("Mozilla/5.0 (Linux; Android 14) AlipayClient/10.5", Device.ALIPAY),
        ("Mozilla/5.0 (Linux; Android 14) Mobile Safari", Device.PHONE),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140", Device.DESKTOP),
        ("", Device.DESKTOP),
    ],
)
def test_the_device_is_told_by_the_browser(agent: str, device: Device) -> None:
    from kameng.payments.api import device_of

    assert Device(device_of(agent)) is device


def test_a_form_is_sent_on_by_a_button_and_its_origin_is_allowed(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    cashier(market, number, {"form": {"orderId": 'a"b', "sign": "x"}}, "https://pay.example/go?a=1")
    assert f"/o/{number}/go" in market.get(browser, f"/o/{number}")
    answer = browser.get(f"/o/{number}/go", base_url=MAIN)
    assert 'action="https://pay.example/go?a=1"' in answer.text
    assert 'name="orderId" value="a&#34;b"' in answer.text
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert " https://pay.example" in answer.headers["Content-Security-Policy"]
    assert "pay.example" not in browser.get("/", base_url=MAIN).headers["Content-Security-Policy"]


def test_wechat_is_called_with_what_the_gateway_gave(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    cashier(market, number, {"bridge": {"appId": "wx1", "package": "prepay_id=1"}})
    page = market.get(browser, f"/o/{number}/go")
    assert "data-bridge=" in page
    assert "prepay_id=1" in page
    assert "请在微信里打开本页付款" in page


def test_a_gateway_may_send_the_shopper_back_by_post_and_it_counts_nothing(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    answer = browser.post(
        f"/o/{number}/back?k=AB%22C", base_url=MAIN, data={"respCode": "00"},
        headers={"Origin": "https://pay.example", "Sec-Fetch-Site": "cross-site"},
    )  # fmt: skip
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/o/{number}?k=AB%22C"
    assert "等待付款" in market.get(browser, f"/o/{number}")
    for path in ("/me/top-up/back", f"/o/{number}/back"):
        assert browser.get(path, base_url=MAIN).status_code == 303
    foreign = {"Origin": "https://pay.example", "Sec-Fetch-Site": "cross-site"}
    refused = browser.post(f"/o/{number}/cancel", base_url=MAIN, headers=foreign)
    assert refused.status_code in (400, 403)


def test_a_gateway_learns_the_shop_and_not_the_address(market: Market) -> None:
    """WeChat's H5 page refuses an empty Referer; the address may hold the order's key."""
    browser = market.browser()
    answer = market.post(browser, "/orders", market.order_form(browser, "XH30"))
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    number = market.owner.execute("SELECT order_no FROM orders ORDER BY id DESC LIMIT 1").fetchone()
    assert number
    path = f"/o/{number[0]}"
    link = 'href="https://pay.example/h5?a=1" referrerpolicy="strict-origin"'
    cashier(market, number[0], {}, "https://pay.example/h5?a=1")
    page = browser.get(path, base_url=MAIN)
    assert link in page.text
    assert "noreferrer" not in page.text.split(link)[1].split("</a>")[0]
    assert page.headers["Referrer-Policy"] == "same-origin"
    on = market.post(browser, f"{path}/pay", {"method": "payment-epay:alipay"})
    assert on.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"


def test_nothing_to_send_leads_back_to_the_order(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    assert browser.get(f"/o/{number}/go", base_url=MAIN).status_code == 303
    assert market.browser().get(f"/o/{number}/go", base_url=MAIN).status_code == 404


def test_a_transfer_shows_the_account_and_takes_three_pictures(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    cashier(market, number, {"details": DETAILS})
    page = market.get(browser, f"/o/{number}")
    assert "6222 0000 0000 1234" in page
    assert "48213377" in page
    assert 'http-equiv="refresh"' not in page  # it would take away the chosen file
    path = f"/o/{number}/proof"
    assert "请选一张转账截图" in send_proof(market, browser, path, b"").text
    assert "只能传 PNG" in send_proof(market, browser, path, b"<svg onload=x>").text
    assert "不能超过 2 MB" in send_proof(market, browser, path, PNG + bytes(2 * 1024 * 1024)).text
    for left in (2, 1):
        assert send_proof(market, browser, path, PNG).status_code == 303
        page = market.get(browser, f"/o/{number}")
        assert "等工作人员确认" in page
        assert f"还能传 {left} 张" in page
    assert send_proof(market, browser, path, PNG).status_code == 303
    assert "截图已经够了" in market.get(browser, f"/o/{number}")
    assert send_proof(market, browser, path, PNG).status_code == 409
    assert market.count("SELECT count(*) FROM payment_proof") == 3


def test_a_stranger_sends_no_picture(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    cashier(market, number, {"details": DETAILS})
    before = market.count("SELECT count(*) FROM payment_proof")
    assert send_proof(market, market.browser(), f"/o/{number}/proof", PNG).status_code == 404
    assert market.count("SELECT count(*) FROM payment_proof") == before


def test_a_refused_transfer_says_why(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    cashier(market, number, {"details": DETAILS, "refused": "没有查到这笔钱"})
    market.owner.execute(
        "UPDATE payment_attempt SET state = 'declined' WHERE order_id ="
        " (SELECT id FROM orders WHERE order_no = %s)", (number,),
    )  # fmt: skip
    page = market.get(browser, f"/o/{number}")
    assert "没有查到这笔钱" in page
    assert "选择付款方式" in page


def test_cancelling_an_expired_order_does_not_call_it_paid(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    market.owner.execute(
        "UPDATE orders SET deadline_at = now() - '1 minute'::interval,"
        " expires_at = now() - '1 minute'::interval WHERE order_no = %s", (number,),
    )  # fmt: skip
    market.owner.execute("SELECT expire_orders(10)")
    market.post(browser, f"/o/{number}/cancel", {})
    page = market.get(browser, f"/o/{number}")
    assert "订单已经过期，不用再取消" in page
    assert "订单已付款，不能取消" not in page


def test_a_transfer_can_be_shown_after_the_order_has_expired(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    cashier(market, number, {"details": DETAILS})
    page = market.get(browser, f"/o/{number}")
    assert "商品留到" in page
    assert "晚到的转账，有货照样发货，没货全额退款" in page
    assert "最迟 15 分钟内会发货" not in page
    late = "UPDATE orders SET expires_at = now() - interval '1 minute', deadline_at = now() - interval '1 minute' WHERE order_no = %s"
    market.owner.execute(late, (number,))
    assert "已经转账了？" in market.get(browser, f"/o/{number}")
    market.owner.execute("SELECT expire_orders(10)")
    page = market.get(browser, f"/o/{number}")
    assert "订单已过期" in page
    assert "6222 0000 0000 1234" in page
    assert "商品留到" not in page
    assert send_proof(market, browser, f"/o/{number}/proof", PNG).status_code == 303
    assert "等工作人员确认" in market.get(browser, f"/o/{number}")
    market.owner.execute("UPDATE payment_attempt SET expires_at = now() WHERE order_id ="
                         " (SELECT id FROM orders WHERE order_no = %s)", (number,))  # fmt: skip
    assert "6222 0000" not in market.get(browser, f"/o/{number}")


def test_only_a_transfer_outlives_its_order(market: Market) -> None:
    browser = market.browser()
    number = placed(market, browser)
    cashier(market, number, {"bridge": {"package": "prepay_id=1"}})
    market.owner.execute("UPDATE orders SET state = 'expired' WHERE order_no = %s", (number,))
    assert browser.get(f"/o/{number}/go", base_url=MAIN).status_code == 303
    assert send_proof(market, browser, f"/o/{number}/proof", PNG).status_code == 303
    assert "已经转账了？" not in market.get(browser, f"/o/{number}")


def test_a_top_up_by_transfer_takes_a_picture_too(market: Market) -> None:
    browser = market.browser()
    market.member(browser, "13900000201")
    form = {"amount": "100", "method": "payment-epay:alipay"}
    assert market.post(browser, "/me/top-up", form).status_code == 303
    row = market.owner.execute(
        "UPDATE payment_attempt SET cashier = %s, redirect_url = '' WHERE purpose = 'top_up'"
        " AND state = 'sent' RETURNING attempt_no", (json.dumps({"details": DETAILS}),),
    ).fetchone()  # fmt: skip
    assert row
    assert "6222 0000 0000 1234" in market.get(browser, f"/me/top-up/{row[0]}")
    path = f"/me/top-up/{row[0]}/proof"
    assert "只能传 PNG" in send_proof(market, browser, path, b"GIF89a").text
    assert send_proof(market, browser, path, PNG).status_code == 303
    assert "等工作人员确认" in market.get(browser, f"/me/top-up/{row[0]}")


def test_a_top_up_goes_through_the_form_page_too(market: Market) -> None:
    browser = market.browser()
    market.member(browser, "13900000202")
    form = {"amount": "50", "method": "payment-epay:alipay"}
    market.post(browser, "/me/top-up", form)
    row = market.owner.execute(
        "UPDATE payment_attempt SET cashier = %s, redirect_url = 'https://pay.example/x' WHERE"
        " id = (SELECT max(id) FROM payment_attempt) RETURNING attempt_no",
        (json.dumps({"form": {"a": "1"}}),),
    ).fetchone()
    assert row
    assert 'action="https://pay.example/x"' in market.get(browser, f"/me/top-up/{row[0]}/go")
    market.owner.execute(
        "UPDATE payment_attempt SET cashier = '{}' WHERE attempt_no = %s", (row[0],)
    )
    link = 'href="https://pay.example/x" referrerpolicy="strict-origin"'
    assert link in market.get(browser, f"/me/top-up/{row[0]}")
