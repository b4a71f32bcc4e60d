"""Contract checks of themes: a folder `theme/` in the package with `theme.toml` and templates."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kameng_sdk.kit.bench import Bench
from kameng_sdk.kit.checks import THEME, Failed, Suite, require

FOLDER = "theme"
MANIFEST = "theme.toml"
MODES = {"light", "dark"}
KINDS = {"colour", "text", "switch"}
READABLE = 4.5  # WCAG 2.2 AA for text
COLOUR = re.compile(r"#[0-9a-f]{6}")
# Pages have a strict content policy, and shoppers' addresses are nobody else's business.
REFUSED = {
    "a script": re.compile(r"<script\b", re.IGNORECASE),
    "a handler in an attribute": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "an address of another site": re.compile(r"(src|href)\s*=\s*[\"']?(https?:)?//", re.IGNORECASE),
    "text taken for markup": re.compile(r"\|\s*safe\b|autoescape\s+false"),
}

themes: Suite[Bench] = Suite("contract", THEME)


@themes.check("theme", "Its theme.toml names the theme, its modes, and colours for each mode.")
def _theme(bench: Bench) -> None:
    raw = read(bench)
    says, own = raw.get("id"), bench.manifest.id
    require(says == own, f"theme.toml has the id {says!r}, not {own!r}")
    for name in ("name", "version"):
        require(isinstance(raw.get(name), str) and raw[name], f"theme.toml has no {name}")
    require(raw["version"] == bench.manifest.version, "theme.toml tells another version")
    modes = raw.get("modes", [])
    require(modes and set(modes) <= MODES, f"modes are some of {sorted(MODES)}")
    for table in ("bar_colours", "grounds", "accents"):
        for mode in modes:
            colour = str(raw.get(table, {}).get(mode, ""))
            require(COLOUR.fullmatch(colour), f"{table}.{mode} is {colour!r}, not #rrggbb")


@themes.check("contrast", "The accent can be read on the ground of each mode (4.5 to 1).")
def _contrast(bench: Bench) -> None:
    raw = read(bench)
    for mode in raw.get("modes", []):
        accent, ground = raw["accents"][mode], raw["grounds"][mode]
        found = ratio(accent, ground)
        require(found >= READABLE, f"{mode}: {accent} on {ground} has {found:.1f} to 1")


@themes.check("theme_settings", "What a station may change is a colour, a text or a switch.")
def _settings(bench: Bench) -> None:
    for name, body in read(bench).get("settings", {}).items():
        sound = isinstance(body, dict) and body.get("kind") in KINDS and body.get("label")
        require(sound, f"settings.{name} has no label, or a kind that is none of {sorted(KINDS)}")


@themes.check("templates", "Its templates hold no script, handler, foreign address or raw text.")
def _templates(bench: Bench) -> None:
    for path in _templates_of(folder_of(bench)):
        text = path.read_text(encoding="utf-8")
        for what, pattern in REFUSED.items():
            require(not pattern.search(text), f"{path.name} has {what}")


def folder_of(bench: Bench) -> Path:
    """The theme's folder; raises `Failed` when there is none."""
    for place in bench.specimen.plugin.packages.values():
        if (place / FOLDER / MANIFEST).is_file():
            return place / FOLDER
    raise Failed(f"the package has no {FOLDER}/{MANIFEST}")


def read(bench: Bench) -> dict[str, Any]:
    """Its theme.toml."""
    try:
        return tomllib.loads((folder_of(bench) / MANIFEST).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Failed(f"{MANIFEST}: {error}") from None


def ratio(first: str, second: str) -> float:
    """Contrast of two colours, 1 to 21, by WCAG 2.2."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[spot : spot + 2], 16) / 255) for spot in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _templates_of(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.html")) if path.is_file())
