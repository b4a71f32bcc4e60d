"""Prices follow what they are computed from, within seconds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.jobs import subscribe
from kameng.pricing.services.reprice import below, reprice

_SKUS = text("SELECT id FROM sku WHERE product_id = :product")


@subscribe("cost.changed", queue="supply")
def reprice_sku(station_id: int, payload: dict[str, Any]) -> None:
    """A cost or a limit has changed: this SKU at every station."""
    reprice(sku_ids=[int(payload["sku_id"])])


@subscribe("rule.changed", queue="supply")
def reprice_branch(station_id: int, payload: dict[str, Any]) -> None:
    """A station's rule has changed: it and all below it follow."""
    sku_ids = [int(payload["sku_id"])] if payload.get("sku_id") else None
    reprice(sku_ids, below(int(payload.get("station_id") or station_id)))


@subscribe("station.opened", queue="supply")
def list_everything(station_id: int, payload: dict[str, Any]) -> None:
    """A new station offers the whole range from its first minute."""
    reprice(station_ids=[int(payload.get("station_id") or station_id)])


@subscribe("product.changed", queue="supply")
def list_product(station_id: int, payload: dict[str, Any]) -> None:
    """A product is new or has changed: listings at every station."""
    rows = db.session.execute(_SKUS, {"product": int(payload["product_id"])})
    reprice(sku_ids=[row.id for row in rows])
