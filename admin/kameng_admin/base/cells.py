"""Cells of lists that need markup."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup, escape

from kameng.db import db
from kameng.web.globals import icon
from kameng_admin.labels import Mark


def badge(mark: Mark) -> Markup:
    """A badge: ground, icon and word."""
    return Markup('<span class="km-badge is-{}">{}{}</span>').format(
        mark.tone, icon(mark.icon, 13), mark.label
    )


def joined_cell(product: str, sku: str, quantity: int = 1) -> str:
    """`星海点券 100 元 × 2`; one name alone when it repeats the other."""
    name = f"{product} {sku}"
    if sku.startswith(product) or product.endswith(f" {sku}"):
        name = max(product, sku, key=len)
    return f"{name} × {quantity}" if quantity > 1 else name


def two_lines(first: Any, second: Any) -> Markup:
    """A value with a quiet line below it."""
    if not second:
        return escape(first)
    return Markup("{}<br><small>{}</small>").format(first, second)


def link(url: str, label: Any) -> Markup:
    """A link in a cell."""
    return Markup('<a href="{}">{}</a>').format(url, label)


def code(value: Any) -> Markup:
    """Ids and numbers in the fixed-width face."""
    return Markup("<code>{}</code>").format(value)


def switch(on: bool) -> Markup:
    """开 or 关."""
    if on:
        return badge(Mark("ok", "circle-check", _("开")))
    return badge(Mark("idle", "player-pause", _("关")))


def pairs(query: Any) -> dict[Any, Any]:
    """First column → second column of a query: names and counts that cells look up."""
    return {row[0]: row[1] for row in db.session.execute(query)}
