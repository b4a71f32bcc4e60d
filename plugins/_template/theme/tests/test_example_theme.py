"""The theme says the same in its manifest, its theme.toml and its style sheet."""

from __future__ import annotations

import tomllib
from pathlib import Path

import example_theme
from example_theme.plugin import kameng_manifest

FOLDER = Path(example_theme.__file__).parent / "theme"
THEME = tomllib.loads((FOLDER / "theme.toml").read_text(encoding="utf-8"))


def test_manifest_and_theme_agree() -> None:
    manifest = kameng_manifest()
    assert THEME["id"] == manifest.id
    assert THEME["version"] == manifest.version


def test_the_style_sheet_has_the_accent_of_each_mode() -> None:
    style = (FOLDER / "theme.css").read_text(encoding="utf-8")
    for mode in THEME["modes"]:
        assert f'[data-theme="{THEME["id"]}"][data-bs-theme="{mode}"]' in style
        assert THEME["accents"][mode] in style
