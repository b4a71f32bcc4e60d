"""How many pieces of a SKU can be had, as shown on pages: capped, and a few seconds old."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kameng.catalog.services.cache import forget, read_many, write_many
from kameng.db import run
from kameng.redis import global_key

CAP = 1_000
LIFETIME_MS = 3_000


def stock_levels(sku_ids: Iterable[int]) -> dict[int, int]:
    """How many of each SKU can be had, capped at 1 000 and up to 3 s old; any scope.

    Cards that are free, or what suppliers have; 1 000 also stands for "no limit is known".
    """
    wanted = sorted(set(sku_ids))
    cached = read_many([level_key(sku_id) for sku_id in wanted])
    levels = {sku: level for sku, level in zip(wanted, cached, strict=True) if level is not None}
    missing = [sku_id for sku_id in wanted if sku_id not in levels]
    if missing:
        fresh = fresh_levels(missing)
        write_many({level_key(sku): (level, LIFETIME_MS) for sku, level in fresh.items()})
        levels |= fresh
    return levels


def fresh_levels(sku_ids: list[int]) -> dict[int, int]:
    """The same straight from the database."""
    rows = run("stock_levels", p_skus=sku_ids)
    return {row["sku_id"]: row["level"] for row in rows}


def shown_level(kind: str, level: int) -> int | None:
    """What a page may count: cards always, the rest only where less than plenty can be had."""
    return level if kind == "card" or level < CAP else None


def shown_stock(kind: str, skus: Iterable[int], levels: Mapping[int, int]) -> int | None:
    """Pieces of all SKUs together as a tile counts them; of what is no card only that it is out."""
    pieces = min(CAP, sum([levels.get(sku, 0) for sku in skus]))
    return pieces if kind == "card" or not pieces else None


def forget_levels(sku_ids: Iterable[int]) -> None:
    """The pool has changed by more than a sale: show it at once."""
    forget([level_key(sku_id) for sku_id in sku_ids])


def level_key(sku_id: int) -> str:
    """Where it is remembered. The pool is one for all stations, so it is no station's secret."""
    return global_key("stock", sku_id)
