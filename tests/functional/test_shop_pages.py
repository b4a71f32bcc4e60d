"""Finding goods: home, lists, product, themes, small site files."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kameng_tenants.themes.contrast import accent_set, cover_ground, parse, ratio

MAIN = "http://main.localhost:8000"
YE = "http://yehang.localhost:8000"
SU = "http://sudan.localhost:8000"
PAGES = (
    "/", "/categories", "/c/games", "/search?q=星海", "/search?q=没有这个", "/p/xinghai", "/p/phone",
    "/login", "/register", "/orders/lookup", "/about/terms", "/checkout?sku=XH30&quantity=1",
)  # fmt: skip


def test_home_shows_categories_goods_notice_and_licence(market: Any) -> None:
    page = market.get(market.browser(), "/")
    for text in ("晴选数卡", "游戏点卡", "星海点券", "今晚 23:00 维护", "浙ICP备1号", "正规货源"):
        assert text in page


def test_each_station_is_drawn_in_its_own_theme(market: Any) -> None:
    # Twice and in turns: a template cache shared by themes would show the first one's page.
    browser = market.browser()
    for _round in range(2):
        assert 'data-theme="qing"' in market.get(browser, "/", MAIN)
        night = market.get(browser, "/", YE)
        assert 'data-theme="ye"' in night
        assert "热销榜" in night
        paper = market.get(browser, "/", SU)
        assert 'data-theme="su"' in paper
        assert "折扣" in paper


@pytest.mark.parametrize("base", [MAIN, YE, SU])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_inline_styles_or_handlers(market: Any, base: str, path: str) -> None:
    answer = market.browser().get(path, base_url=base)
    assert answer.status_code == 200, path
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", answer.text)
    assert '<html lang="zh-CN"' in answer.text
    for script in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", answer.text):
        assert "nonce=" in script


def test_dark_mode_is_drawn_by_the_server(market: Any) -> None:
    browser = market.browser()
    answer = market.post(browser, "/mode", {"mode": "dark", "back": "/p/xinghai"})
    assert answer.headers["Location"] == "/p/xinghai"
    assert 'data-bs-theme="dark"' in market.get(browser, "/")
    away = market.post(browser, "/mode", {"mode": "light", "back": "//evil.example/"})
    assert away.headers["Location"] == "/"


def test_an_order_number_in_the_search_leads_to_the_look_up(market: Any) -> None:
    answer = market.browser().get("/search?q=2611 2210 5017 2264", base_url=MAIN)
    assert answer.headers["Location"] == "/orders/lookup?order_no=2611221050172264"


def test_unknown_goods_and_categories_are_404(market: Any) -> None:
    for path in ("/p/nothing", "/c/nothing", "/t/nothing", "/about/nothing", "/o/1", "/o/abc"):
        assert market.browser().get(path, base_url=MAIN).status_code == 404, path


def test_missing_goods_keep_the_shops_look_and_lead_on(market: Any) -> None:
    page = market.browser().get("/p/nothing", base_url=YE)
    assert page.status_code == 404
    assert 'data-theme="ye"' in page.text
    assert "/categories" in page.text
    program = market.browser().get(
        "/p/nothing", base_url=YE, headers={"Accept": "application/json"}
    )
    assert program.mimetype == "application/problem+json"


def test_a_product_of_several_prices_says_from(market: Any) -> None:
    page = market.get(market.browser(), "/c/games")
    several, single = card_of(page, "xinghai"), card_of(page, "lone")
    assert "起" in several
    assert "km-old" not in several
    assert "起" not in single
    assert "km-old" in single
    # A sum over SKUs would promise what no single one has.
    assert "余 80" not in several


def card_of(page: str, slug: str) -> str:
    """The card of a product in a list."""
    return page.split(f'href="/p/{slug}"')[1].split("</a>")[0]


def test_tags_do_not_repeat_how_the_goods_arrive(market: Any) -> None:
    from kameng.catalog import api as catalog
    from kameng.db import main_scope

    with market.app.app_context(), main_scope(reason="test"):
        number = market.count("SELECT id FROM product WHERE slug = 'xinghai'")
        catalog.save_tags(number, ["自动发卡", "热卖"])
    page = market.get(market.browser(), "/p/xinghai")
    assert page.count("自动发卡") == 1
    assert "热卖" in page


def test_the_station_agreement_is_its_own_page(market: Any) -> None:
    browser = market.browser()
    assert "/about/stations" in market.get(browser, "/apply")
    assert "分站开店协议" in market.get(browser, "/about/stations")


def test_ways_to_pay_speak_the_shoppers_language(market: Any) -> None:
    page = market.get(market.browser(), "/checkout?sku=XH30&quantity=1&lang=en")
    assert "Alipay" in page
    assert "支付宝" not in page


def test_T11_manifest_and_hint_of_in_app_browsers(market: Any) -> None:
    browser = market.browser()
    manifest = browser.get("/manifest.webmanifest", base_url=YE)
    assert manifest.json["name"] == "夜航电玩"
    assert browser.get("/shop-icon.svg", base_url=YE).mimetype == "image/svg+xml"
    page = browser.get("/", base_url=MAIN, headers={"User-Agent": "Mozilla MicroMessenger/8.0"})
    assert "正在微信里浏览" in page.text


def test_english_only_when_asked_for(market: Any) -> None:
    page = market.get(market.browser(), "/?lang=en")
    assert '<html lang="en"' in page


@pytest.mark.parametrize("ground", ["#ffffff", "#132024", "#131722", "#1a1b18"])
@pytest.mark.parametrize(
    "wanted", ["#ffee88", "#000000", "#ffffff", "#0b746f", "#ff0000", "#c3f53c"]
)
def test_a_tenants_accent_is_corrected_until_it_reads(wanted: str, ground: str) -> None:
    colours = accent_set(wanted, ground)
    assert ratio(parse(colours.accent), parse(ground)) >= 4.5
    assert ratio(parse(colours.on_accent), parse(colours.accent)) >= 4.5
    assert ratio(parse(colours.ink), parse(colours.soft)) >= 4.5


def test_white_reads_on_every_cover() -> None:
    for hue in range(0, 360, 5):
        for stop in cover_ground(hue):
            assert ratio(parse(stop), (255, 255, 255)) >= 5.5
