"""Flash sales as pages, programs and staff see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import current_scope, db
from kameng.errors import NotFound
from kameng.promotions.domain import Band, State, band, state_at

MOST = 100
LABELS = {
    "planned": _l("未开始"), "running": _l("进行中"), "ended": _l("已结束"),
    "cancelled": _l("已取消"),
}  # fmt: skip

_SALES = """
SELECT f.sale_no, f.sku_id, s.code AS sku_code, s.name AS sku_name, p.id AS product_id,
       p.slug AS product_slug, p.name AS product_name, p.kind, f.price, l.price AS normal_price,
       f.units, f.starts_at, f.ends_at, f.state AS stored, f.refused,
       (SELECT count(*) FROM flash_unit u WHERE u.station_id = f.station_id AND u.sale_id = f.id
         AND u.order_id IS NULL) AS left
  FROM flash_sale f JOIN sku s ON s.id = f.sku_id JOIN product p ON p.id = s.product_id
  JOIN listing l ON l.station_id = f.station_id AND l.sku_id = f.sku_id
 WHERE f.station_id = :station AND {which}
"""
_OPEN = (
    "f.state IN ('planned', 'running') AND f.ends_at > now() AND f.price < l.price AND l.active"
    " AND s.state = 'on_sale' AND p.state = 'on_sale'"
)
_ALL = text(_SALES.format(which="true") + " ORDER BY f.id DESC LIMIT :limit")
_ONE = text(_SALES.format(which="f.sale_no = :sale"))
_SHOWN = text(_SALES.format(which=_OPEN) + " ORDER BY f.starts_at, f.id LIMIT :limit")
_PRODUCT = text(
    _SALES.format(which=_OPEN + " AND p.id = :product") + " ORDER BY f.starts_at, f.id LIMIT 10"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleView:
    """One sale now. Prices at scale 4; `refused` were sent away by the gate."""

    sale_no: str
    sku_id: int
    sku_code: str
    sku_name: str
    product_id: int
    product_slug: str
    product_name: str
    kind: str
    price: int
    normal_price: int
    units: int
    left: int
    refused: int
    starts_at: datetime
    ends_at: datetime
    state: State

    @property
    def sold(self) -> int:
        """Units that have an order."""
        return self.units - self.left

    @property
    def band(self) -> Band:
        """How much is left, in a word."""
        return band(self.left, self.units)


def all_sales(station_id: int | None = None) -> Sequence[SaleView]:
    """The last hundred sales of a station, newest first, for its staff."""
    return _views(_ALL, station_id, limit=MOST)


def shown_sales(limit: int = MOST) -> Sequence[SaleView]:
    """Sales that run or are to come at the scope's station, the earliest first."""
    return _views(_SHOWN, None, limit=limit)


def sales_of_product(product_id: int) -> Sequence[SaleView]:
    """The same of one product."""
    return _views(_PRODUCT, None, product=product_id)


def sale(sale_no: str) -> SaleView:
    """One sale of the scope's station; raises `NotFound`."""
    found = _views(_ONE, None, sale=sale_no)
    if not found:
        raise NotFound("flash_unknown", _l("没有这场秒杀"))
    return found[0]


def _views(statement: Any, station_id: int | None, **given: Any) -> list[SaleView]:
    station = station_id or current_scope().station_id
    rows = db.session.execute(statement, {"station": station, **given}).mappings()
    return [_view(dict(row)) for row in rows]


def _view(row: dict[str, Any]) -> SaleView:
    state = state_at(row.pop("stored"), row["starts_at"], row["ends_at"], datetime.now(UTC))
    return SaleView(**row, state=state)
