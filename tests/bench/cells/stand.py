"""A stand: a few cells that need the same processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import ClassVar

from tests.bench.cells.bench import Bench


class Stand(ABC):
    """Subclasses name their cells and what measures them; `cards` are used up a second by cell."""

    cards: ClassVar[Mapping[str, int]] = {}

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    @abstractmethod
    def measures(self) -> Mapping[str, Callable[[], float]]:
        """One round of each cell: its rate a second."""

    def prepare(self, names: Collection[str]) -> None:  # noqa: B027  # many need nothing
        """Start and warm what the wanted ones of these cells need."""
