"""A running simulator, a merchant that takes notices, and the plugin between them."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import pytest

from kameng_payment_stripe.account import StripeAccount
from kameng_payment_stripe.provider import StripeProvider
from kameng_payment_stripe.simulator import StripeSimulator
from kameng_sdk import testing
from kameng_sdk.testing import simulating, wait_for
from kameng_sdk.webhooks import WebhookRequest


class Merchant(testing.Merchant):
    """Takes notices and answers what the test wants."""

    def of(self, kind: str) -> list[WebhookRequest]:
        return [notice for notice in self.notices if json.loads(notice.body)["type"] == kind]


@dataclass
class Scene(testing.Scene[StripeSimulator]):
    """Everything a test needs in one place."""

    secrets = ("secret_key", "webhook_secret")
    method = "checkout"
    # One client for all: making its TLS settings costs more than a request.
    web: ClassVar[httpx.Client] = httpx.Client(timeout=10)

    merchant: Merchant = field(default_factory=Merchant)

    def provider(self, **changes: Any) -> StripeProvider:
        return StripeProvider(StripeAccount.from_config(self.config(**changes)))

    def open(self, attempt_no: str) -> tuple[StripeProvider, str]:
        """Charge; gives the session's id too."""
        provider = self.provider()
        return provider, provider.charge(self.ctx(), self.request(attempt_no)).provider_ref


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StripeSimulator, str]]:
    with simulating(StripeSimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[StripeSimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
