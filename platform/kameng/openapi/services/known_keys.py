"""Keys as a process remembers them: read one by one, and many ahead when a crowd comes.

A flash sale brings thousands of keys within seconds that this process has never met. Asking for
each alone costs more than all the rest of their requests.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import text

from kameng import epoch, sealing
from kameng.db import call_or_none, current_scope, db, end_reading
from kameng.openapi.domain.callers import Caller, switched_on
from kameng.openapi.services.keys import AREA, place_of
from kameng.openapi.services.refusing import refused
from kameng.runtime import extensions

EXTENSION = "kameng.openapi.keys"
MOST_KEPT = 10_000
CROWD, CROWD_S = 8, 1.0  # so many unknown keys of a station within a second are a crowd
AHEAD = 256  # keys of one look ahead
MOST_AHEAD, AGAIN_S = 4_096, 300.0  # of a station under one mark, and until it is done anew

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The newest first: among old keys there are more that nobody uses.
_AHEAD = text("""
SELECT k.id, k.key_id, k.member_id, k.dialect, k.mode, k.scopes, k.networks, k.per_minute,
       k.callback_url, CAST(extract(epoch FROM now() - k.last_used_at) AS double precision)
         AS last_used_s,
       m.state = 'active' AS member_active, w.enabled AS switched,
       ARRAY(SELECT s.sealed FROM api_secret s WHERE s.station_id = k.station_id
         AND s.api_key_id = k.id AND s.state = 'live' ORDER BY s.id) AS sealed
  FROM api_key k JOIN member m ON m.station_id = k.station_id AND m.id = k.member_id
  LEFT JOIN dock_switch w ON w.station_id = k.station_id AND w.dialect = k.dialect
 WHERE k.station_id = :station AND k.state = 'active' AND k.id < :below
 ORDER BY k.id DESC LIMIT :most
""")


@dataclass(slots=True)
class Opened:
    """A key as it was read. `touched`: when its last use was written down.

    Its secrets stay sealed until the key is used.
    """

    caller: Caller
    sealed: tuple[bytes, ...]
    networks: tuple[Network, ...]
    member_active: bool
    spoken: bool
    epoch: bytes
    read_at: float
    own_changes: int
    touched: float
    _secrets: tuple[str, ...] | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The live secrets; raises `SealBroken`."""
        if self._secrets is None:
            station, number = self.caller.station_id, self.caller.api_key_id
            self._secrets = tuple(unsealed(station, number, one) for one in self.sealed)
        return self._secrets


@dataclass(slots=True)
class Crowd:
    """Unknown keys of one station: how many came lately, and what was read ahead."""

    since: float = 0.0
    met: int = 0
    mark: bytes = b""
    began: float = 0.0
    below: int = 2**62
    left: int = 0

    def presses(self, now: float) -> bool:
        """Count one more; whether there is a crowd."""
        if now - self.since > CROWD_S:
            self.since, self.met = now, 0
        self.met += 1
        return self.met > CROWD

    def begin(self, mark: bytes, now: float) -> None:
        """Read ahead from the newest on when what was read no longer counts."""
        if self.mark != mark or now - self.began > AGAIN_S:
            self.mark, self.began, self.below, self.left = mark, now, 2**62, MOST_AHEAD


@dataclass(slots=True)
class KnownKeys:
    """What the threads of a process share; `looking`: looks ahead are taken one at a time."""

    kept: dict[tuple[int, str], Opened] = field(default_factory=dict)
    crowds: dict[int, Crowd] = field(default_factory=dict)
    looking: threading.Lock = field(default_factory=threading.Lock)
    _keeping: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, opened: Opened) -> None:
        """Remember it; the one remembered longest goes when there is no room."""
        name = (opened.caller.station_id, opened.caller.key_id)
        with self._keeping:
            if name not in self.kept and len(self.kept) >= MOST_KEPT:
                del self.kept[next(iter(self.kept))]
            self.kept[name] = opened

    def forget(self, station_id: int, key_id: str) -> None:
        """There is no such key any more."""
        with self._keeping:
            self.kept.pop((station_id, key_id), None)


def known(station_id: int, key_id: str) -> Opened | None:
    """The key if this process has read it, under whatever mark."""
    return _memory().kept.get((station_id, key_id))


def read(station_id: int, key_id: str, mark: bytes) -> Opened:
    """Read it now, and others of a crowd with it. `mark`: heard before. Raises `key_unknown`."""
    memory, own = _memory(), epoch.own_changes()
    end_reading()
    row = call_or_none("find_api_key", p_station=station_id, p_key=key_id)
    if row is None:
        memory.forget(station_id, key_id)
        raise refused("key_unknown")
    opened = _opened(station_id, row, mark, own)
    memory.keep(opened)
    crowd, now = memory.crowds.setdefault(station_id, Crowd()), time.monotonic()
    if crowd.presses(now) and memory.looking.acquire(blocking=False):
        try:
            crowd.begin(mark, now)
            _read_ahead(memory, crowd, station_id, own)
        finally:
            memory.looking.release()
    return opened


def _read_ahead(memory: KnownKeys, crowd: Crowd, station_id: int, own: int) -> None:
    most = min(AHEAD, crowd.left)
    if most <= 0:
        return
    given = {"station": station_id, "below": crowd.below, "most": most}
    rows = [dict(row) for row in db.session.execute(_AHEAD, given).mappings()]
    end_reading()
    # Fewer than asked for: there are no more.
    crowd.left = crowd.left - most if len(rows) == most else 0
    for row in rows:
        crowd.below = row["id"]
        found = memory.kept.get((station_id, row["key_id"]))
        if found is None or found.epoch != crowd.mark:
            memory.keep(_opened(station_id, row, crowd.mark, own))


def _opened(station_id: int, row: Mapping[str, Any], mark: bytes, own: int) -> Opened:
    now, unused_s = time.monotonic(), row["last_used_s"]
    said = row["switched"]
    return Opened(
        caller=Caller(
            station_id=station_id, api_key_id=row["id"], key_id=row["key_id"],
            member_id=row["member_id"], dialect=row["dialect"], sandbox=row["mode"] == "sandbox",
            scopes=frozenset(row["scopes"]), per_minute=row["per_minute"],
            callback_url=row["callback_url"], ip="",
        ),
        sealed=tuple(bytes(sealed) for sealed in row["sealed"]),
        networks=tuple(ipaddress.ip_network(one) for one in row["networks"]),
        member_active=row["member_active"],
        spoken=switched_on(row["dialect"], {} if said is None else {row["dialect"]: said}),
        epoch=mark, read_at=now, own_changes=own,
        touched=-math.inf if unused_s is None else now - unused_s,
    )  # fmt: skip


def unsealed(station_id: int, api_key_id: int, sealed: bytes) -> str:
    """A secret of a key; raises `SealBroken`."""
    return sealing.unseal(AREA, place_of(station_id, api_key_id), sealed).decode()


def station_in_hand() -> int:
    """The station of the open scope."""
    station: Any = current_scope().station_id
    return int(station)


def _memory() -> KnownKeys:
    kept = extensions()
    return cast(KnownKeys, kept.get(EXTENSION) or kept.setdefault(EXTENSION, KnownKeys()))
