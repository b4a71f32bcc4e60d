"""Covers of goods: inline SVG drawn from a few numbers, so no picture is ever loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import g
from markupsafe import Markup, escape

from kameng.web.globals import icon
from kameng_tenants.themes.contrast import cover_ground

_NAME = re.compile(r"[a-z0-9-]{1,40}")
_special = re.compile("[&<>\"']").search
_WHITE = 'fill="#fff" fill-opacity='
PATTERNS = (
    f'<circle cx="150" cy="8" r="52" {_WHITE}".09"/><circle cx="150" cy="8" r="30" {_WHITE}".08"/>',
    f'<path d="M72 100 112 0h30L102 100zM130 100 170 0h-12L118 100z" {_WHITE}".08"/>',
    f'<path d="M0 78c30-16 52 14 84 2s40-22 76-10v30H0z" {_WHITE}".08"/>'
    f'<path d="M0 92c40-20 70 6 104-6s36-6 56-4v18H0z" {_WHITE}".07"/>',
    f'<path d="M96 0h64v64zM160 30v70H90z" {_WHITE}".07"/>',
)
SIZES = {"card": 26, "sq": 30, "sm": 22, "wide": 40, "hero": 64}
CLASSES = {
    "card": "", "sq": " km-cover-sq", "sm": " km-cover-sq km-cover-sm", "wide": " km-cover-wide",
    "hero": " km-cover-hero",
}  # fmt: skip


def cover(
    drawing: Mapping[str, Any], shape: str = "card", title: str = "", note: str = ""
) -> Markup:
    """A cover in one of the shapes card, sq, sm, wide, hero. `title` is what it falls back to.

    The words on it repeat the product's name, so the whole is hidden from screen readers.
    """
    return Markup(drawn(drawing, next_number(), shape, title, note))


def next_number(count: int = 1) -> int:
    """The first of so many numbers that no cover of this page has had.

    An id must be unique on its page, and the same product may be drawn several times.
    """
    number = int(g.get("covers_drawn", 0)) + 1
    g.covers_drawn = number + count - 1
    return number


def drawn(
    drawing: Mapping[str, Any], number: int, shape: str = "card", title: str = "", note: str = ""
) -> str:
    """The cover as text, with a number that is its own."""
    return put_together(drawing, number, shape, plain(title), plain(note))


def put_together(
    drawing: Mapping[str, Any], number: int, shape: str, title: str, note: str
) -> str:  # fmt: skip
    """The same for title and note that are escaped."""
    hue = _whole(drawing.get("hue"), 190) % 360
    glyph = str(drawing.get("glyph") or "package")
    picture = icon(glyph if _NAME.fullmatch(glyph) else "package", SIZES[shape])
    pattern = _whole(drawing.get("pattern"), hue) % len(PATTERNS)
    begin, middle, end = _frame(shape, hue, pattern, picture)
    words = ""
    if shape not in ("sq", "sm"):
        own, below = drawing.get("title"), drawing.get("note")
        words = (
            f'<span class="km-cover-title">{plain(own) if own else title}</span>'
            f'<span class="km-cover-note">{plain(below) if below else note}</span>'
        )
    return f"{begin}{number}{middle}{number}{end}{words}</span></span>"


def plain(text: Any) -> str:
    """Escaped; most texts need not be, and to look is five times quicker."""
    shown = str(text)
    return str(escape(shown)) if _special(shown) else shown


@lru_cache(maxsize=4_096)
def _frame(shape: str, hue: int, pattern: int, picture: str) -> tuple[str, str, str]:
    """What stands before, between and after the two places of a cover's number."""
    first, second = cover_ground(hue)
    return (
        f'<span class="km-cover{CLASSES[shape]}" aria-hidden="true">'
        '<svg class="km-ground" viewBox="0 0 160 100" preserveAspectRatio="xMidYMid slice">'
        '<defs><linearGradient id="cv',
        '" x1="0" y1="0" x2="1" y2="1">'
        f'<stop offset="0" stop-color="{first}"/>'
        f'<stop offset="1" stop-color="{second}"/></linearGradient></defs>'
        '<rect width="160" height="100" fill="url(#cv',
        f')"/>{PATTERNS[pattern]}</svg><span class="km-cover-body">{picture}',
    )


def _whole(value: Any, default: int) -> int:
    return value if type(value) is int else default  # True is none
