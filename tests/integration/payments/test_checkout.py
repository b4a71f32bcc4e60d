"""From the button to the gateway: the order, its decision and its first attempt in one statement."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import httpx
import psycopg
import pytest

from kameng.db import call, station_scope
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.risk import api as risk
from kameng.settings import Settings

from .till import DEER, EPAY, MAIN, Till

VISIT = payments.Visit(client_ip="192.0.2.9", return_url="http://deer.localhost/o")
KEPT = "SELECT count(*) FROM risk_decision WHERE facts ->> 'event_id' = %s"
ATTEMPTS = "SELECT count(*) FROM payment_attempt a JOIN orders o ON o.station_id = a.station_id AND o.id = a.order_id WHERE o.idempotency_key = %s"


@dataclass(frozen=True)
class Click:
    """What one form sends."""

    till: Till
    request: orders.PlaceRequest
    method: str = "alipay"

    def place(self) -> Any:
        """The checkout, or the refusal's code."""
        with self.till.shop.app.app_context(), station_scope(DEER):
            goods = orders.goods(self.request.sku_code, self.request.quantity)
            judged = risk.judge_order(
                DEER, goods.kind, self.request.ip, None, self.request.contact,
                self.request.expected_payable, {}, self.request.idempotency_key,
            )  # fmt: skip
            try:
                return payments.place_order(self.request, goods, judged, EPAY, self.method, None)
            except orders.OrderRefused as refusal:
                return refusal.code

    def pay(self, checkout: Any) -> Any:
        """What was started, or the refusal's code."""
        with self.till.shop.app.app_context(), station_scope(DEER):
            try:
                return payments.pay(checkout, VISIT)
            except payments.PaymentRefused as refusal:
                return refusal.code

    def count(self, question: str) -> int:
        return int(self.till.shop.one(question, self.request.idempotency_key))


def click(till: Till, cards: int = 1, **changes: Any) -> Click:
    values: dict[str, Any] = {
        "sku_code": till.shop.sku(cards=cards), "quantity": 1, "inputs": {},
        "contact": "a@example.com", "expected_payable": 98_6100,
        "idempotency_key": secrets.token_hex(12), "ip": f"192.0.2.{secrets.token_hex(4)}",
    }  # fmt: skip
    return Click(till, orders.PlaceRequest(**values | changes))


@pytest.fixture(scope="module")
def settings(settings: Settings, street: dict[str, Any]) -> Settings:
    return replace(settings, simulator_url=street["url"])


@pytest.fixture(scope="module", autouse=True)
def _silent(street: dict[str, Any]) -> None:
    httpx.post(f"{street['url']}/epay/control/settings", data={"callbacks": "off"})


@pytest.fixture
def open_till(till: Till) -> Till:
    till.account()
    return till


def test_the_attempt_stands_before_the_gateway_is_called(open_till: Till) -> None:
    form = click(open_till)
    checkout = form.place()
    order_id = checkout.placed.order_id
    assert open_till.used(order_id) == [(MAIN, "", "created")]
    started = form.pay(checkout)
    assert (started.state, started.attempt_no) == ("sent", checkout.number)
    assert open_till.used(order_id) == [(MAIN, "", "sent")]
    assert (form.count(ATTEMPTS), form.count(KEPT)) == (1, 1)
    assert open_till.pay(started.attempt_no) == "ok"


def test_the_attempt_is_as_start_would_have_opened_it(open_till: Till) -> None:
    """Every column that is not a number or a moment of its own."""
    form = click(open_till, cards=2)
    form.pay(form.place())
    placed, _started = open_till.start(open_till.shop.place(form.request.sku_code))
    columns = (
        "SELECT to_jsonb(a) - ARRAY['id','attempt_no','order_id','created_at','sent_at','expires_at',"
        "'next_query_at','provider_ref','redirect_url','qr_content'], a.next_query_at - a.created_at < "
        "interval '9 seconds', a.expires_at = o.expires_at FROM payment_attempt a JOIN orders o"
        " ON o.station_id = a.station_id AND o.id = a.order_id WHERE o.id = %s"
    )
    long_way = open_till.shop.owner.execute(columns, (placed.order_id,)).fetchone()
    key = "SELECT id FROM orders WHERE idempotency_key = %s"
    own = open_till.shop.one(key, form.request.idempotency_key)
    assert open_till.shop.owner.execute(columns, (own,)).fetchone() == long_way


def test_a_second_click_finds_order_and_attempt_of_the_first(open_till: Till) -> None:
    form = click(open_till)
    first = form.pay(form.place())
    again = form.place()
    assert (again.placed.repeated, again.placed.attempt_id) == (True, None)
    assert form.pay(again).attempt_no == first.attempt_no
    assert form.count(ATTEMPTS) == 1


def test_ten_clicks_at_once_are_one_order_with_one_attempt(open_till: Till) -> None:
    form = click(open_till, cards=3)
    with ThreadPoolExecutor(10) as pool:
        numbers = {one.attempt_no for one in pool.map(lambda _n: form.pay(form.place()), range(10))}
    assert (len(numbers), form.count(ATTEMPTS)) == (1, 1)


def test_a_key_of_another_content_opens_nothing(open_till: Till) -> None:
    form = click(open_till)
    form.place()
    other = replace(form, request=replace(form.request, contact="b@example.com"))
    assert other.place() == "conflict"
    assert form.count(ATTEMPTS) == 1


