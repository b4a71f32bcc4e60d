"""What the simulated epay gateway remembers."""

from pathlib import Path

from kameng_sdk.simulation import levers
from kameng_sdk.simulation.store import Row, Store

__all__ = ["Row", "Store", "open_store"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  trade_no TEXT PRIMARY KEY, version TEXT NOT NULL, pid TEXT NOT NULL, type TEXT NOT NULL,
  out_trade_no TEXT NOT NULL, notify_url TEXT NOT NULL, return_url TEXT NOT NULL,
  name TEXT NOT NULL, fen INTEGER NOT NULL CHECK (fen > 0), param TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', created_at REAL NOT NULL, UNIQUE (pid, out_trade_no));
CREATE TABLE IF NOT EXISTS payments (
  trade_no TEXT PRIMARY KEY, order_no TEXT NOT NULL REFERENCES orders, paid_at REAL NOT NULL,
  fen INTEGER NOT NULL, refunded_fen INTEGER NOT NULL DEFAULT 0 CHECK (refunded_fen <= fen));
CREATE INDEX IF NOT EXISTS payments_by_order ON payments (order_no, paid_at);
CREATE TABLE IF NOT EXISTS refunds (
  refund_no TEXT PRIMARY KEY, out_refund_no TEXT UNIQUE, trade_no TEXT NOT NULL,
  fen INTEGER NOT NULL CHECK (fen > 0), created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS late_payments (order_no TEXT PRIMARY KEY, due_at REAL NOT NULL);
"""


def open_store(folder: Path) -> Store:
    """The store in the simulator's folder; made when missing."""
    return Store(folder / "epay.sqlite3", SCHEMA, levers.DEFAULTS)
