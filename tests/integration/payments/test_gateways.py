"""O5: the gateways over real HTTP against their simulators, callbacks switched off: queries do it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from kameng.db import station_scope
from kameng.settings import Settings

DEER = 3
GATEWAYS = [
    ("payment-alipay", "page"), ("payment-epay", "alipay"), ("payment-stripe", "checkout"),
    ("payment-wechatpay", "native"),
]  # fmt: skip


@pytest.fixture(scope="module")
def settings(settings: Settings, street: dict[str, Any]) -> Settings:
    return replace(settings, simulator_url=street["url"])


@pytest.fixture(scope="module", autouse=True)
def _configured(app: Any, street: dict[str, Any], database: str) -> None:
    import psycopg

    from kameng.plugins import api as plugins

    with psycopg.connect(database) as owner:
        owner.execute(
            "INSERT INTO station(id, path, slug, name, state) VALUES (1, '{1}', 'main', 'M', 'active')"
        )
    with app.app_context():
        for plugin_id, _method in GATEWAYS:
            plugins.configure(1, plugin_id, street[plugin_id].demo_config(), "test")
            plugins.set_enabled(1, plugin_id, True, "test")
    for name in ("alipay", "epay", "stripe", "wechatpay"):
        httpx.post(f"{street['url']}/{name}/control/settings", data={"callbacks": "off"})
    # Refunds take their time there; here they do not.
    httpx.post(f"{street['url']}/wechatpay/control/settings", data={"refund_seconds": "0"})


def only(shop: Any, plugin_id: str) -> None:
    """Several gateways offer the same wallet; here this one is to collect."""
    for each, _method in GATEWAYS:
        on = "UPDATE station_plugin SET enabled = %s WHERE station_id = 1 AND plugin_id = %s"
        shop.owner.execute(on, (each == plugin_id, each))


def start(shop: Any, plugin_id: str, method: str, cards: int = 2) -> tuple[Any, Any]:
    from kameng.payments.api import start as start_payment

    placed = shop.place(shop.sku(cards=cards))
    only(shop, plugin_id)
    with shop.app.app_context(), station_scope(DEER):
        started = start_payment(
            placed.order_no, plugin_id, method, "192.0.2.9", return_url="http://deer.localhost/o"
        )
    # Alipay knows of an order when the shopper's browser has been there.
    if plugin_id == "payment-alipay":
        assert httpx.get(started.redirect_url, follow_redirects=True).status_code == 200
    return placed, started


def lever(street: dict[str, Any], plugin_id: str, attempt_no: str, action: str) -> int:
    name = plugin_id.removeprefix("payment-")
    return httpx.post(f"{street['url']}/{name}/control/out:{attempt_no}/{action}").status_code


def ask(shop: Any, attempt_no: str) -> str:
    from kameng.payments.api import query_attempt

    attempt = shop.one("SELECT id FROM payment_attempt WHERE attempt_no = %s", attempt_no)
    with shop.app.app_context():
        return query_attempt(DEER, attempt)


@pytest.mark.parametrize(("plugin_id", "method"), GATEWAYS)
def test_O5_paid_without_any_callback_is_found_by_query(
    shop: Any, street: dict[str, Any], plugin_id: str, method: str
) -> None:
    placed, started = start(shop, plugin_id, method)
    assert urlsplit(started.redirect_url).netloc == urlsplit(street["url"]).netloc
    assert ask(shop, started.attempt_no) == "pending"
    assert shop.state(DEER, placed.order_id) == "pending_payment"
    assert lever(street, plugin_id, started.attempt_no, "pay") == 200
    assert ask(shop, started.attempt_no) == "ok"
    assert ask(shop, started.attempt_no) == "succeeded"
    assert shop.state(DEER, placed.order_id) == "delivered"
    shop.assert_books_balance()


@pytest.mark.parametrize(("plugin_id", "method"), GATEWAYS)
def test_O5_late_money_without_goods_goes_back_to_the_source(
    shop: Any, street: dict[str, Any], plugin_id: str, method: str
) -> None:
    from kameng.payments.api import send_refund

    placed, started = start(shop, plugin_id, method, cards=1)
    assert lever(street, plugin_id, started.attempt_no, "pay") == 200
    shop.owner.execute(
        "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s",
        (placed.order_id,),
    )
    shop.guarded("expire_orders", p_limit=10)
    shop.owner.execute("UPDATE card SET status = 3 WHERE status = 0")
    assert ask(shop, started.attempt_no) == "refund_late"
    refund = shop.one("SELECT id FROM refund WHERE order_id = %s", placed.order_id)
    with shop.app.app_context():
        assert send_refund(DEER, refund) == "succeeded"
        assert send_refund(DEER, refund) == "not_due"
    assert shop.state(DEER, placed.order_id) == "refunded"
    shop.assert_books_balance()


@pytest.mark.parametrize(("plugin_id", "method"), GATEWAYS)
def test_a_second_click_finds_the_open_attempt(shop: Any, plugin_id: str, method: str) -> None:
    from kameng.payments.api import start as start_payment

    placed, first = start(shop, plugin_id, method)
    with shop.app.app_context(), station_scope(DEER):
        second = start_payment(
            placed.order_no, plugin_id, method, "192.0.2.9", return_url="http://deer.localhost/o"
        )
    assert second == first


@pytest.mark.parametrize(("plugin_id", "method"), GATEWAYS)
def test_clicks_at_the_same_moment_share_one_attempt(
    shop: Any, street: dict[str, Any], plugin_id: str, method: str
) -> None:
    """The gateway is slow, so that all of them come before its answer."""
    from kameng.payments.api import start as start_payment

    placed = shop.place(shop.sku(cards=1))
    only(shop, plugin_id)
    levers = f"{street['url']}/{plugin_id.removeprefix('payment-')}/control/settings"

    def click(_n: int) -> str:
        with shop.app.app_context(), station_scope(DEER):
            back = "http://deer.localhost/o"
            return start_payment(
                placed.order_no, plugin_id, method, "192.0.2.9", return_url=back
            ).redirect_url

    httpx.post(levers, data={"latency_ms": "400"})
    try:
        with ThreadPoolExecutor(4) as pool:
            targets = set(pool.map(click, range(4)))
    finally:
        httpx.post(levers, data={"latency_ms": "0"})
    assert len(targets) == 1
    assert targets.pop().startswith("http")
    opened = shop.one("SELECT count(*) FROM payment_attempt WHERE order_id = %s", placed.order_id)
    assert opened == 1


def test_a_silent_gateway_leaves_the_attempt_unknown_and_the_order_payable(
    shop: Any, street: dict[str, Any]
) -> None:
    settings = f"{street['url']}/epay/control/settings"
    httpx.post(settings, data={"fail_percent": "100", "fail_when": "after"})
    try:
        placed, started = start(shop, "payment-epay", "alipay")
    finally:
        httpx.post(settings, data={"fail_percent": "0"})
    assert started.state == "unknown"
    assert shop.state(DEER, placed.order_id) == "pending_payment"
    assert lever(street, "payment-epay", started.attempt_no, "pay") == 200
    assert ask(shop, started.attempt_no) == "ok"
    shop.assert_books_balance()


def test_expired_orders_close_their_attempts_at_the_gateway(
    shop: Any, street: dict[str, Any]
) -> None:
    from kameng.payments.api import close_attempts

    placed, started = start(shop, "payment-stripe", "checkout")
    with shop.app.app_context():
        assert close_attempts(DEER, placed.order_id) == 1
    assert lever(street, "payment-stripe", started.attempt_no, "pay") == 409


def test_a_switched_off_way_takes_no_new_payment(shop: Any) -> None:
    from kameng.payments.api import PaymentRefused
    from kameng.payments.api import start as start_payment

    only(shop, "payment-stripe")
    placed = shop.place(shop.sku(cards=1))
    with (
        shop.app.app_context(),
        station_scope(DEER),
        pytest.raises(PaymentRefused, match="method_unknown"),
    ):
        start_payment(placed.order_no, "payment-epay", "alipay", "192.0.2.9", return_url="http://x")


def test_S10_the_tenth_top_up_of_one_address_in_a_minute_is_not_begun(
    shop: Any, street: dict[str, Any]
) -> None:
    from kameng.payments.api import PaymentRefused, start_top_up

    only(shop, "payment-epay")
    members = [shop.member(DEER) for _ in range(10)]
    given: dict[str, Any] = {"return_url": "http://deer.localhost/me/wallet"}

    def top_up(member: int) -> str:
        with shop.app.app_context(), station_scope(DEER):
            try:
                started = start_top_up(
                    member, 10_0000, "payment-epay", "alipay", "192.0.2.77", **given
                )
            except PaymentRefused as refusal:
                return refusal.code
            return started.state

    assert [top_up(member) for member in members] == ["sent"] * 9 + ["risk_refused"]
    begun = "SELECT count(*) FROM payment_attempt WHERE purpose = 'top_up' AND member_id = ANY(%s)"
    assert shop.one(begun, members) == 9
