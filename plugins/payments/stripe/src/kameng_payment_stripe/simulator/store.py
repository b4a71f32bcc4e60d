"""What the simulated Stripe remembers: objects as JSON, and the answers of idempotency keys."""

from pathlib import Path

from kameng_sdk.simulation import levers
from kameng_sdk.simulation.store import Row, Store

__all__ = ["WORDS", "Row", "Store", "open_store"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_reference
  ON objects (body ->> 'client_reference_id') WHERE kind = 'checkout.session';
CREATE INDEX IF NOT EXISTS objects_by_intent
  ON objects (body ->> 'payment_intent') WHERE kind = 'refund';
CREATE INDEX IF NOT EXISTS open_sessions
  ON objects (body ->> 'expires_at')
  WHERE kind = 'checkout.session' AND body ->> 'status' = 'open';
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS late_payments (session TEXT PRIMARY KEY, due_at REAL NOT NULL);
"""
# Faults of the bill. Each holds numbers by comma: of attempts, the last one also of refunds.
BILL_LEVERS = ("bill_missing", "bill_extra", "bill_amount", "bill_state", "bill_refund_missing")
# `lost`: it happens, and its stored answer never arrives.
DEFAULTS = {**levers.DEFAULTS, "webhook_url": "", **dict.fromkeys(BILL_LEVERS, "")}
WORDS = {**levers.WORDS, "fail_when": {"before", "after", "lost"}}


def open_store(folder: Path) -> Store:
    """The store in the simulator's folder; made when missing."""
    return Store(folder / "stripe.sqlite3", SCHEMA, DEFAULTS)
