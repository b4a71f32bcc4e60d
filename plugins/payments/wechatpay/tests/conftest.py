"""A running simulator, a merchant that takes notices, and the plugin between them."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pytest

from kameng_payment_wechatpay.account import WechatAccount
from kameng_payment_wechatpay.provider import WechatProvider
from kameng_payment_wechatpay.simulator import WechatSimulator
from kameng_sdk import testing
from kameng_sdk.config import PluginConfig
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeResult, PaymentEvent, RefundRequest
from kameng_sdk.testing import plugin_config, simulating, wait_for
from kameng_sdk.webhooks import WebhookRequest


class Merchant(testing.Merchant):
    """Takes notices and answers what the test wants."""

    def of(self, kind: str) -> list[WebhookRequest]:
        return [notice for notice in self.notices if json.loads(notice.body)["event_type"] == kind]


@dataclass
class Scene(testing.Scene[WechatSimulator]):
    """Everything a test needs in one place."""

    secrets = ("api_v3_key", "merchant_private_key", "app_secret")
    method = "native"
    subject = "话费充值 100 元, & 赠品=1"
    # One client for all: making its TLS settings costs more than a request.
    web: ClassVar[httpx.Client] = httpx.Client(timeout=10)

    merchant: Merchant = field(default_factory=Merchant)

    def config(self, **changes: Any) -> PluginConfig:
        values = {**self.simulator.demo_config(), **changes}
        return plugin_config({k: v for k, v in values.items() if v != ""}, self.secrets)

    def provider(self, **changes: Any) -> WechatProvider:
        return WechatProvider(WechatAccount.from_config(self.config(**changes)))

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


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WechatSimulator, str]]:
    with simulating(WechatSimulator, tmp_path_factory.mktemp("simulators")) as found:
        # Refunds at once, unless a test is about their taking time.
        found[0]._store.change_setting("refund_seconds", "0")
        yield found


@pytest.fixture
def scene(running: tuple[WechatSimulator, str]) -> Iterator[Scene]:
    Scene.web.cookies.clear()
    with closing(Scene(*running)) as scene:
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
