"""Configuration values: read from a form by the declared fields, and back into typed values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kameng_sdk.config import ConfigValue
from kameng_sdk.manifest import ConfigField, PluginManifest
from kameng_sdk.money import Money
from kameng_sdk.secrets import Secret

Stored = str | int | bool | None
Given = str | int | bool | None

MAX_LINE = 500
MAX_TEXT = 20_000


class ConfigInvalid(ValueError):
    """Values that cannot be kept; ``errors`` maps field name to a code (see `api.explain`)."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in errors.items()))
        self.errors = dict(errors)


@dataclass(slots=True)
class Changes:
    """What a form changes: plain values to store and secrets to seal."""

    plain: dict[str, Stored] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def read_changes(manifest: PluginManifest, values: Mapping[str, Given], *, main: bool) -> Changes:
    """Validate a form. A secret left empty is kept, another field left empty is cleared.

    Raises `ConfigInvalid` naming every wrong field; unknown names are wrong.
    """
    changes, errors = Changes(), {}
    for name, given in values.items():
        declared = manifest.field(name)
        if declared is None:
            errors[name] = "unknown"
        elif declared.scope == "main" and not main:
            errors[name] = "main_only"
        else:
            code = _read_one(declared, given, changes)
            if code:
                errors[name] = code
    if errors:
        raise ConfigInvalid(errors)
    return changes


def _read_one(declared: ConfigField, given: Given, changes: Changes) -> str:
    """Put one value into the changes, or answer the code of what is wrong with it."""
    if isinstance(given, str):
        given = given.replace("\r\n", "\n").strip()
    if given is None or given == "":
        if not declared.secret:
            changes.plain[declared.name] = None
        return ""
    value, code = _READERS[declared.kind](given)
    if not code and isinstance(value, str):
        code = _check_text(declared, value)
    if code:
        return code
    if declared.secret:
        changes.secrets[declared.name] = str(value)
    else:
        changes.plain[declared.name] = value
    return ""


def _check_text(declared: ConfigField, value: str) -> str:
    if len(value) > (MAX_TEXT if declared.kind == "text" else MAX_LINE):
        return "too_long"
    if declared.choices and value not in [code for code, _label in declared.choices]:
        return "not_choice"
    if declared.pattern and not re.fullmatch(declared.pattern, value):
        return "bad_pattern"
    return ""


def _line(given: Given) -> tuple[Stored, str]:
    if not isinstance(given, str):
        return None, "not_text"
    return (None, "not_text") if not given.isprintable() else (given, "")


def _text(given: Given) -> tuple[Stored, str]:
    if not isinstance(given, str) or not given.replace("\n", "").replace("\t", "").isprintable():
        return None, "not_text"
    return given, ""


def _whole(given: Given) -> tuple[Stored, str]:
    if type(given) is int:
        return given, ""
    if isinstance(given, str) and re.fullmatch(r"-?[0-9]{1,15}", given):
        return int(given), ""
    return None, "not_whole"


def _flag(given: Given) -> tuple[Stored, str]:
    if isinstance(given, bool):
        return given, ""
    known = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
    found = known.get(str(given).lower())
    return found, "" if found is not None else "not_flag"


def _url(given: Given) -> tuple[Stored, str]:
    if not isinstance(given, str) or not given.isprintable() or " " in given:
        return None, "bad_url"
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None, "bad_url"
    if not usable or parts.username is not None or parts.fragment:
        return None, "bad_url"
    return given, ""


def _money(given: Given) -> tuple[Stored, str]:
    try:
        return str(given), "" if Money.parse(str(given)).amount >= 0 else "not_money"
    except ValueError:
        return None, "not_money"


_READERS: dict[str, Callable[[Given], tuple[Stored, str]]] = {
    "str": _line, "text": _text, "choice": _line, "int": _whole, "bool": _flag, "url": _url,
    "money": _money,
}  # fmt: skip


def typed_value(declared: ConfigField, stored: Stored, secret: str | None) -> ConfigValue:
    """A stored value as the plugin gets it; the default where nothing is stored."""
    if declared.secret:
        return Secret(secret) if secret else None
    if stored is None:
        return declared.default
    return Money.parse(str(stored)) if declared.kind == "money" else stored


def missing_fields(manifest: PluginManifest, values: Mapping[str, ConfigValue]) -> list[str]:
    """Names of required fields without a value."""
    wanted = [declared.name for declared in manifest.config_fields if declared.required]
    return [name for name in wanted if values.get(name) in (None, "")]
