"""UnionPay behind the host: found by the time of sending, given back in two steps."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

import kameng_payment_unionpay.plugin
from kameng.db import station_scope
from kameng.settings import Settings
from kameng_payment_unionpay.simulator.bank import NewOrder
from kameng_sdk.simulators import SimulatorEnvironment

DEER, PLUGIN = 3, "payment-unionpay"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The simulator behind its address."""
    folder: Path = tmp_path_factory.mktemp("simulators")
    holder: dict[str, Any] = {}
    server = make_server("127.0.0.1", 0, lambda *call: holder["app"](*call), threaded=True)
    base = f"http://127.0.0.1:{server.server_port}"
    environment = SimulatorEnvironment(state_folder=folder, base_url=base)
    (simulator,) = kameng_payment_unionpay.plugin.kameng_simulators(environment)
    holder["app"] = DispatcherMiddleware(
        lambda environ, start: (start("404 Not Found", []), [b""])[1],
        {"/unionpay": simulator.wsgi_app},
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"base": base, "url": f"{base}/unionpay", "simulator": simulator}
    server.shutdown()
    server.server_close()
    simulator.close()


@pytest.fixture(scope="module")
def settings(settings: Settings, gateway: dict[str, Any]) -> Settings:
    return replace(settings, simulator_url=gateway["base"])


@pytest.fixture(scope="module", autouse=True)
def _configured(app: Any, gateway: dict[str, Any], database: str) -> None:
    import psycopg

    from kameng.plugins import api as plugins

    with psycopg.connect(database) as owner:
        owner.execute(
            "INSERT INTO station(id, path, slug, name, state) VALUES (1, '{1}', 'main', 'M', 'active')"
        )
    with app.app_context():
        plugins.configure(1, PLUGIN, gateway["simulator"].demo_config(), "test")
        plugins.set_enabled(1, PLUGIN, True, "test")
    httpx.post(f"{gateway['url']}/control/settings", data={"callbacks": "off"})


def start(shop: Any, gateway: dict[str, Any], cards: int) -> tuple[Any, str, int]:
    """An order whose form has arrived at the gateway: order, attempt's number and id."""
    from kameng.payments.api import start as start_payment

    placed = shop.place(shop.sku(cards=cards))
    with shop.app.app_context(), station_scope(DEER):
        started = start_payment(
            placed.order_no, PLUGIN, "unionpay", "192.0.2.9", return_url="http://deer.localhost/o"
        )
    number = started.attempt_no
    assert started.redirect_url == f"{gateway['url']}/gateway/api/frontTransReq.do"
    ref = shop.one("SELECT provider_ref FROM payment_attempt WHERE attempt_no = %s", number)
    amount = shop.one("SELECT amount FROM payment_attempt WHERE attempt_no = %s", number)
    sent, _, until = ref.partition("-")
    gateway["simulator"]._bank.open_order(
        NewOrder(
            order_id=number, txn_time=sent, pay_timeout=until, channel="07", fen=amount // 100,
            front_url="http://deer.localhost/o", back_url="http://deer.localhost/h", name="x",
            reserved="",
        )
    )  # fmt: skip
    return placed, number, shop.one("SELECT id FROM payment_attempt WHERE attempt_no = %s", number)


def test_O5_paid_without_any_callback_is_found_by_the_time_of_sending(
    shop: Any, gateway: dict[str, Any]
) -> None:
    from kameng.payments.api import query_attempt

    placed, number, attempt = start(shop, gateway, cards=2)
    with shop.app.app_context():
        assert query_attempt(DEER, attempt) == "pending"
        httpx.post(f"{gateway['url']}/control/out:{number}/pay").raise_for_status()
        assert query_attempt(DEER, attempt) == "ok"
    assert shop.state(DEER, placed.order_id) == "delivered"
    ref = shop.one("SELECT provider_ref FROM payment_attempt WHERE id = %s", attempt)
    assert len(ref) == 21
    assert ref.isdecimal()
    shop.assert_books_balance()


def test_a_refund_is_sent_once_and_done_when_the_gateway_says_so(
    shop: Any, gateway: dict[str, Any]
) -> None:
    from kameng.payments.api import query_attempt, send_refund

    placed, number, attempt = start(shop, gateway, cards=1)
    httpx.post(f"{gateway['url']}/control/out:{number}/pay").raise_for_status()
    expired = "UPDATE orders SET deadline_at = now() - interval '1 second' WHERE id = %s"
    shop.owner.execute(expired, (placed.order_id,))
    shop.guarded("expire_orders", p_limit=10)
    shop.owner.execute("UPDATE card SET status = 3 WHERE status = 0")
    with shop.app.app_context():
        assert query_attempt(DEER, attempt) == "refund_late"
        refund = shop.one("SELECT id FROM refund WHERE order_id = %s", placed.order_id)
        assert send_refund(DEER, refund) == "sent"
        due = "UPDATE refund SET next_try_at = %s WHERE id = %s"
        shop.owner.execute(due, (datetime.now(UTC) - timedelta(seconds=1), refund))
        assert send_refund(DEER, refund) == "succeeded"
    found = httpx.get(f"{gateway['url']}/control/orders?out_trade_no={number}").json()["orders"]
    assert len(found[0]["refunds"]) == 1
    assert shop.state(DEER, placed.order_id) == "refunded"
    shop.assert_books_balance()
