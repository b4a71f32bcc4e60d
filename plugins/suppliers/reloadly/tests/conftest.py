"""A running Reloadly, a shop that takes its webhooks, and the plugin between them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from kameng_sdk.config import PluginConfig
from kameng_sdk.money import Money
from kameng_sdk.suppliers import PurchaseResult
from kameng_sdk.testing import DirectHttp, SupplyScene, simulating, wait_for
from kameng_supplier_reloadly.account import ReloadlyAccount
from kameng_supplier_reloadly.simulator import ReloadlySimulator
from kameng_supplier_reloadly.supplier import ReloadlySupplier


@dataclass
class Scene(SupplyScene[ReloadlySimulator]):
    """Everything a test needs in one place."""

    secrets = ("client_secret", "webhook_secret")
    usual: ReloadlySupplier | None = None

    def config(self, **changes: Any) -> PluginConfig:
        """Sums as the host hands them over."""
        values = dict(super().config(**changes))
        for name in ("rate", "low_balance"):
            if isinstance(values[name], str):
                values[name] = Money.parse(str(values[name]))
        return PluginConfig(values)

    def supplier(self, **changes: Any) -> ReloadlySupplier:
        """The usual one is the same all the time, as in the host: it keeps its tokens."""
        if not changes and self.usual:
            return self.usual
        supplier = ReloadlySupplier(ReloadlyAccount.from_config(self.config(**changes)))
        self.usual = self.usual if changes else supplier
        return supplier

    def buy(self, purchase_no: str, sku_ref: str, quantity: int = 1, **changes: Any) -> Any:
        if sku_ref.startswith("topup"):
            changes = {"inputs": {"phone": "+86 138 0013 8000"}} | changes
        request = self.purchase_request(purchase_no, sku_ref, quantity, **changes)
        return self.supplier().purchase(self.ctx(), request)

    def bought(self, purchase_no: str, sku_ref: str, quantity: int = 1, **more: Any) -> Any:
        """To the end, by queries."""
        placed: PurchaseResult = self.buy(purchase_no, sku_ref, quantity, **more)
        return self.settled(self.supplier(), purchase_no, placed.supplier_ref)

    def hook(self) -> None:
        """Set the address of webhooks in the account, as one does in the dashboard."""
        self._ask("POST", "webhook", {"url": f"{self.shop_url}/notify"})

    def close(self) -> None:
        """The address goes too: other tests have other shops."""
        DirectHttp().request("POST", f"{self.url}/control/webhook", data={"url": ""})
        super().close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReloadlySimulator, str]]:
    with simulating(ReloadlySimulator, tmp_path_factory.mktemp("simulators")) as found:
        found[0].store.change_setting("top_up_ms", "60")
        yield found


@pytest.fixture
def scene(running: tuple[ReloadlySimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
