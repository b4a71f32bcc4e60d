"""A shared store's catalogue: categories with goods, their kinds (race) and specifications."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from kameng_sdk.suppliers import Offer, OfferField, OfferKind, OfferPage

from .reading import count_of, money_of, text_of, widget_fields

PAGE = 500
CARD, TOP_UP, MANUAL = "c", "t", "m"
KINDS = {CARD: OfferKind.CARD, TOP_UP: OfferKind.TOP_UP, MANUAL: OfferKind.MANUAL}
BY_HAND = "1"


@dataclass(frozen=True, slots=True)
class Sku:
    """How goods are delivered (`KINDS`), their code and race: what a purchase has to know."""

    way: str
    code: str
    race: str = ""

    @property
    def ref(self) -> str:
        """`c/CODE` or `c/CODE/race`."""
        return "/".join(filter(None, (self.way, self.code, self.race)))

    @classmethod
    def parse(cls, ref: str) -> Self | None:
        """None for what was never offered."""
        way, _, rest = ref.partition("/")
        code, _, race = rest.partition("/")
        return cls(way, code, race) if way in KINDS and code else None


def page_of(offers: Iterable[Offer], cursor: str, size: int = PAGE) -> OfferPage:
    """The next offers in the order of their numbers: a change between pages skips none."""
    later = sorted((o for o in offers if o.sku_ref > cursor), key=lambda offer: offer.sku_ref)
    page = later[:size]
    return OfferPage(offers=page, next_cursor=page[-1].sku_ref if len(later) > size else "")


def read_catalogue(nodes: Iterable[object], path: tuple[str, ...] = ()) -> Iterator[Offer]:
    """Goods stand in `children` of categories, which may stand in categories."""
    for node in nodes:
        if not isinstance(node, dict):
            continue
        children = node.get("children")
        if isinstance(children, list):
            yield from read_catalogue(children, (*path, text_of(node, "name")))
        elif text_of(node, "code"):
            yield from _offers(node, " / ".join(filter(None, path)))


def _offers(item: Mapping[str, object], category: str) -> Iterator[Offer]:
    config = read_config(item.get("config"))
    fields = (*widget_fields(item.get("widget")), *_specifications(config.get("sku", {})))
    way = CARD
    if text_of(item, "delivery_way") == BY_HAND:
        way = TOP_UP if fields else MANUAL
    # Newer stores list what the goods cost themselves as factory_price: that is not our price.
    prices: dict[str, object] = {"": item.get("user_price") or item.get("price")}
    if races := {**config.get("category", {}), **config.get("category_factory", {})}:
        prices = dict(races)
    for race, price in prices.items():
        cost, name = money_of(price), text_of(item, "name")
        if cost is None or not name:
            continue
        yield Offer(
            sku_ref=Sku(way, text_of(item, "code"), race).ref,
            name=f"{name} {race}".strip(),
            cost=cost,
            kind=KINDS[way],
            category=category,
            # It is counted over all kinds: of one of several it says nothing.
            stock=None if race else count_of(item, "stock"),
            on_sale=text_of(item, "status") in ("", "1"),
            minimum=max(1, count_of(item, "minimum") or 1),
            maximum=count_of(item, "maximum") or None,
            fields=fields,
        )


def read_config(value: object) -> dict[str, dict[str, str]]:
    """`[section]` and `name=value` lines, or the same as an object; what is odd is left out."""
    if isinstance(value, dict):
        return {
            section: {name: text_of(rows, name) for name in rows if text_of(rows, name)}
            for section, rows in value.items()
            if isinstance(rows, dict)
        }
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in re.split(r"[\r\n]+", value) if isinstance(value, str) else []:
        if head := re.fullmatch(r"\s*\[(.+?)\]\s*", line):
            section = head[1]
        elif section and line.count("=") == 1:
            name, text = line.split("=")
            found.setdefault(section, {})[name.strip()] = text.strip()
    return found


def _specifications(rows: Mapping[str, str]) -> list[OfferField]:
    """`区服.一区=0`: a specification and its choices, each with what it costs more."""
    choices: dict[str, list[str]] = {}
    for name in rows:
        title, dot, choice = name.partition(".")
        if dot:
            choices.setdefault(title, []).append(choice)
    return [OfferField(name=f"sku[{t}]", label=t, choices=tuple(c)) for t, c in choices.items()]
