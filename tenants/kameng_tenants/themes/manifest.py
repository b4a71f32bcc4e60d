"""theme.toml: who a theme is, what it supports, and which settings a tenant may change."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kameng_tenants.themes.contrast import is_colour


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing a tenant may change. Kinds: colour, text, switch."""

    name: str
    kind: str
    label: str
    default: Any
    maximum: int = 60

    def clean(self, raw: Any) -> Any:
        """The value in use: what was given if it is of the right kind, else the default."""
        if self.kind == "switch":
            return raw if isinstance(raw, bool) else self.default
        if not isinstance(raw, str) or not raw.strip():
            return self.default
        if self.kind == "colour":
            return raw.strip().lower() if is_colour(raw) else self.default
        return raw.strip()[: self.maximum]


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme as its manifest describes it."""

    id: str
    name: str
    note: str
    version: str
    modes: tuple[str, ...]
    bar_colours: dict[str, str]
    grounds: dict[str, str]
    accents: dict[str, str]
    brand_icon: str
    settings: tuple[Setting, ...]
    folder: Path
    options: dict[str, Any]

    def values(self, given: dict[str, Any]) -> dict[str, Any]:
        """Settings in use for what a tenant has stored; unknown names are dropped."""
        return {setting.name: setting.clean(given.get(setting.name)) for setting in self.settings}

    def mode(self, wanted: str) -> str:
        """light, dark or auto, as far as the theme has them."""
        if len(self.modes) == 1:
            return self.modes[0]
        return wanted if wanted in (*self.modes, "auto") else "auto"


def read_theme(folder: Path) -> Theme:
    """Read `theme.toml`; raises KeyError or TOMLDecodeError for a manifest that is not one."""
    raw = tomllib.loads((folder / "theme.toml").read_text(encoding="utf-8"))
    return Theme(
        id=raw["id"],
        name=raw["name"],
        note=raw.get("note", ""),
        version=raw["version"],
        modes=tuple(raw["modes"]),
        bar_colours=raw["bar_colours"],
        grounds=raw["grounds"],
        accents=raw["accents"],
        brand_icon=raw.get("brand_icon", "building-store"),
        settings=tuple(_setting(name, body) for name, body in raw.get("settings", {}).items()),
        folder=folder,
        options=raw.get("options", {}),
    )


def _setting(name: str, body: dict[str, Any]) -> Setting:
    return Setting(name, body["kind"], body["label"], body.get("default", ""))
