"""Going to a gateway: clicks, ways that are off, and how an attempt is known there."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from kameng.db import station_scope
from kameng.settings import Settings

from .gates import GATES
from .sales import BACK, DEER, Sales
from .street import Street

each_gate = pytest.mark.parametrize("gate", GATES, indirect=True, scope="module")
at_epay = pytest.mark.parametrize("gate", ["epay-v2"], indirect=True, scope="module")
at_unionpay = pytest.mark.parametrize("gate", ["unionpay"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


def click(sales: Sales, order_no: str) -> Any:
    from kameng.payments.api import start

    with sales.shop.app.app_context(), station_scope(DEER):
        way = (sales.gate.plugin_id, sales.gate.method)
        return start(order_no, *way, "192.0.2.9", return_url=BACK)


@each_gate
def test_a_second_click_finds_the_open_attempt(sales: Sales) -> None:
    placed = sales.shop.place(sales.shop.sku(cards=2))
    first = click(sales, placed.order_no)
    assert urlsplit(first.redirect_url).netloc == urlsplit(sales.street.url).netloc
    assert click(sales, placed.order_no) == first


@each_gate
def test_clicks_at_the_same_moment_share_one_attempt(sales: Sales) -> None:
    """The gateway is slow, so that all of them come before its answer."""
    placed = sales.shop.place(sales.shop.sku(cards=1))
    sales.gate.move(latency_ms="150")
    try:
        with ThreadPoolExecutor(4) as pool:
            targets = set(pool.map(lambda _n: click(sales, placed.order_no).redirect_url, range(4)))
    finally:
        sales.gate.move(latency_ms="0")
    assert len(targets) == 1
    assert targets.pop().startswith("http")
    opened = "SELECT count(*) FROM payment_attempt WHERE order_id = %s"
    assert sales.shop.one(opened, placed.order_id) == 1


@at_unionpay
def test_an_attempt_is_known_by_its_time_until_it_is_paid(sales: Sales) -> None:
    sale = sales.begin()
    sent, dash, until = sales.attempt(sale, "provider_ref").partition("-")
    assert (len(sent), dash, len(until)) == (14, "-", 14)
    sales.pay(sale)
    ref = sales.attempt(sale, "provider_ref")
    assert len(ref) == 21
    assert ref.isdecimal()


@at_epay
def test_a_switched_off_way_takes_no_new_payment(sales: Sales) -> None:
    from kameng.payments.api import PaymentRefused
    from kameng.plugins import api as plugins

    with sales.shop.app.app_context():
        plugins.set_enabled(1, "payment-epay", False, "test")
        try:
            with pytest.raises(PaymentRefused, match="method_unknown"):
                sales.begin()
        finally:
            plugins.set_enabled(1, "payment-epay", True, "test")


@at_epay
def test_S10_the_tenth_top_up_of_one_address_in_a_minute_is_not_begun(sales: Sales) -> None:
    from kameng.payments.api import PaymentRefused, start_top_up

    members = [sales.shop.member(DEER) for _ in range(10)]
    given: dict[str, Any] = {"return_url": "http://deer.localhost/me/wallet"}

    def top_up(member: int) -> str:
        with sales.shop.app.app_context(), station_scope(DEER):
            try:
                started = start_top_up(
                    member, 10_0000, "payment-epay", "alipay", "192.0.2.77", **given
                )
            except PaymentRefused as refusal:
                return refusal.code
            return started.state

    assert [top_up(member) for member in members] == ["sent"] * 9 + ["risk_refused"]
    begun = "SELECT count(*) FROM payment_attempt WHERE purpose = 'top_up' AND member_id = ANY(%s)"
    assert sales.shop.one(begun, members) == 9
