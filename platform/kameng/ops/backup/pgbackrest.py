"""pgBackRest, where the operator has set it up: its own configuration, our four questions."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kameng.ops.backup.repository import Base
from kameng.ops.backup.scratch import Target
from kameng.ops.errors import OpsError

LIMIT_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class PgBackRest:
    """One stanza. `program` is found on the PATH unless it is a path."""

    stanza: str
    program: str = "pgbackrest"

    def back_up(self) -> None:
        """A backup as the configuration says (the first is full)."""
        self._run("backup")

    def check(self) -> None:
        """Whether WAL gets into the repository; switches to a new segment for it."""
        self._run("check")

    def list_bases(self) -> list[Base]:
        """Backups in the repository, oldest first."""
        said: list[dict[str, Any]] = json.loads(self._run("info", "--output=json") or "[]")
        found = [
            _base(str(one["db"][-1]["system-id"]) if one.get("db") else "", each)
            for one in said
            if one.get("name") == self.stanza
            for each in one.get("backup", ())
            if not each.get("error")
        ]
        return sorted(found, key=lambda base: base.finished_at)

    def restore(self, data: Path, target: Target) -> None:
        """Lay a copy into a data folder; it recovers when a server starts on it."""
        kind: Sequence[str] = ()
        if target.name:
            kind = ("--type=name", f"--target={target.name}", "--target-action=promote")
        elif target.at is not None:
            moment = target.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
            kind = ("--type=time", f"--target={moment}", "--target-action=promote")
        self._run("restore", f"--pg1-path={data}", *kind)

    def _run(self, command: str, *arguments: str) -> str:
        if shutil.which(self.program) is None:
            raise OpsError(
                "KAMENG_BACKUP_STANZA is set, and pgbackrest is not installed here.",
                "Run this on the database's machine, or install and configure pgBackRest.",
            )
        try:
            done = subprocess.run(
                [self.program, f"--stanza={self.stanza}", command, *arguments],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                timeout=LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise OpsError(f"pgbackrest {command} did not end within {LIMIT_S} s.") from error
        if done.returncode != 0:
            last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
            raise OpsError(f"pgbackrest {command} failed:\n{last}")
        return done.stdout


def _base(system: str, said: dict[str, Any]) -> Base:
    info = said["info"]
    return Base(
        label=str(said["label"]), system=system, first_wal=str(said["archive"]["start"] or ""),
        started_at=_moment(said["timestamp"]["start"]),
        finished_at=_moment(said["timestamp"]["stop"]),
        size=int(info["repository"].get("delta", info["repository"].get("size", 0)) or 0),
        database_size=int(info["size"]),
    )  # fmt: skip


def _moment(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat()
