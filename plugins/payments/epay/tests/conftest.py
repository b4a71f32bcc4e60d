"""A running simulator, a merchant that takes notices, and the plugin between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from kameng_payment_epay.account import EpayAccount
from kameng_payment_epay.provider import EpayProvider
from kameng_payment_epay.simulator import EpaySimulator
from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeRequest
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.testing import (
    HandClock,
    Served,
    call_context,
    mounted,
    plugin_config,
    wait_for,
)

# One client for all: making its TLS settings costs more than a request.
WEB = httpx.Client(timeout=10)
SECRETS = {"key", "merchant_private_key"}


@dataclass
class Merchant:
    """Takes notices and answers what the test wants."""

    answer: str = "success"
    notices: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path == "/notify":
            query = request.query_string.decode()
            self.notices.append({"query": query, "method": request.method})
            return Response(self.answer)(environ, start_response)
        return Response("shop")(environ, start_response)


@dataclass
class Scene:
    """Everything a test needs in one place."""

    simulator: EpaySimulator
    url: str
    merchant: Merchant
    shop_url: str
    clock: HandClock
    web: httpx.Client = field(default_factory=lambda: WEB)

    def ctx(self) -> CallContext:
        return call_context(self.clock)

    def config(self, **changes: Any) -> PluginConfig:
        return plugin_config({**self.simulator.demo_config(), **changes}, SECRETS)

    def provider(self, version: str, **changes: Any) -> EpayProvider:
        return EpayProvider(EpayAccount.from_config(self.config(version=version, **changes)))

    def request(self, attempt_no: str, fen: int = 9550) -> ChargeRequest:
        return ChargeRequest(
            attempt_no=attempt_no,
            amount=Money.from_fen(fen),
            method="alipay",
            subject="话费充值 100 元 & 赠品=1",
            notify_url=f"{self.shop_url}/notify",
            return_url=f"{self.shop_url}/back?order=1",
            client_ip="203.0.113.9",
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
        )

    def open(self, version: str, attempt_no: str) -> EpayProvider:
        """Charge, and arrive at the cashier as the shopper's browser does."""
        provider = self.provider(version)
        result = provider.charge(self.ctx(), self.request(attempt_no))
        page = self.web.get(result.redirect_url, follow_redirects=True)
        assert page.status_code == 200
        return provider

    def control(self, attempt_no: str, action: str, **params: Any) -> dict[str, Any]:
        answer = self.web.post(f"{self.url}/control/out:{attempt_no}/{action}", params=params)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    def settings(self, **values: Any) -> None:
        self.web.post(f"{self.url}/control/settings", data=values).raise_for_status()

    def order(self, attempt_no: str) -> dict[str, Any]:
        answer = self.web.get(f"{self.url}/control/orders", params={"out_trade_no": attempt_no})
        orders: list[dict[str, Any]] = answer.json()["orders"]
        return orders[0]


@pytest.fixture(scope="module")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulators")


@pytest.fixture(scope="module")
def running(state_folder: Path) -> Iterator[tuple[EpaySimulator, str]]:
    holder: list[Any] = []
    served = Served(lambda environ, start: holder[0](environ, start))
    environment = SimulatorEnvironment(state_folder=state_folder, base_url=served.url)
    simulator = EpaySimulator(environment)
    holder.append(mounted(simulator))
    yield simulator, f"{served.url}/epay"
    simulator.close()
    served.close()


@pytest.fixture
def scene(running: tuple[EpaySimulator, str]) -> Iterator[Scene]:
    merchant = Merchant()
    shop = Served(merchant)
    scene = Scene(running[0], running[1], merchant, shop.url, HandClock())
    scene.settings(callbacks="on", latency_ms=0, fail_percent=0, fail_when="before")
    yield scene
    shop.close()


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
