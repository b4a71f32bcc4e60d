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

from kameng_payment_alipay.account import AlipayAccount
from kameng_payment_alipay.provider import AlipayProvider
from kameng_payment_alipay.signing import sign
from kameng_payment_alipay.simulator import AlipaySimulator
from kameng_payment_alipay.simulator.store import DEFAULTS
from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeRequest, PaymentEvent, PayoutRequest, RefundRequest
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
SECRETS = {"private_key"}


@dataclass
class Merchant:
    """Takes notices and answers what the test wants."""

    answer: str = "success"
    notices: list[WebhookRequest] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if request.path == "/notify":
            self.notices.append(
                WebhookRequest(
                    method=request.method,
                    path=request.path,
                    query=request.query_string.decode(),
                    headers={},
                    body=request.get_data(),
                )
            )
            return Response(self.answer)(environ, start_response)
        return Response("shop")(environ, start_response)


class Scripted:
    """Answers request after request with prepared texts."""

    def __init__(self, texts: tuple[str | bytes, ...], status: int) -> None:
        self._bodies = [text if isinstance(text, bytes) else text.encode() for text in texts]
        self._status = status
        self.sent: list[tuple[str, str, Any]] = []

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        self.sent.append((method, url, more))
        body = self._bodies[min(len(self.sent), len(self._bodies)) - 1]
        return HttpResponse(status=self._status, headers={}, body=body)


@dataclass
class Scene:
    """Everything a test needs in one place."""

    simulator: AlipaySimulator
    url: str
    merchant: Merchant = field(default_factory=Merchant)
    clock: HandClock = field(default_factory=HandClock)
    web: httpx.Client = WEB
    shop: Served | None = None
    moved: set[str] = field(default_factory=set)

    @property
    def shop_url(self) -> str:
        """The merchant's address; it opens when somebody asks for it."""
        self.shop = self.shop or Served(self.merchant)
        return self.shop.url

    def ctx(self) -> CallContext:
        return call_context(self.clock)

    def scripted(self, *texts: str | bytes, status: int = 200) -> tuple[CallContext, list[Any]]:
        """A call whose answers are these texts, and what it sends."""
        http, real = Scripted(texts, status), self.ctx()
        ctx = CallContext(deadline=real.deadline, correlation_id="t", http=http, clock=real.clock)
        return ctx, http.sent

    def says(self, node: Any, name: str = "alipay_trade_query_response", **more: Any) -> str:
        """An answer signed by Alipay; a node given as text stays as it is written."""
        raw = node if isinstance(node, str) else json.dumps(node)
        signature = sign(raw, self.simulator._keys.alipay_private)
        extra = "".join(f",{json.dumps(k)}:{json.dumps(v)}" for k, v in more.items())
        return f'{{"{name}":{raw},"sign":"{signature}"{extra}}}'

    def config(self, **changes: Any) -> PluginConfig:
        return plugin_config({**self.simulator.demo_config(), **changes}, SECRETS)

    def provider(self, **changes: Any) -> AlipayProvider:
        return AlipayProvider(AlipayAccount.from_config(self.config(**changes)))

    def request(self, attempt_no: str, fen: int = 9550, method: str = "page") -> ChargeRequest:
        return ChargeRequest(
            attempt_no=attempt_no,
            amount=Money.from_fen(fen),
            method=method,
            subject="话费充值 100 元 & 赠品=1",
            notify_url=f"{self.shop_url}/notify",
            return_url=f"{self.shop_url}/back?order=1",
            client_ip="203.0.113.9",
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
        )

    def open(self, attempt_no: str, fen: int = 9550, method: str = "page") -> AlipayProvider:
        """Charge, and arrive at the cashier as the shopper's browser does."""
        provider = self.provider()
        result = provider.charge(self.ctx(), self.request(attempt_no, fen, method))
        page = self.web.get(result.redirect_url or result.qr_content, follow_redirects=True)
        assert page.status_code == 200
        return provider

    def paid(self, attempt_no: str, fen: int = 9550) -> tuple[AlipayProvider, str]:
        """Open and pay; gives the trade number too."""
        provider = self.open(attempt_no, fen)
        self.control(attempt_no, "pay")
        return provider, str(self.order(attempt_no)["trade_no"])

    def refund(self, attempt_no: str, ref: str, number: str, fen: int = 9550) -> RefundRequest:
        return RefundRequest(
            attempt_no=attempt_no,
            provider_ref=ref,
            refund_no=number,
            amount=Money.from_fen(fen),
            total=Money.from_fen(9550),
        )

    def payout(self, payout_no: str, **changes: Any) -> PayoutRequest:
        values: dict[str, Any] = {
            "payout_no": payout_no, "amount": Money.from_fen(10_000), "kind": "alipay",
            "account": "13800138000", "name": "张三", "remark": "提现",
        }  # fmt: skip
        return PayoutRequest(**(values | changes))

    def control(self, attempt_no: str, action: str, **params: Any) -> dict[str, Any]:
        answer = self.web.post(f"{self.url}/control/out:{attempt_no}/{action}", params=params)
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    def settings(self, **values: Any) -> None:
        """Move levers; they go back when the test is over."""
        self.moved |= set(values)
        self.web.post(f"{self.url}/control/settings", data=values).raise_for_status()

    def order(self, attempt_no: str) -> dict[str, Any]:
        answer = self.web.get(f"{self.url}/control/orders", params={"out_trade_no": attempt_no})
        orders: list[dict[str, Any]] = answer.json()["orders"]
        return orders[0]

    def events(self) -> list[PaymentEvent]:
        """What the notices that came so far mean."""
        provider = self.provider()
        results = [provider.parse_webhook(self.ctx(), notice) for notice in self.merchant.notices]
        assert {result.reply.body for result in results} <= {b"success"}
        return [event for result in results for event in result.events]


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulators")


@pytest.fixture(scope="session")
def running(state_folder: Path) -> Iterator[tuple[AlipaySimulator, str]]:
    holder: list[Any] = []
    served = Served(lambda environ, start: holder[0](environ, start))
    environment = SimulatorEnvironment(state_folder=state_folder, base_url=served.url)
    simulator = AlipaySimulator(environment)
    holder.append(mounted(simulator))
    yield simulator, f"{served.url}/alipay"
    simulator.close()
    served.close()


@pytest.fixture
def scene(running: tuple[AlipaySimulator, str]) -> Iterator[Scene]:
    scene = Scene(*running)
    yield scene
    if scene.moved:
        scene.settings(**{name: DEFAULTS[name] for name in scene.moved})
    if scene.shop:
        scene.shop.close()


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
