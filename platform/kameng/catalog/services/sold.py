"""Pieces sold at the scope's station in the last 30 days, counted at most once a minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kameng.catalog.services.cache import read_many, write_many
from kameng.db import NoScope, current_scope, run
from kameng.redis import key

LIFETIME_MS = 60_000


def sold_counts() -> dict[int, int]:
    """Product id → pieces sold, without those that sold nothing; needs a station's scope."""
    counted = read_many([sold_key()])[0]
    if counted is None:
        rows = run("sold_pieces", p_station=shop_station())
        counted = {str(row["product_id"]): row["pieces"] for row in rows}
        write_many({sold_key(): (counted, LIFETIME_MS)})
    return by_product(counted)


def sold_key() -> str:
    """Where they are remembered, as a JSON object."""
    return key("sold")


def shop_station() -> int:
    """The scope's station; raises `NoScope` where the scope is of no single one."""
    station_id = current_scope().station_id
    if station_id is None:
        raise NoScope("the storefront needs the scope of one station")
    return station_id


def by_product(counted: Mapping[str, Any]) -> dict[int, int]:
    """JSON has no whole numbers for names."""
    return {int(product_id): int(sold) for product_id, sold in counted.items()}
