"""How many pieces of a SKU can be had, as shown on pages: capped, and a few seconds old."""

from __future__ import annotations

from collections.abc import Iterable

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
    cached = read_many([_key(sku_id) for sku_id in wanted])
    levels = {sku: level for sku, level in zip(wanted, cached, strict=True) if level is not None}
    missing = [sku_id for sku_id in wanted if sku_id not in levels]
    if missing:
        fresh = fresh_levels(missing)
        write_many({_key(sku_id): level for sku_id, level in fresh.items()}, LIFETIME_MS)
        levels |= fresh
    return levels


def fresh_levels(sku_ids: list[int]) -> dict[int, int]:
    """The same straight from the database."""
    rows = run("stock_levels", p_skus=sku_ids)
    return {row["sku_id"]: row["level"] for row in rows}


def shown_level(kind: str, level: int) -> int | None:
    """What a page may count: cards always, the rest only where less than plenty can be had."""
    return level if kind == "card" or level < CAP else None


def forget_levels(sku_ids: Iterable[int]) -> None:
    """The pool has changed by more than a sale: show it at once."""
    forget([_key(sku_id) for sku_id in sku_ids])


def _key(sku_id: int) -> str:
    # The pool is one for all stations, so the number is no station's secret.
    return global_key("stock", sku_id)
