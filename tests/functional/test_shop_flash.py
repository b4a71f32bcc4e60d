"""Flash sales on pages: a station plans one, members buy from their balance, others read why not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kameng.db import main_scope
from kameng.promotions import api as promotions

MAIN = "http://main.localhost:8000"
YE = "http://yehang.localhost:8000"
CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def owner_browser(market: Any) -> Any:
    browser = market.browser()
    login, password = market.owner_login
    market.post(browser, "/console/login", {"login": login, "password": password}, YE)
    return browser


def local(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")


def send(market: Any, browser: Any, path: str, **form: str) -> Any:
    token = re.search(
        r'name="csrf-token" content="([^"]+)"', browser.get("/console/", base_url=YE).text
    )
    assert token
    return browser.post(path, data={**form, "_csrf": token[1]}, base_url=YE)


def paid(market: Any, sku: str) -> tuple[int, int]:
    """What the station pays for a SKU, and what it takes, in fen."""
    row = market.owner.execute(
        "SELECT l.buy_price, l.price FROM listing l JOIN sku s ON s.id = l.sku_id"
        " WHERE l.station_id = 2 AND s.code = %s", (sku,),
    ).fetchone()  # fmt: skip
    return -(-row[0] // 100), row[1] // 100


def form(market: Any, goods: str, **changes: str) -> dict[str, str]:
    price = sum(paid(market, goods)) // 2
    given = {"sku": goods, "price": f"{price / 100:.2f}", "units": "2", "ends_at": local(2)}
    return given | changes


def planned(market: Any, owner_browser: Any, sku: str, **changes: str) -> str:
    answer = send(market, owner_browser, "/console/flash-sales", **form(market, sku, **changes))
    assert answer.status_code == 303, answer.text
    row = market.owner.execute("SELECT sale_no FROM flash_sale ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0])


def close(market: Any, owner_browser: Any, sale: str) -> None:
    send(market, owner_browser, f"/console/flash-sales/{sale}/close")


def buy(market: Any, browser: Any, sale: str, **changes: str) -> Any:
    page = market.get(browser, f"/flash/{sale}", YE)
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    given = {"key": found[1], "agree": "1"} | changes
    return market.post(browser, f"/flash/{sale}", given, YE)


def test_a_member_buys_from_the_balance_and_has_the_card(market: Any, owner_browser: Any) -> None:
    assert "还没有秒杀" in market.get(owner_browser, "/console/flash-sales", YE)
    sale = planned(market, owner_browser, "XH30")
    for path in ("/", "/p/xinghai"):
        page = market.get(market.browser(), path, YE)
        assert "限时秒杀" in page
        assert f"/flash/{sale}" in page
    assert f"/flash/{sale}" not in market.get(market.browser(), "/", MAIN)
    browser = market.browser()
    member = market.member(browser, "13700000001", 100_0000, YE)
    answer = buy(market, browser, sale)
    assert answer.status_code == 303, answer.text
    page = market.get(browser, answer.headers["Location"].split("?")[0], YE)
    assert "XH30N" in page
    row = market.owner.execute(
        "SELECT o.state, o.payable, f.price FROM orders o JOIN flash_unit u USING (station_id)"
        " JOIN flash_sale f ON f.station_id = u.station_id AND f.id = u.sale_id"
        " WHERE u.order_id = o.id AND o.member_id = %s", (member,),
    ).fetchone()  # fmt: skip
    assert row[0] == "delivered"
    assert row[1] == row[2]
    again = buy(market, browser, sale)
    assert again.status_code == 409
    assert "每人只能抢一件" in again.text
    listed = market.get(owner_browser, "/console/flash-sales", YE)
    assert "1 / 2" in listed
    close(market, owner_browser, sale)
    assert "已结束" in market.get(owner_browser, "/console/flash-sales", YE)
    assert "这场秒杀已经结束" in market.get(browser, f"/flash/{sale}", YE)


def test_the_same_form_twice_is_one_order(market: Any, owner_browser: Any) -> None:
    sale = planned(market, owner_browser, "XH30")
    browser = market.browser()
    market.member(browser, "13700000002", 100_0000, YE)
    page = market.get(browser, f"/flash/{sale}", YE)
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    answers = [
        market.post(browser, f"/flash/{sale}", {"key": key[1], "agree": "1"}, YE) for _n in range(2)
    ]
    assert [one.status_code for one in answers] == [303, 303]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    close(market, owner_browser, sale)


def test_who_cannot_pay_gives_the_unit_back(market: Any, owner_browser: Any) -> None:
    sale = planned(market, owner_browser, "XH30", units="1")
    poor, rich, late = market.browser(), market.browser(), market.browser()
    market.member(poor, "13700000003", 0, YE)
    market.member(rich, "13700000004", 100_0000, YE)
    market.member(late, "13700000005", 100_0000, YE)
    answer = buy(market, poor, sale)
    assert answer.status_code in (402, 409)
    assert "没有扣款" in answer.text
    assert market.count("SELECT count(*) FROM flash_unit WHERE order_id IS NULL") > 0
    page = market.get(late, f"/flash/{sale}", YE)
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    assert buy(market, rich, sale).status_code == 303
    answer = market.post(late, f"/flash/{sale}", {"key": key[1], "agree": "1"}, YE)
    assert answer.status_code == 409
    assert "已经抢完了" in answer.text
    assert "抢完了，按原价买" in market.get(late, f"/flash/{sale}", YE)
    close(market, owner_browser, sale)


def test_guests_are_asked_to_sign_in_and_terms_to_be_agreed(
    market: Any, owner_browser: Any
) -> None:
    sale = planned(market, owner_browser, "XH30")
    guest = market.browser()
    assert "登录后抢购" in market.get(guest, f"/flash/{sale}", YE)
    answer = market.post(guest, f"/flash/{sale}", {"agree": "1"}, YE)
    assert answer.headers["Location"] == f"/login?next=/flash/{sale}"
    browser = market.browser()
    market.member(browser, "13700000006", 100_0000, YE)
    refused = buy(market, browser, sale, agree="")
    assert refused.status_code == 422
    assert "请先同意购买须知" in refused.text
    for wrong in ("nonsense", "F26110000000001"):
        assert browser.get(f"/flash/{wrong}", base_url=YE).status_code == 404
    assert browser.get(f"/flash/{sale}", base_url=MAIN).status_code == 404
    close(market, owner_browser, sale)


def test_a_sale_to_come_is_shown_with_its_time_and_can_be_cancelled(
    market: Any, owner_browser: Any
) -> None:
    sale = planned(market, owner_browser, "P100", starts_at=local(1))
    assert "距开始" in market.get(market.browser(), "/p/phone", YE)
    close(market, owner_browser, sale)
    assert market.count("SELECT count(*) FROM flash_sale WHERE state = 'cancelled'") == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sku": ""}, "没有这个规格"), ({"sku": "NONE"}, "没有这个规格"),
        ({"units": "0"}, "1 到 5000"), ({"units": "x"}, "1 到 5000"),
        ({"price": "0.01"}, "不能低于本店的进货价"), ({"price": "9999"}, "不高于现在的售价"),
        ({"price": "abc"}, "不高于现在的售价"), ({"ends_at": ""}, "请填时间"),
        ({"ends_at": "2020-01-01T00:00"}, "结束要晚于"),
        ({"starts_at": "2026-99-99T00:00"}, "请填时间"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(
    market: Any, owner_browser: Any, changes: dict[str, str], words: str
) -> None:
    before = market.count("SELECT count(*) FROM flash_sale")
    given = form(market, "XH30", **changes)
    answer = send(market, owner_browser, "/console/flash-sales", **given)
    assert answer.status_code == 422
    assert words in answer.text
    assert market.count("SELECT count(*) FROM flash_sale") == before


def test_a_sku_has_one_open_sale(market: Any, owner_browser: Any) -> None:
    sale = planned(market, owner_browser, "XH30")
    answer = send(market, owner_browser, "/console/flash-sales", **form(market, "XH30"))
    assert "已有一场没结束的秒杀" in answer.text
    close(market, owner_browser, sale)


def test_a_sale_ends_by_the_clock(market: Any, owner_browser: Any) -> None:
    sale = planned(market, owner_browser, "XH30")
    market.owner.execute(
        "UPDATE flash_sale SET starts_at = now() - interval '2 h', ends_at = now() - interval '1 s'"
        " WHERE sale_no = %s", (sale,),
    )  # fmt: skip
    assert "这场秒杀已经结束" in market.get(market.browser(), f"/flash/{sale}", YE)
    with market.app.app_context(), main_scope(reason="test"):
        promotions.watch()
    assert market.count("SELECT count(*) FROM flash_sale WHERE state = 'running'") == 0
