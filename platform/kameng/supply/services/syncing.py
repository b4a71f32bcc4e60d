"""Offers and balances of all connections are read anew, each at its own pace.

The list is read to its end before anything is written: a list that breaks off changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row, text

from kameng.catalog.api import forget_levels
from kameng.db import db, main_scope
from kameng.plugins import api as plugins
from kameng.supply.domain.offers import CURRENCY, usable_offers
from kameng.supply.services import levels, watching
from kameng.supply.services.shelves import Shelf
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import Offer, SupplierCapability

log = logging.getLogger("kameng.supply")

MOST_PAGES = 500
MOST_OFFERS = 100_000
AT_ONCE = 200  # offers in one transaction: nobody waits long for its locks

_CLAIM = text("""
UPDATE supply_connection c SET next_sync_at = now() + make_interval(secs => c.sync_every_s) FROM (
  SELECT id FROM supply_connection WHERE state = 'active' AND next_sync_at <= now()
  ORDER BY next_sync_at LIMIT :limit FOR UPDATE SKIP LOCKED) due
WHERE c.id = due.id RETURNING c.id
""")
_READ = text("""
SELECT id, supplier_id, plugin_id, account, sync_goods, coalesce((sync_counts ->> 'failed')::int, 0) AS failed,
       clock_timestamp() AS at
FROM supply_connection WHERE id = :id
""")  # noqa: E501  # one column list
_DONE = text("""
UPDATE supply_connection SET synced_at = :at, sync_error = '', sync_counts = CAST(:counts AS jsonb)
WHERE id = :id
""")
_FAILED = text("""
UPDATE supply_connection SET sync_error = :error,
  sync_counts = sync_counts || jsonb_build_object('failed', :failed) WHERE id = :id
""")
_BALANCE = text("UPDATE supply_connection SET balance = :amount, balance_at = :at WHERE id = :id")


class _Broken(Exception):
    """The list cannot be used; the text says why, for staff."""


@dataclass(frozen=True, slots=True)
class _List:
    """A complete list, as it is kept."""

    offers: list[dict[str, Any]]
    left_out: int


def claim_due(limit: int = 50) -> list[int]:
    """Connections whose time has come, each given to one caller. Opens its own scope."""
    with main_scope(reason="connections to be synced"):
        ids = list(db.session.scalars(_CLAIM, {"limit": limit}))
        db.session.commit()
    return ids


def sync(connection_id: int) -> str:
    """Read one connection's offers and balance now; the error, "" when there was none.

    Opens its own scopes; safe to run twice at once, what was asked for later counts.
    """
    with main_scope(reason="sync of a connection"):
        row = db.session.execute(_READ, {"id": connection_id}).one()
    try:
        supplier = plugins.supplier(row.plugin_id, row.account, switched_on=True)
    except plugins.PluginUnavailable as away:
        error = f"plugin_off: {away.reason}"
        _note_failure(row, error)
    else:
        error = _sync_goods(row, supplier)
        _sync_balance(row, supplier)
    watching.watch()
    return error


def _sync_goods(row: Row[Any], supplier: plugins.BoundSupplier) -> str:
    if not row.sync_goods or SupplierCapability.OFFERS not in supplier.capabilities:
        _note_success(row, {})
        return ""
    try:
        found = _read_list(supplier)
    except _Broken as broken:
        _note_failure(row, str(broken))
        return str(broken)
    _note_success(row, _write(row, found))
    return ""


def _read_list(supplier: plugins.BoundSupplier) -> _List:
    """The whole list; raises `_Broken` when it does not come to an end."""
    offers: list[Offer] = []
    cursors = {""}
    cursor = ""
    for _page in range(MOST_PAGES):
        answer = supplier.list_offers(cursor)
        if answer.outcome is not Outcome.SUCCEEDED or answer.value is None:
            raise _Broken(": ".join(part for part in (answer.code, answer.message) if part))
        offers += answer.value.offers
        cursor = answer.value.next_cursor
        if not cursor:
            return _List(*usable_offers(offers))
        if cursor in cursors or len(offers) > MOST_OFFERS:
            break
        cursors.add(cursor)
    raise _Broken("endless_list: the list does not come to an end")


def _write(row: Row[Any], found: _List) -> dict[str, int]:
    """The list in short transactions; what is gone last, so that goods that moved stay on sale."""
    shelf = Shelf(row.supplier_id, row.id, row.at)
    for start in range(0, len(found.offers), AT_ONCE):
        part = found.offers[start : start + AT_ONCE]
        _changed(partial(shelf.put, part))
    _changed(shelf.end)
    return {**shelf.counts, "left_out": found.left_out}


def _changed(change: Callable[[], set[int]]) -> None:
    """One change of offers with all that follows from it, in one transaction."""
    with main_scope(reason="offers of a supplier"):
        moved = levels.refresh(change(), "sync")
        db.session.commit()
    forget_levels(moved)


def _sync_balance(row: Row[Any], supplier: plugins.BoundSupplier) -> None:
    """What is left there. The time is from before the question: later purchases come off it."""
    if SupplierCapability.BALANCE not in supplier.capabilities:
        return
    with main_scope(reason="balance at a supplier"):
        asked_at: datetime = db.session.scalar(text("SELECT clock_timestamp()"))
    answer = supplier.balance()
    money = answer.value
    if answer.outcome is not Outcome.SUCCEEDED or money is None or money.currency != CURRENCY:
        log.warning("no balance of connection %d: %s %s", row.id, answer.code, answer.message)
        return
    with main_scope(reason="balance at a supplier"):
        db.session.execute(_BALANCE, {"id": row.id, "amount": money.amount, "at": asked_at})
        db.session.commit()


def _note_success(row: Row[Any], counts: dict[str, int]) -> None:
    with main_scope(reason="sync of a connection"):
        given = {"id": row.id, "at": row.at, "counts": json.dumps(counts)}
        db.session.execute(_DONE, given)
        db.session.commit()


def _note_failure(row: Row[Any], error: str) -> None:
    log.warning("sync of connection %d: %s", row.id, error)
    with main_scope(reason="sync of a connection"):
        given = {"id": row.id, "error": error[:300] or "no_answer", "failed": row.failed + 1}
        db.session.execute(_FAILED, given)
        db.session.commit()
