"""Goods as tiles of a grid: drawn here and not by a template, since a page has twenty and more.

A Jinja macro with all that it calls takes ten times as long. What a tenant has written is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

from kameng.catalog.api import ProductCard
from kameng.web.formats import money, plain_money
from kameng.web.globals import icon
from kameng.web.texts import gettext as _
from kameng.web.texts import safe_gettext
from kameng_tenants.themes.covers import cover
from kameng_tenants.themes.wording import Chip, discount, kind_chip, sold_text, stock_chip


def chip_mark(chip: Chip) -> Markup:
    """A chip: tone, icon and word together."""
    return Markup(_chip(chip))


def price_mark(card: ProductCard, old: bool = True) -> Markup:
    """The price. Where the SKUs differ the cheapest is "from": its face value would not match."""
    if card.price_to > card.price_from:
        words = safe_gettext("%(price)s 起", price=money(card.price_from))
        return Markup(f'<span class="km-from">{words}</span>')
    return Markup(f"{money(card.price_from)}{old_price_mark(card) if old else ''}")


def old_price_mark(card: ProductCard) -> Markup:
    """The face value struck out, when it is more than the price."""
    if not card.face_value or card.face_value <= card.price_from:
        return Markup("")
    face = plain_money(card.face_value, 2).replace(".00", "")
    words = escape(_("面值"))
    return Markup(
        f'<span class="km-old"><span class="visually-hidden">{words} </span>¥{face}</span>'
    )


def good_mark(card: ProductCard, small: bool = False) -> Markup:
    """One of the goods as a tile; `small` on the shelf of the front page."""
    out = " is-out" if card.stock == 0 else ""
    middle = "" if small else _note(card) + _chips(card)
    sold = "" if small else f'<span class="km-good-sold">{escape(sold_text(card.sold))}</span>'
    saved = f'<span class="km-saved">{escape(_saved(card))}</span>' if small else ""
    return Markup(
        f'<a class="km-good{out}" href="/p/{escape(card.slug)}">'
        f"{cover(card.cover, title=card.name)}"
        f'<span class="km-good-body"><span class="km-good-name">{escape(card.name)}</span>{middle}'
        f'<span class="km-good-price">{price_mark(card)}{sold}</span>{saved}</span></a>'
    )


def grid_mark(cards: Iterable[ProductCard]) -> Markup:
    """A grid of tiles."""
    tiles = "".join(f"<li>{good_mark(card)}</li>" for card in cards)
    return Markup(f'<ul class="km-grid">{tiles}</ul>')


def _chip(chip: Chip) -> str:
    picture = icon(chip.icon, 13) if chip.icon else ""
    return f'<span class="km-chip km-chip-{chip.tone}">{picture}{escape(str(chip.word))}</span>'


def _note(card: ProductCard) -> str:
    return f'<span class="km-good-note">{escape(card.summary)}</span>' if card.summary else ""


def _chips(card: ProductCard) -> str:
    """How it arrives, or what is left where that matters."""
    left, marks = stock_chip(card.stock), ""
    if left is None or left.icon in ("", "circle-check"):
        marks = _chip(kind_chip(card.kind))
    # A plain number over several SKUs would promise what no single one has.
    if left and left.tone != "ok" and (left.icon or card.price_to == card.price_from):
        marks += _chip(left)
    return f'<span class="km-chips">{marks}</span>'


def _saved(card: ProductCard) -> Any:
    return discount(card.price_from, card.face_value) or str(kind_chip(card.kind).word)


GLOBALS = {
    "chip_mark": chip_mark, "good_mark": good_mark, "grid_mark": grid_mark,
    "old_price_mark": old_price_mark, "price_mark": price_mark,
}  # fmt: skip
