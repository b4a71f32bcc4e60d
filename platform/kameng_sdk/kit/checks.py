"""What a check is: a stable name, one sentence, and code that says nothing when all is well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kameng_sdk.manifest import PluginKind

S = TypeVar("S")

EVERY = frozenset(PluginKind)
SUPPLIER = frozenset({PluginKind.SUPPLIER})
PAYMENT = frozenset({PluginKind.PAYMENT})
RISK = frozenset({PluginKind.RISK})
THEME = frozenset({PluginKind.THEME})
TRADING = SUPPLIER | PAYMENT


class Failed(Exception):
    """The plugin does not keep this part of the contract; the text says how."""


class NotApplicable(Exception):
    """The check does not concern this plugin; the text says why."""


@dataclass(frozen=True, slots=True)
class Check(Generic[S]):
    """``run`` raises `Failed` or `NotApplicable`; without a ``gate`` nothing else can be tried."""

    name: str
    meaning: str
    kinds: frozenset[PluginKind]
    run: Callable[[S], None]
    gate: bool = False


class Suite(Generic[S]):
    """Checks of one group, in the order they are run."""

    def __init__(self, group: str, kinds: frozenset[PluginKind]) -> None:
        self.checks: list[Check[S]] = []
        self._group = group
        self._kinds = kinds

    def check(
        self, name: str, meaning: str, *, gate: bool = False
    ) -> Callable[[Callable[[S], None]], Callable[[S], None]]:
        """Add a function as the check ``<group>.<name>``."""

        def add(run: Callable[[S], None]) -> Callable[[S], None]:
            self.checks.append(Check(f"{self._group}.{name}", meaning, self._kinds, run, gate))
            return run

        return add


def require(truth: object, otherwise: str) -> None:
    """Raises `Failed` with the words unless it is so."""
    if not truth:
        raise Failed(otherwise)
