"""O7: the whole purchase works in a browser that runs no script; what scripts add works too."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def order(page: Page, main_url: str, quantity: int = 2) -> None:
    """Product → checkout → cashier."""
    page.goto(f"{main_url}/p/shanhe-month")
    page.locator("[name=quantity]").fill(str(quantity))
    page.get_by_role("button", name="立即购买").click()
    page.locator("[name=contact]").fill("13800136021")
    page.locator("input[name=method][value='payment-epay:alipay']").check(force=True)
    page.locator("[name=agree]").check(force=True)
    page.locator("form[action='/orders'] button").last.click()
    expect(page.get_by_text("模拟").first).to_be_visible()


def test_O7_a_purchase_without_script(visit: Any, installation: Any) -> None:
    page = visit(java_script_enabled=False).page
    order(page, installation.main_url)
    page.get_by_role("button", name="付款").first.click()
    for _refresh in range(20):  # the page refreshes itself; a test need not wait for that
        if page.get_by_text("已发货").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text("共 2 张").first).to_be_visible()
    page.get_by_role("button", name="显示", exact=True).first.click()
    secret = page.locator(".is-open [data-secret]").first.inner_text()
    assert secret.count("-") == 3
    assert "*" not in secret


def test_typed_numbers_are_judged_while_they_are_typed(visit: Any, installation: Any) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(f"{installation.main_url}/p/phone-topup")
    field = page.locator("[name='in.phone']")
    field.press_sequentially("1380013602")
    field.blur()
    expect(page.get_by_text("少了 1 位，手机号是 11 位数字")).to_be_visible()
    field.fill("13800136021")
    expect(page.get_by_text("号码格式正确")).to_be_visible()
    assert field.input_value() == "138 0013 6021"
    assert visitor.complaints == []


def test_the_chosen_mode_stays_without_a_flash(visit: Any, installation: Any) -> None:
    page = visit(color_scheme="light").page
    page.goto(installation.main_url)
    page.get_by_role("button", name="切换深浅色").first.click()
    page.wait_for_timeout(500)
    page.goto(f"{installation.main_url}/categories")
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
