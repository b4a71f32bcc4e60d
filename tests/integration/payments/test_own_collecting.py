"""A station that collects itself: its prepaid account pays the levels above, or the money goes back."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from kameng.db import main_scope, station_scope
from kameng.errors import Forbidden
from kameng.settings import Settings

from .till import DEER, EPAY, MAIN, Till

WHOLESALE, PAYABLE = 96_5000, 98_6100


@pytest.fixture(scope="module")
def settings(settings: Settings, street: dict[str, Any]) -> Settings:
    return replace(settings, simulator_url=street["url"])


@pytest.fixture(scope="module", autouse=True)
def _silent(street: dict[str, Any]) -> None:
    httpx.post(f"{street['url']}/epay/control/settings", data={"callbacks": "off"})


@pytest.fixture
def own(till: Till) -> Till:
    """Deer has an account of its own, and nothing on its prepaid account."""
    till.account()
    till.account("", DEER)
    return till


def pay_in(till: Till, amount: int, purpose: str = "prepaid") -> str:
    from kameng.payments.api import start_station_payment

    with till.shop.app.app_context(), station_scope(DEER):
        started = start_station_payment(
            purpose, amount, EPAY, "alipay", "staff:7", "192.0.2.9", return_url="http://x/"
        )
    return till.pay(started.attempt_no)


def fund(till: Till) -> tuple[int, int]:
    from kameng.payments.api import fund_waiting_orders

    with till.shop.app.app_context(), main_scope(reason="test"):
        return fund_waiting_orders()


def order_and_pay(till: Till) -> tuple[Any, str]:
    """The shopper pays at Deer's own account, whatever its prepaid account holds."""
    placed = till.shop.place(till.shop.sku(cards=1))
    number = "T" + placed.order_no
    till.shop.owner.execute(
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method,"
        " amount, state, expires_at, account_station_id) VALUES"
        " (%s, %s, 'order', %s, %s, 'alipay', %s, 'sent', now() + interval '1 hour', %s)",
        (DEER, number, placed.order_id, EPAY, placed.payable, DEER),
    )
    from kameng.payments.api import apply_payment

    with till.shop.app.app_context():
        code = apply_payment(
            DEER, EPAY, number, placed.payable, f"gw{number}", "notice", holder=DEER
        )
    return placed, code


def test_too_little_prepaid_waits_and_is_delivered_after_the_station_has_paid_in(own: Till) -> None:
    placed, code = order_and_pay(own)
    assert code == "awaiting_funds"
    assert own.shop.state(DEER, placed.order_id) == "paid"
    assert fund(own) == (0, 0)
    alert = "SELECT state FROM alert WHERE kind = 'station_funds' ORDER BY id DESC LIMIT 1"
    assert own.shop.one(alert) == "open"
    assert pay_in(own, 100_0000) == "topped_up"
    assert fund(own) == (1, 0)
    assert own.shop.state(DEER, placed.order_id) == "delivered"
    assert own.shop.one(alert) == "closed"
    assert own.shop.balance(DEER, "prepaid") == 100_0000 - WHOLESALE
    assert own.shop.balance(DEER, "station_gateway") == 0
    own.shop.assert_books_balance()


def test_not_in_time_the_shopper_gets_the_money_back(own: Till) -> None:
    from kameng.payments.api import send_refund

    before = own.shop.balance(DEER, "prepaid")
    assert before < WHOLESALE
    placed, code = order_and_pay(own)
    assert code == "awaiting_funds"
    late = "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s"
    own.shop.owner.execute(late, (placed.order_id,))
    assert fund(own) == (0, 1)
    assert own.shop.state(DEER, placed.order_id) == "refunding"
    refund = "SELECT refund_no FROM refund WHERE order_id = %s"
    own.shop.guarded(
        "settle_refund", p_station=DEER, p_refund_no=own.shop.one(refund, placed.order_id),
        p_state="succeeded", p_ref="gw", p_message="", p_next=None,
    )  # fmt: skip
    assert own.shop.state(DEER, placed.order_id) == "refunded"
    assert own.shop.balance(DEER, "station_gateway") == 0
    own.shop.assert_books_balance()
    assert own.shop.balance(DEER, "prepaid") == before
    with own.shop.app.app_context():
        assert send_refund(DEER, 1) == "not_due"


def test_with_enough_prepaid_an_order_is_delivered_at_once(own: Till) -> None:
    pay_in(own, 200_0000)
    before = own.shop.balance(DEER, "prepaid")
    placed, started = own.start()
    assert own.used(placed.order_id) == [(DEER, "", "sent")]
    assert own.pay(started.attempt_no) == "ok"
    assert own.shop.state(DEER, placed.order_id) == "delivered"
    assert own.shop.balance(DEER, "prepaid") == before - WHOLESALE
    assert own.shop.balance(DEER, "station_gateway") == 0
    own.shop.assert_books_balance()
    assert own.shop.balance(DEER, "order_clearing") == 0


def test_a_station_that_cannot_afford_an_order_offers_no_way_to_pay(own: Till) -> None:
    left = own.shop.balance(DEER, "prepaid") // WHOLESALE
    for _ in range(left):
        placed, started = own.start()
        assert own.pay(started.attempt_no) == "ok"
    placed, code = own.start()
    assert code == "station_funds"
    view = own.methods(PAYABLE, order_no=placed.order_no)["alipay"]
    assert not view.enabled
    with own.shop.app.app_context():
        assert not any(figure in str(view.reason) for figure in "0123456789")
    code = own.shop.one("SELECT code FROM sku ORDER BY id DESC LIMIT 1")
    assert not own.methods(PAYABLE, sku_code=code)["alipay"].enabled
    assert own.methods(PAYABLE, purpose="top_up")["alipay"].enabled


def test_wallets_and_deposits_are_filled_at_the_main_station_only(own: Till) -> None:
    from kameng.payments.api import open_top_up, start_top_up

    member = own.shop.member(DEER)
    with own.shop.app.app_context(), station_scope(DEER):
        started = start_top_up(
            member, 50_0000, EPAY, "alipay", "192.0.2.50", return_url="http://x/"
        )
        opened = open_top_up(member, 50_0000, EPAY, "alipay")
    held = "SELECT account_station_id FROM payment_attempt WHERE attempt_no = %s"
    assert {own.shop.one(held, number) for number in (started.attempt_no, opened)} == {MAIN}
    assert own.pay(started.attempt_no) == "topped_up"
    before = own.shop.balance(DEER, "deposit")
    assert pay_in(own, 30_0000, "deposit") == "topped_up"
    assert own.shop.balance(DEER, "deposit") == before + 30_0000


def test_the_main_station_does_not_pay_itself(own: Till) -> None:
    from kameng.payments.api import start_station_payment

    with own.shop.app.app_context(), station_scope(MAIN), pytest.raises(Forbidden):
        start_station_payment(
            "prepaid", 10_0000, EPAY, "alipay", "staff:1", "192.0.2.9", return_url="http://x/"
        )
