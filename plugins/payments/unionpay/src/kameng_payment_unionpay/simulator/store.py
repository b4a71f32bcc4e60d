"""What the simulated gateway remembers."""

from pathlib import Path

from kameng_sdk.simulation import levers
from kameng_sdk.simulation.store import Row, Store

__all__ = ["BILL_LEVERS", "WORDS", "Row", "Store", "open_store"]

BILL_LEVERS = (
    "bill_missing", "bill_extra", "bill_amount", "bill_state", "bill_refund_missing",
)  # fmt: skip
COMMON = ("callbacks", "latency_ms", "fail_percent", "fail_when")
DEFAULTS = {
    **{name: levers.DEFAULTS[name] for name in COMMON},
    **dict.fromkeys(BILL_LEVERS, ""),
    "bill_ready": "on", "refund_seconds": "0", "refund_result": "done",
}  # fmt: skip
WORDS = {
    **levers.WORDS, "bill_ready": {"on", "off"}, "refund_result": {"done", "failed"},
    "refund_seconds": {str(seconds) for seconds in range(3601)},
}  # fmt: skip

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  no TEXT PRIMARY KEY, order_id TEXT NOT NULL, txn_time TEXT NOT NULL, channel TEXT NOT NULL,
  fen INTEGER NOT NULL CHECK (fen > 0), pay_timeout TEXT NOT NULL, front_url TEXT NOT NULL,
  back_url TEXT NOT NULL, name TEXT NOT NULL, reserved TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', created_at REAL NOT NULL, UNIQUE (order_id, txn_time));
CREATE TABLE IF NOT EXISTS payments (
  query_id TEXT PRIMARY KEY, order_no TEXT NOT NULL REFERENCES orders, trace_no TEXT NOT NULL,
  paid_at REAL NOT NULL, fen INTEGER NOT NULL,
  refunded_fen INTEGER NOT NULL DEFAULT 0 CHECK (refunded_fen <= fen));
CREATE INDEX IF NOT EXISTS payments_by_order ON payments (order_no, paid_at);
CREATE TABLE IF NOT EXISTS refunds (
  query_id TEXT PRIMARY KEY, order_id TEXT NOT NULL, txn_time TEXT NOT NULL,
  payment TEXT NOT NULL REFERENCES payments, trace_no TEXT NOT NULL, reserved TEXT NOT NULL,
  fen INTEGER NOT NULL CHECK (fen > 0), result TEXT NOT NULL, created_at REAL NOT NULL,
  due_at REAL NOT NULL, UNIQUE (order_id, txn_time));
CREATE TABLE IF NOT EXISTS late_payments (order_no TEXT PRIMARY KEY, due_at REAL NOT NULL);
"""


def open_store(folder: Path) -> Store:
    """The store in the simulator's folder; made when missing."""
    return Store(folder / "unionpay.sqlite3", SCHEMA, DEFAULTS)
