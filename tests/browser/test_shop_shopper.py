"""What a picky shopper tries on a phone and on a desktop, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def to_checkout(page: Page, main_url: str, path: str = "/p/shanhe-month") -> None:
    """Product → checkout, filled."""
    page.goto(main_url + path)
    phone = page.locator("[name='in.phone']")
    if phone.count():
        phone.fill("13800136021")
    page.locator(".km-buybar button").click()
    page.wait_for_url("**/checkout?**")
    page.locator("[name=contact]").fill("13800136021")
    page.locator("[name=agree]").check()


def pay(page: Page) -> None:
    page.locator("form[action='/orders'] button.km-btn-primary").click()
    page.wait_for_url("**/epay/cashier/**")


@pytest.mark.parametrize("path", ["/p/shanhe-month", "/p/phone-topup"])
def test_back_from_the_cashier_and_paying_again_is_one_order(
    visit: Any, installation: Any, path: str
) -> None:
    page = visit().page
    to_checkout(page, installation.main_url, path)
    pay(page)
    cashier = page.url
    page.go_back()
    expect(page.locator("form[action='/orders']")).to_be_visible()
    page.locator("[name=contact]").fill("13800136021")
    page.locator("[name=agree]").check()
    pay(page)
    assert page.url == cashier


def test_a_changed_price_offers_both_ways_side_by_side(visit: Any, installation: Any) -> None:
    visitor = visit()
    page = visitor.page
    to_checkout(page, installation.main_url)
    page.evaluate("document.querySelector('[name=expected_payable]').value = '10000'")
    page.locator("form[action='/orders'] button.km-btn-primary").click()
    expect(page.get_by_text("价格刚变了")).to_be_visible()
    boxes = [
        page.get_by_role("link", name="不买了").bounding_box(),
        page.get_by_role("button", name="按 ¥").bounding_box(),
    ]
    assert all(box is not None and box["width"] >= 120 and box["height"] < 60 for box in boxes)
    assert visitor.width_used() <= 360


def test_copying_says_so_and_moves_nothing(visit: Any, installation: Any) -> None:
    page = visit().page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    to_checkout(page, installation.main_url)
    pay(page)
    page.get_by_role("button", name="付款").first.click()
    expect(page.get_by_text("已发货").first).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="复制订单号").click()
    expect(page.locator(".km-toast")).to_have_text("已复制")
    page.get_by_role("button", name="显示", exact=True).first.click()
    button = page.locator(".km-code-row.is-open [data-label]").first.locator("..")
    before = button.bounding_box()
    button.click()
    expect(button).to_have_text("已复制")
    after = button.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] == pytest.approx(before["width"], abs=0.5)
    assert after["height"] == before["height"]


def test_a_desktop_tops_up_from_the_front_page(visit: Any, installation: Any, desktop: Any) -> None:
    visitor = visit(desktop)
    page = visitor.page
    page.goto(installation.main_url)
    page.locator(".km-quickbuy [name='in.phone']").press_sequentially("13800136021")
    page.locator(".km-quickbuy button").click()
    expect(page.locator(".km-verify-value")).to_have_text("138 0013 6021")
    assert visitor.complaints == []


def test_the_chosen_tab_is_in_view(visit: Any, installation: Any) -> None:
    page = visit().page
    page.goto(f"{installation.main_url}/c/tools")
    box = page.locator(".km-tabs [aria-current=page]").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 360
