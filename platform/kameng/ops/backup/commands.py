"""`kameng backup now|list|drill|restore`, in words for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from kameng.ops.backup import drilling, restoring, runs
from kameng.ops.backup.methods import Method, method_of
from kameng.ops.backup.repository import Base
from kameng.ops.home import Home
from kameng.ops.postgres import locate, server_at
from kameng.ops.recovering.moments import read_moment
from kameng.settings import Settings


def now(settings: Settings) -> list[str]:
    """Make a backup and note it."""
    method = method_of(settings)
    with method.alone(), runs.noted(settings.database_url, "backup", method.name) as run:
        began = datetime.now(UTC)
        base = method.make()
        run.label, run.size = base.label, base.size
        took_s = (datetime.now(UTC) - began).total_seconds()
        run.detail = {"database_size": base.database_size, "took_s": round(took_s, 1)}
    observe(settings, method)
    return [f"{_line(base)}, took {took_s:.1f} s"]


def listed(settings: Settings) -> list[str]:
    """All backups, and how far the archive goes."""
    method = method_of(settings)
    bases = method.list_bases()
    lines = [_line(base) for base in bases] or ["there is no backup yet: `kameng backup now`"]
    wal_at = method.newest_wal_at()
    return [*lines, f"WAL archived until {_moment(wal_at) if wal_at else '–'}"]


def drill(settings: Settings) -> tuple[list[str], bool]:
    """Try the newest backup out and note the result; the lines, and whether all is well."""
    method = method_of(settings)
    try:
        with method.alone(), runs.noted(settings.database_url, "drill", method.name) as run:
            done = drilling.drill(method, settings)
            run.label, run.detail = done.label, asdict(done)
            if not done.ok:
                raise _CopyDiffers("; ".join(done.differences) or "the books do not add up")
    except _CopyDiffers:
        return done.lines(), False
    observe(settings, method)
    return done.lines(), True


class _CopyDiffers(Exception):
    """The row of the run says so, too."""


def at_rest(settings: Settings) -> Settings:
    """The settings, also while nothing runs: then with the address of the embedded server."""
    if settings.database_url:
        return settings
    return replace(settings, database_url=locate(Home(settings.home.absolute())).url())


def restore(settings: Settings, to: str, into: str) -> Sequence[str]:
    """Restore into a folder; the lines say what to do next."""
    at = read_moment(to, settings.timezone)
    done = restoring.restore(method_of(settings), settings, at, Path(into))
    home = Home(settings.home.absolute())
    return restoring.next_steps(done, server_at(home, settings.database_url))


def observe(settings: Settings, method: Method | None = None) -> None:
    """Note what lies in the repository, for the console and the alerts."""
    method = method or method_of(settings)
    bases = [asdict(base) for base in method.list_bases()]
    runs.note_status(settings.database_url, method.name, method.newest_wal_at(), bases)


def _line(base: Base) -> str:
    return (
        f"{base.label}  {_moment(base.finished)}  {base.size / 2**20:.1f} MB"
        f" (database {base.database_size / 2**20:.0f} MB)"
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
