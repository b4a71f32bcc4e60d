"""退款申请: staff answers what members ask back; the station and the member can read it."""

from __future__ import annotations

import itertools
import secrets
from typing import Any

import pytest

from kameng.db import station_scope

YE, STATION = "http://yehang.localhost:8000", 2
PRICE = "29.92"
NUMBERS = itertools.count(1)


@pytest.fixture
def shopper(console: Any) -> Any:
    """A member of the station with money, signed in."""
    browser = console.browser()
    login = f"asks{next(NUMBERS)}@example.com"
    browser.member_id = console.market.member(browser, login, 500_0000, YE)
    return browser


def asked(console: Any, shopper: Any, reason: str = "卡已被用过") -> tuple[str, int]:
    """An order of the member, delivered, with a request; its number and the request's id."""
    from kameng.openapi import api as openapi
    from kameng.openapi.domain.callers import Caller
    from kameng.orders import api as orders
    from kameng.payments import api as payments

    market, member = console.market, shopper.member_id
    key = market.count(
        "INSERT INTO api_key(station_id, member_id, key_id, name, scopes, created_by) VALUES"
        " (%s, %s, %s, 'test', '{}', 'test') RETURNING id",
        STATION, member, f"KM{secrets.token_hex(8)}",
    )  # fmt: skip
    caller = Caller(STATION, key, "KMtest", member, "native", False, frozenset(), 600, "", "")
    with market.app.app_context(), station_scope(STATION):
        wanted = orders.PlaceRequest(
            sku_code="XH30", quantity=1, inputs={}, contact="a@example.com", ip="192.0.2.7",
            idempotency_key=secrets.token_hex(8), member_id=member,
            expected_payable=orders.quote("XH30", 1).payable,
        )  # fmt: skip
        number = orders.place(wanted).order_no
        payments.pay_with_balance(number, member)
        openapi.request_refund(caller, number, amount=None, reason=reason, request_no=number)
    request = market.count("SELECT id FROM refund_request WHERE request_no = %s", number)
    return number, request


def side_line(page: str) -> str:
    """The line of the sidebar with its number."""
    return page.split('href="/admin/refund-requests/"')[1].split("</a>")[0]


def wallet(console: Any, shopper: Any) -> int:
    return int(
        console.market.count(
            "SELECT b.balance FROM account a JOIN account_balance b ON b.account_id = a.id"
            " WHERE a.kind = 'wallet' AND a.ref = %s",
            str(shopper.member_id),
        )
    )


def test_a_request_waits_in_the_sidebar_and_in_the_list(console: Any, shopper: Any) -> None:
    number, request = asked(console, shopper, "<b>坏卡</b>")
    page = console.get("/admin/refund-requests/", "support")
    grouped = " ".join(number[i : i + 4] for i in range(0, 16, 4))
    assert grouped in page
    assert "&lt;b&gt;坏卡" in page
    assert "km-nav-count" in side_line(page)
    assert "is-late" not in side_line(page)
    assert f"/admin/refund-requests/{STATION}/{request}" in page
    assert "会员申请退" in console.get(f"/admin/orders/{STATION}/{number}", "support")
    late = console.get("/admin/refund-requests/?tab=late", "support")
    assert "没有退款申请" in late
    assert grouped not in console.get("/admin/refund-requests/?station=3", "support")


def test_a_yes_pays_at_once_and_everybody_sees_it(console: Any, shopper: Any) -> None:
    number, request = asked(console, shopper)
    at = f"/admin/refund-requests/{STATION}/{request}"
    page = console.get(at)
    assert "各方退多少" in page
    assert "a***@example.com" in page
    assert "已同意，钱原路退给会员" in console.done(f"{at}/accept", reason="核实过，是坏卡")
    assert "已经同意过" in console.done(f"{at}/accept", reason="核实过，是坏卡")
    assert wallet(console, shopper) == 500_0000
    told = shopper.get(f"/o/{number}", base_url=YE).text
    assert "退款申请" in told
    assert "核实过，是坏卡" in told


def test_a_no_is_explained_to_the_member(console: Any, shopper: Any) -> None:
    number, request = asked(console, shopper)
    at = f"/admin/refund-requests/{STATION}/{request}"
    assert "会员会看到答复" in console.done(f"{at}/decline", "support", text="卡是好的，未使用")
    page = console.as_("support").get(
        console.post(f"{at}/accept", "support", reason="算了").location,
        base_url="http://main.localhost:8000",
    )
    assert "这个退款申请已经处理过了" in page.text
    assert wallet(console, shopper) < 500_0000
    assert "卡是好的，未使用" in shopper.get(f"/o/{number}", base_url=YE).text


def test_an_answer_is_asked_for(console: Any, shopper: Any) -> None:
    _number, request = asked(console, shopper)
    answer = console.post(f"/admin/refund-requests/{STATION}/{request}/accept", reason=" ")
    page = console.as_("admin").get(answer.location, base_url="http://main.localhost:8000")
    assert "请写明答复" in page.text
    assert "同意并退款" in page.text


@pytest.mark.parametrize(("role", "expected"), [("finance", 200), ("risk", 403), ("nothing", 403)])
def test_only_who_may_refund_opens_it(console: Any, role: str, expected: int) -> None:
    console.get("/admin/refund-requests/", role, expected)


def test_a_request_that_does_not_exist_is_404(console: Any) -> None:
    console.get(f"/admin/refund-requests/{STATION}/999999", expected=404)


def test_late_ones_are_red_in_list_and_page(console: Any, shopper: Any) -> None:
    _number, request = asked(console, shopper)
    console.market.owner.execute(
        "UPDATE refund_request SET created_at = now() - interval '30 hours' WHERE id = %s",
        (request,),
    )
    assert "会员已经等了 30 小时" in console.get(f"/admin/refund-requests/{STATION}/{request}")
    page = console.get("/admin/refund-requests/?tab=late")
    assert f"/{STATION}/{request}" in page
    assert "is-late" in side_line(page)


def test_the_station_reads_its_own_and_decides_nothing(console: Any, shopper: Any) -> None:
    number, _request = asked(console, shopper)
    market = console.market
    owner = market.browser()
    login, password = market.owner_login
    market.post(owner, "/console/login", {"login": login, "password": password}, YE)
    page = market.get(owner, "/console/refund-requests", YE)
    assert f"/console/orders/{number}" in page
    assert "<form" not in page.split("<main")[1].split("</main>")[0]
    assert "没有退款申请" in market.get(owner, "/console/refund-requests?tab=declined&before=1", YE)
