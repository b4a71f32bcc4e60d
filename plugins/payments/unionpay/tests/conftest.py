"""A running simulator, a merchant that takes notices, and the plugin between them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from kameng_payment_unionpay.account import UnionpayAccount
from kameng_payment_unionpay.provider import UnionpayProvider
from kameng_payment_unionpay.simulator import UnionpaySimulator
from kameng_payment_unionpay.simulator.store import BILL_LEVERS
from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeRequest, ChargeResult, RefundRequest
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.testing import (
    HandClock,
    Served,
    call_context,
    mounted,
    plugin_config,
    wait_for,
)
from kameng_sdk.webhooks import WebhookRequest

# One client for all: making its TLS settings costs more than a request.
WEB = httpx.Client(timeout=10)
SECRETS = {"sign_key"}
CALM: dict[str, Any] = {
    "callbacks": "on", "latency_ms": 0, "fail_percent": 0, "fail_when": "before",
    "bill_ready": "on", "refund_seconds": 0, "refund_result": "done",
    **dict.fromkeys(BILL_LEVERS, ""),
}  # fmt: skip


@dataclass
class Merchant:
    """Takes notices, and answers what the test wants."""

    status: int = 200
    notices: list[WebhookRequest] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path == "/notify":
            notice = WebhookRequest(
                method=request.method, path="/notify", query=request.query_string.decode(),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=request.get_data(),
            )  # fmt: skip
            self.notices.append(notice)
            return Response("ok", status=self.status)(environ, start_response)
        return Response("shop")(environ, start_response)


@dataclass
class Scene:
    """Everything a test needs in one place."""

    simulator: UnionpaySimulator
    url: str
    merchant: Merchant
    shop_url: str
    clock: HandClock
    web: httpx.Client = field(default_factory=lambda: WEB)

    def ctx(self) -> CallContext:
        return call_context(self.clock)

    def config(self, **changes: Any) -> PluginConfig:
        return plugin_config({**self.simulator.demo_config(), **changes}, SECRETS)

    def provider(self, **changes: Any) -> UnionpayProvider:
        return UnionpayProvider(UnionpayAccount.from_config(self.config(**changes)))

    def request(self, attempt_no: str, fen: int = 9550, **changes: Any) -> ChargeRequest:
        values: dict[str, Any] = {
            "attempt_no": attempt_no, "amount": Money.from_fen(fen), "method": "unionpay",
            "subject": "话费充值 100 元 & 赠品=1", "notify_url": f"{self.shop_url}/notify",
            "return_url": f"{self.shop_url}/back?order=1", "client_ip": "203.0.113.9",
            "expires_at": self.clock.now() + timedelta(minutes=15),
        }  # fmt: skip
        return ChargeRequest(**(values | changes))

    def post(self, result: ChargeResult, **headers: str) -> httpx.Response:
        """Carry the form to the cashier as the shopper's browser does."""
        return self.web.post(
            result.redirect_url, data=dict(result.form), headers=headers, follow_redirects=True
        )

    def open(self, attempt_no: str, fen: int = 9550) -> tuple[UnionpayProvider, str]:
        """An order whose cashier page is open; the provider and the reference."""
        provider = self.provider()
        result = provider.charge(self.ctx(), self.request(attempt_no, fen))
        assert self.post(result).status_code == 200
        return provider, result.provider_ref

    def paid(self, attempt_no: str) -> tuple[UnionpayProvider, str]:
        """A paid order; the provider and the query number."""
        provider, _ = self.open(attempt_no)
        return provider, str(self.control(attempt_no, "pay")["payments"][0]["query_id"])

    def refund_of(
        self, attempt: str, ref: str, no: str, fen: int = 9550, **changes: Any
    ) -> RefundRequest:
        values: dict[str, Any] = {
            "attempt_no": attempt, "provider_ref": ref, "refund_no": no,
            "amount": Money.from_fen(fen), "total": Money.from_fen(9550),
            "made_at": datetime.now(UTC),
        }  # fmt: skip
        return RefundRequest(**(values | changes))

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
def running(state_folder: Path) -> Iterator[tuple[UnionpaySimulator, str]]:
    holder: list[Any] = []
    served = Served(lambda environ, start: holder[0](environ, start))
    environment = SimulatorEnvironment(state_folder=state_folder, base_url=served.url)
    simulator = UnionpaySimulator(environment)
    holder.append(mounted(simulator))
    yield simulator, f"{served.url}/unionpay"
    simulator.close()
    served.close()


@pytest.fixture
def scene(running: tuple[UnionpaySimulator, str]) -> Iterator[Scene]:
    merchant = Merchant()
    shop = Served(merchant)
    scene = Scene(running[0], running[1], merchant, shop.url, HandClock())
    scene.settings(**CALM)
    yield scene
    shop.close()


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
