"""The demo's suppliers: who they are, what they offer, and which of it is which SKU of ours."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.ops.demo.channels import Shelf
from kameng.ops.demo.range import DemoSku
from kameng.supply import api as supply
from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods

_SUPPLIER = text("""
INSERT INTO supplier(code, name, legal_name, contact_name, phone, email, about, state, pause_reason,
  created_at, decided_at, decided_by)
VALUES (:code, :name, :legal_name, :contact, :phone, :email, :about, :state, :pause_reason,
  now() - make_interval(days => :days), now() - make_interval(days => :days - 2), 'staff:5')
RETURNING id
""")
_CONNECTION = text("""
INSERT INTO supply_connection(supplier_id, plugin_id, name, sync_goods, next_sync_at, synced_at,
  sync_counts, balance, balance_at, low_balance, created_at)
VALUES (:supplier, :plugin, :name, :synced, now() + make_interval(secs => 120 + 40 * :supplier),
  CASE WHEN :synced THEN now() END, CAST(:counts AS jsonb), :balance,
  CASE WHEN CAST(:balance AS bigint) IS NOT NULL THEN now() END, :low_balance,
  now() - make_interval(days => :days - 3))
RETURNING id
""")
_OFFERS = text("""
INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, category, kind, cost, stock,
  minimum, maximum, fields, sku_id, input_map, first_seen_at)
SELECT :supplier, :connection, q.sku_ref, q.name, q.category, q.kind, q.cost, q.stock, q.minimum,
  q.maximum, q.fields, s.id, coalesce(q.input_map, '{}'), now() - make_interval(days => :days - 3)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS q(sku_ref text, name text, category text,
  kind text, cost bigint, stock int, minimum int, maximum int, fields jsonb, sku text,
  input_map jsonb) LEFT JOIN sku s ON s.code = q.sku
RETURNING id, sku_ref
""")
# The oldest known cost came with the first list, every later one with a list of its own.
_CHANGES = text("""
INSERT INTO supply_offer_change(supplier_id, offer_id, old_cost, new_cost, old_on_sale, new_on_sale,
  source, at)
SELECT :supplier, q.offer_id, q.old_cost, q.new_cost,
  CASE WHEN q.old_cost IS NOT NULL THEN true END, true, :source,
  now() - make_interval(days => q.days, mins => (q.offer_id * 37 % 600)::int)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS q(offer_id bigint, old_cost bigint,
  new_cost bigint, days int) ORDER BY q.days DESC
""")
_DESK = text("""
SELECT s.id, c.id FROM supplier s JOIN supply_connection c ON c.supplier_id = s.id
WHERE s.code = 'desk'
""")
_SOURCING = text("UPDATE sku SET sourcing = :sourcing WHERE code = ANY(:codes)")
_POLICY = text("""
INSERT INTO supply_policy(sku_id, on_rise, follow, when_none, updated_by)
SELECT id, :on_rise, :follow, :when_none, 'staff:5' FROM sku WHERE code = :sku
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSupplier:
    """A supplier as past purchases need it; `script` is its part of supply.toml.

    ``costs`` is what it asks today for SKUs of ours, by their codes.
    """

    id: int
    connection_id: int
    script: Mapping[str, Any]
    costs: Mapping[str, int]

    @property
    def hands(self) -> str:
        """Who does it there by hand, as an actor; "" where a machine answers."""
        if "code" not in self.script:
            return "staff:3"
        return f"supplier:{self.id}" if "portal" in self.script else ""

    def trades(self, days_ago: int) -> bool:
        """Whether we bought there on that day."""
        first, last = self.script.get("traded_days", (-1, self.script["since_days"]))
        return bool(first <= days_ago <= last)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOffer:
    """What a supplier asks for a SKU of ours, now and before; the desk makes no offers."""

    id: int | None
    supplier: DemoSupplier
    cost: int
    was: Sequence[tuple[int, int]]
    inputs: Mapping[str, str]

    def cost_at(self, days_ago: int) -> int:
        """The cost of one piece so many days ago."""
        return next((cost for days, cost in self.was if days_ago > days), self.cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """All suppliers, and who offers which SKU (by number), the best one first.

    ``desk`` are the main station's own people.
    """

    suppliers: Mapping[str, DemoSupplier]
    offers: Mapping[int, Sequence[DemoOffer]]
    desk: DemoSupplier


@cache
def load() -> dict[str, Any]:
    """The suppliers as data."""
    body = resources.files(__package__).joinpath("supply.toml").read_text(encoding="utf-8")
    return tomllib.loads(body)


def plugins_used() -> dict[str, Money | None]:
    """Plugins that a supplier uses, each with our money there where the script names it."""
    return {
        script["plugin"]: Money.parse(script["balance"]) if "balance" in script else None
        for script in load()["supplier"]
    }


def first_costs(shelves: Mapping[str, Shelf]) -> dict[str, int]:
    """What a SKU costs at its best offer; those whose cost does not follow are left out."""
    still = {policy["sku"] for policy in load()["policy"] if not policy["follow"]}
    found: dict[str, int] = {}
    for script in load()["supplier"]:
        for row in _rows(script, shelves):
            if row["sku"] and row["sku"] not in still:
                found.setdefault(row["sku"], row["cost"])
    return found


def open_market(shelves: Mapping[str, Shelf], skus: Sequence[DemoSku]) -> Market:
    """Suppliers with their connections and offers (main scope)."""
    numbers = {sku.code: sku.id for sku in skus}
    suppliers: dict[str, DemoSupplier] = {}
    offers: dict[int, list[DemoOffer]] = {}
    for script in load()["supplier"]:
        rows = _rows(script, shelves)
        suppliers[script["code"]] = one = _take_on(script, rows, shelves.get(script["plugin"]))
        for row in _put_offers(one, rows):
            if row["sku"]:
                offer = DemoOffer(
                    id=row["id"], supplier=one, cost=row["cost"], was=row["was"],
                    inputs=row["input_map"],
                )  # fmt: skip
                offers.setdefault(numbers[row["sku"]], []).append(offer)
    db.session.commit()
    return Market(suppliers=suppliers, offers=offers, desk=_desk())


def begin_sourcing(market: Market) -> None:
    """From today on cards are bought upstream too; levels and alerts follow (own scopes)."""
    with main_scope(reason="demo"):
        for sourcing, codes in load()["sourcing"].items():
            db.session.execute(_SOURCING, {"sourcing": sourcing, "codes": codes})
        for policy in load()["policy"]:
            db.session.execute(_POLICY, {"when_none": "refund", **policy})
        db.session.commit()
    every = (offer.id for offers in market.offers.values() for offer in offers)
    supply.offer_changed([number for number in every if number is not None])


def days_between(at: datetime, now: datetime) -> int:
    """Whole days from then to now."""
    return (now - at).days


def _desk() -> DemoSupplier:
    number, connection = db.session.execute(_DESK).one()
    return DemoSupplier(
        id=number, connection_id=connection, script={"since_days": 365, **load()["desk"]}, costs={}
    )


def _take_on(
    script: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], shelf: Shelf | None
) -> DemoSupplier:
    contact, phone, email = script["contact"]
    named = {name: script[name] for name in ("code", "name", "legal_name", "about")}
    number = db.session.execute(_SUPPLIER, {
        **named, "contact": contact, "phone": phone, "email": email, "days": script["since_days"],
        "state": script.get("state", "active"), "pause_reason": script.get("pause_reason", ""),
    }).scalar_one()  # fmt: skip
    connection = db.session.execute(_CONNECTION, {
        "supplier": number, "plugin": script["plugin"], "name": script["account"],
        "synced": shelf is not None, "days": script["since_days"],
        "counts": json.dumps({"offers": len(rows), "new": 0, "changed": 0, "gone": 0}),
        "balance": _yuan(shelf.balance, script) if shelf else None,
        "low_balance": script["low_balance"] * 10_000,
    }).scalar_one()  # fmt: skip
    costs = {row["sku"]: row["cost"] for row in rows if row["sku"]}
    return DemoSupplier(id=number, connection_id=connection, script=script, costs=costs)


