"""Past purchases: what the shop sold by top-up or by hand was bought from a supplier.

Every purchase goes through the guarded functions, as the product's own do; only no supplier is
asked: how each one answered is counted off by its script in supply.toml.
"""

from __future__ import annotations

import json
import random
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope, run
from kameng.ops.demo.buying import Diary
from kameng.ops.demo.supply import DemoOffer, Market, days_between

TURNS = 4  # of four orders that two suppliers could serve, the second one got one
LATEST_H = 5  # orders of the last hours may still wait for a person
MOST_AT_ONCE = 60  # orders in one transaction

_PAID = text("""
SELECT o.station_id, o.id, o.sku_id, o.quantity, o.inputs, o.kind, c.cost
FROM orders o JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id
WHERE o.source = 'supplier' AND o.state = 'paid' AND o.risk = 'allow'
""")
DONE_TEXTS = {"manual": "课程已开通，请用下单时填写的邮箱登录学习", "top_up": "充值成功"}


@dataclass
class PastPurchases:
    """Buys for orders of the past, one after the other, so that every market is the same."""

    market: Market
    diary: Diary
    now: datetime
    source: random.Random = field(default_factory=lambda: random.Random(7))
    asked: Tally[int] = field(default_factory=Tally)  # supplier → purchases so far
    turns: Tally[int] = field(default_factory=Tally)  # SKU → orders so far

    def buy_all(self) -> None:
        """Every paid order that goods are bought for, oldest first (own scopes)."""
        when = {(station, order): at for station, order, at in self.diary.moments}
        with main_scope(reason="demo"):
            rows = db.session.execute(_PAID).all()
        due = sorted((when[row.station_id, row.id], row.station_id, row.id, row) for row in rows)
        for start in range(0, len(due), MOST_AT_ONCE):
            with main_scope(reason="demo"):
                for at, _station, _order, row in due[start : start + MOST_AT_ONCE]:
                    self._buy(row, at)
                db.session.commit()

    def buy(self, station_id: int, order_ids: set[int], at: datetime) -> None:
        """A few orders of one moment (own scope)."""
        with main_scope(reason="demo"):
            for row in db.session.execute(_PAID).all():
                if row.station_id == station_id and row.id in order_ids:
                    self._buy(row, at)
            db.session.commit()

    def _buy(self, row: Row[Any], at: datetime) -> None:
        offers = self._candidates(row, days_between(at, self.now))
        spent: list[int] = []
        for place, offer in enumerate(offers):
            if self._is_left(offer, at):
                self._open(row, at, offers, place)
                return
            answer = self._answer(offer)
            purchase_id = self._open(row, at, offers, place)
            spent.append(answer.seconds)
            if self._settle(row, purchase_id, offer, answer, at):
                break
        else:
            run(
                "fail_order", p_station=row.station_id, p_order_id=row.id,
                p_reason="no supplier: tried", p_actor="system",
            )  # fmt: skip
        self.diary.hands[row.station_id, row.id] = spent

    def _candidates(self, row: Row[Any], days_ago: int) -> list[DemoOffer]:
        """Who was asked in turn: newcomers on trial first, then one or the other, else the desk."""
        offers = [o for o in self.market.offers.get(row.sku_id, ()) if o.supplier.trades(days_ago)]
        if not offers:
            return [DemoOffer(id=None, supplier=self.market.desk, cost=row.cost, was=(), inputs={})]
        self.turns[row.sku_id] += 1
        turn = self.turns[row.sku_id] % TURNS
        trial = [o for o in offers if "traded_days" in o.supplier.script]
        rest = [o for o in offers if o not in trial]
        if turn == 1:
            rest.reverse()
        return trial + rest if turn != 2 else rest

    def _is_left(self, offer: DemoOffer, at: datetime) -> bool:
        """Whether the person who does it has not come to it yet."""
        hours = (self.now - at).total_seconds() / 3600
        late = hours < 1 or (hours < LATEST_H and self.source.random() < 0.5)
        return bool(offer.supplier.hands) and late

    def _answer(self, offer: DemoOffer) -> _Answered:
        one = offer.supplier
        self.asked[one.id] += 1
        ways = {
            way: bool(every) and self.asked[one.id] % every == every // 2
            for way, every in one.script["ways"].items()
        }
        least, most = one.script["seconds"]
        seconds = self.source.randint(least, most)
        if ways["silent"]:
            seconds += self.source.randint(140, 900)
        elif ways["slow"]:
            seconds += self.source.randint(130, 600)
        code, words = ("", "")
        if ways["declined"]:
            code, words = self.source.choice(one.script["declines"])
        return _Answered(code=code, words=words, silent=ways["silent"], seconds=seconds)

    def _open(self, row: Row[Any], at: datetime, offers: Sequence[DemoOffer], place: int) -> int:
        """The intent, and sent."""
        offer, days_ago = offers[place], days_between(at, self.now)
        cost = offer.cost_at(days_ago)
        (done,) = run(
            "open_purchase", p_station=row.station_id, p_order=row.id,
            p_connection=offer.supplier.connection_id, p_offer=offer.id, p_unit_cost=cost,
            p_unit_cap=max(cost, row.cost),
            p_number=f"{at:%y%m}{self.source.randrange(10**14):014d}",
            p_inputs=json.dumps(_inputs(offer, row.inputs)),
            p_routing=json.dumps(_routing(offers, place, days_ago)), p_most=None, p_actor="system",
        )  # fmt: skip
        purchase_id = int(done["purchase_id"])
        run("take_purchase", p_station=row.station_id, p_id=purchase_id)
        if offer.supplier.hands:
            self._note(row, purchase_id, "sent", "pending", "desk")
        return purchase_id

    def _settle(
        self, row: Row[Any], purchase_id: int, offer: DemoOffer, answer: _Answered, at: datetime
    ) -> bool:
        """What the supplier said in the end; whether it delivered."""
        who = {"p_station": row.station_id, "p_id": purchase_id}
        one = offer.supplier
        actor = one.hands or "system"
        ref = "" if one.hands else f"SN{self.source.randrange(10**12):012d}"
        if answer.silent:
            self._note(row, purchase_id, "unknown", "no_answer", "supplier", asked=True)
        if answer.code:
            run(
                "decline_purchase", **who, p_code=answer.code, p_message=answer.words, p_ref=ref,
                p_actor=actor,
            )  # fmt: skip
            return False
        run(
            "receive_purchase", **who, p_pieces=row.quantity,
            p_cost=offer.cost_at(days_between(at, self.now)) * row.quantity, p_refunded=None,
            p_ref=ref, p_message="", p_text=DONE_TEXTS[row.kind], p_ciphers="", p_digests="",
            p_key=None, p_expires=[], p_actor=actor,
        )  # fmt: skip
        return True

    def _note(
        self, row: Row[Any], purchase_id: int, state: str, code: str, waits_for: str, *,
        asked: bool = False,
    ) -> None:  # fmt: skip
        run(
            "note_purchase", p_station=row.station_id, p_id=purchase_id, p_state=state,
            p_code=code, p_message="", p_ref="", p_waits_for=waits_for, p_in_s=None, p_asked=asked,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """How a supplier took a purchase; `code` "" means that it delivered."""

    code: str
    words: str
    silent: bool
    seconds: int


def _inputs(offer: DemoOffer, given: Mapping[str, Any]) -> dict[str, Any]:
    """As the product sends it: by the supplier's names where they are mapped."""
    if not offer.inputs:
        return dict(given)
    return {theirs: given[ours] for theirs, ours in offer.inputs.items() if ours in given}


def _routing(offers: Sequence[DemoOffer], place: int, days_ago: int) -> list[dict[str, Any]]:
    """Why this one: those before it were tried, those after it come next. The desk: no offers."""
    offers = [offer for offer in offers if offer.id is not None]
    if not offers:
        return []
    words = [("out", "tried")] * place + [("chosen", "only_one" if place else "cheapest")]
    words += [("next", "behind")] * (len(offers) - place - 1)
    explained = [
        {
            "supplier_id": offer.supplier.id, "supplier": offer.supplier.script["name"],
            "offer_id": offer.id, "connection_id": offer.supplier.connection_id,
            "cost": offer.cost_at(days_ago), "grade": "", "terms": "",
            "outcome": outcome, "why": why,
        }
        for offer, (outcome, why) in zip(offers, words, strict=True)
    ]  # fmt: skip
    return sorted(explained, key=lambda one: ("chosen", "next", "out").index(one["outcome"]))
