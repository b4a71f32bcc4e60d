"""What the simulated Alipay remembers."""

from pathlib import Path

from kameng_sdk.simulation import levers
from kameng_sdk.simulation.store import Row, Store

__all__ = ["WORDS", "Row", "Store", "open_store"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  trade_no TEXT PRIMARY KEY, kind TEXT NOT NULL, out_trade_no TEXT NOT NULL UNIQUE,
  notify_url TEXT NOT NULL, return_url TEXT NOT NULL, subject TEXT NOT NULL,
  fen INTEGER NOT NULL CHECK (fen > 0), state TEXT NOT NULL DEFAULT 'open',
  begun INTEGER NOT NULL, expires_at REAL NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
  trade_no TEXT PRIMARY KEY, order_no TEXT NOT NULL REFERENCES orders, paid_at REAL NOT NULL,
  fen INTEGER NOT NULL, refunded_fen INTEGER NOT NULL DEFAULT 0 CHECK (refunded_fen <= fen));
CREATE INDEX IF NOT EXISTS payments_by_order ON payments (order_no, paid_at);
CREATE TABLE IF NOT EXISTS refunds (
  trade_no TEXT NOT NULL, out_request_no TEXT NOT NULL, fen INTEGER NOT NULL CHECK (fen > 0),
  total_fen INTEGER NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (trade_no, out_request_no));
CREATE TABLE IF NOT EXISTS late_payments (order_no TEXT PRIMARY KEY, due_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS transfers (
  out_biz_no TEXT PRIMARY KEY, order_id TEXT NOT NULL, fen INTEGER NOT NULL CHECK (fen > 0),
  identity TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL,
  fail_reason TEXT NOT NULL DEFAULT '', created_at REAL NOT NULL);
"""
# Beyond the common ones. `notice_sign`, `notice_amount`: what is wrong with notices. `payout`: how
# the next transfers end. `bill_…`: what is planted in the bill, by numbers separated by commas.
DEFAULTS = {
    **levers.DEFAULTS,
    "notice_sign": "right", "notice_amount": "right", "payout": "ok",
    "bill_ready": "on", "bill_broken": "no", "bill_missing": "", "bill_extra": "",
    "bill_amount": "", "bill_state": "", "bill_refund_missing": "",
}  # fmt: skip
WORDS = {
    **levers.WORDS,
    "notice_sign": {"right", "wrong", "rsa"},
    "notice_amount": {"right", "off"},
    "payout": {"ok", "decline", "dealing", "unknown"},
    "bill_ready": {"on", "off"},
    "bill_broken": {"no", "cut", "total"},
}


def open_store(folder: Path) -> Store:
    """The store in the simulator's folder; made when missing."""
    return Store(folder / "alipay.sqlite3", SCHEMA, DEFAULTS)
