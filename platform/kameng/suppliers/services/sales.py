"""A supplier's purchases as it may see them: never who buys, at which station or for how much.

Reads run in the supplier's own scope, where the database shows its own rows and granted columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import NotFound
from kameng.suppliers.domain.masking import masked

OPEN = ("created", "sent", "unknown")
PAGE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleView:
    """One purchase at its supplier; costs at scale 4. `by_hand`: delivered at the portal.

    `inputs` (the account to top up) is in full only while it is open, and only on its own page.
    """

    station_id: int
    id: int
    purchase_no: str
    state: str
    sku_ref: str
    title: str
    kind: str
    quantity: int
    delivered: int
    inputs: Mapping[str, str]
    expected_cost: int
    cost: int | None
    refunded: int
    message: str
    created_at: datetime
    sent_at: datetime | None
    done_at: datetime | None
    by_hand: bool

    @property
    def is_open(self) -> bool:
        """Whether goods may still be delivered."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Today:
    """The day's figures, by the calendar in China; `amount` at scale 4."""

    purchases: int
    delivered: int
    amount: int
    open: int
    disputes: int
    statements: int


_COLUMNS = (
    "SELECT p.station_id, p.id, p.purchase_no, p.state, p.sku_ref, p.title, d.kind, p.quantity,"
    " p.delivered, p.inputs, p.expected_cost, p.cost, p.refunded, p.message, p.created_at,"
    " p.sent_at, p.done_at, c.plugin_id = 'supplier-manual' AS by_hand FROM purchase p"
    " JOIN supply_connection c ON c.supplier_id = p.supplier_id AND c.id = p.connection_id"
    " JOIN sku k ON k.id = p.sku_id JOIN product d ON d.id = k.product_id"
    " WHERE p.supplier_id = :supplier"
)
_ONE = text(f"{_COLUMNS} AND p.purchase_no = :number")
_LIST = text(
    f"{_COLUMNS} AND (:state = '' OR :state = 'open' AND p.state IN ('created','sent','unknown')"
    " OR p.state = :state) AND (:query = '' OR p.purchase_no = :query OR p.title ILIKE :like)"
    " AND (:before = 0 OR p.id < :before) ORDER BY p.id DESC LIMIT :limit"
)
_TODAY = text("""
SELECT count(*) FILTER (WHERE p.created_at >= day.start) AS purchases,
       count(*) FILTER (WHERE p.state = 'succeeded' AND p.done_at >= day.start) AS delivered,
       coalesce(sum(p.cost - p.refunded) FILTER
         (WHERE p.state = 'succeeded' AND p.done_at >= day.start), 0)::bigint AS amount,
       count(*) FILTER (WHERE p.state IN ('created', 'sent', 'unknown')) AS open,
       (SELECT count(*) FROM supply_dispute x WHERE x.supplier_id = :supplier
         AND x.state = 'open') AS disputes,
       (SELECT count(*) FROM supplier_statement y WHERE y.supplier_id = :supplier
         AND y.state = 'open') AS statements
FROM (SELECT date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'
  AS start) day LEFT JOIN purchase p ON p.supplier_id = :supplier
  AND (p.created_at >= day.start - interval '7 days' OR p.state IN ('created', 'sent', 'unknown'))
""")


def sale(supplier_id: int, purchase_no: str) -> SaleView:
    """One own purchase, inputs in full while it is open; raises `NotFound`."""
    given = {"supplier": supplier_id, "number": purchase_no}
    row = db.session.execute(_ONE, given).mappings().first()
    if row is None:
        raise NotFound("purchase_unknown", _l("没有这张采购单"))
    return _view(row, full=row["state"] in OPEN)


def sales(
    supplier_id: int, state: str = "", query: str = "", before: int = 0, limit: int = PAGE
) -> Sequence[SaleView]:
    """Own purchases, newest first, inputs masked; `state` may be "open"."""
    given = {
        "supplier": supplier_id, "state": state, "query": query.strip()[:60],
        "like": f"%{query.strip()[:60]}%", "before": before, "limit": limit,
    }  # fmt: skip
    return [_view(row, full=False) for row in db.session.execute(_LIST, given).mappings()]


def open_sales(supplier_id: int, limit: int = 200) -> Sequence[SaleView]:
    """What waits for this supplier at the portal, with full inputs: for its own system."""
    given = {
        "supplier": supplier_id, "state": "open", "query": "", "like": "", "before": 0,
        "limit": limit,
    }  # fmt: skip
    rows = db.session.execute(_LIST, given).mappings()
    return [_view(row, full=True) for row in rows if row["by_hand"]]


def today(supplier_id: int) -> Today:
    """Figures for the overview."""
    return Today(**db.session.execute(_TODAY, {"supplier": supplier_id}).mappings().one())


def _view(row: Any, *, full: bool) -> SaleView:
    inputs = {str(name): str(value) for name, value in dict(row["inputs"] or {}).items()}
    shown = inputs if full else {name: masked(value) for name, value in inputs.items()}
    return SaleView(**{**row, "inputs": shown})
