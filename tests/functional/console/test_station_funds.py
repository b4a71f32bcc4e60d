"""M8: a station sees its money, its statements, and takes it out of its own console."""

from __future__ import annotations

import re
from typing import Any

import pytest

YE = "http://yehang.localhost:8000"
PASSWORD = "shen-pass-2026"


@pytest.fixture
def owner(market: Any) -> Any:
    """A browser in which the station's owner is signed in."""
    browser = market.browser()
    login, password = market.owner_login
    market.post(browser, "/console/login", {"login": login, "password": password}, YE)
    return browser


def earn(market: Any, yuan: int) -> None:
    market.owner.execute(
        "SELECT _post('test:' || gen_random_uuid(), 2, NULL, NULL, NULL, ARRAY[_account(1, 'adjustment')],"
        " ARRAY[_account(2, 'available')], ARRAY[%s::bigint], ARRAY['adjust.adjustment'])",
        (yuan * 10_000,),
    )


def ask(market: Any, owner: Any, **changes: str) -> Any:
    page = market.get(owner, "/console/funds/withdraw", YE)
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    form = {
        "key": key[1], "amount": "120", "payee_kind": "alipay", "account": "shen@example.com",
        "name": "沈一舟", "bank": "", "password": PASSWORD, **changes,
    }  # fmt: skip
    return form, market.post(owner, "/console/funds/withdraw", form, YE)


def test_M8_an_empty_station_reads_what_will_be_there(market: Any, owner: Any) -> None:
    page = market.get(owner, "/console/funds", YE)
    for words in ("可提现", "待结算", "提现中", "预存款", "还没有提现过", "卖出第一单后"):
        assert words in page
    assert "/console/funds/pay-in" in page


def test_M8_a_request_freezes_the_money_once_and_can_be_taken_back(market: Any, owner: Any) -> None:
    earn(market, 500)
    form, answer = ask(market, owner)
    assert answer.status_code == 303
    again = market.post(owner, "/console/funds/withdraw", form, YE)  # pressed twice
    assert again.status_code == 303
    page = market.get(owner, "/console/funds", YE)
    assert "380.00" in page
    assert "等待批准" in page
    assert "shen@example.com" not in page
    assert market.count("SELECT count(*) FROM withdrawal") == 1
    number = market.count("SELECT id FROM withdrawal")
    done = market.post(owner, f"/console/funds/withdrawals/{number}/cancel", {}, YE)
    assert done.status_code == 303
    page = market.get(owner, "/console/funds", YE)
    assert "500.00" in page
    assert "店铺自己撤回" in page
    assert "还没有提现过" not in market.get(owner, "/console/funds/withdrawals", YE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wrong-pass"}, "密码不正确"),
        ({"password": ""}, "密码不正确"),
        ({"amount": "99999"}, "可提现余额不足"),
        ({"amount": "1"}, "每笔至少提现"),
        ({"amount": "12.345"}, "请填写提现金额"),
        ({"amount": "²"}, "请填写提现金额"),
        ({"amount": ""}, "请填写提现金额"),
        ({"account": ""}, "请填写正确的收款账号"),
        ({"name": "x"}, "请填写收款人"),
        ({"payee_kind": "bank", "account": "6222020200112233"}, "请填写开户行"),
        ({"payee_kind": "gold"}, "请选择收款方式"),
    ],
)
def test_M8_a_request_that_cannot_be_says_why_and_keeps_what_was_typed(
    market: Any, owner: Any, changes: dict[str, str], words: str
) -> None:
    earn(market, 200)
    before = market.count("SELECT count(*) FROM withdrawal")
    _form, answer = ask(market, owner, **changes)
    assert answer.status_code == 422
    assert words in answer.text
    if "name" not in changes:
        assert 'value="沈一舟"' in answer.text
    assert PASSWORD not in answer.text
    assert market.count("SELECT count(*) FROM withdrawal") == before


def test_M8_a_debt_from_refunds_is_explained(market: Any, owner: Any) -> None:
    left = market.count(
        "SELECT sum(balance)::bigint FROM account_balance b JOIN account a ON a.id = b.account_id WHERE a.station_id = 2 AND a.kind = 'available'"
    )
    earn(market, -(left // 10_000) - 20)
    page = market.get(owner, "/console/funds", YE)
    assert "可提现为负" in page
    assert "−20.00" in page
    earn(market, 20)


def test_M8_a_short_deposit_blocks_and_leads_to_paying_in(market: Any, owner: Any) -> None:
    earn(market, 200)
    market.owner.execute(
        "INSERT INTO settlement_terms(station_id, deposit_required) VALUES (2, 5000000)"
        " ON CONFLICT (station_id) DO UPDATE SET deposit_required = 5000000"
    )
    assert "保证金还差 ¥500.00" in market.get(owner, "/console/funds", YE)
    _form, answer = ask(market, owner)
    assert "保证金还差 ¥500.00" in answer.text
    market.owner.execute("DELETE FROM settlement_terms WHERE station_id = 2")


def test_M8_statements_by_day_and_month_with_sheets(market: Any, owner: Any) -> None:
    earn(market, 10)
    today = owner.get("/console/funds/statements", base_url=YE)
    assert today.status_code == 302
    page = market.get(owner, today.location, YE)
    assert "期初" in page
    assert "调账" in page
    key = today.location.rpartition("/")[2]
    day = f"{key}-{market.count('SELECT extract(day FROM now() AT TIME ZONE $$Asia/Shanghai$$)::int'):02d}"
    assert "调账" in market.get(owner, f"/console/funds/statements/{day}", YE)
    asked = owner.get("/console/funds/statements", query_string={"key": day}, base_url=YE)
    assert asked.location.endswith(day)
    for kind in ("csv", "xlsx"):
        sheet = owner.get(f"/console/funds/statements/{key}.{kind}", base_url=YE)
        assert sheet.status_code == 200
        assert f"statement-2-{key}.{kind}" in sheet.headers["Content-Disposition"]
    for odd in ("2026-13", "x", "2026-02-30.csv", "2026-11.pdf"):
        assert owner.get(f"/console/funds/statements/{odd}", base_url=YE).status_code == 404, odd
    assert owner.get("/console/funds/statements/2026-11?page=9999", base_url=YE).status_code == 200


def test_T7_a_clerk_does_not_see_the_money(market: Any) -> None:
    from kameng.db import main_scope
    from kameng.identity import api as identity

    with market.app.app_context(), main_scope(reason="test"):
        identity.create_staff(2, "clerk-one", "店员", "clerk-pass-2026", "clerk", with_totp=False)
    browser = market.browser()
    market.post(
        browser, "/console/login", {"login": "clerk-one", "password": "clerk-pass-2026"}, YE
    )
    assert browser.get("/console/", base_url=YE).status_code == 200
    for path in ("funds", "funds/withdraw", "funds/withdrawals", "funds/statements"):
        assert browser.get(f"/console/{path}", base_url=YE).status_code == 403, path
    assert market.post(browser, "/console/funds/withdraw", {"amount": "1"}, YE).status_code == 403
