"""Themes: folders of templates with a manifest; each renders in a sandbox of its own."""

from __future__ import annotations

from kameng_tenants.themes.engine import (
    Theme,
    active_theme,
    add_global,
    as_page,
    init_themes,
    render,
    render_page,
    theme_choices,
)

__all__ = [
    "Theme", "active_theme", "add_global", "as_page", "init_themes", "render", "render_page",
    "theme_choices",
]  # fmt: skip
