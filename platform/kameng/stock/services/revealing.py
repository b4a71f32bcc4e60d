"""The cards of a sold order: shown masked, opened one by one, each opening recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text

from kameng.db import db
from kameng.errors import NotFound, Unavailable
from kameng.identity.api import audit
from kameng.stock.domain.vault import CardText, VaultError, mask_number, mask_secret, open_card
from kameng.stock.services.keyring import card_cipher


@dataclass(frozen=True, slots=True)
class CardView:
    """A card of an order without its secrets; `index` counts from 1."""

    index: int
    number_masked: str
    secret_masked: str
    expires_on: date | None


@dataclass(frozen=True, slots=True, repr=False)
class CardPlain:
    """A card in the clear; its repr shows nothing."""

    number: str
    secret: str

    def __repr__(self) -> str:
        return "CardPlain(***)"


# Row level security shows a station the cards it has sold, and no others.
_CARDS = """
SELECT row_number() OVER (ORDER BY c.id) AS place, c.sku_id, c.cipher, c.digest, c.key_id,
       c.expires_on
FROM card c JOIN orders o ON o.station_id = c.station_id AND o.id = c.order_id
WHERE c.status = 2 AND {which} ORDER BY c.id
"""
_BY_NUMBER = text(_CARDS.format(which="o.order_no = :order_no"))
_BY_ID = text(_CARDS.format(which="o.id = :order_id"))
_HOW_MANY = text("SELECT count(*) FROM card c WHERE c.status = 2 AND c.order_id = :order_id")


def cards_of_order(order_no: str) -> list[CardView]:
    """The delivered cards of an order, masked; the scope's own station only."""
    return [
        CardView(row.place, mask_number(card.number), mask_secret(card.secret), row.expires_on)
        for row in db.session.execute(_BY_NUMBER, {"order_no": order_no})
        for card in (_open(row),)
    ]


def count_delivered(order_id: int) -> int:
    """How many cards an order has got so far; the scope's own station only."""
    return int(db.session.execute(_HOW_MANY, {"order_id": order_id}).scalar_one())


def reveal_card(order_id: int, index: int, actor: str, ip: str = "") -> CardPlain:
    """One card in the clear, recorded before it is given; raises `NotFound`.

    Station scope. Whether this viewer may see this order is for the caller to decide.
    """
    rows = [row for row in _rows_of(order_id) if row.place == index]
    if not rows:
        raise NotFound("card_unknown", _("这个订单没有这张卡"))
    return _reveal(order_id, rows, actor, ip)[0]


def reveal_all(order_id: int, actor: str, ip: str = "") -> list[CardPlain]:
    """All cards of an order in the clear, each recorded; empty when none is delivered."""
    return _reveal(order_id, _rows_of(order_id), actor, ip)


def open_sold(
    sku_id: int, ciphers: Sequence[bytes], digests: Sequence[bytes], key_ids: Sequence[int]
) -> list[CardPlain]:
    """Cards that a statement has just sold and handed out: the order's event is their record."""
    found = []
    for cipher, digest, key_id in zip(ciphers, digests, key_ids, strict=True):
        try:
            card = open_card(card_cipher(key_id), key_id, sku_id, digest, cipher)
        except VaultError:
            raise Unavailable("card_broken", _("这张卡打不开，我们会补给您，请联系客服")) from None
        found.append(CardPlain(card.number, card.secret))
    return found


def _rows_of(order_id: int) -> list[Any]:
    return list(db.session.execute(_BY_ID, {"order_id": order_id}).all())


def _reveal(order_id: int, rows: list[Any], actor: str, ip: str) -> list[CardPlain]:
    cards = [_open(row) for row in rows]
    for row in rows:
        audit(actor, "card.reveal", f"order:{order_id}", {"index": row.place}, ip)
    db.session.commit()
    return [CardPlain(card.number, card.secret) for card in cards]


def _open(row: Any) -> CardText:
    try:
        return open_card(card_cipher(row.key_id), row.key_id, row.sku_id, row.digest, row.cipher)
    except VaultError:
        raise Unavailable("card_broken", _("这张卡打不开，我们会补给您，请联系客服")) from None
