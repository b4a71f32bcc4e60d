"""Reads what the site sells: category by category, and each of the goods in detail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.suppliers import Offer, OfferField, OfferKind, OfferPage

from .account import KasushouAccount
from .client import call
from .values import amount, text, whole

# The site gives up to 100, but limits and purchase fields need a question for each of the goods.
PAGE = 20
KINDS = {1: OfferKind.CARD, 2: OfferKind.TOP_UP, 3: OfferKind.MANUAL}
ON_SALE = 1
CHOOSING = frozenset({"select", "radio", "checkbox", "cascader"})


@dataclass(frozen=True, slots=True)
class Place:
    """A category in which goods may lie."""

    id: str
    path: str


def read_page(ctx: CallContext, account: KasushouAccount, cursor: str) -> OfferPage:
    """One page of one category; the cursor is `category.page`.

    Raises `HttpOutcomeUnknown` when the answer is no list, or when the category has gone since.
    """
    places = _places(call(ctx, account, "goods/cate", {}).needed())
    at, page = _position(cursor, places)
    asked = {"cate_id": int(places[at].id), "keyword": "", "limit": PAGE, "page": page}
    found = call(ctx, account, "goods/list", asked).needed()
    if not isinstance(found, dict) or not isinstance(found.get("list"), list):
        raise HttpOutcomeUnknown("the site's list of goods is no list")
    lines = [_offer(line, places[at].path) for line in found["list"]]
    offers = [_with_details(ctx, account, offer) for offer in lines if offer is not None]
    more = bool(found["list"]) and page * PAGE < (whole(found.get("total")) or 0)
    if more:
        return OfferPage(offers=offers, next_cursor=f"{places[at].id}.{page + 1}")
    last = at + 1 == len(places)
    return OfferPage(offers=offers, next_cursor="" if last else f"{places[at + 1].id}.1")


def _places(tree: object) -> list[Place]:
    """Categories that may hold goods; without any, one that stands for all goods."""
    if tree is not None and not isinstance(tree, list):
        raise HttpOutcomeUnknown("the site's categories are no list")
    return list(_walk(tree or [], "")) or [Place("0", "")]


def _walk(nodes: list[Any], above: str) -> Iterator[Place]:
    """Goods lie on the second level and below; on the first only where there is no second."""
    for node in nodes:
        if not isinstance(node, dict) or whole(node.get("id")) is None:
            continue
        name = text(node.get("name"), 100)
        path = f"{above} / {name}" if above else name
        children = node.get("children")
        below = children if isinstance(children, list) else []
        if above or not below:
            yield Place(text(node["id"]), path[:500])
        yield from _walk(below, path)


def _position(cursor: str, places: list[Place]) -> tuple[int, int]:
    if not cursor:
        return 0, 1
    id_, _, page = cursor.partition(".")
    at = next((n for n, place in enumerate(places) if place.id == id_), None)
    if at is None or not whole(page):
        raise HttpOutcomeUnknown("the categories changed while they were read")
    return at, int(page)


def _offer(line: object, category: str) -> Offer | None:
    """A line of the list; None when it says no number, name or price."""
    if not isinstance(line, dict):
        return None
    number, name = whole(line.get("id")), text(line.get("goods_name"), 500)
    cost, kind = amount(line.get("goods_price")), KINDS.get(whole(line.get("goods_type")) or 0)
    if not number or not name or cost is None or kind is None:
        return None
    return Offer(
        sku_ref=str(number), name=name, cost=cost, kind=kind, category=category,
        stock=whole(line.get("stock_num")), on_sale=whole(line.get("status")) == ON_SALE,
    )  # fmt: skip


def _with_details(ctx: CallContext, account: KasushouAccount, offer: Offer) -> Offer:
    """Limits and purchase fields. Goods whose details cannot be read cannot be bought now."""
    try:
        found = call(ctx, account, "goods/info", {"id": int(offer.sku_ref)}).needed()
    except (Declined, HttpOutcomeUnknown):
        found = None
    if not isinstance(found, dict):
        return replace(offer, on_sale=False)
    return replace(
        offer,
        minimum=max(1, whole(found.get("start_count")) or 1),
        maximum=whole(found.get("end_count")) or None,
        fields=tuple(_fields(found.get("attach"))),
    )


def _fields(attach: object) -> Iterator[OfferField]:
    for line in attach if isinstance(attach, list) else []:
        if isinstance(line, dict) and text(line.get("key")):
            chosen = text(line.get("type")) in CHOOSING
            yield OfferField(
                name=text(line["key"]),
                label=text(line.get("name")),
                choices=tuple(_choices(line.get("options"))) if chosen else (),
            )


def _choices(options: object) -> Iterator[str]:
    """The documents only say "text": seen are a list, a JSON text of one, and commas."""
    if isinstance(options, str):
        try:
            options = json.loads(options)
        except ValueError:
            options = re.split(r"[,，|\n]", str(options))
    if isinstance(options, Mapping):
        options = options.get("options")
    for option in options if isinstance(options, list) else []:
        named = option.get("value", option.get("label")) if isinstance(option, dict) else option
        if text(named):
            yield text(named)
