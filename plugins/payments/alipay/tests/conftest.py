"""A running simulator, a merchant that takes notices, and the plugin between them."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pytest

from kameng_payment_alipay.account import AlipayAccount
from kameng_payment_alipay.provider import AlipayProvider
from kameng_payment_alipay.signing import sign
from kameng_payment_alipay.simulator import AlipaySimulator
from kameng_sdk import testing
from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEvent, PayoutRequest, RefundRequest
from kameng_sdk.testing import Merchant, simulating, wait_for


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
class Scene(testing.Scene[AlipaySimulator]):
    """Everything a test needs in one place."""

    secrets = ("private_key",)
    method = "page"
    # One client for all: making its TLS settings costs more than a request.
    web: ClassVar[httpx.Client] = httpx.Client(timeout=10)

    merchant: Merchant = field(default_factory=lambda: Merchant(answer="success"))

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

    def provider(self, **changes: Any) -> AlipayProvider:
        return AlipayProvider(AlipayAccount.from_config(self.config(**changes)))

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

    def events(self) -> list[PaymentEvent]:
        """What the notices that came so far mean."""
        provider = self.provider()
        results = [provider.parse_webhook(self.ctx(), notice) for notice in self.merchant.notices]
        assert {result.reply.body for result in results} <= {b"success"}
        return [event for result in results for event in result.events]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AlipaySimulator, str]]:
    with simulating(AlipaySimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[AlipaySimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
