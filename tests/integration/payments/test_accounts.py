"""Several accounts at one gateway: weights, limits, hours, devices, breaker and fail-over."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from kameng.errors import Conflict
from kameng.settings import Settings

from .till import DEER, EPAY, MAIN, Till

UNREACHABLE = {"gateway_url": "http://10.0.0.1"}  # a forbidden address: nothing is ever sent


@pytest.fixture(scope="module")
def settings(settings: Settings, street: dict[str, Any]) -> Settings:
    return replace(settings, simulator_url=street["url"])


@pytest.fixture(scope="module", autouse=True)
def _silent(street: dict[str, Any]) -> None:
    httpx.post(f"{street['url']}/epay/control/settings", data={"callbacks": "off"})


def test_each_account_gets_its_share_of_the_payments(till: Till) -> None:
    till.account()
    till.account("b")
    till.terms(weight=1)
    till.terms("b", weight=1)
    used = Counter(till.used(till.start()[0].order_id)[0][1] for _ in range(16))
    assert set(used) == {"", "b"}
    till.terms(weight=0)
    assert {till.used(till.start()[0].order_id)[0][1] for _ in range(4)} == {"b"}


def test_one_way_is_offered_once_however_many_accounts_have_it(till: Till) -> None:
    till.account()
    till.account("b")
    offered = till.methods()
    assert sorted(offered) == ["alipay", "wechatpay"]
    assert all(view.enabled for view in offered.values())


def test_the_attempt_knows_its_account_and_is_asked_there(till: Till) -> None:
    till.account()
    till.account("b")
    till.terms(weight=0)
    placed, started = till.start(device="phone")
    assert till.used(placed.order_id) == [(MAIN, "b", "sent")]
    row = "SELECT device FROM payment_attempt WHERE attempt_no = %s"
    assert till.shop.one(row, started.attempt_no) == "phone"
    assert till.pay(started.attempt_no) == "ok"
    assert till.shop.state(DEER, placed.order_id) == "delivered"
    cash = till.shop.balance(MAIN, "gateway_clearing", f"{EPAY}:b")
    assert abs(cash) == 98_6100 - 5900  # 0.6 % stay with the gateway


def test_a_full_day_sends_the_next_payment_to_the_next_account(till: Till) -> None:
    till.account()
    till.account("b")
    till.terms(weight=1000, daily_limit=150_0000)
    till.terms("b", weight=1, daily_limit=100_0000)
    accounts = {till.used(till.start()[0].order_id)[0][1] for _ in range(2)}
    assert accounts == {"", "b"}
    assert till.start()[1] == "limit_reached"
    view = till.methods()["alipay"]
    assert not view.enabled
    assert "150" not in str(view.reason)


def test_a_crowd_does_not_pass_the_limit_of_the_day(till: Till) -> None:
    till.account()
    till.terms(daily_limit=2 * 98_6100)
    orders = [till.shop.place(till.shop.sku(cards=1)) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda placed: till.start(placed)[1], orders))
    told = Counter("sent" if hasattr(answer, "state") else "refused" for answer in answers)
    assert told == {"sent": 2, "refused": 4}


def test_opening_hours_go_by_the_clock_in_china(till: Till) -> None:
    till.account()
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    opens, closes = (now + timedelta(hours=2)).time(), (now + timedelta(hours=3)).time()
    till.terms(opens=opens, closes=closes)
    assert till.start()[1] == "closed_now"
    with till.shop.app.app_context():
        assert f"{opens:%H:%M}" in str(till.methods()["alipay"].reason)
    till.terms(opens=closes, closes=opens)
    assert till.start()[1].state == "sent"


@pytest.mark.parametrize(
    ("terms", "code"),
    [({"minimum": 99_0000}, "amount_too_small"), ({"maximum": 98_0000}, "amount_too_large"),
     ({"devices": frozenset({"wechat"})}, "wrong_browser"), ({"weight": 0}, "method_unknown")],
)  # fmt: skip
def test_an_account_that_does_not_fit_says_why(till: Till, terms: Any, code: str) -> None:
    till.account()
    till.terms(**terms)
    assert till.start(device="desktop")[1] == code
    view = till.methods(device="desktop")["alipay"]
    assert (view.enabled, bool(view.reason)) == (False, True)


def test_nothing_was_sent_so_the_next_account_takes_it_under_a_new_number(till: Till) -> None:
    till.account(**UNREACHABLE)
    till.account("b")
    till.terms(weight=1000)
    till.terms("b", weight=1)
    while True:  # the first one comes first in all but one of a thousand
        placed, started = till.start()
        if len(till.used(placed.order_id)) == 2:
            break
    assert till.used(placed.order_id) == [(MAIN, "", "declined"), (MAIN, "b", "sent")]
    assert till.start(placed)[1] == started
    assert till.pay(started.attempt_no) == "ok"


def test_a_gateway_that_is_silent_is_asked_and_no_other_account_is_tried(till: Till) -> None:
    till.account()
    till.account("b")
    till.break_gateway()
    placed, started = till.start()
    assert started.state == "unknown"
    assert len(till.used(placed.order_id)) == 1


def test_five_failures_take_an_account_out_until_a_trial_succeeds(till: Till) -> None:
    till.account()
    till.break_gateway()
    assert [till.start()[1].state for _ in range(5)] == ["unknown"] * 5
    subject = f"account:1:{EPAY}:"
    assert till.alerts() == [(subject, "open")]
    till.break_gateway(False)
    placed, refused = till.start()
    assert (refused, till.used(placed.order_id)) == ("gateway_away", [])
    assert not till.methods()["alipay"].enabled
    rested = "UPDATE payment_account SET broken_until = now() - interval '1 second'"
    till.shop.owner.execute(rested)
    assert till.start(placed)[1].state == "sent"
    assert till.alerts() == [(subject, "closed")]
    kept = "SELECT failures, trips, broken_until IS NULL FROM payment_account"
    assert till.shop.owner.execute(kept).fetchone() == (0, 0, True)


def test_a_failed_trial_makes_the_rest_longer_without_a_second_warning(till: Till) -> None:
    till.account()
    till.break_gateway()
    for _ in range(5):
        till.start()
    till.shop.owner.execute("UPDATE payment_account SET broken_until = now()")
    assert till.start()[1].state == "unknown"
    pause = "SELECT extract(epoch FROM broken_until - now())::int, trips FROM payment_account"
    seconds, trips = till.shop.owner.execute(pause).fetchone()
    assert trips == 2
    assert 290 <= seconds <= 300
    assert len(till.alerts()) == 1


def test_only_one_of_many_processes_gets_the_trial(till: Till) -> None:
    from kameng.payments.services.breaking import begin_trial

    till.account()
    till.terms()
    till.shop.owner.execute("UPDATE payment_account SET failures = 5, broken_until = now()")
    with till.shop.app.app_context():
        assert [begin_trial((MAIN, EPAY, "")) for _ in range(3)] == [True, False, False]


def test_a_broken_account_leaves_its_payments_to_the_other(till: Till) -> None:
    till.account(**UNREACHABLE)
    till.account("b")
    for _ in range(30):
        till.start()
        if till.alerts():
            break
    placed, started = till.start()
    assert till.used(placed.order_id) == [(MAIN, "b", "sent")]
    assert started.state == "sent"


def test_a_person_puts_a_broken_account_back_at_once(till: Till) -> None:
    from kameng.payments.api import payment_account, reset_account

    till.account()
    till.break_gateway()
    for _ in range(5):
        till.start()
    with till.shop.app.app_context():
        found = payment_account(MAIN, EPAY, "")
        assert (found.breaker, found.tried >= 5) == ("open", True)
        reset_account(MAIN, EPAY, "", "staff:1")
        assert payment_account(MAIN, EPAY, "").breaker == "closed"
    assert till.alerts()[0][1] == "closed"


def test_an_account_in_use_is_switched_off_and_not_removed(till: Till) -> None:
    from kameng.plugins import api as plugins

    till.account()
    till.account("b")
    till.terms(weight=0)
    _placed, started = till.start()
    with till.shop.app.app_context():
        with pytest.raises(Conflict, match="account_in_use"):
            plugins.remove_account(MAIN, EPAY, "b", "staff:1")
        plugins.set_enabled(MAIN, EPAY, False, "staff:1", "b")
        assert till.pay(started.attempt_no) == "ok"  # asked after the switch is off
        plugins.remove_account(MAIN, EPAY, "b", "staff:1")
        assert till.shop.one("SELECT count(*) FROM station_plugin WHERE account = 'b'") == 0
        with pytest.raises(Conflict, match="first_account"):
            plugins.remove_account(MAIN, EPAY, "", "staff:1")


def test_after_a_switch_of_accounts_the_old_one_is_still_asked_and_gives_back(till: Till) -> None:
    from kameng.payments.api import send_refund

    till.account()
    placed, started = till.start()
    till.account("", DEER)  # from now on Deer collects itself
    till.shop.owner.execute(
        "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s",
        (placed.order_id,),
    )
    till.shop.guarded("expire_orders", p_limit=10)
    till.shop.owner.execute("UPDATE card SET status = 3 WHERE status = 0")
    assert till.pay(started.attempt_no) == "refund_late"
    refund = till.shop.one("SELECT id FROM refund WHERE order_id = %s", placed.order_id)
    with till.shop.app.app_context():
        assert send_refund(DEER, refund) == "succeeded"
    assert till.used(placed.order_id) == [(MAIN, "", "succeeded")]
    assert till.shop.balance(DEER, "station_gateway") == 0


def test_another_gateway_of_the_same_wallet_stands_in(till: Till) -> None:
    from kameng.plugins import api as plugins

    official = "payment-alipay"
    till.account(**UNREACHABLE)
    with till.shop.app.app_context():
        plugins.configure(MAIN, official, till.street[official].demo_config(), "test")
        plugins.set_enabled(MAIN, official, True, "test")
    assert sorted(till.methods(device="desktop")) == ["alipay", "wechatpay"]
    placed, started = till.start(device="desktop")
    assert started.redirect_url
    used = "SELECT array_agg(plugin_id ORDER BY id) FROM payment_attempt WHERE order_id = %s"
    assert till.shop.one(used, placed.order_id) == [EPAY, official]
    shown = {till.methods(fen * 100, device="desktop")["alipay"].plugin_id for fen in range(1, 40)}
    assert shown == {EPAY, official}
