"""A running simulator, a shop that takes its notices, and the plugin between them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest

from kameng_sdk.testing import SupplyScene, simulating
from kameng_supplier_kakayun.account import KakayunAccount
from kameng_supplier_kakayun.simulator import KakayunSimulator
from kameng_supplier_kakayun.supplier import KakayunSupplier


@dataclass
class Scene(SupplyScene[KakayunSimulator]):
    """Everything a test needs in one place."""

    secrets = ("key",)
    numbers: ClassVar[Iterator[int]] = count(261100000000000001)

    def supplier(self, **changes: Any) -> KakayunSupplier:
        return KakayunSupplier(KakayunAccount.from_config(self.config(**changes)))

    def number(self) -> str:
        """A purchase number that nobody has used."""
        return str(next(self.numbers))

    def ref(self, name: str) -> str:
        """The supplier's number of goods whose name begins so."""
        return next(g.ref for g in self.simulator.goods if g.name.startswith(name))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KakayunSimulator, str]]:
    with simulating(KakayunSimulator, tmp_path_factory.mktemp("simulators")) as found:
        yield found


@pytest.fixture
def scene(running: tuple[KakayunSimulator, str]) -> Iterator[Scene]:
    with closing(Scene(*running)) as scene:
        scene.settings(top_up_ms=100)
        yield scene
