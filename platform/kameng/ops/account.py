"""Under which system account PostgreSQL runs: it refuses root, and no account is created for it."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kameng.ops.errors import OpsError


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group to run as; both None: whoever we are."""

    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make the child run as this account."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, paths: Iterable[Path]) -> None:
        """Give files of the state folder to this account."""
        if self.uid is None or self.gid is None:
            return
        for path in paths:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Whether the account can reach the folder; tried, as modes alone do not tell."""
        return self._try(["/bin/sh", "-c", 'cd "$0"', str(folder)])

    def can_run(self, program: Path) -> bool:
        """Whether the account can start the program."""
        return self._try([str(program), "--version"])

    def _try(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(
                command, cwd="/", capture_output=True, check=False, **self.popen_options()
            )
        except OSError:
            return False
        return done.returncode == 0


OURSELVES = Account()


def server_account(data: Path) -> Account:
    """Ourselves; as root the owner of existing data, else `nobody`."""
    if os.geteuid() != 0:
        return OURSELVES
    if data.exists():
        owner = data.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(entry.pw_uid, entry.pw_gid)


def private_folder(folder: Path, account: Account) -> None:
    """Make a folder of this account alone; one that somebody else prepared is refused."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    account.own([folder])
    state = folder.lstat()
    wanted = os.geteuid() if account.uid is None else account.uid
    if state.st_uid != wanted or folder.is_symlink():
        raise OpsError(
            f"{folder} belongs to another account.",
            "Start Kameng as that account, or choose another folder with KAMENG_HOME.",
        )
    if state.st_mode & 0o077:
        folder.chmod(0o700)
