"""A simulator's memory: one SQLite file, safe with several threads and after a kill."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Row = sqlite3.Row

# `subject` is what a callback tells of; `parent` and `url` are the simulator's to use.
SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS callbacks (
  id INTEGER PRIMARY KEY, subject TEXT NOT NULL, parent TEXT NOT NULL DEFAULT '',
  url TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'waiting', due_at REAL NOT NULL,
  leased_until REAL NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
  answer TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS callbacks_due ON callbacks (state, due_at);
CREATE INDEX IF NOT EXISTS callbacks_of ON callbacks (parent);
"""


class Store:
    """Opens a connection for each use: short, and nothing is shared between threads."""

    def __init__(
        self, path: Path, schema: str, defaults: Mapping[str, str] = {}
    ) -> None:  # read only
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.defaults = defaults
        with self.read() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA + schema)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection without a transaction."""
        connection = sqlite3.connect(self._path, timeout=20, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            # A kill loses nothing; a power cut may, and then it is only a simulator's memory. With
            # every use a connection, waiting for the disk would be most of its work.
            connection.execute("PRAGMA synchronous=OFF")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One writing transaction; IMMEDIATE, so that readers never have to upgrade a lock."""
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def rows(self, sql: str, *args: object) -> list[Row]:
        """All rows of one query."""
        with self.read() as connection:
            return connection.execute(sql, args).fetchall()

    def row(self, sql: str, *args: object) -> Row | None:
        """The first row of one query."""
        found = self.rows(sql, *args)
        return found[0] if found else None

    def setting(self, name: str) -> str:
        """A lever's position; raises `KeyError` for one that does not exist."""
        value = self.kept(name)
        return self.defaults[name] if value is None else value

    def settings(self) -> dict[str, str]:
        """All levers' positions in one look."""
        moved = {row["name"]: str(row["value"]) for row in self.rows("SELECT * FROM settings")}
        return {name: moved.get(name, value) for name, value in self.defaults.items()}

    def change_setting(self, name: str, value: str) -> None:
        """Move a lever."""
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
        """A stored value, or None."""
        row = self.row("SELECT value FROM settings WHERE name = ?", name)
        return str(row["value"]) if row else None
