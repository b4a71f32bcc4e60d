"""Years of trade within minutes: real orders, copied set by set with all that belongs to them.

A copy has the rows of its original in every table, under numbers and texts of its own and somewhat
older. Sums of copies are the sums of the originals times their number, so the books stay right.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import sql

# What differs in a copy. `shift` is what its numbers lie further on, `turn` its number, `ago` its age.
_ORDER = "order_id + shift"
TABLES: Mapping[str, Mapping[str, str]] = {
    "orders": {
        "id": "id + shift",
        "order_no": "order_no || '-' || turn",
        "idempotency_key": "idempotency_key || '-' || turn",
        "created_at": "created_at - ago",
        "expires_at": "expires_at - ago",
        "paid_at": "paid_at - ago",
        "delivered_at": "delivered_at - ago",
        "updated_at": "updated_at - ago",
    },
    "order_cost": {"order_id": _ORDER},
    "payment_attempt": {
        "id": "id + shift",
        "order_id": _ORDER,
        "attempt_no": "attempt_no || '-' || turn",
        "created_at": "created_at - ago",
        "paid_at": "paid_at - ago",
    },
    "order_event": {"id": "id + shift", "order_id": _ORDER, "at": "at - ago"},
    "risk_decision": {"id": "id + shift", "order_id": _ORDER, "at": "at - ago"},
    "settlement": {"id": "id + shift", "order_id": _ORDER, "created_at": "created_at - ago"},
    "transfer": {
        "id": "id + shift",
        "order_id": _ORDER,
        "attempt_id": "attempt_id + shift",
        "txn": "replace(txn, ':' || order_id || ':', ':' || order_id + shift || ':')",
        "at": "at - ago",
        "xid": "pg_current_xact_id()",
    },
    "card": {
        "id": "id + shift",
        "order_id": _ORDER,
        "digest": "sha256(digest || convert_to(turn::text, 'UTF8'))",
        "sold_at": "sold_at - ago",
    },
}
TURNS = 10  # copies of each order in one transaction
MINUTES = 37  # that each copy is older than the one before
_SPAN = """
SELECT greatest((SELECT max(id) FROM orders), (SELECT max(id) FROM payment_attempt), (SELECT max(id) FROM order_event),
  (SELECT max(id) FROM risk_decision), (SELECT max(id) FROM settlement), (SELECT max(id) FROM transfer), (SELECT max(id) FROM card))
"""
_TURNS = """
CREATE TEMPORARY TABLE turns ON COMMIT DROP AS
  SELECT n AS turn, n * %s::bigint AS shift, make_interval(mins => n::int * %s) AS ago FROM generate_series(%s::bigint, %s::bigint) n
"""
# Guarded accounts keep their balance in a row; those without one are summed up.
_BALANCES = """
UPDATE account_balance b SET balance = b.balance + d.delta * %s FROM (
  SELECT account, sum(amount)::bigint AS delta FROM (
    SELECT credit_account AS account, amount FROM transfer WHERE order_id IS NOT NULL
    UNION ALL SELECT debit_account, -amount FROM transfer WHERE order_id IS NOT NULL) moved GROUP BY account) d
 WHERE b.account_id = d.account
"""


def multiply(owner_url: str, times: int) -> None:
    """Make `times` orders of each order (with a `times` of 1 nothing happens).

    All orders must be delivered and paid from wallets, as those bought over the API are.
    """
    if times == 1:
        return
    with psycopg.connect(owner_url) as owner:
        owner.execute("SET synchronous_commit = off")
        owner.execute("SET session_replication_role = replica")  # what is copied was checked before
        row = owner.execute(_SPAN).fetchone()
        span, copies = int(row[0]) if row else 0, times - 1
        owner.execute(_BALANCES.encode(), (copies,))
        for table in TABLES:  # originals only, however many copies there are already
            known = sql.SQL("SELECT * FROM {} WHERE order_id IS NOT NULL")
            query = sql.SQL("SELECT * FROM {}") if table == "orders" else known
            owner.execute(
                sql.SQL("CREATE TEMPORARY TABLE {} AS ").format(sql.Identifier(f"first_{table}"))
                + query.format(sql.Identifier(table))
            )
        for first in range(1, copies + 1, TURNS):
            last = min(first + TURNS - 1, copies)
            owner.execute(_TURNS.encode(), (span, MINUTES, first, last))
            for table, changed in TABLES.items():
                owner.execute(_copy(owner, table, changed))
            owner.commit()
        _end(owner)


def _copy(owner: psycopg.Connection, table: str, changed: Mapping[str, str]) -> sql.Composed:
    query = (
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'"
    )
    columns = [row[0] for row in owner.execute(query, (table,))]
    values = [
        sql.SQL(changed[name]) if name in changed else sql.Identifier(name) for name in columns
    ]
    return sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}, turns").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(values),
        sql.Identifier(f"first_{table}"),
    )


def _end(owner: psycopg.Connection) -> None:
    """New rows get numbers behind the copies'; insert-only accounts are rolled up as by a job."""
    for table, changed in TABLES.items():
        if "id" in changed:
            name = sql.Identifier(table)
            owner.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))"
                ).format(sql.Literal(table), name)
            )
    owner.commit()
    owner.execute("SELECT roll_up_accounts()")
    owner.commit()
