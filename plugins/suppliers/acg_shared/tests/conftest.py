"""A running simulator and the plugin beside it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from kameng_sdk.testing import Merchant, SupplyScene, simulating, wait_for
from kameng_supplier_acg_shared.account import StoreAccount
from kameng_supplier_acg_shared.simulator import AcgSimulator
from kameng_supplier_acg_shared.supplier import AcgSupplier


@dataclass
class Scene(SupplyScene[AcgSimulator]):
    """Everything a test needs in one place."""

    secrets = ("app_key",)
    merchant: Merchant = field(default_factory=lambda: Merchant(answer='{"code":200}'))

    def supplier(self, flavour: str, **changes: Any) -> AcgSupplier:
        return AcgSupplier(StoreAccount.from_config(self.config(flavour=flavour, **changes)))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AcgSimulator, str]]:
    with simulating(AcgSimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[AcgSimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        scene.settings(top_up_ms=150)
        yield scene


@pytest.fixture
def until() -> Callable[..., Any]:
    return wait_for
