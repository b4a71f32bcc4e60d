"""Goods as tiles of a grid: drawn here and not by a template, since a page has twenty and more.

A Jinja macro with all that it calls takes ten times as long. What a tenant has written is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from markupsafe import Markup, escape

from kameng.catalog.api import ProductCard
from kameng.web.assets_manifest import assets_version
from kameng.web.formats import money, plain_money, yuan
from kameng.web.globals import icon
from kameng.web.texts import gettext as _
from kameng.web.texts import made_once, safe_gettext
from kameng_tenants.themes.covers import next_number, plain, put_together
from kameng_tenants.themes.wording import Chip, discount, kind_chip, sold_text, stock_chip

K = TypeVar("K", bound=Hashable)
MOST = 4_096  # of each kind of words


class _Words:
    """Chips and words for numbers in one language: there are only so many, each is made once."""

    def __init__(self) -> None:
        self.chips: dict[tuple[str, int | None, bool], str] = {}
        self.sold: dict[int, str] = {}
        face = f'<span class="visually-hidden">{escape(_("面值"))} </span>'
        self.face = f'<span class="km-old">{face}'


def chip_mark(chip: Chip) -> Markup:
    """A chip: tone, icon and word together."""
    return Markup(_chip(chip))


def price_mark(card: ProductCard, old: bool = True) -> Markup:
    """The price. Where the SKUs differ the cheapest is "from": its face value would not match."""
    return Markup(_price(card, _words(), old))


def good_mark(card: ProductCard, small: bool = False) -> Markup:
    """One of the goods as a tile; `small` on the shelf of the front page."""
    return Markup(_tile(card, _words(), next_number(), small))


def grid_mark(cards: Iterable[ProductCard]) -> Markup:
    """A grid of tiles."""
    words, shown = _words(), list(cards)
    first = next_number(len(shown))
    tiles = [f"<li>{_tile(card, words, first + n)}</li>" for n, card in enumerate(shown)]
    return Markup(f'<ul class="km-grid">{"".join(tiles)}</ul>')


def _words() -> _Words:
    return made_once(("cards", assets_version()), _Words)


def _tile(card: ProductCard, words: _Words, number: int, small: bool = False) -> str:
    out, name = " is-out" if card.stock == 0 else "", plain(card.name)
    middle = sold = saved = ""
    if small:
        saved = f'<span class="km-saved">{plain(_saved(card))}</span>'
    else:
        note = f'<span class="km-good-note">{plain(card.summary)}</span>' if card.summary else ""
        middle = note + _chips(card, words)
        sold = f'<span class="km-good-sold">{_sold(card.sold, words)}</span>'
    return (
        f'<a class="km-good{out}" href="/p/{plain(card.slug)}">'
        f"{put_together(card.cover, number, 'card', name, '')}"
        f'<span class="km-good-body"><span class="km-good-name">{name}</span>{middle}'
        f'<span class="km-good-price">{_price(card, words)}{sold}</span>{saved}</span></a>'
    )


def _price(card: ProductCard, words: _Words, old: bool = True) -> str:
    price, face = card.price_from, card.face_value
    if card.price_to > price:
        return f'<span class="km-from">{safe_gettext("%(price)s 起", price=money(price))}</span>'
    if not old or face <= price:
        return yuan(price)
    struck = plain_money(face, 2).removesuffix(".00")
    return f"{yuan(price)}{words.face}¥{struck}</span>"


def _sold(count: int, words: _Words) -> str:
    return _known(words.sold, count, lambda: plain(sold_text(count)))


def _chips(card: ProductCard, words: _Words) -> str:
    """How it arrives, or what is left where that matters."""
    kind, stock, one_price = card.kind, card.stock, card.price_to == card.price_from
    return _known(words.chips, (kind, stock, one_price), lambda: _chips_of(kind, stock, one_price))


def _known(words: dict[K, str], key: K, make: Callable[[], str]) -> str:
    found = words.get(key)
    if found is None:
        if len(words) >= MOST:
            words.clear()
        found = words[key] = make()
    return found


def _chips_of(kind: str, stock: int | None, one_price: bool) -> str:
    left, marks = stock_chip(stock), ""
    if left is None or left.icon in ("", "circle-check"):
        marks = _chip(kind_chip(kind))
    # A plain number over several SKUs would promise what no single one has.
    if left and left.tone != "ok" and (left.icon or one_price):
        marks += _chip(left)
    return f'<span class="km-chips">{marks}</span>'


def _chip(chip: Chip) -> str:
    picture = icon(chip.icon, 13) if chip.icon else ""
    return f'<span class="km-chip km-chip-{chip.tone}">{picture}{escape(str(chip.word))}</span>'


def _saved(card: ProductCard) -> str:
    return discount(card.price_from, card.face_value) or str(kind_chip(card.kind).word)


GLOBALS = {
    "chip_mark": chip_mark, "good_mark": good_mark, "grid_mark": grid_mark,
    "price_mark": price_mark,
}  # fmt: skip
