"""M1, O7: from sign-up to a delivered card, on a phone, with both gateways' simulators."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Picture = Callable[[Page, str], None]


def sign_up(page: Page, main_url: str, slug: str) -> str:
    """Fill the form as an applicant does; returns the number of the application."""
    page.goto(f"{main_url}/apply")
    page.locator("[name=name]").fill(f"小店 {slug}")
    page.locator("[name=slug]").fill(slug)
    page.locator("[name=person]").fill("王小店")
    page.locator("[name=phone]").fill("13800136021")
    page.locator("[name=email]").fill(f"{slug}@example.com")
    page.locator("[name=owner_login]").fill(f"owner-{slug}")
    password = secrets.token_urlsafe(12)
    page.locator("[name=owner_password]").fill(password)
    page.locator("[name=owner_password2]").fill(password)
    page.locator("[name=agree]").check()
    page.get_by_role("button", name="提交开店申请").click()
    expect(page.get_by_text("SA", exact=False).first).to_be_visible()
    return password


def approve(page: Page, main_url: str, slug: str) -> None:
    """Review it in the console."""
    page.goto(f"{main_url}/admin/applications/")
    page.get_by_role("link", name=f"小店 {slug}").first.click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="通过并开店").click()
    confirm = page.get_by_role("dialog").get_by_role("button").last
    if confirm.is_visible():
        confirm.click()
    expect(page.get_by_text("已通过").first).to_be_visible()


def wait_for_goods(page: Page, station_url: str) -> None:
    """The shop opens at once; its prices are there seconds later."""
    for _ in range(40):
        answer = page.goto(f"{station_url}/p/shanhe-month")
        if answer and answer.status == 200 and page.get_by_role("button", name="立即购买").count():
            return
        page.wait_for_timeout(500)
    pytest.fail("the new shop got no goods")


def buy(page: Page, station_url: str, method: str) -> int:
    """Product → checkout → cashier; returns how many steps it took to be paid."""
    page.goto(f"{station_url}/p/shanhe-month")
    page.get_by_role("button", name="立即购买").click()
    page.locator("[name=contact]").fill("13800136021")
    page.locator(f"input[name=method][value='{method}']").check(force=True)
    page.locator("[name=agree]").check(force=True)
    page.locator("form[action='/orders'] button").last.click()
    expect(page.get_by_text("模拟").first).to_be_visible()
    page.get_by_role("button", name="付款").first.click()
    return 3


@pytest.fixture(scope="module")
def new_shop() -> str:
    return f"shop-{secrets.token_hex(3)}"


def test_M1_from_sign_up_to_the_first_delivered_card(
    visit: Any, installation: Any, staff_state: Any, new_shop: str, desktop: Any, picture: Picture
) -> None:
    applicant = visit()
    sign_up(applicant.page, installation.main_url, new_shop)
    reviewer = visit(desktop, storage_state=staff_state)
    approve(reviewer.page, installation.main_url, new_shop)
    station = installation.station_url(new_shop)
    shopper = visit()
    wait_for_goods(shopper.page, station)
    shopper.complaints.clear()  # a shop of a second ago is not known to every process yet
    assert buy(shopper.page, station, "payment-epay:alipay") <= 3
    expect(shopper.page.get_by_text("已发货").first).to_be_visible(timeout=30_000)
    picture(shopper.page, "shop-delivered-phone")
    assert shopper.width_used() <= 360
    for visitor in (applicant, reviewer, shopper):
        assert visitor.complaints == []


def test_O5_stripe_delivers_too(visit: Any, installation: Any) -> None:
    shopper = visit()
    buy(shopper.page, installation.info["station_urls"][0], "payment-stripe:checkout")
    expect(shopper.page.get_by_text("已发货").first).to_be_visible(timeout=30_000)
    assert shopper.complaints == []


def test_O7_a_card_is_shown_and_copied_and_the_look_up_finds_it(
    visit: Any, installation: Any
) -> None:
    shopper = visit()
    page = shopper.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    buy(page, installation.info["station_urls"][0], "payment-epay:wxpay")
    expect(page.get_by_text("已发货").first).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="显示").first.click()
    page.get_by_role("button", name="复制", exact=True).first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert len(copied) == 19
    assert copied.count("-") == 3
    assert shopper.complaints == []
