"""The simulators of the gateways on one address."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

import kameng_payment_alipay.plugin
import kameng_payment_epay.plugin
import kameng_payment_stripe.plugin
import kameng_payment_wechatpay.plugin
from kameng_sdk.simulators import SimulatorEnvironment

from .till import Till


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The simulators behind one address; values are simulators by plugin id."""
    folder: Path = tmp_path_factory.mktemp("simulators")
    holder: dict[str, Any] = {}
    server = make_server("127.0.0.1", 0, lambda *call: holder["app"](*call), threaded=True)
    environment = SimulatorEnvironment(
        state_folder=folder, base_url=f"http://127.0.0.1:{server.server_port}"
    )
    (alipay,) = kameng_payment_alipay.plugin.kameng_simulators(environment)
    (epay,) = kameng_payment_epay.plugin.kameng_simulators(environment)
    (stripe,) = kameng_payment_stripe.plugin.kameng_simulators(environment)
    (wechat,) = kameng_payment_wechatpay.plugin.kameng_simulators(environment)
    holder["app"] = DispatcherMiddleware(
        lambda environ, start: (start("404 Not Found", []), [b""])[1],
        {f"/{each.name}": each.wsgi_app for each in (alipay, epay, stripe, wechat)},
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = {f"payment-{each.name}": each for each in (alipay, epay, stripe, wechat)}
    yield {"url": environment.base_url, **found}
    server.shutdown()
    server.server_close()
    for each in found.values():
        each.close()


@pytest.fixture
def till(shop: Any, street: dict[str, Any], owner: psycopg.Connection[Any]) -> Iterator[Till]:
    """No accounts, no warnings, an open gateway."""
    owner.execute("DELETE FROM station_plugin")
    owner.execute("DELETE FROM alert")
    owner.execute(  # what earlier tests have used is long ago
        "UPDATE payment_attempt SET next_query_at = NULL, created_at = created_at - interval '2 days',"
        " paid_at = paid_at - interval '2 days'"
    )
    made = Till(shop, street)
    yield made
    made.break_gateway(False)
