"""A running simulator and the plugin beside it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from kameng_sdk.testing import SupplyScene, simulating
from kameng_supplier_yile.account import YileAccount
from kameng_supplier_yile.simulator import YileSimulator
from kameng_supplier_yile.supplier import YileSupplier


@dataclass
class Scene(SupplyScene[YileSimulator]):
    """Everything a test needs in one place."""

    secrets = ("secret",)

    def supplier(self, flavour: str, **changes: Any) -> YileSupplier:
        return YileSupplier(YileAccount.from_config(self.config(flavour=flavour, **changes)))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[YileSimulator, str]]:
    with simulating(YileSimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[YileSimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        scene.settings(top_up_ms=150)
        yield scene
