"""Paying inside WeChat: the gateway says who pays, then its sheet is called, for all that is paid."""

from __future__ import annotations

import json
import time
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.functional.conftest import MAIN, YE, hidden

JSAPI = "payment-wechatpay:jsapi"
AGENT = "Mozilla/5.0 (iPhone) AppleWebKit/605 MicroMessenger/8.0.50"


@pytest.fixture
def shopper(market: Any) -> Any:
    browser = market.browser()
    browser.environ_base["HTTP_USER_AGENT"] = AGENT
    return browser


@pytest.fixture
def simulator(market: Any) -> str:
    return f"{market.app.extensions['kameng.settings'].simulator_url}/wechatpay"


def named(answer: Any, simulator: str) -> str:
    """What WeChat does when it is asked who pays: back to the shop with a code. Our path of it."""
    assert answer.status_code == 303, answer.text[:400]
    page = answer.headers["Location"]
    assert page.startswith(f"{simulator}/connect/oauth2/authorize?")
    back = urlsplit(httpx.get(page).headers["Location"])
    return f"{back.path}?{back.query}"


def bridge_of(browser: Any, path: str, base: str = MAIN) -> dict[str, str]:
    page = browser.get(path, base_url=base)
    assert page.status_code == 200, page.headers
    found: dict[str, str] = json.loads(unescape(page.text.split('data-bridge="')[1].split('"')[0]))
    return found


def pay(simulator: str, bridge: dict[str, str]) -> None:
    answer = httpx.post(f"{simulator}/jsapi/pay", data=bridge)
    assert answer.json()["err_msg"].endswith(":ok"), answer.text


def newest(market: Any) -> tuple[str, int, int]:
    row = market.owner.execute(
        "SELECT attempt_no, station_id, id FROM payment_attempt ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return tuple(row)  # type: ignore[return-value]  # three columns, as named


def asked(market: Any) -> str:
    """The gateway is asked about the newest attempt; what followed."""
    from kameng.payments import api as payments

    _number, station, attempt = newest(market)
    with market.app.app_context():
        return payments.query_attempt(station, attempt)


def test_an_order_is_paid_inside_wechat(market: Any, shopper: Any, simulator: str) -> None:
    form = {**market.order_form(shopper, "XH30"), "method": JSAPI}
    back = named(market.post(shopper, "/orders", form), simulator)
    attempts = market.count("SELECT count(*) FROM payment_attempt")
    answer = shopper.get(back, base_url=MAIN)
    assert answer.status_code == 303
    assert market.count("SELECT count(*) FROM payment_attempt") == attempts + 1
    go = answer.headers["Location"]
    assert urlsplit(go).path.endswith("/go")
    pay(simulator, bridge_of(shopper, go))
    order = urlsplit(go).path.removesuffix("/go")
    assert market.post(shopper, f"{order}/check", {}).status_code == 303
    assert "已发货" in market.get(shopper, order)


def test_a_used_code_or_anothers_return_pays_nothing(
    market: Any, shopper: Any, simulator: str
) -> None:
    form = {**market.order_form(shopper, "XH30"), "method": JSAPI}
    back = named(market.post(shopper, "/orders", form), simulator)
    order = urlsplit(back).path.removesuffix("/payer")
    shopper.get(back, base_url=MAIN)
    before = market.count("SELECT count(*) FROM payment_attempt")
    for path in (back, back.replace("state=", "state=0"), f"{order}/payer?m={JSAPI}"):
        answer = shopper.get(path, base_url=MAIN)
        assert answer.headers["Location"].startswith(f"{order}/pay")
    assert "没能确认付款人" in market.get(shopper, f"{order}/pay")
    assert market.browser().get(back, base_url=MAIN).status_code == 404
    assert market.count("SELECT count(*) FROM payment_attempt") == before


def test_the_word_from_wechat_is_good_for_a_quarter_of_an_hour(market: Any) -> None:
    from kameng.db import station_scope
    from kameng.payments.services.collecting import options_of
    from kameng.payments.services.identifying import GOOD_FOR_S, _of_state, _state

    plugin, method = JSAPI.split(":")
    with market.app.app_context(), station_scope(1):
        options = options_of(1, "order", plugin, method)
        now = int(time.time())
        for age, found in ((0, options[0]), (GOOD_FOR_S + 2, None), (-60, None)):
            assert _of_state("P1", _state("P1", options[0], now - age), options) == found


def test_a_member_fills_the_wallet_inside_wechat(market: Any, shopper: Any, simulator: str) -> None:
    member = market.member(shopper, "13900000301")
    wrong = market.post(shopper, "/me/top-up", {"other": "0.5", "method": JSAPI})
    assert wrong.status_code == 422
    assert "充值金额要在 1 元到" in wrong.text
    answer = market.post(shopper, "/me/top-up", {"amount": "50", "method": JSAPI})
    back = named(answer, simulator)
    go = shopper.get(back, base_url=MAIN).headers["Location"]
    number, _station, _id = newest(market)
    assert go == f"/me/top-up/{number}/go"
    pay(simulator, bridge_of(shopper, go))
    assert asked(market) == "topped_up"
    assert "充值成功" in market.get(shopper, f"/me/top-up/{number}")
    assert market.count(
        "SELECT balance FROM account a JOIN account_balance b ON b.account_id = a.id"
        " WHERE a.kind = 'wallet' AND a.ref = %s", str(member),
    ) == 50_0000  # fmt: skip
    again = shopper.get(back, base_url=MAIN)
    assert again.headers["Location"] == "/me/top-up"
    assert "没能确认付款人" in market.get(shopper, "/me/top-up")


def test_the_word_about_one_member_is_none_about_another(
    market: Any, shopper: Any, simulator: str
) -> None:
    market.member(shopper, "13900000302")
    answer = market.post(shopper, "/me/top-up", {"amount": "50", "method": JSAPI})
    back = named(answer, simulator)
    other = market.browser()
    other.environ_base["HTTP_USER_AGENT"] = AGENT
    market.member(other, "13900000303")
    before = market.count("SELECT count(*) FROM payment_attempt")
    assert other.get(back, base_url=MAIN).headers["Location"] == "/me/top-up"
    assert market.count("SELECT count(*) FROM payment_attempt") == before
    assert "/login" in market.browser().get(back, base_url=MAIN).headers["Location"]


def test_a_station_pays_in_inside_wechat(market: Any, shopper: Any, simulator: str) -> None:
    login, password = market.owner_login
    form = {"login": login, "password": password}
    assert market.post(shopper, "/console/login", form, YE).status_code == 303
    path = "/console/funds/pay-in"
    token = hidden(market.get(shopper, path, YE), "_csrf")
    data = {"_csrf": token, "purpose": "deposit", "amount": "200", "method": JSAPI}
    small = shopper.post(path, data={**data, "amount": "0.1"}, base_url=YE)
    assert small.status_code == 400
    back = named(shopper.post(path, data=data, base_url=YE), simulator)
    gift = shopper.get(back.replace("purpose=deposit", "purpose=gift"), base_url=YE)
    assert gift.headers["Location"] == path
    go = shopper.get(back, base_url=YE).headers["Location"]
    number, station, _id = newest(market)
    assert (go, station) == (f"{path}/{number}/go", 2)
    assert f'href="{go}"' in market.get(shopper, f"{path}/{number}", YE)
    pay(simulator, bridge_of(shopper, go, YE))
    assert asked(market) == "topped_up"
    assert "已记入保证金" in market.get(shopper, f"{path}/{number}", YE)
