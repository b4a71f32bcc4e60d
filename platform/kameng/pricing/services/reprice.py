"""Recompute listings and their chains: many at once, only what has changed is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from sqlalchemy import CursorResult, text

from kameng.db import db
from kameng.pricing.domain import Chain, Goods
from kameng.pricing.services.world import World, fixed_prices, load_world

BATCH = 5_000
# Two computations at once could write older prices over newer ones.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('kameng.reprice'))")

_LISTINGS = text("""
INSERT INTO listing(station_id, sku_id, price, buy_price, explain)
SELECT * FROM unnest(CAST(:stations AS bigint[]), CAST(:skus AS bigint[]),
                     CAST(:prices AS bigint[]), CAST(:buys AS bigint[]),
                     CAST(CAST(:explains AS text[]) AS jsonb[]))
ON CONFLICT (station_id, sku_id) DO UPDATE
SET price = excluded.price, buy_price = excluded.buy_price, explain = excluded.explain,
    version = listing.version + 1, updated_at = now()
WHERE (listing.price, listing.buy_price, listing.explain)
  IS DISTINCT FROM (excluded.price, excluded.buy_price, excluded.explain)
""")

# Arrays cannot be unnested one level only, so parties and margins travel as JSON.
_CHAINS = text("""
INSERT INTO price_chain(station_id, sku_id, cost, parties, margins, explain)
SELECT n.station_id, n.sku_id, n.cost, n.parties, n.margins, n.explain
FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS n(station_id bigint, sku_id bigint, cost bigint, parties bigint[], margins bigint[],
       explain jsonb)
ON CONFLICT (station_id, sku_id) DO UPDATE
SET cost = excluded.cost, parties = excluded.parties, margins = excluded.margins,
    explain = excluded.explain
WHERE (price_chain.cost, price_chain.parties, price_chain.margins, price_chain.explain)
  IS DISTINCT FROM (excluded.cost, excluded.parties, excluded.margins, excluded.explain)
""")

Priced = tuple[int, int, Chain]


def reprice(
    sku_ids: Iterable[int] | None = None, station_ids: Iterable[int] | None = None
) -> int:
    """Recompute the listings of these SKUs at these stations (None = all); main scope.

    Missing listings are made. Returns how many listings were made or changed.
    """
    db.session.execute(_LOCK)
    world = load_world(sku_ids, station_ids)
    changed = sum(_write(batch) for batch in _batches(world))
    db.session.commit()
    return changed


def below(station_id: int) -> list[int]:
    """A station and all stations under it."""
    rows = db.session.execute(
        text("SELECT id FROM station WHERE :id = ANY(path)"), {"id": station_id}
    )
    return [row.id for row in rows]


def _batches(world: World) -> Iterator[list[Priced]]:
    """Groups of goods small enough to hold in memory, in key order so that locks never cross."""
    size = max(1, BATCH // max(1, len(world.selling)))
    for start in range(0, len(world.goods), size):
        yield _compute(world, world.goods[start : start + size])
        world.upstream.clear()


def _compute(world: World, goods: list[Goods]) -> list[Priced]:
    fixed = fixed_prices([item.sku_id for item in goods])
    return [
        (station, item.sku_id, world.chain(station, item, fixed.get((station, item.sku_id))))
        for station in world.selling
        for item in goods
    ]


def _write(rows: list[Priced]) -> int:
    if not rows:
        return 0
    result = db.session.execute(
        _LISTINGS,
        {
            "stations": [station for station, _, _ in rows],
            "skus": [sku for _, sku, _ in rows],
            "prices": [chain.price for _, _, chain in rows],
            "buys": [chain.buy_price for _, _, chain in rows],
            "explains": [_json(chain.station_explain) for _, _, chain in rows],
        },
    )
    db.session.execute(_CHAINS, {"rows": _json([_chain_row(*row) for row in rows])})
    return cast("CursorResult[Any]", result).rowcount


def _chain_row(station: int, sku: int, chain: Chain) -> dict[str, Any]:
    return {
        "station_id": station, "sku_id": sku, "cost": chain.cost, "parties": chain.parties,
        "margins": chain.margins, "explain": chain.full_explain,
    }  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
