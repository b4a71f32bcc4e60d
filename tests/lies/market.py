"""A market of lying suppliers: SKUs that two or three of them offer, and shoppers who have paid."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.integration.supply.stalls import Stall, Stand, inputs, open_stalls

from kameng_sdk.simulation.lies import ANSWER_LIES, CARD_LIES
from kameng_sdk.suppliers import OfferKind

DEER, CARDS, TOP_UPS, OFFERED_BY = 3, 6, 6, 3
# Percentages, each drawn for itself: of every answer, of every sale, of every sale's questions.
LEVERS: Mapping[str, str] = {
    **{f"lie_{name}": "2" for name in ANSWER_LIES},
    **{f"lie_{name}": "3" for name in CARD_LIES},
    "lie_not_found_first": "8", "hide_queries": "2", "late_ms": "20", "top_up_ms": "100",
    "card_ms": "0", "callbacks": "on", "callback_times": "1", "forged_callbacks": "off",
}  # fmt: skip
# Every second supplier sends its notices twice, and forged ones before them.
LOUD: Mapping[str, str] = {"callback_times": "2", "forged_callbacks": "on"}
# Endings of accounts that choose what happens: halved, refused at once, failed with the money kept.
ENDINGS = ("90", "92", "99")
RICH = "100000000"
LOSES = 95_0000  # a piece brings this much to the main station

PLACE = """SELECT code, order_id, payable FROM place_order(3, 'web', %(key)s, '\\x00', NULL, 's', 'c', '\\x00', '', %(key)s, %(sku)s, %(quantity)s,
  %(payable)s, %(inputs)s, 'allow', '[]', 15, 20, 60, 50)"""
ATTEMPT = """INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method, amount, fee, state, expires_at, account_station_id)
  VALUES (3, %(key)s, 'order', %(order)s, 'payment-gate', 'cash', %(payable)s, 0, 'sent', now() + interval '15 minutes', 1)"""
PAY = """SELECT code FROM apply_payment(p_station => 3, p_attempt_no => %(key)s, p_plugin => 'payment-gate', p_amount => %(payable)s, p_currency => 'CNY',
  p_provider_ref => %(key)s, p_source => 'notice', p_wait => false, p_holder => 1, p_account => '')"""


@dataclass
class Market:
    """The stands, and what they offer to shoppers of one shop."""

    shop: Any
    stands: Sequence[Stand]
    source: random.Random
    skus: list[tuple[int, OfferKind]] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)

    def open(self, seed: int) -> None:
        """Rich accounts, endless shelves, SKUs with offers; and from then on, lies."""
        for stand in self.stands:
            stand.open()
            stand.keep_catalogue()
            stand.street.http.post(f"{stand.url}/balance", data={"amount": RICH}).raise_for_status()
            for article in stand.simulator.goods:
                stand.street.http.post(
                    f"{stand.url}/goods/{article.ref}", data={"stock": "endless"}
                )
        self.shop.owner.execute("UPDATE supply_offer SET stock = NULL")
        for kind, many in ((OfferKind.CARD, CARDS), (OfferKind.TOP_UP, TOP_UPS)):
            places = {stand.stall.name: itertools.count() for stand in self.stands}
            turns = itertools.cycle(self.stands)
            for _n in range(many):
                self._sku(kind, [next(turns) for _s in range(OFFERED_BY)], places)
        self.given = inputs(self.stands)
        for number, stand in enumerate(self.stands):
            loud = LOUD if number % 2 == 0 else {}
            stand.move(**{**LEVERS, **loud, "seed": f"{seed}{number}"})

    def _sku(
        self, kind: OfferKind, stands: Sequence[Stand], places: Mapping[str, Iterator[int]]
    ) -> None:
        code = self.shop.sku(kind=kind.value)
        if kind is OfferKind.CARD:
            self.shop.plant(f"UPDATE sku SET sourcing = 'supplier' WHERE code = '{code}'")
            self.shop.plant(
                f"INSERT INTO supply_level(sku_id) SELECT id FROM sku WHERE code = '{code}'"
            )
        for stand in stands:
            place = next(places[stand.stall.name])
            if place < len(stand.offers(kind, LOSES)):
                stand.offer(kind, code, place, LOSES)
        self.skus.append((self.shop.one("SELECT id FROM sku WHERE code = %s", code), kind))

    def sell(self, number: int) -> int:
        """The order of one shopper, paid; every account to top up is another."""
        sku, _kind = self.source.choice(self.skus)
        quantity = self.source.choice((1, 1, 2, 3))
        ending = (
            self.source.choice(ENDINGS) if self.source.random() < 0.03 else f"{number % 90:02d}"
        )
        account = f"13{number:07d}{ending}"
        values = {
            "key": f"lie{number}", "sku": sku, "quantity": quantity,
            "payable": (98_6050 * quantity + 50) // 100 * 100,
            "inputs": json.dumps({**self.given, "f0": account}),
        }  # fmt: skip
        with self.shop.owner.transaction():
            code, order, payable = self._run(PLACE, values)
            assert code == "ok"
            self._run(ATTEMPT, {**values, "order": order, "payable": payable})
            (paid,) = self._run(PAY, {**values, "payable": payable})
            assert paid == "awaiting_fulfilment"
        return int(order)

    def _run(self, sql: str, values: Mapping[str, Any]) -> Any:
        cursor = self.shop.owner.execute(sql.encode(), values, prepare=True)
        return cursor.fetchone() if cursor.description else None


def stands_of(shop: Any, street: Any) -> list[Stand]:
    """One for every stall whose plugin is here."""
    stalls: list[Stall] = open_stalls()
    return [Stand(stall, street, shop) for stall in stalls]
