"""The simulator's memory: one SQLite file, safe with several threads and after a kill."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Row = sqlite3.Row

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
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
CREATE TABLE IF NOT EXISTS callbacks (
  id INTEGER PRIMARY KEY, subject TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
  due_at REAL NOT NULL, leased_until REAL NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
  answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (state, due_at);
"""

DEFAULT_SETTINGS = {
    "callbacks": "on",
    "latency_ms": "0",
    "fail_percent": "0",
    "fail_when": "before",
    "bill_omit": "",
}


class Store:
    """Opens a connection for each use: short, and nothing is shared between threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=20, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA synchronous=NORMAL")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One writing transaction; IMMEDIATE, so that readers never have to upgrade a lock."""
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def rows(self, sql: str, *args: object) -> list[Row]:
        with self._connection() as connection:
            return connection.execute(sql, args).fetchall()

    def row(self, sql: str, *args: object) -> Row | None:
        found = self.rows(sql, *args)
        return found[0] if found else None

    def setting(self, name: str) -> str:
        value = self.kept(name)
        return DEFAULT_SETTINGS[name] if value is None else value

    def change_setting(self, name: str, value: str) -> None:
        with self.write() as connection:
            connection.execute(
                "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
                " SET value = excluded.value",
                (name, value),
            )

    def keep_first(self, name: str, value: str) -> str:
        """Store a generated value once; whoever comes later gets the stored one."""
        with self.write() as connection:
            connection.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, value))
        return self.kept(name) or value

    def kept(self, name: str) -> str | None:
        row = self.row("SELECT value FROM settings WHERE name = ?", name)
        return str(row["value"]) if row else None
