"""What a plugin says about itself: identity, kind, API version and configuration fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple, get_args

from kameng_sdk.money import Money

FieldKind = Literal["str", "int", "bool", "choice", "url", "money", "text"]
FieldScope = Literal["main", "station"]
FieldValue = str | int | bool | Money

_PLUGIN_ID = re.compile(r"(payment|supplier|risk|theme)-[a-z0-9]+(?:-[a-z0-9]+)*")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class ApiVersion(NamedTuple):
    """Version of this SDK as a plugin sees it: major breaks, minor adds."""

    major: int
    minor: int

    def accepts(self, wanted: tuple[int, int]) -> bool:
        """Whether a host of this version can run a plugin written for ``wanted``."""
        return self.major == wanted[0] and wanted[1] <= self.minor

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


API_VERSION = ApiVersion(1, 4)


class PluginKind(Enum):
    """What a plugin extends; its id begins with the value and a hyphen."""

    PAYMENT = "payment"
    """Collects money from shoppers."""

    SUPPLIER = "supplier"
    """Buys goods upstream."""

    RISK = "risk"
    """Judges orders, payments and deliveries."""

    THEME = "theme"
    """Gives a storefront its look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigField:
    """One field of the settings form, which the host renders, validates and stores.

    - ``kind``: ``str`` one line, ``text`` several lines (PEM keys), ``int``, ``bool``,
      ``choice`` of ``choices`` (value, label), ``url`` (http or https), ``money``.
    - ``secret``: encrypted at rest, never shown again, may have no default.
    - ``pattern``: regular expression that the whole value must match (str and text).
    - ``scope``: ``main`` is set by the main station for all, ``station`` by each station.
    """

    name: str
    label: str
    kind: FieldKind = "str"
    required: bool = False
    secret: bool = False
    default: FieldValue | None = None
    choices: tuple[tuple[str, str], ...] = ()
    pattern: str = ""
    help: str = ""
    scope: FieldScope = "station"

    def __post_init__(self) -> None:
        if not _FIELD_NAME.fullmatch(self.name):
            raise ValueError(f"field name {self.name!r}: use a-z, 0-9 and _, a letter first")
        if self.kind not in get_args(FieldKind) or self.scope not in get_args(FieldScope):
            raise ValueError(f"field {self.name}: unknown kind or scope")
        if self.secret and self.default is not None:
            raise ValueError(f"field {self.name}: a secret may have no default")
        if self.secret and self.kind not in ("str", "text"):
            raise ValueError(f"field {self.name}: a secret is str or text")
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError(f"field {self.name}: choices belong to kind choice, and it needs them")
        re.compile(self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginManifest:
    """Identity of a plugin. ``id`` is also the name of its entry point.

    ``capabilities`` are free words for the catalogue ("refund", "qr"); the object that does
    the work declares the binding ones.

    - ``restricted``: switched and configured by the main station alone, for all stations.
    - ``on_by_default``: on until the main station switches it off; for what needs no account.
    """

    id: str
    kind: PluginKind
    name: str
    version: str
    api_version: tuple[int, int]
    description: str
    author: str
    config_fields: tuple[ConfigField, ...] = ()
    capabilities: tuple[str, ...] = ()
    homepage: str = ""
    restricted: bool = False
    on_by_default: bool = False

    def __post_init__(self) -> None:
        if not _PLUGIN_ID.fullmatch(self.id) or not self.id.startswith(f"{self.kind.value}-"):
            raise ValueError(f"plugin id {self.id!r}: use <kind>-<name> in lower case")
        if not (self.name and self.version and self.description and self.author):
            raise ValueError(f"plugin {self.id}: name, version, description and author are needed")
        names = [field.name for field in self.config_fields]
        if len(names) != len(set(names)):
            raise ValueError(f"plugin {self.id}: a field name is used twice")
        self._refuse_leaking_fields()
        if self.on_by_default and any(f.required and f.default is None for f in self.config_fields):
            raise ValueError(f"plugin {self.id}: on by default, but it needs to be configured")

    def field(self, name: str) -> ConfigField | None:
        """The declared field of that name, or None."""
        return next((field for field in self.config_fields if field.name == name), None)

    def _refuse_leaking_fields(self) -> None:
        # A station that chooses the address would otherwise receive the main station's secret.
        station_urls = any(f.kind == "url" and f.scope == "station" for f in self.config_fields)
        main_secrets = any(f.secret and f.scope == "main" for f in self.config_fields)
        if station_urls and main_secrets:
            raise ValueError(f"plugin {self.id}: a station's URL would receive a main secret")
