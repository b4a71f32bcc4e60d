"""A station says which interfaces programs may speak, and stops keys of its members."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from kameng.db import main_scope, station_scope

YE, STATION = "http://yehang.localhost:8000", 2


@pytest.fixture(scope="module")
def owner(market: Any) -> Any:
    """A browser in which the station's owner is signed in."""
    browser = market.browser()
    login, password = market.owner_login
    market.post(browser, "/console/login", {"login": login, "password": password}, YE)
    return browser


def press(market: Any, browser: Any, path: str, **data: str) -> Any:
    from tests.functional.conftest import hidden

    token = hidden(market.get(browser, "/console/", YE), "_csrf")
    return browser.post(f"/console/{path}", data={**data, "_csrf": token}, base_url=YE)


def key(market: Any, station: int = STATION, base: str = YE) -> int:
    """A key of a new member; its number."""
    from kameng.openapi import api as openapi

    member = market.member(market.browser(), f"{secrets.token_hex(4)}@example.com", base=base)
    with market.app.app_context(), station_scope(station):
        made, _secret = openapi.make_key(
            member, name="来自会员", dialect="native", sandbox=False, scopes=("products.read",),
            networks=(), callback_url="", actor="test",
        )  # fmt: skip
    return int(market.count("SELECT id FROM api_key WHERE key_id = %s", made))


def enabled(market: Any, dialect: str) -> Any:
    row = market.owner.execute(
        "SELECT enabled FROM dock_switch WHERE station_id = %s AND dialect = %s", (STATION, dialect)
    ).fetchone()
    return row and row[0]


def audits(market: Any, action: str) -> int:
    return int(
        market.count(
            "SELECT count(*) FROM audit_event WHERE station_id = %s AND action = %s",
            STATION, action,
        )
    )  # fmt: skip


def test_the_risk_stands_beside_the_switch_that_is_off(market: Any, owner: Any) -> None:
    page = market.get(owner, "/console/open-api", YE)
    assert 'href="/console/open-api"' in page
    risky = page.split("异次元共享店铺", 1)[1]
    assert "已关闭" in risky[:400]
    assert "谁读到一个请求" in risky


def test_an_interface_is_opened_and_closed_and_both_are_noted(market: Any, owner: Any) -> None:
    before = audits(market, "dock.switch")
    assert press(market, owner, "open-api/switch", dialect="acg-shared", on="1").status_code == 303
    assert enabled(market, "acg-shared") is True
    assert press(market, owner, "open-api/switch", dialect="acg-shared", on="0").status_code == 303
    assert enabled(market, "acg-shared") is False
    assert audits(market, "dock.switch") == before + 2
    assert press(market, owner, "open-api/switch", dialect="nonsense", on="1").status_code == 404


def test_a_members_key_is_stopped_with_a_reason(market: Any, owner: Any) -> None:
    number = key(market)
    assert "来自会员" in market.get(owner, "/console/open-api", YE)
    press(market, owner, f"open-api/{number}/revoke", reason="")
    state = "SELECT count(*) FROM api_key WHERE id = %s AND state = 'active'"
    assert market.count(state, number) == 1
    assert press(market, owner, f"open-api/{number}/revoke", reason="异常下单").status_code == 303
    assert market.count(state, number) == 0
    assert market.count(
        "SELECT count(*) FROM audit_event WHERE station_id = 2 AND detail::text LIKE %s",
        "%异常下单%",
    )


def test_T12_another_stations_key_is_neither_shown_nor_stopped(market: Any, owner: Any) -> None:
    foreign = key(market, 1, "http://main.localhost:8000")
    assert f"open-api/{foreign}/" not in market.get(owner, "/console/open-api", YE)
    press(market, owner, f"open-api/{foreign}/revoke", reason="不是我的")
    active = "SELECT count(*) FROM api_key WHERE id = %s AND state = 'active'"
    assert market.count(active, foreign) == 1


def test_orders_by_programs_are_counted(market: Any, owner: Any) -> None:
    from kameng.orders import api as orders

    with market.app.app_context(), station_scope(STATION):
        asked = orders.PlaceRequest(
            sku_code="XH30", quantity=1, inputs={}, contact="a@example.com", ip="192.0.2.7",
            idempotency_key=secrets.token_hex(8), channel="api",
            expected_payable=orders.quote("XH30", 1).payable,
        )  # fmt: skip
        orders.place(asked, ("allow", []))
    page = market.get(owner, "/console/open-api", YE)
    assert '<span>接口订单</span><b class="km-num">1</b>' in page


def test_a_clerk_gets_in_no_way(market: Any) -> None:
    from kameng.identity import api as identity

    with market.app.app_context(), main_scope(reason="test"):
        identity.create_staff(2, "api-clerk", "店员", "clerk-pass-2026", "clerk", with_totp=False)
    clerk = market.browser()
    form = {"login": "api-clerk", "password": "clerk-pass-2026"}
    assert market.post(clerk, "/console/login", form, YE).status_code == 303
    assert 'href="/console/open-api"' not in market.get(clerk, "/console/", YE)
    assert clerk.get("/console/open-api", base_url=YE).status_code == 403
    assert press(market, clerk, "open-api/switch", dialect="native", on="0").status_code == 403
