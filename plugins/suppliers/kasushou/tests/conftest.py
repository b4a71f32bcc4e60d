"""A running simulator, a shop that takes its notices, and the plugin between them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from kameng_sdk.testing import SupplyScene, simulating
from kameng_supplier_kasushou.account import KasushouAccount
from kameng_supplier_kasushou.simulator import KasushouSimulator
from kameng_supplier_kasushou.supplier import KasushouSupplier


@dataclass
class Scene(SupplyScene[KasushouSimulator]):
    """Everything a test needs in one place."""

    secrets = ("key",)

    def account(self, **changes: Any) -> KasushouAccount:
        return KasushouAccount.from_config(self.config(**changes))

    def supplier(self, **changes: Any) -> KasushouSupplier:
        return KasushouSupplier(self.account(**changes))

    def codes(self, purchase_no: str) -> list[str]:
        """What the simulator really sold under a number."""
        return [code for sale in self.sales(purchase_no) for code in sale["codes"]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KasushouSimulator, str]]:
    with simulating(KasushouSimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[KasushouSimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        scene.settings(top_up_ms=0)
        yield scene
