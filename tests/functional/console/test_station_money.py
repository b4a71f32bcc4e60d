"""A station's own console: bonus rules, and paying into prepaid and deposit."""

from __future__ import annotations

import json
from typing import Any

import pytest

YE = "http://yehang.localhost:8000"


@pytest.fixture(scope="module")
def owner_browser(market: Any) -> Any:
    browser = market.browser()
    login, password = market.owner_login
    form = {"login": login, "password": password}
    assert market.post(browser, "/console/login", form, YE).status_code == 303
    return browser


@pytest.fixture(scope="module")
def clerk_browser(market: Any) -> Any:
    from kameng.db import main_scope
    from kameng.identity import api as identity

    with market.app.app_context(), main_scope(reason="test"):
        identity.create_staff(2, "clerk", "小店员", "clerk-pass-2026", "clerk", with_totp=False)
    browser = market.browser()
    form = {"login": "clerk", "password": "clerk-pass-2026"}
    assert market.post(browser, "/console/login", form, YE).status_code == 303
    return browser


def send(market: Any, browser: Any, path: str, **data: str) -> Any:
    from tests.functional.conftest import hidden

    token = hidden(market.get(browser, "/console/", YE), "_csrf")
    return browser.post(path, data={**data, "_csrf": token}, base_url=YE)


def test_rules_of_the_stations_own_shop(market: Any, owner_browser: Any) -> None:
    page = market.get(owner_browser, "/console/bonuses", YE)
    assert "还没有规则" in page
    assert "现在有 ¥0.00" in page
    form = {"minimum": "100", "kind": "percent", "value": "5", "cap": "50", "active": "1"}
    assert send(market, owner_browser, "/console/bonuses", **form).status_code == 303
    page = market.get(owner_browser, "/console/bonuses", YE)
    assert "充 100 元起送 5%，最多 50 元" in page
    wrong = send(market, owner_browser, "/console/bonuses", **{**form, "minimum": ""})
    assert wrong.status_code == 422
    assert "请填数字" in wrong.text
    rule = market.count("SELECT id FROM bonus_rule WHERE station_id = 2")
    assert "修改规则" in market.get(owner_browser, f"/console/bonuses?id={rule}", YE)
    send(market, owner_browser, f"/console/bonuses/{rule}", deed="off")
    assert "已停用" in market.get(owner_browser, "/console/bonuses", YE)
    send(market, owner_browser, f"/console/bonuses/{rule}", deed="delete")
    assert market.count("SELECT count(*) FROM bonus_rule WHERE station_id = 2") == 0
    assert send(market, owner_browser, "/console/bonuses/99", deed="delete").status_code == 303


def test_a_clerk_reads_the_rules_and_no_more(market: Any, clerk_browser: Any) -> None:
    assert "保存规则" not in market.get(clerk_browser, "/console/bonuses", YE)
    form = {"minimum": "100", "kind": "fixed", "value": "5"}
    assert send(market, clerk_browser, "/console/bonuses", **form).status_code == 403
    answer = clerk_browser.get("/console/funds/pay-in", base_url=YE)
    assert answer.status_code == 403


def test_the_owner_pays_into_the_prepaid_account(market: Any, owner_browser: Any) -> None:
    page = market.get(owner_browser, "/console/funds/pay-in", YE)
    assert "预存是做什么的" in page
    assert "还没有付过款" in page
    form = {"purpose": "prepaid", "amount": "500", "method": "payment-epay:alipay"}
    path = "/console/funds/pay-in"
    for wrong, words in (({"amount": "0.5"}, "1 元到"), ({"amount": "x"}, "1 元到"),
                         ({"purpose": "gift"}, "请选预存还是保证金"),
                         ({"method": "nothing:x"}, "现在不可用")):  # fmt: skip
        answer = send(market, owner_browser, path, **{**form, **wrong})
        assert answer.status_code == 400
        assert words in answer.text
    answer = send(market, owner_browser, path, **form)
    assert answer.status_code == 303, answer.text[:300]
    row = market.owner.execute(
        "SELECT attempt_no, purpose, account_station_id, opened_by FROM payment_attempt"
        " WHERE station_id = 2 ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert row[1:3] == ("prepaid", 1)
    assert row[3].startswith("staff:")
    waiting = market.get(owner_browser, f"{path}/{row[0]}", YE)
    assert "等待付款" in waiting
    paid(market, row[0], 500_0000)
    assert "已记入预存余额" in market.get(owner_browser, f"{path}/{row[0]}", YE)
    assert "¥500.00" in market.get(owner_browser, path, YE)


def paid(market: Any, number: str, amount: int) -> None:
    from kameng.db import call

    plugin = market.owner.execute(
        "SELECT plugin_id FROM payment_attempt WHERE attempt_no = %s", (number,)
    ).fetchone()[0]
    with market.app.app_context():
        call(
            "apply_payment", as_main=True, p_station=2, p_attempt_no=number,
            p_plugin=plugin, p_amount=amount, p_currency="CNY", p_provider_ref=number,
            p_source="test", p_wait=False,
        )  # fmt: skip


def test_a_deposit_by_transfer_or_form(market: Any, owner_browser: Any) -> None:
    path = "/console/funds/pay-in"
    form = {"purpose": "deposit", "amount": "1000", "method": "payment-epay:alipay"}
    send(market, owner_browser, path, **form)
    number = cashier(market, {"details": [{"label": "账号", "value": "6222 9", "copy": True}]})
    page = market.get(owner_browser, f"{path}/{number}", YE)
    assert "6222 9" in page
    assert "上传截图" in page
    number = cashier(market, {"form": {"a": "1"}})
    answer = owner_browser.get(f"{path}/{number}/go", base_url=YE)
    assert 'action="https://pay.example/x"' in answer.text
    assert "https://pay.example" in answer.headers["Content-Security-Policy"]
    number = cashier(market, {})
    link = 'href="https://pay.example/x" referrerpolicy="strict-origin"'
    assert link in market.get(owner_browser, f"{path}/{number}", YE)
    assert owner_browser.get(f"{path}/nothing", base_url=YE).status_code == 404


def cashier(market: Any, content: dict[str, Any]) -> str:
    row = market.owner.execute(
        "UPDATE payment_attempt SET cashier = %s, redirect_url = 'https://pay.example/x'"
        " WHERE id = (SELECT max(id) FROM payment_attempt) RETURNING attempt_no",
        (json.dumps(content),),
    ).fetchone()
    return str(row[0])
