"""The simulator's memory: one SQLite file, safe with several threads and after a kill."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Row = sqlite3.Row

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
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
CREATE TABLE IF NOT EXISTS callbacks (
  id INTEGER PRIMARY KEY, subject TEXT NOT NULL, session TEXT NOT NULL, url TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting', due_at REAL NOT NULL,
  leased_until REAL NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
  answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (state, due_at);
CREATE INDEX IF NOT EXISTS callbacks_of ON callbacks (session);
"""

DEFAULT_SETTINGS = {
    "callbacks": "on",
    "latency_ms": "0",
    "fail_percent": "0",
    "fail_when": "before",
    "webhook_url": "",
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

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            yield connection

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
