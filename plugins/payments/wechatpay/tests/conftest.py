"""A running simulator, a merchant that takes notices, and the plugin between them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from kameng_payment_wechatpay.account import WechatAccount
from kameng_payment_wechatpay.provider import WechatProvider
from kameng_payment_wechatpay.simulator import WechatSimulator
from kameng_payment_wechatpay.simulator.store import DEFAULTS
from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeRequest, ChargeResult, PaymentEvent, RefundRequest
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
SECRETS = {"api_v3_key", "merchant_private_key", "app_secret"}
# Refunds at once, unless a test is about their taking time.
LEVERS = {**DEFAULTS, "refund_seconds": "0"}
SUBJECT = "话费充值 100 元, & 赠品=1"


@dataclass
class Merchant:
    """Takes notices and answers what the test wants."""

    status: int = 200
    notices: list[WebhookRequest] = field(default_factory=list)

    def of(self, kind: str) -> list[WebhookRequest]:
        return [notice for notice in self.notices if json.loads(notice.body)["event_type"] == kind]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path == "/notify":
            headers = {name.lower(): value for name, value in request.headers.items()}
            query = request.query_string.decode()
            self.notices.append(
                WebhookRequest(
                    method=request.method,
                    path=request.path,
                    query=query,
                    headers=headers,
                    body=request.get_data(),
                )
            )
            return Response("", self.status)(environ, start_response)
        return Response("shop")(environ, start_response)


@dataclass
class Scene:
    """Everything a test needs in one place."""

    simulator: WechatSimulator
    url: str
    merchant: Merchant
    shop_url: str
    clock: HandClock
    web: httpx.Client = field(default_factory=lambda: WEB)
    moved_levers: set[str] = field(default_factory=set)

    def ctx(self) -> CallContext:
        return call_context(self.clock)

    def config(self, **changes: Any) -> PluginConfig:
        values = {**self.simulator.demo_config(), **changes}
        return plugin_config({k: v for k, v in values.items() if v != ""}, SECRETS)

    def provider(self, **changes: Any) -> WechatProvider:
        return WechatProvider(WechatAccount.from_config(self.config(**changes)))

    def request(
        self, attempt_no: str, fen: int = 9550, method: str = "native", payer: str = ""
    ) -> ChargeRequest:
        return ChargeRequest(
            attempt_no=attempt_no,
            amount=Money.from_fen(fen),
            method=method,
            subject=SUBJECT,
            notify_url=f"{self.shop_url}/notify",
            return_url=f"{self.shop_url}/back?order=1",
            client_ip="203.0.113.9",
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
            payer=payer,
        )

    def charge(self, attempt_no: str, method: str = "native", **more: Any) -> ChargeResult:
        request = self.request(attempt_no, method=method, **more)
        return self.provider().charge(self.ctx(), request)

    def open(self, attempt_no: str, fen: int = 9550) -> WechatProvider:
        provider = self.provider()
        provider.charge(self.ctx(), self.request(attempt_no, fen))
        return provider

    def paid(self, attempt_no: str, fen: int = 9550) -> WechatProvider:
        provider = self.open(attempt_no, fen)
        self.control(attempt_no, "pay")
        return provider

    def refund_of(self, attempt_no: str, no: str, fen: int = 9550, ref: str = "") -> RefundRequest:
        return RefundRequest(
            attempt_no=attempt_no,
            provider_ref=ref,
            refund_no=no,
            amount=Money.from_fen(fen),
            total=Money.from_fen(9550),
            reason="缺货",
        )

    def read(self, provider: WechatProvider, notice: WebhookRequest) -> PaymentEvent:
        (event,) = provider.parse_webhook(self.ctx(), notice).events
        return event

    def control(self, attempt_no: str, action: str, **params: Any) -> dict[str, Any]:
        answer = self.web.post(f"{self.url}/control/out:{attempt_no}/{action}", params=params)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    def settings(self, **values: Any) -> None:
        self.moved_levers |= set(values)
        self.web.post(f"{self.url}/control/settings", data=values).raise_for_status()

    def order(self, attempt_no: str) -> dict[str, Any]:
        answer = self.web.get(f"{self.url}/control/orders", params={"out_trade_no": attempt_no})
        orders: list[dict[str, Any]] = answer.json()["orders"]
        return orders[0]


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulators")


@pytest.fixture(scope="session")
def running(state_folder: Path) -> Iterator[tuple[WechatSimulator, str]]:
    holder: list[Any] = []
    served = Served(lambda environ, start: holder[0](environ, start))
    environment = SimulatorEnvironment(state_folder=state_folder, base_url=served.url)
    simulator = WechatSimulator(environment)
    holder.append(mounted(simulator))
    simulator._store.change_setting("refund_seconds", LEVERS["refund_seconds"])
    yield simulator, f"{served.url}/wechatpay"
    simulator.close()
    served.close()


@pytest.fixture
def scene(running: tuple[WechatSimulator, str]) -> Iterator[Scene]:
    merchant = Merchant()
    shop = Served(merchant)
    WEB.cookies.clear()
    scene = Scene(running[0], running[1], merchant, shop.url, HandClock())
    yield scene
    if scene.moved_levers:
        scene.settings(**{name: LEVERS[name] for name in scene.moved_levers})
    shop.close()


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
