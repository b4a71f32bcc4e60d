"""Opening a station, and the owner's own console."""

from __future__ import annotations

from typing import Any

import pytest

MAIN = "http://main.localhost:8000"
YE = "http://yehang.localhost:8000"
APPLICATION = {
    "slug": "bluewhale", "name": "蓝鲸小店", "theme": "ye", "person": "林小满",
    "phone": "13800136021", "email": "lin@example.com", "subject_kind": "person", "plan": "shop",
    "owner_login": "lin", "owner_password": "whale-pass-2026", "owner_password2": "whale-pass-2026",
    "agree": "1",
}  # fmt: skip


def between(page: str, start: str, end: str) -> str:
    return page.split(start, 1)[1].split(end, 1)[0]


def sign_in(market: Any, browser: Any, base: str = YE) -> Any:
    login, password = market.owner_login
    return market.post(browser, "/console/login", {"login": login, "password": password}, base)


def test_M1_from_application_to_a_shop_that_sells(market: Any) -> None:
    from kameng.db import main_scope
    from kameng.pricing import api as pricing
    from kameng.stations import api as stations

    browser = market.browser()
    done = market.post(browser, "/apply", APPLICATION)
    assert done.status_code == 200, done.text[:500]
    number = between(done.text, 'id="application-number">', "<")
    code = between(done.text, 'id="application-code">', "<")
    assert done.headers["Cache-Control"] == "no-store"
    waiting = market.post(browser, "/apply/status", {"number": number, "code": code})
    assert "正在审核" in waiting.text
    wrong = market.post(browser, "/apply/status", {"number": number, "code": "nothing"})
    assert wrong.status_code == 422
    with market.app.app_context(), main_scope(reason="test"):
        form = next(a for a in stations.list_applications("submitted") if a.slug == "bluewhale")
        station = stations.approve_application(form.id, "staff:1")
        pricing.reprice(station_ids=[station])
    opened = market.post(browser, "/apply/status", {"number": number, "code": code})
    assert "店铺已开业" in opened.text
    shop = market.get(market.browser(), "/", "http://bluewhale.localhost:8000")
    assert "蓝鲸小店" in shop
    assert 'data-theme="ye"' in shop
    assert "星海点券" in shop


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"slug": "admin"}, "保留"), ({"slug": "yehan9-"}, "店铺网址"), ({"slug": "ye"}, "店铺网址"),
        ({"slug": "xn--abc"}, "店铺网址"), ({"slug": "yehang"}, "已被使用"),
        ({"name": "<script>alert(1)</script>"}, "不能包含代码"), ({"name": "夜航电玩"}, "相同或相近"),
        ({"owner_password": "short", "owner_password2": "short"}, "密码"),
        ({"owner_password2": "another-pass-1"}, "两次输入的密码不一样"), ({"agree": ""}, "请先同意"),
        ({"person": ""}, "联系人姓名"), ({"phone": "", "email": ""}, "手机号或邮箱"),
        ({"theme": "nothing"}, "请选一个主题"),
    ],
)  # fmt: skip
def test_a_bad_application_is_a_clear_message(
    market: Any, change: dict[str, str], text: str
) -> None:
    before = market.count("SELECT count(*) FROM station_application")
    answer = market.post(market.browser(), "/apply", APPLICATION | {"slug": "redwhale"} | change)
    assert answer.status_code == 422
    assert text in answer.text
    assert "<script>alert" not in answer.text
    assert market.count("SELECT count(*) FROM station_application") == before


def test_mistakes_of_an_application_are_said_together(market: Any) -> None:
    form = APPLICATION | {"slug": "admin", "agree": "", "owner_password2": "another-pass-1"}
    answer = market.post(market.browser(), "/apply", form)
    assert "有 3 处要改" in answer.text
    for text in ("保留", "请先同意", "两次输入的密码不一样"):
        assert text in answer.text