@pytest.mark.parametrize(
    ("cards", "changes", "code"),
    [(0, {}, "out_of_stock"), (1, {"expected_payable": 98_6200}, "price_changed")],
)
def test_a_refusal_leaves_the_decision_and_nothing_else(
    open_till: Till, cards: int, changes: dict[str, Any], code: str
) -> None:
    form = click(open_till, cards, **changes)
    assert form.place() == code
    assert (form.count(ATTEMPTS), form.count(KEPT)) == (0, 1)


def test_a_way_that_is_off_leaves_the_order_unpaid(till: Till) -> None:
    form = click(till)
    checkout = form.place()
    assert (checkout.option, form.count(ATTEMPTS), form.count(KEPT)) == (None, 0, 1)
    assert form.pay(checkout) == "method_unknown"


def test_what_must_be_claimed_first_goes_the_longer_way(open_till: Till) -> None:
    """A day's limit is counted under its lock, in `start`."""
    open_till.terms(daily_limit=1_000_0000)
    form = click(open_till)
    checkout = form.place()
    assert (checkout.option, form.count(ATTEMPTS)) == (None, 0)
    assert form.pay(checkout).state == "sent"
    assert form.count(ATTEMPTS) == 1


def test_a_switch_counts_at_the_next_order(open_till: Till) -> None:
    """What processes remember of accounts goes with every change."""
    from kameng.plugins import api as plugins

    form = click(open_till)
    assert form.place().option is not None
    with open_till.shop.app.app_context():
        plugins.set_enabled(MAIN, EPAY, False, "test")
    assert click(open_till).place().option is None


def test_a_charge_cannot_end_as_paid(open_till: Till) -> None:
    checkout = click(open_till).place()
    with (
        open_till.shop.app.app_context(),
        station_scope(DEER),
        pytest.raises(psycopg.Error, match="does not end as succeeded"),
    ):
        call(
            "keep_charge", p_station=DEER, p_attempt=checkout.placed.attempt_id,
            p_state="succeeded", p_provider_ref="", p_redirect_url="", p_qr_content="",
            p_message="", p_cashier="{}", p_asked=True, p_hours=None, p_minutes=None,
        )  # fmt: skip


def ahead(form: Click, order_no: list[str] | None = None) -> Any:
    """Place as the storefront does: a method that sends nothing may build its page beforehand."""
    with form.till.shop.app.app_context(), station_scope(DEER):
        goods = orders.goods(form.request.sku_code, form.request.quantity)
        judged = risk.judge_order(
            DEER, goods.kind, form.request.ip, None, form.request.contact,
            form.request.expected_payable, {}, form.request.idempotency_key,
        )  # fmt: skip

        def visit_of(number: str, secret: str) -> payments.Visit:
            if order_no is not None:
                order_no[:] = [number, secret]
            return VISIT

        try:
            return payments.place_order(
                form.request, goods, judged, EPAY, form.method, None, visit_of
            )
        except orders.OrderRefused as refusal:
            return refusal.code


@pytest.fixture
def signing_till(till: Till) -> Till:
    """An account of version 1, whose charge is a signed address and no call."""
    till.account(version="v1", key="k" * 32)
    return till


def row_of(form: Click, *without: str) -> Any:
    columns = (
        "SELECT to_jsonb(a) - %s::text[], a.sent_at = a.created_at, a.next_query_at > now()"
        " FROM payment_attempt a JOIN orders o ON o.station_id = a.station_id AND o.id = a.order_id"
        " WHERE o.idempotency_key = %s"
    )
    return form.till.shop.owner.execute(
        columns, (list(without), form.request.idempotency_key)
    ).fetchone()


OWN = (
    "id", "attempt_no", "order_id", "created_at", "sent_at", "expires_at", "next_query_at",
    "redirect_url", "qr_content",
)  # fmt: skip


def test_what_sends_nothing_is_kept_with_the_order(signing_till: Till) -> None:
    told: list[str] = []
    form = click(signing_till)
    checkout = ahead(form, told)
    assert told == [checkout.placed.order_no, checkout.placed.secret]
    row, at_once, asked = row_of(form)
    assert (row["state"], at_once, asked) == ("sent", True, True)
    started = form.pay(checkout)
    assert (started.redirect_url, started.attempt_no) == (row["redirect_url"], row["attempt_no"])
    assert f"out_trade_no={row['attempt_no']}" in started.redirect_url
    assert form.count(ATTEMPTS) == 1


def test_its_row_is_that_of_a_charge_after_the_order(signing_till: Till) -> None:
    first, second = click(signing_till), click(signing_till)
    second.pay(second.place())
    ahead(first)
    assert row_of(first, *OWN)[0] == row_of(second, *OWN)[0]


def test_a_second_click_gets_the_page_of_the_first(signing_till: Till) -> None:
    form = click(signing_till)
    first = form.pay(ahead(form))
    again = ahead(form)
    assert again.placed.repeated
    assert form.pay(again) == first
    assert form.count(ATTEMPTS) == 1


def test_a_refused_order_leaves_nothing_of_what_was_built(signing_till: Till) -> None:
    form = click(signing_till, expected_payable=98_6000)
    assert ahead(form) == "price_changed"
    assert form.count(ATTEMPTS) == 0


def test_a_method_that_asks_its_gateway_is_not_asked_before_the_row_stands(
    open_till: Till,
) -> None:
    form = click(open_till)
    checkout = ahead(form)
    assert checkout.started is None
    assert open_till.used(checkout.placed.order_id) == [(MAIN, "", "created")]
