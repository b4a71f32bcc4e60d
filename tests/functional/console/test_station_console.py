"""M10: a station's own console finds an order by its number and reads today against yesterday."""

from __future__ import annotations

from typing import Any

import pytest

YE = "http://yehang.localhost:8000"


@pytest.fixture
def owner(market: Any) -> Any:
    """A browser in which the station's owner is signed in."""
    browser = market.browser()
    login, password = market.owner_login
    market.post(browser, "/console/login", {"login": login, "password": password}, YE)
    return browser


def order(market: Any, key: str, sku: str, station: int = 2) -> str:
    from kameng.db import station_scope
    from kameng.orders import api as orders

    with market.app.app_context(), station_scope(station):
        payable = orders.quote(sku, 1).payable
        inputs = {"phone": "13800136021"} if sku == "P100" else {}
        request = orders.PlaceRequest(sku, 1, inputs, "13955577777", payable, key, "198.51.100.3")
        return str(orders.place(request).order_no)


def test_a_full_order_number_leads_to_its_order(market: Any, owner: Any) -> None:
    number = order(market, "sc-1", "P100")
    spaced = " ".join((number[:4], number[4:8], number[8:12], number[12:]))
    answer = owner.get("/console/orders", base_url=YE, query_string={"q": spaced})
    assert answer.headers["Location"] == f"/console/orders/{number}"
    page = market.get(owner, f"/console/orders/{number}", YE)
    label = market.owner.execute("SELECT label FROM purchase_field LIMIT 1").fetchone()[0]
    assert label in page
    assert "13955577777" not in page


@pytest.mark.parametrize("wanted", ["9999999999999999", "abc", "²", "1' OR 1=1"])
def test_an_unknown_number_is_said_in_words(market: Any, owner: Any, wanted: str) -> None:
    answer = owner.get("/console/orders", base_url=YE, query_string={"q": wanted})
    assert answer.status_code == 200
    assert "没有订单号是" in answer.text


def test_T12_another_stations_order_is_not_found_by_its_number(market: Any, owner: Any) -> None:
    number = order(market, "sc-foreign", "XH30", station=1)
    answer = owner.get("/console/orders", base_url=YE, query_string={"q": number})
    assert answer.status_code == 200
    assert "没有订单号是" in answer.text


def test_today_is_read_against_yesterday(market: Any, owner: Any) -> None:
    number = order(market, "sc-yesterday", "XH30")
    market.owner.execute(
        "UPDATE orders SET payable = 7654300, paid_at = now() - interval '1 day',"
        " created_at = date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai')"
        " AT TIME ZONE 'Asia/Shanghai' - interval '1 hour' WHERE order_no = %s",
        (number,),
    )
    page = market.get(owner, "/console/", YE)
    assert "昨天 ¥765.43" in page
    assert "昨天 1 单" in page


@pytest.mark.parametrize(
    ("amount", "top"), [(0, 3), (25_000, 3), (160_0000, 180), (181_0000, 240), (999_0000, 1200)]
)
def test_the_chart_ends_at_a_round_number(amount: int, top: int) -> None:
    from kameng_tenants.console.overview import _round_up

    assert _round_up(amount) == top * 10_000
