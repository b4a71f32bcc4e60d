"""Looks at the database behind the product's back: what there is, and whether the books balance."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from kameng.ledger.services.checks import checks

# Everything that a sale leaves behind; stations, goods and prices stay.
CLEARED = (
    "approval_vote", "approval", "adjustment", "withdrawal", "settlement", "settlement_terms",
    "bonus_grant", "ledger_seal", "bill_difference", "bill_line", "bill", "payment_proof",
    "order_event", "order_cost", "refund", "supply_dispute_message", "supply_dispute", "supplier_statement",
    "supplier_payment", "purchase_exchange", "supply_notice", "purchase", "payment_notice", "transfer",
    "payment_attempt", "account_balance", "account_rollup", "till", "account", "card", "card_batch",
    "orders", "outbox", "outbox_done", "alert", "audit_event", "notice", "risk_decision",
)  # fmt: skip

SNAPSHOT = """
SELECT (SELECT coalesce(json_object_agg(id, state), '{}') FROM orders) AS states,
  (SELECT coalesce(json_agg(c), '[]') FROM (SELECT s.code, c.status, c.order_id, count(*) AS n
     FROM card c JOIN sku s ON s.id = c.sku_id GROUP BY 1, 2, 3) c) AS cards,
  (SELECT coalesce(json_object_agg(a.ref, b.balance), '{}') FROM account a
     JOIN account_balance b ON b.account_id = a.id WHERE a.kind = 'wallet') AS wallets,
  (SELECT coalesce(json_agg(r), '[]') FROM (SELECT order_id, reason, amount, state, refund_no,
     provider_ref FROM refund) r) AS refunds,
  (SELECT coalesce(json_agg(e), '[]') FROM (SELECT DISTINCT from_state, to_state FROM order_event) e) AS moves
"""


def clear(owner: psycopg.Connection[Any]) -> None:
    """Forget all trade."""
    # By another connection: who sets this role has all his plans to make again.
    with psycopg.connect(owner.info.dsn) as other:
        other.execute("SET LOCAL session_replication_role = replica")  # no foreign keys to walk
        other.execute("; ".join(f"DELETE FROM {name}" for name in CLEARED).encode())


def snapshot(owner: psycopg.Connection[Any]) -> dict[str, Any]:
    """States, cards, wallets and refunds in one look."""
    cursor = planned(owner, "snapshot", SNAPSHOT)
    row = cursor.fetchone()
    assert row is not None
    return dict(zip([c.name for c in cursor.description or ()], row, strict=True))


_PLANNED: WeakKeyDictionary[psycopg.Connection[Any], set[str]] = WeakKeyDictionary()


def planned(owner: psycopg.Connection[Any], name: str, query: str) -> psycopg.Cursor[Any]:
    """Run a query that this connection plans once: for the larger ones that is most of the time.

    psycopg throws what it has prepared away at every ROLLBACK, one to a savepoint too. On a
    connection whose psycopg prepares nothing, what SQL has prepared stays.
    """
    if owner.prepare_threshold is not None:
        return owner.execute(query.encode(), prepare=True)
    known = _PLANNED.setdefault(owner, set())
    if name not in known:
        owner.execute(f"PREPARE {name} AS {query}".encode())
        known.add(name)
    return owner.execute(f"EXECUTE {name}".encode())


@cache
def _all_checks() -> str:
    """All checks of `kameng ledger verify` as one query, so that it can run after every step."""
    parts = [
        f"SELECT '{one.name}' AS name, x.* FROM ({one.sql}) AS x(subject, expected, found)"
        for one in checks()
    ]
    return " UNION ALL ".join(parts).replace(":since", "NULL")


def findings(owner: psycopg.Connection[Any]) -> list[tuple[str, str, str, str]]:
    """What `kameng ledger verify` would find, seen from this very transaction."""
    return planned(owner, "findings", _all_checks()).fetchall()
