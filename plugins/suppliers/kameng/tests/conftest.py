"""A running simulator, a shop that takes its notices, and the plugin between them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from kameng_sdk.suppliers import PurchaseResult
from kameng_sdk.testing import Merchant, SupplyScene, simulating, wait_for
from kameng_supplier_kameng.account import KamengAccount
from kameng_supplier_kameng.simulator import KamengSimulator
from kameng_supplier_kameng.supplier import KamengSupplier


@dataclass
class Scene(SupplyScene[KamengSimulator]):
    """Everything a test needs in one place."""

    secrets = ("secret",)
    merchant: Merchant = field(default_factory=Merchant)

    def supplier(self, **changes: Any) -> KamengSupplier:
        return KamengSupplier(KamengAccount.from_config(self.config(**changes)))

    def buy(self, purchase_no: str, sku_ref: str, quantity: int = 1, **changes: Any) -> Any:
        request = self.purchase_request(purchase_no, sku_ref, quantity, **changes)
        return self.supplier().purchase(self.ctx(), request)

    def bought(self, purchase_no: str, sku_ref: str, quantity: int = 1, **more: Any) -> Any:
        """To the end, by queries."""
        placed: PurchaseResult = self.buy(purchase_no, sku_ref, quantity, **more)
        return self.settled(self.supplier(), purchase_no, placed.supplier_ref)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KamengSimulator, str]]:
    with simulating(KamengSimulator, tmp_path_factory.mktemp("simulators")) as found:
        found[0].store.change_setting("top_up_ms", "60")
        yield found


@pytest.fixture
def scene(running: tuple[KamengSimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
