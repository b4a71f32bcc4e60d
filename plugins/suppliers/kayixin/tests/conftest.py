"""A running simulator, a shop that takes its notices, and the plugin between them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from kameng_sdk.testing import SupplyScene, simulating
from kameng_supplier_kayixin.account import KayixinAccount
from kameng_supplier_kayixin.simulator import KayixinSimulator
from kameng_supplier_kayixin.supplier import KayixinSupplier


@dataclass
class Scene(SupplyScene[KayixinSimulator]):
    """Everything a test needs in one place."""

    secrets = ("secret",)

    def account(self, **changes: Any) -> KayixinAccount:
        return KayixinAccount.from_config(self.config(**changes))

    def supplier(self, **changes: Any) -> KayixinSupplier:
        return KayixinSupplier(self.account(**changes))

    def codes(self, purchase_no: str) -> list[str]:
        """What the simulator really sold under a number."""
        return [code for sale in self.sales(purchase_no) for code in sale["codes"]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KayixinSimulator, str]]:
    with simulating(KayixinSimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[KayixinSimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        scene.settings(top_up_ms=0)
        yield scene
