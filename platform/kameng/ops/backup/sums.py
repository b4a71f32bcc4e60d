"""What must be equal before and after: noted at a quiet moment that the WAL knows by name."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors

from kameng.ops.errors import OpsError

# Waiting for a lock makes others wait behind it: rather give up soon and come again.
LOCK_WAIT_MS = 150
PATIENCE_S = 30.0
TABLES = (
    "orders", "order_event", "card", "transfer", "account_balance", "payment_attempt", "refund",
    "purchase", "withdrawal", "ledger_seal",
)  # fmt: skip
SUMS = {
    "orders": "SELECT state, count(*), sum(payable) FROM orders GROUP BY 1 ORDER BY 1",
    "order_events": "SELECT count(*), max(id) FROM order_event",
    "cards": "SELECT status, count(*) FROM card GROUP BY 1 ORDER BY 1",
    "transfers": "SELECT count(*), sum(amount), max(id) FROM transfer",
    "balances": "SELECT count(*), sum(balance), sum(abs(balance)) FROM account_balance",
    "attempts": "SELECT state, count(*), sum(amount) FROM payment_attempt GROUP BY 1 ORDER BY 1",
    "refunds": "SELECT state, count(*), sum(amount) FROM refund GROUP BY 1 ORDER BY 1",
    "purchases": "SELECT state, count(*) FROM purchase GROUP BY 1 ORDER BY 1",
    "withdrawals": "SELECT state, count(*), sum(amount) FROM withdrawal GROUP BY 1 ORDER BY 1",
    "ledger_head": "SELECT id, encode(hash, 'hex') FROM ledger_seal ORDER BY id DESC LIMIT 1",
}
Sums = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mark:
    """A named point in the WAL and the sums of that very moment."""

    name: str
    at: datetime
    sums: Sums


def mark(url: str) -> Mark:
    """Name a moment at which no writer is in between, and the sums of it. As the owner.

    Writers are held up for milliseconds; the sums are read afterwards, from its snapshot.
    Raises `OpsError` when the database is never quiet.
    """
    name = f"kameng-{secrets.token_hex(6)}"
    with psycopg.connect(url) as holder, psycopg.connect(url) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        hold(holder)
        row = reader.execute(
            "SELECT clock_timestamp(), pg_create_restore_point(%s)", (name,)
        ).fetchone()
        holder.rollback()
        at = row[0] if row else datetime.min
        return Mark(name, at, _read(reader))


def sums_of(url: str) -> Sums:
    """The sums as they are now."""
    with psycopg.connect(url) as connection:
        return _read(connection)


def differences(ours: Sums, theirs: Sums) -> list[str]:
    """Names of the sums that are not equal, with both."""
    return [
        f"{name}: noted {ours[name]}, restored {theirs.get(name)}"
        for name in ours
        if ours[name] != theirs.get(name)
    ]


def _read(connection: psycopg.Connection[Any]) -> Sums:
    # Rows that the walls hide would make both sides equal and both wrong: rather an error.
    connection.execute("SET row_security = off")
    return {
        name: "; ".join(
            " ".join(str(cell) for cell in row) for row in connection.execute(query.encode())
        )
        for name, query in SUMS.items()
    }


def hold(connection: psycopg.Connection[Any], patience_s: float = PATIENCE_S) -> None:
    """Keep writers out of the tables; raises `OpsError` when there are always some."""
    end = time.monotonic() + patience_s
    while True:
        try:
            connection.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}".encode())
            connection.execute(f"LOCK TABLE {', '.join(TABLES)} IN SHARE MODE".encode())
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            connection.rollback()
            if time.monotonic() > end:
                raise OpsError(
                    f"There was no moment without writers within {patience_s:.0f} s.",
                    "Try again when less is going on.",
                ) from None
            time.sleep(0.25)
        else:
            return
