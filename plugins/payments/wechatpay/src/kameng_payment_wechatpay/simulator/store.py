"""What the simulated WeChat Pay remembers, and its levers."""

from pathlib import Path

from kameng_sdk.simulation import levers
from kameng_sdk.simulation.store import Row, Store

__all__ = ["WORDS", "Row", "Store", "open_store"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  prepay_id TEXT PRIMARY KEY, kind TEXT NOT NULL, out_trade_no TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL, notify_url TEXT NOT NULL, return_url TEXT NOT NULL DEFAULT '',
  fen INTEGER NOT NULL CHECK (fen > 0), openid TEXT NOT NULL, time_expire TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open', created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
  transaction_id TEXT PRIMARY KEY, prepay_id TEXT NOT NULL REFERENCES orders,
  paid_at REAL NOT NULL, fen INTEGER NOT NULL, openid TEXT NOT NULL,
  refunded_fen INTEGER NOT NULL DEFAULT 0 CHECK (refunded_fen <= fen));
CREATE INDEX IF NOT EXISTS payments_by_order ON payments (prepay_id, paid_at);
CREATE INDEX IF NOT EXISTS payments_by_day ON payments (paid_at);
CREATE TABLE IF NOT EXISTS refunds (
  refund_id TEXT PRIMARY KEY, out_refund_no TEXT NOT NULL UNIQUE, transaction_id TEXT NOT NULL,
  fen INTEGER NOT NULL CHECK (fen > 0), notify_url TEXT NOT NULL, status TEXT NOT NULL,
  becomes TEXT NOT NULL, created_at REAL NOT NULL, due_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_by_state ON refunds (status, due_at);
CREATE TABLE IF NOT EXISTS late_payments (prepay_id TEXT PRIMARY KEY, due_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS codes (
  code TEXT PRIMARY KEY, openid TEXT NOT NULL, made_at REAL NOT NULL, used INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS bills (
  token TEXT PRIMARY KEY, body BLOB NOT NULL, made_at REAL NOT NULL);
"""
DEFAULTS = {
    **levers.DEFAULTS,
    "sign_with": "public_key",
    "notice_sign": "right",
    "answer_sign": "right",
    "refund_seconds": "1",
    "refund_answer": "SUCCESS",
    "refund_notify_url": "",
    "bill_ready": "on",
    "bill_damage": "none",
    "bill_missing": "",
    "bill_extra": "",
    "bill_amount": "",
    "bill_state": "",
    "bill_refund_missing": "",
}
WORDS = {
    **levers.WORDS,
    # Who signs notices; `rotate`: certificate and public key by turns, as while changing over.
    "sign_with": {"public_key", "certificate", "rotate"},
    "notice_sign": {"right", "wrong", "signtest", "unknown_serial"},
    "answer_sign": {"right", "wrong", "none"},
    # What becomes of a new refund, or the refusal it gets.
    "refund_answer": {
        "SUCCESS", "ABNORMAL", "CLOSED", "FREQUENCY_LIMITED", "NOT_ENOUGH", "SYSTEM_ERROR",
    },
    "refund_seconds": {str(seconds) for seconds in range(601)},
    "bill_ready": {"on", "off"},
    "bill_damage": {"none", "sha1", "truncated", "total"},
}  # fmt: skip


def open_store(folder: Path) -> Store:
    """The store in the simulator's folder; made when missing."""
    return Store(folder / "wechatpay.sqlite3", SCHEMA, DEFAULTS)
