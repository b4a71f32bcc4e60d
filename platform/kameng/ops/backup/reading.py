"""What the console shows of backups: rows of this database, so that any machine can show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from kameng.db import db

_RUNS = text(
    "SELECT id, kind, method, label, state, started_at, finished_at, bytes, detail, error"
    " FROM backup_run WHERE kind = :kind ORDER BY id DESC LIMIT :limit"
)
_STATUS = text("SELECT method, newest_wal_at, bases, seen_at FROM backup_status WHERE id = 1")


@dataclass(frozen=True, slots=True)
class RunView:
    """One run of a backup or a drill; `bytes` in the repository."""

    id: int
    kind: str
    method: str
    label: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    bytes: int
    detail: Mapping[str, Any]
    error: str

    @property
    def took_s(self) -> float | None:
        """How long it took, None while it runs."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


@dataclass(frozen=True, slots=True)
class BaseView:
    """One backup in the repository."""

    label: str
    finished_at: datetime
    size: int
    database_size: int


@dataclass(frozen=True, slots=True)
class Status:
    """What lay in the repository when the watch looked last. `lag`: how much would be lost."""

    method: str
    newest_wal_at: datetime | None
    bases: Sequence[BaseView]
    seen_at: datetime

    @property
    def lag(self) -> timedelta | None:
        """Age of the archived WAL, as the watch saw it."""
        return self.seen_at - self.newest_wal_at if self.newest_wal_at else None


def runs(kind: str, limit: int = 10) -> list[RunView]:
    """Newest first (main scope)."""
    rows = db.session.execute(_RUNS, {"kind": kind, "limit": limit}).mappings()
    return [RunView(**row) for row in rows]


def status() -> Status | None:
    """None when nothing was ever seen: no backups are configured here (main scope)."""
    row = db.session.execute(_STATUS).first()
    if row is None:
        return None
    bases = [
        BaseView(
            str(base["label"]), datetime.fromisoformat(base["finished_at"]).astimezone(UTC),
            int(base["size"]), int(base["database_size"]),
        )
        for base in reversed(row.bases)
    ]  # fmt: skip
    return Status(row.method, row.newest_wal_at, bases, row.seen_at)
