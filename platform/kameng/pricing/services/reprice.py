"""Recompute listings and their chains: many at once, only what has changed is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from sqlalchemy import text

from kameng.db import db
from kameng.pricing.domain import Chain, Goods, Step
from kameng.pricing.services.world import World, fixed_prices, load_world

BATCH = 5_000
# Two computations at once could write older prices over newer ones.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('kameng.reprice'))")

# One JSON text for a whole batch: an array of JSON texts would be quoted and unquoted at length.
_WRITE = text("""
WITH fresh AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS q(station bigint, sku bigint, price bigint, buy bigint, own jsonb,
         cost bigint, parties bigint[], margins bigint[], steps jsonb)
), listed AS (
  INSERT INTO listing(station_id, sku_id, price, buy_price, explain)
  SELECT station, sku, price, buy, own FROM fresh
  ON CONFLICT (station_id, sku_id) DO UPDATE
  SET price = excluded.price, buy_price = excluded.buy_price, explain = excluded.explain,
      version = listing.version + 1, updated_at = now()
  WHERE (listing.price, listing.buy_price, listing.explain)
    IS DISTINCT FROM (excluded.price, excluded.buy_price, excluded.explain)
  RETURNING 1
), chained AS (
  INSERT INTO price_chain(station_id, sku_id, cost, parties, margins, explain)
  SELECT station, sku, cost, parties, margins, steps FROM fresh
  ON CONFLICT (station_id, sku_id) DO UPDATE
  SET cost = excluded.cost, parties = excluded.parties, margins = excluded.margins,
      explain = excluded.explain
  WHERE (price_chain.cost, price_chain.parties, price_chain.margins, price_chain.explain)
    IS DISTINCT FROM (excluded.cost, excluded.parties, excluded.margins, excluded.explain)
)
SELECT count(*) FROM listed
""")

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Priced = tuple[int, int, Chain]


def reprice(sku_ids: Iterable[int] | None = None, station_ids: Iterable[int] | None = None) -> int:
    """Recompute the listings of these SKUs at these stations (None = all); main scope.

    Missing listings are made. Returns how many listings were made or changed.
    """
    changed = put_prices(sku_ids, station_ids)
    db.session.commit()
    return changed


def put_prices(
    sku_ids: Iterable[int] | None = None, station_ids: Iterable[int] | None = None
) -> int:
    """The same inside the caller's transaction."""
    db.session.execute(_LOCK)
    world = load_world(sku_ids, station_ids)
    return sum(_write(batch) for batch in _batches(world))


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
    texts = _Texts()
    document = f"[{','.join(texts.row(*row) for row in rows)}]"
    return int(db.session.execute(_WRITE, {"rows": document}).scalar_one())


class _Texts:
    """Rows as JSON. Stations share most of their steps, so each step is written out once."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def row(self, station: int, sku: int, chain: Chain) -> str:
        return (
            f'{{"station":{station},"sku":{sku},"price":{chain.price},"buy":{chain.buy_price},'
            f'"cost":{chain.cost},"parties":{list(chain.parties)},"margins":{list(chain.margins)},'
            f'"own":{self._steps(chain.station_explain)},"steps":{self._steps(chain.full_explain)}}}'
        )

    def _steps(self, steps: tuple[Step, ...]) -> str:
        return f"[{','.join(map(self._step, steps))}]"

    def _step(self, step: Step) -> str:
        # By identity: the steps live as long as the rows they belong to.
        found = self._known.get(id(step))
        if found is None:
            found = self._known[id(step)] = _ENCODER.encode(step)
        return found
