"""What is true in the end: rows of the database, the gateway's own book, the suppliers' own records."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from .faults import SUPPLIERS
from .installation import Installation

UNITS_OF_FEN = 100
ORDERS = """SELECT o.idempotency_key, o.order_no, o.state, s.code, o.quantity, o.payable,
  CASE WHEN o.state = 'refunded' THEN o.payable ELSE o.refunded END,
  (SELECT count(*) FROM card c WHERE c.station_id = o.station_id AND c.order_id = o.id AND c.status = 2),
  (SELECT count(*) FROM card c WHERE c.station_id = o.station_id AND c.order_id = o.id AND c.status = 1),
  o.kind = 'card', o.short,
  coalesce((SELECT p.waits_for || ': ' || p.code FROM purchase p JOIN alert l ON l.subject = 'purchase:' || p.purchase_no AND l.state = 'open'
    WHERE p.station_id = o.station_id AND p.order_id = o.id AND p.state IN ('created', 'sent', 'unknown')
      AND p.waits_for IN ('person', 'desk') AND p.code <> '' LIMIT 1),
    CASE WHEN o.state = 'held' AND o.risk = 'review' THEN 'risk review' ELSE '' END),
  o.state = 'pending_payment' AND o.expires_at < now() - interval '120 seconds'
FROM orders o JOIN sku s ON s.id = o.sku_id WHERE o.id > %s ORDER BY o.id"""
POOL = """SELECT s.code, count(*), count(*) FILTER (WHERE c.status = 0), count(*) FILTER (WHERE c.status = 1),
  count(*) FILTER (WHERE c.status = 2) FROM card c JOIN sku s ON s.id = c.sku_id WHERE s.code = ANY(%s) GROUP BY 1"""
ATTEMPTS = """SELECT a.attempt_no, o.idempotency_key FROM payment_attempt a
  JOIN orders o ON o.station_id = a.station_id AND o.id = a.order_id WHERE o.id > %s"""
PAID = "SELECT o.out_trade_no, p.fen, p.refunded_fen FROM payments p JOIN orders o ON o.trade_no = p.order_no"


@dataclass(frozen=True)
class OrderFact:
    """One order; sums in units of 1/10000 yuan. `returned`: what it says was given back of its price.
    `waits`: why a person must decide, "" if none."""

    key: str
    order_no: str
    state: str
    sku: str
    quantity: int
    payable: int
    returned: int = 0
    cards_sold: int = 0
    cards_held: int = 0
    is_cards: bool = True
    short: int = 0
    waits: str = ""
    overdue: bool = False


@dataclass(frozen=True)
class Pool:
    """The cards of one SKU that nobody else sells."""

    imported: int
    free: int
    held: int
    sold: int


@dataclass(frozen=True)
class Facts:
    """All of it. `kept`: what the gateway holds for each order, in units. `spent`: what wallets have
    less than at first, by member. `books`: what `kameng ledger verify` finds, "" when clean."""

    orders: tuple[OrderFact, ...] = ()
    pools: Mapping[str, Pool] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    spent: Mapping[int, int] = field(default_factory=dict)
    suppliers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    books: str = ""


def last_order(shop: Installation) -> int:
    """The number of the newest order: what comes later is ours."""
    return int(shop.query("SELECT coalesce(max(id), 0) FROM orders")[0][0])


def wallets(shop: Installation, members: list[int]) -> dict[int, int]:
    """Balances as the books have them."""
    sql = (
        "SELECT a.ref::bigint, b.balance FROM account a JOIN account_balance b ON b.account_id = a.id"
        " WHERE a.kind = 'wallet' AND a.ref = ANY(%s)"
    )
    return {member: int(balance) for member, balance in shop.query(sql, list(map(str, members)))}


def collect(shop: Installation, since: int, pools: list[str], before: Mapping[int, int]) -> Facts:
    """Look at everything, once all runs again."""
    books = shop.kameng("ledger", "verify")
    after = wallets(shop, list(before))
    return Facts(
        orders=tuple(OrderFact(*row) for row in shop.query(ORDERS, since)),
        pools={row[0]: Pool(*row[1:]) for row in shop.query(POOL, pools)},
        kept=_kept(shop, since),
        spent={member: before[member] - after[member] for member in before},
        suppliers={name: _supplier(shop, name) for name in SUPPLIERS},
        books="" if books.returncode == 0 else books.stdout[-2000:] + books.stderr[-500:],
    )


def _kept(shop: Installation, since: int) -> dict[str, int]:
    """What the gateway took for each order and has not given back, by its own book."""
    keys = dict(shop.query(ATTEMPTS, since))
    book = shop.home / "simulators" / "epay" / "epay.sqlite3"
    found: dict[str, int] = {}
    with sqlite3.connect(f"file:{book}?mode=ro", uri=True) as connection:
        for number, fen, refunded in connection.execute(PAID):
            if number in keys:
                key = str(keys[number])
                found[key] = found.get(key, 0) + (fen - refunded) * UNITS_OF_FEN
    return found


def _supplier(shop: Installation, name: str) -> Mapping[str, Any]:
    url = f"{shop.simulators}/{name}/control/facts"
    facts: Mapping[str, Any] = httpx.get(url, timeout=30).json()
    return facts
