"""A sale that the own pool cannot serve is bought from a supplier's simulator within seconds."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

AT_ONCE_MS = 20_000


def _pay(page: Page) -> None:
    page.locator("[name=contact]").fill("13800136021")
    page.locator("input[name=method][value='payment-epay:alipay']").check(force=True)
    page.locator("[name=agree]").check(force=True)
    page.locator("form[action='/orders'] button").last.click()
    expect(page.get_by_text("模拟").first).to_be_visible()
    page.get_by_role("button", name="付款").first.click()


def test_a_phone_top_up_is_bought_upstream_and_delivered(visit: Any, installation: Any) -> None:
    shopper = visit()
    page = shopper.page
    page.goto(f"{installation.main_url}/p/phone-topup")
    page.locator("[name='in.phone']").fill("13800136021")
    page.locator("input[name=sku][value=HF50]").check(force=True)
    page.locator("form[action='/checkout'] button.km-btn-primary").click()
    _pay(page)
    expect(page.get_by_text("已发货").first).to_be_visible(timeout=AT_ONCE_MS)
    assert shopper.complaints == []


def test_cards_beyond_the_pool_are_bought_upstream(visit: Any, installation: Any) -> None:
    stock = next(s["stock"] for s in installation.info["skus"] if s["sku"] == "FN-M")
    assert stock < 5, "the demo leaves this pool nearly empty"
    shopper = visit()
    page = shopper.page
    page.goto(f"{installation.main_url}/p/hummingbird")
    page.locator("input[name=sku][value=FN-M]").check(force=True)
    page.locator("#quantity").fill("5")
    page.locator("form[action='/checkout'] button.km-btn-primary").click()
    _pay(page)
    expect(page.get_by_text("已发货").first).to_be_visible(timeout=AT_ONCE_MS)
    expect(page.get_by_role("button", name="显示", exact=True)).to_have_count(5)
    assert shopper.complaints == []