def test_sign_up_answers_on_the_main_host_only(market: Any) -> None:
    assert market.browser().get("/apply", base_url=MAIN).status_code == 200
    assert market.browser().get("/apply", base_url=YE).status_code == 404


def test_the_hint_says_whether_an_address_is_free(market: Any) -> None:
    browser = market.browser()
    assert "可以使用" in market.get(browser, "/apply/slug?slug=greenwhale")
    assert "已被使用" in market.get(browser, "/apply/slug?slug=sudan")
    assert "保留" in market.get(browser, "/apply/slug?slug=admin")


def test_M10_the_console_asks_for_staff_of_this_station(market: Any) -> None:
    browser = market.browser()
    away = browser.get("/console/", base_url=YE)
    assert away.headers["Location"].startswith("/console/login")
    market.member(browser, "member@example.com", base=YE)
    assert browser.get("/console/orders", base_url=YE).status_code == 302
    wrong = market.post(browser, "/console/login", {"login": "shen", "password": "no"}, YE)
    assert wrong.status_code == 401
    assert sign_in(market, browser, "http://sudan.localhost:8000").status_code == 401
    assert sign_in(market, browser).headers["Location"] == "/console/"
    for path, text in (
        ("/console/", "每天利润"), ("/console/orders", "还没有订单"),
        ("/console/listings", "XH30"), ("/console/settings", "店铺名称"),
    ):  # fmt: skip
        assert text in market.get(browser, path, YE)
    assert browser.get("/console/", base_url=MAIN).headers["Location"] == "/admin/"


def staff_post(browser: Any, path: str, data: dict[str, str]) -> Any:
    page = browser.get("/console/settings", base_url=YE).text
    token = between(page, 'name="_csrf" value="', '"')
    return browser.post(path, data={**data, "_csrf": token}, base_url=YE, follow_redirects=True)


def test_an_owner_sets_a_price_but_never_below_the_purchase_price(market: Any) -> None:
    browser = market.browser()
    sign_in(market, browser)
    sku = market.skus["XH30"]
    low = staff_post(browser, f"/console/listings/{sku}", {"deed": "price", "price": "0.50"})
    assert "不能低于进货价" in low.text
    bad = staff_post(browser, f"/console/listings/{sku}", {"deed": "price", "price": "abc"})
    assert "请填写售价" in bad.text
    good = staff_post(browser, f"/console/listings/{sku}", {"deed": "price", "price": "66.60"})
    assert "售价已保存" in good.text
    kept = "SELECT fixed_price FROM listing WHERE station_id = 2 AND sku_id = %s"
    assert market.count(kept, sku) == 66_6000


def test_taking_a_sku_off_the_shelf_shows_at_once(market: Any) -> None:
    browser = market.browser()
    sign_in(market, browser)
    sku = market.skus["LONE"]
    staff_post(browser, f"/console/listings/{sku}", {"deed": "off"})
    assert market.browser().get("/p/lone", base_url=YE).status_code == 404
    assert market.browser().get("/p/lone", base_url=MAIN).status_code == 200
    staff_post(browser, f"/console/listings/{sku}", {"deed": "on"})
    assert market.browser().get("/p/lone", base_url=YE).status_code == 200


def test_the_shop_follows_its_settings_and_keeps_markup_as_text(market: Any) -> None:
    browser = market.browser()
    sign_in(market, browser)
    settings = {"name": "夜航电玩", "theme": "qing", "accent": "#ffee88", "notice": "<b>新</b>开业"}
    saved = staff_post(browser, "/console/settings", settings)
    assert "自动调深或调浅" in saved.text
    page = market.get(market.browser(), "/", YE)
    assert 'data-theme="qing"' in page
    assert "--km-accent:" in page
    assert "&lt;b&gt;新&lt;/b&gt;开业" in page
    bad = staff_post(browser, "/console/settings", settings | {"accent": "red;}"})
    assert "六位" in bad.text
    staff_post(browser, "/console/settings", settings | {"theme": "ye", "accent": ""})
