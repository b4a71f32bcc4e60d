"""What a supplier's list says is written down: offers, their history, and those that are gone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db
from kameng.supply.domain.offers import VALUES, Difference, compare

_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in {
    "id": "bigint", "sku_ref": "text", "cost": "bigint", "on_sale": "boolean", "kind": "text",
    "minimum": "int", "maximum": "int", "fields": "jsonb", "name": "text", "category": "text",
    "stock": "int", "news": "boolean", "old_cost": "bigint", "old_on_sale": "boolean",
}.items())  # fmt: skip
_ROWS = f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS q({_COLUMNS})"
_NAMES = ", ".join(VALUES)

_KNOWN = text(f"""
SELECT id, sku_ref, sku_id, gone_at, seen_at, {_NAMES} FROM supply_offer
WHERE connection_id = :connection AND sku_ref = ANY(:refs) ORDER BY id FOR UPDATE
""")
_ADD = text(f"""
INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, {_NAMES}, seen_at, first_seen_at)
SELECT :supplier, :connection, q.sku_ref, {", ".join(f"q.{name}" for name in VALUES)}, :at, :at
FROM {_ROWS} ON CONFLICT (connection_id, sku_ref) DO NOTHING
RETURNING id, cost, on_sale
""")
_CHANGE = text(f"""
UPDATE supply_offer f SET {", ".join(f"{name} = q.{name}" for name in VALUES)}, gone_at = NULL,
  changed_at = CASE WHEN q.news THEN now() ELSE f.changed_at END
FROM {_ROWS} WHERE f.id = q.id
""")
_HISTORY = text(f"""
INSERT INTO supply_offer_change(supplier_id, offer_id, old_cost, new_cost, old_on_sale, new_on_sale, source)
SELECT :supplier, q.id, q.old_cost, q.cost, q.old_on_sale, q.on_sale, :source FROM {_ROWS}
""")  # noqa: E501  # column names of this file
_SEEN = text("UPDATE supply_offer SET seen_at = :at WHERE id = ANY(:ids)")
_GONE = text("""
WITH left_over AS (
  UPDATE supply_offer f SET gone_at = now(), changed_at = now()
  WHERE f.connection_id = :connection AND f.gone_at IS NULL AND f.seen_at < :at
  RETURNING f.supplier_id, f.id, f.cost, f.on_sale, f.sku_id
), told AS (
  INSERT INTO supply_offer_change(supplier_id, offer_id, old_cost, new_cost, old_on_sale, new_on_sale, source)
  SELECT supplier_id, id, cost, cost, on_sale, false, 'sync' FROM left_over
)
SELECT id, sku_id FROM left_over
""")  # noqa: E501  # one column list


class Shelf:
    """One complete list of one connection, written part by part in the caller's transactions."""

    def __init__(self, supplier_id: int, connection_id: int, at: datetime) -> None:
        """``at``: when the list was asked for, by the database's clock."""
        self._place = {"supplier": supplier_id, "connection": connection_id, "at": at}
        self.counts = {"offers": 0, "new": 0, "changed": 0, "gone": 0}

    def put(self, offers: Sequence[Mapping[str, Any]]) -> set[int]:
        """Write offers of the list; the SKUs that are concerned.

        What a later list, or the supplier itself, has said since is left alone.
        """
        known = self._known([offer["sku_ref"] for offer in offers])
        at = self._place["at"]
        seen = [
            compare(offer, known.get(offer["sku_ref"]))
            for offer in offers
            if offer["sku_ref"] not in known or known[offer["sku_ref"]].seen_at <= at
        ]
        self._add([one for one in seen if one.old is None])
        self._change([one for one in seen if one.old is not None and one.touched])
        ids = [one.old.id for one in seen if one.old is not None]
        db.session.execute(_SEEN, {"ids": ids, "at": at})
        self.counts["offers"] += len(offers)
        return {
            one.old.sku_id
            for one in seen
            if one.old is not None and one.touched and one.old.sku_id is not None
        }

    def end(self) -> set[int]:
        """The list is complete: what it did not name is gone. The SKUs that are concerned."""
        rows = db.session.execute(_GONE, self._place).all()
        self.counts["gone"] = len(rows)
        return {row.sku_id for row in rows if row.sku_id is not None}

    def _known(self, refs: list[str]) -> dict[str, Row[Any]]:
        rows = db.session.execute(_KNOWN, self._place | {"refs": refs})
        return {row.sku_ref: row for row in rows}

    def _add(self, new: Sequence[Difference]) -> None:
        if not new:
            return
        rows = json.dumps([dict(one.new) for one in new])
        added = db.session.execute(_ADD, self._place | {"rows": rows}).mappings().all()
        self._tell([dict(row) for row in added])
        self.counts["new"] += len(added)

    def _change(self, changed: Sequence[Difference]) -> None:
        if not changed:
            return
        rows = [{**one.new, "id": one.old.id, "news": one.news} for one in changed]
        db.session.execute(_CHANGE, {"rows": json.dumps(rows)})
        self._tell([_with_old(one) for one in changed if one.history])
        self.counts["changed"] += sum(one.news for one in changed)

    def _tell(self, rows: Sequence[Mapping[str, Any]]) -> None:
        given = {"rows": json.dumps(list(rows)), "source": "sync"}
        db.session.execute(_HISTORY, self._place | given)


def _with_old(one: Difference) -> dict[str, Any]:
    gone = one.old.gone_at is not None
    return {
        "id": one.old.id, "cost": one.new["cost"], "on_sale": one.new["on_sale"],
        "old_cost": one.old.cost, "old_on_sale": one.old.on_sale and not gone,
    }  # fmt: skip
