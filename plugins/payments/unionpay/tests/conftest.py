"""A running simulator, a merchant that takes notices, and the plugin between them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
import pytest

from kameng_payment_unionpay.account import UnionpayAccount
from kameng_payment_unionpay.provider import UnionpayProvider
from kameng_payment_unionpay.simulator import UnionpaySimulator
from kameng_sdk import testing
from kameng_sdk.money import Money
from kameng_sdk.payments import ChargeResult, RefundRequest
from kameng_sdk.testing import simulating, wait_for


@dataclass
class Scene(testing.Scene[UnionpaySimulator]):
    """Everything a test needs in one place."""

    secrets = ("sign_key",)
    method = "unionpay"
    # One client for all: making its TLS settings costs more than a request.
    web: ClassVar[httpx.Client] = httpx.Client(timeout=10)

    def provider(self, **changes: Any) -> UnionpayProvider:
        return UnionpayProvider(UnionpayAccount.from_config(self.config(**changes)))

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


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[UnionpaySimulator, str]]:
    with simulating(UnionpaySimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[UnionpaySimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