def _put_offers(one: DemoSupplier, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the numbers that they have got; their history beside them."""
    place = {"supplier": one.id, "days": one.script["since_days"]}
    given = {**place, "connection": one.connection_id, "rows": json.dumps(rows)}
    ids = {ref: number for number, ref in db.session.execute(_OFFERS, given)}
    for row in rows:
        row["id"] = ids[row["sku_ref"]]
    source = "portal" if "portal" in one.script else "sync"
    changes = [change for row in rows for change in _changes(row, one.script["since_days"] - 3)]
    db.session.execute(_CHANGES, {**place, "source": source, "rows": json.dumps(changes)})
    return rows


def _changes(row: Mapping[str, Any], first_days: int) -> list[dict[str, Any]]:
    """The history of one offer's cost; the first line has no cost before it."""
    costs = [cost for _days, cost in row["was"]] + [row["cost"]]
    days = [first_days] + [days for days, _cost in row["was"]]
    return [
        {"offer_id": row["id"], "old_cost": old, "new_cost": new, "days": ago}
        for old, new, ago in zip([None, *costs], costs, days, strict=False)
    ]


def _rows(script: Mapping[str, Any], shelves: Mapping[str, Shelf]) -> list[dict[str, Any]]:
    """Everything that a supplier offers, as rows; what is ours has its SKU's code."""
    if "portal" in script:
        return [_portal_row(number, line) for number, line in enumerate(script["portal"], 1)]
    ours = {line["name"]: line for line in script["goods"]}
    goods = shelves[script["plugin"]].goods
    if missing := ours.keys() - {article.name for article in goods}:
        raise LookupError(f"{script['plugin']}'s simulator does not sell {sorted(missing)}")
    return [_goods_row(article, script, ours.get(article.name, {})) for article in goods]


def _goods_row(
    article: Goods, script: Mapping[str, Any], line: Mapping[str, Any]
) -> dict[str, Any]:
    fields = [
        {"name": f.name, "label": f.label, "required": f.required, "choices": list(f.choices)}
        for f in article.fields
    ]
    return {
        "sku_ref": article.ref, "name": article.name, "category": article.category,
        "kind": article.kind.value, "cost": _yuan(article.cost, script), "stock": article.stock,
        "minimum": article.minimum, "maximum": article.maximum, "fields": fields,
        "sku": line.get("sku"), "was": _was(line),
        "input_map": line.get("inputs", script["inputs"]) if line and fields else {},
    }  # fmt: skip


def _portal_row(number: int, line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sku_ref": f"MZ{number:03d}", "name": line["name"], "category": "网课", "kind": "manual",
        "cost": units(line["cost"]), "stock": None, "minimum": 1, "maximum": 5, "fields": [],
        "sku": line["sku"], "was": _was(line), "input_map": {},
    }  # fmt: skip


def _was(line: Mapping[str, Any]) -> list[tuple[int, int]]:
    return [(days, units(cost)) for days, cost in line.get("was", ())]


def _yuan(money: Money, script: Mapping[str, Any]) -> int:
    """An amount of the simulator in yuan at scale 4, rounded up as the plugin does."""
    rate = units(script.get("rate", "1"))
    return -(-money.amount * rate // 10_000)


def units(amount: str) -> int:
    return Money.parse(amount).amount
