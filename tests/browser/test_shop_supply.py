"""Goods that a supplier brings: bought, waited for and delivered in a real browser, in every theme."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.conftest import free_port
from tests.functional.conftest import market_with
from tests.functional.quarter import quarter_on
from tests.functional.trade import NO, WAIT, YES, Trade, cards
from werkzeug.serving import make_server

from kameng.plugins import api as plugins
from kameng.web import assets_build

pytestmark = pytest.mark.browser

Picture = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def street(settings: Any, database: str, server: Any) -> Iterator[tuple[Any, int]]:
    """The functional tests' market behind a port, and that port."""
    assets_build.build()
    port = free_port()
    settings = replace(settings, public_port=port)
    with quarter_on(server) as quarter, market_with(settings, database, quarter) as market:
        shop = make_server("127.0.0.1", port, market.app, threaded=True)
        threading.Thread(target=shop.serve_forever, daemon=True).start()
        yield market, port
        shop.shutdown()
        shop.server_close()


@pytest.fixture
def trade(street: tuple[Any, int], monkeypatch: pytest.MonkeyPatch) -> Trade:
    made = Trade(street[0])
    monkeypatch.setattr(plugins, "supplier", made.find)
    return made


def buy(trade: Trade, page: Page, shop: str, code: str, pieces: int) -> None:
    """Product → checkout → cashier → the order's page, paid."""
    page.goto(f"{shop}/p/{code.lower()}")
    page.locator("#quantity").fill(str(pieces))
    page.locator("#quantity").press("Tab")
    page.locator(".km-buybar button").click()
    page.wait_for_url("**/checkout?**")
    page.locator("[name=contact]").fill("13800136021")
    page.locator("[name=agree]").check(force=True)
    page.locator("form[action='/orders'] button.km-btn-primary").click()
    page.wait_for_url("**/epay/cashier/**")
    page.get_by_role("button", name="付款").first.click()
    page.wait_for_url("**/o/*")
    trade.settle()


@pytest.mark.parametrize(("station", "size"), [("main", "phone"), ("yehang", "desktop")])
def test_S6_cards_of_a_supplier_come_one_after_the_other(
    visit: Any, trade: Trade, street: Any, request: Any, picture: Picture, station: str, size: str
) -> None:
    view = request.getfixturevalue(size)
    visitor = visit(view)
    page, shop = visitor.page, f"http://{station}.localhost:{street[1]}"
    code = trade.goods()
    trade.left(code, None)
    first, second = trade.supplier(code, WAIT), trade.supplier(code, WAIT)
    buy(trade, page, shop, code, 3)
    expect(page.get_by_text("正在取卡密")).to_be_visible()
    assert visitor.axe() == []
    picture(page, f"supply-{station}-{size}-fetching")

    first.answer = cards(f"ONE-{code}-7KQ4-M2VD")
    trade.work()
    expect(page.get_by_text("已到 1 张，还差 2 张")).to_be_visible()
    picture(page, f"supply-{station}-{size}-part")
    page.get_by_role("button", name="显示", exact=True).click()
    expect(page.get_by_text(f"ONE-{code}-7KQ4-M2VD")).to_be_visible()

    second.answer = cards(f"TWO-{code}-XR9T-3HPL")
    trade.work()
    expect(page.get_by_text("订单有新进展")).to_be_visible()
    expect(page.get_by_text(f"ONE-{code}-7KQ4-M2VD")).to_be_visible()
    assert visitor.axe() == []
    assert visitor.width_used() <= view["width"]
    picture(page, f"supply-{station}-{size}-news")
    page.get_by_role("link", name="看新进展").click()
    expect(page.get_by_text("已发货，共 2 张")).to_be_visible()
    expect(page.get_by_text("有 1 件没能发出")).to_be_visible()
    expect(page.locator("#status")).to_have_count(0)
    picture(page, f"supply-{station}-{size}-short")
    assert visitor.axe() == []
    assert visitor.width_used() <= view["width"]
    assert visitor.complaints == []


@pytest.mark.parametrize(("station", "size"), [("sudan", "phone"), ("main", "desktop")])
def test_S6_a_top_up_of_a_supplier_arrives_and_is_sold_out_when_it_has_none(
    visit: Any, trade: Trade, street: Any, request: Any, picture: Picture, station: str, size: str
) -> None:
    view = request.getfixturevalue(size)
    visitor = visit(view)
    page, shop = visitor.page, f"http://{station}.localhost:{street[1]}"
    code = trade.goods("top_up")
    far = trade.supplier(code, WAIT)
    buy(trade, page, shop, code, 1)
    expect(page.get_by_text("充值中").first).to_be_visible()
    far.answer = YES
    trade.work()
    expect(page.get_by_text("已发货").first).to_be_visible()
    expect(page.locator("#status")).to_have_count(0)
    picture(page, f"supply-{station}-{size}-topped-up")

    far.answer = NO
    buy(trade, page, shop, code, 1)
    expect(page.get_by_text("退回支付宝")).to_be_visible()
    picture(page, f"supply-{station}-{size}-refunded")

    trade.left(code, 0)
    page.goto(f"{shop}/p/{code.lower()}")
    expect(page.locator(".km-buybar button")).to_be_disabled()
    picture(page, f"supply-{station}-{size}-sold-out")
    assert visitor.axe() == []
    assert visitor.width_used() <= view["width"]
    assert visitor.complaints == []
