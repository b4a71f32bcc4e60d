"""The configuration a plugin is built with: complete, validated, typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from kameng_sdk.errors import Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

_T = TypeVar("_T")

ConfigValue = str | int | bool | Money | Secret | None


class PluginConfig(Mapping[str, ConfigValue]):
    """Values by field name. A field left empty is None; a secret field gives a `Secret`.

    The typed getters raise `Misconfigured` when the value is missing.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, ConfigValue] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> ConfigValue:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"PluginConfig({self._values!r})"

    def text(self, name: str, default: str | None = None) -> str:
        """A str, text, choice or url field."""
        value = self._values.get(name)
        return value if isinstance(value, str) else _or_missing(name, default)

    def number(self, name: str, default: int | None = None) -> int:
        """An int field."""
        value = self._values.get(name)
        return value if type(value) is int else _or_missing(name, default)

    def flag(self, name: str) -> bool:
        """A bool field; empty counts as off."""
        return self._values.get(name) is True

    def money(self, name: str, default: Money | None = None) -> Money:
        """A money field."""
        value = self._values.get(name)
        return value if isinstance(value, Money) else _or_missing(name, default)

    def secret(self, name: str) -> Secret:
        """A secret field; call `Secret.reveal` where it is spent."""
        value = self._values.get(name)
        return value if isinstance(value, Secret) else _or_missing(name, None)


def _or_missing(name: str, default: _T | None) -> _T:
    if default is None:
        raise Misconfigured(f"setting {name} is missing")
    return default


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigProblem:
    """One thing wrong with a configuration; ``field`` is empty when it concerns several."""

    field: str
    message: str
