"""O5: paying through a form page, and by bank transfer with a proof that a person confirms."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SIZES = ["phone", "desktop"]


def choose(page: Page, shop: str, method: str, label: str = "") -> None:
    """Product → checkout → the way to pay.

    `label`: several gateways offer it and one of them was drawn; here `method` is.
    """
    page.goto(f"{shop}/p/shanhe-month")
    page.get_by_role("button", name="立即购买").click()
    page.locator("[name=contact]").fill("13800136021")
    if label:
        drawn = page.locator("label", has_text=label).locator("input[name=method]").first
        drawn.evaluate("(node, method) => { node.value = method }", method)
    page.locator(f"input[name=method][value='{method}']").check(force=True)
    page.locator("[name=agree]").check(force=True)
    page.locator("form[action='/orders'] button").last.click()


@pytest.mark.parametrize("size", SIZES)
def test_O5_a_form_is_sent_on_to_the_gateway_and_the_goods_come(
    visit: Any, installation: Any, request: Any, size: str
) -> None:
    view = request.getfixturevalue(size)
    shopper = visit(view)
    page = shopper.page
    choose(page, installation.main_url, "payment-unionpay:unionpay")
    expect(page.get_by_text("银联模拟收银台").first).to_be_visible()
    order = page.evaluate("document.querySelector('.mono')?.textContent")
    assert order
    page.get_by_role("button", name="付款").first.click()
    page.get_by_role("button", name="返回商家").click()
    expect(page.get_by_text("已发货").first).to_be_visible(timeout=30_000)
    assert shopper.width_used() <= view["width"]
    assert shopper.complaints == []


@pytest.mark.parametrize("size", SIZES)
def test_O5_a_transfer_is_shown_proved_and_confirmed(
    visit: Any, installation: Any, staff_state: Any, request: Any, size: str
) -> None:
    view = request.getfixturevalue(size)
    shopper = visit(view)
    page = shopper.page
    choose(page, installation.main_url, "payment-bank-transfer:bank_transfer")
    expect(page.get_by_text("请按下面的账号转账")).to_be_visible()
    assert shopper.axe() == []
    assert shopper.width_used() <= view["width"]
    word = page.locator(".km-bank dd .km-mono").last.inner_text()
    proof = {"name": "p.png", "mimeType": "image/png", "buffer": PICTURE}
    page.locator("[name=proof]").set_input_files(proof)
    page.get_by_role("button", name="上传截图").click()
    expect(page.get_by_text("等工作人员确认")).to_be_visible()
    confirm(visit(view, storage_state=staff_state), installation.main_url, word, view["width"])
    expect(page.get_by_text("已发货").first).to_be_visible(timeout=30_000)
    assert shopper.complaints == []


def confirm(staff: Any, main_url: str, word: str, width: int) -> None:
    """What the person at the bank account does."""
    page = staff.page
    page.goto(f"{main_url}/admin/by-hand/")
    page.get_by_role("link", name=f"尾号 {word}").click()
    expect(page.locator("dd", has_text=word).first).to_be_visible()
    assert staff.axe() == []
    assert staff.width_used() <= width
    amount = page.locator(".km-pairs .km-strong").first.inner_text().lstrip("¥").replace(",", "")
    page.locator("[name=amount]").fill(amount)
    page.locator("[name=ref]").fill(f"BANK{word}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="确认到账").click()
    expect(page.get_by_text("已确认到账")).to_be_visible()
    assert staff.complaints == []


def test_O5_inside_wechat_its_own_sheet_pays_for_an_order(
    visit: Any, installation: Any, phone: dict[str, int]
) -> None:
    main = urlsplit(installation.main_url)
    simulator = f"http://127.0.0.1:{(main.port or 80) + 1}/wechatpay"  # beside the web server
    shopper = visit(phone, user_agent="Mozilla/5.0 (iPhone) Mobile MicroMessenger/8.0.50")
    page = shopper.page
    choose(page, installation.main_url, "payment-wechatpay:jsapi", "微信支付")
    page.get_by_role("button", name="微信支付").click()
    # Without WeChat around it the page says so, and nothing is lost.
    expect(page.get_by_text("这里不是微信")).to_be_visible()
    order = page.url.split("?")[0].removesuffix("/go")
    assert shopper.axe() == []
    assert shopper.width_used() <= phone["width"]
    page.add_init_script(httpx.get(f"{simulator}/jsbridge.js").text)
    page.reload()
    page.get_by_role("button", name="付款 ¥").click()
    expect(page.get_by_text("已付款").first).to_be_visible()
    page.goto(order)
    expect(page.get_by_text("已发货").first).to_be_visible(timeout=30_000)
    assert shopper.width_used() <= phone["width"]
    assert shopper.complaints == []
