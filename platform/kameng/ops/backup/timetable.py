"""What the scheduler does for backups: short deeds here, long ones in a process of their own."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.ops.backup import commands, spool
from kameng.ops.backup.methods import Embedded, Method, method_of
from kameng.ops.backup.repository import OtherContent
from kameng.ops.errors import OpsError
from kameng.ops.home import Home
from kameng.ops.postgres import server_at
from kameng.settings import Settings
from kameng.stock.api import close_alert, raise_alert

LIMIT_S = 3 * 3600
NEW_DEMO_S = 3600  # a demo that was just made is not worth a copy
WAL_AGE, BACKUP_AGE = timedelta(minutes=5), timedelta(days=2)
ALERT = "backup"

_STATUS = text("SELECT newest_wal_at, bases FROM backup_status WHERE id = 1")
_LAST = text(
    "SELECT state, error FROM backup_run WHERE kind = :kind AND state <> 'running'"
    " ORDER BY id DESC LIMIT 1"
)
_BEGAN = text("SELECT min(claimed_at) FROM job_slot")

log = logging.getLogger("kameng.backup")


def store_wal(settings: Settings) -> int:
    """Empty the spool of the embedded server; returns how many files went."""
    method = configured(settings)
    if not isinstance(method, Embedded):
        return 0
    try:
        return spool.store(method.server, method.repository)
    except OtherContent:
        raise
    except OpsError as error:
        log.info("the spool waits: %s", error)
        return 0


def run_command(settings: Settings, word: str, *, wanted: bool = False) -> None:
    """Run `kameng backup WORD` within its time. Raises `OpsError` with its last words.

    Unless a person has `wanted` it, the beginning of an installation is passed over.
    """
    method = configured(settings)
    if method is None or (not wanted and _too_early(method, settings, word)):
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "kameng.cli", "backup", word],
        env={**os.environ, "KAMENG_HOME": str(settings.home.absolute())},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said, _nothing = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise OpsError(f"kameng backup {word} did not end within {LIMIT_S} s") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise OpsError(" ".join(said.split())[-300:])
    log.info("backup %s: %s", word, said.strip())


def watch(settings: Settings) -> list[str]:
    """Raise and close alerts; returns the subjects that are wrong now. Opens its own scopes."""
    method = configured(settings)
    if method is not None:
        commands.observe(settings, method)
    elif server_at(Home(settings.home.absolute()), settings.database_url) is None:
        return []
    with main_scope(reason="watch backups"):
        wrong = _wrong() if method else {"backup": ("no backup is possible", _obstacle(settings))}
        for subject, (title, error) in wrong.items():
            raise_alert(ALERT, subject, title, {"error": error} if error else {})
        for subject in {"wal", "age", "backup", "drill"} - set(wrong):
            close_alert(ALERT, subject)
        db.session.commit()
    return list(wrong)


@lru_cache(maxsize=4)  # finding the server tries programs out; it is asked every few seconds
def configured(settings: Settings) -> Method | None:
    """The way of this installation, or None where backups are somebody else's business."""
    try:
        return method_of(settings)
    except OpsError:
        return None


def _obstacle(settings: Settings) -> str:
    try:
        method_of(settings)
    except OpsError as error:
        return str(error)[:200]
    return ""


def _wrong() -> dict[str, tuple[str, str]]:
    """Subject → what an alert says, and the error behind it."""
    status = db.session.execute(_STATUS).one()
    now = datetime.now(UTC)
    began = db.session.scalar(_BEGAN) or now
    found: dict[str, tuple[str, str]] = {}
    if now - max(status.newest_wal_at or began, began) > WAL_AGE:
        found["wal"] = "WAL is not archived", ""
    ends = [datetime.fromisoformat(base["finished_at"]) for base in status.bases]
    if now - max([*ends, began]) > BACKUP_AGE:
        found["age"] = "the last backup is too old", ""
    for kind in ("backup", "drill"):
        last = db.session.execute(_LAST, {"kind": kind}).first()
        if last is not None and last.state == "failed":
            found[kind] = f"{kind} has failed", last.error[:200]
    return found


def _too_early(method: Method, settings: Settings, word: str) -> bool:
    if word == "drill" and not method.list_bases():
        return True  # the watch tells when there is none for long
    if not (settings.demo and isinstance(method, Embedded)):
        return False
    return time.time() - (method.server.data / "PG_VERSION").stat().st_mtime < NEW_DEMO_S
