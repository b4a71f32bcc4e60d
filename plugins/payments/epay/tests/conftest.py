"""A running simulator, a merchant that takes notices, and the plugin between them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pytest

from kameng_payment_epay.account import EpayAccount
from kameng_payment_epay.provider import EpayProvider
from kameng_payment_epay.simulator import EpaySimulator
from kameng_sdk import testing
from kameng_sdk.testing import Merchant, simulating, wait_for


@dataclass
class Scene(testing.Scene[EpaySimulator]):
    """Everything a test needs in one place."""

    secrets = ("key", "merchant_private_key")
    method = "alipay"
    # One client for all: making its TLS settings costs more than a request.
    web: ClassVar[httpx.Client] = httpx.Client(timeout=10)

    merchant: Merchant = field(default_factory=lambda: Merchant(answer="success"))

    def provider(self, version: str, **changes: Any) -> EpayProvider:
        return EpayProvider(EpayAccount.from_config(self.config(version=version, **changes)))

    def open(self, version: str, attempt_no: str) -> EpayProvider:
        """Charge, and arrive at the cashier as the shopper's browser does."""
        provider = self.provider(version)
        result = provider.charge(self.ctx(), self.request(attempt_no))
        page = self.web.get(result.redirect_url, follow_redirects=True)
        assert page.status_code == 200
        return provider


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EpaySimulator, str]]:
    with simulating(EpaySimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[EpaySimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
