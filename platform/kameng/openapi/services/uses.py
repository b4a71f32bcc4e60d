"""When and from where keys were used last: at once, and those of a crowd together."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import cast

from flask import Flask

from kameng.db import call, end_reading, station_scope
from kameng.openapi.domain.callers import Caller
from kameng.runtime import application_context, extensions

log = logging.getLogger(__name__)
EXTENSION = "kameng.openapi.uses"
CALM_S = 0.1  # so long after the last note the next is written at once
TOGETHER_S = 1.0
MOST_IP = 45


@dataclass(slots=True)
class _Notes:
    """Uses that are not written yet, (station, key): address. `due`: a thread will write them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: dict[tuple[int, int], str] = field(default_factory=dict)
    written_at: float = 0.0
    due: bool = False

    def put(self, key: tuple[int, int], ip: str) -> str:
        """Keep it for later: `thread` must be started then, `later`; or `now`, when it is calm."""
        with self.lock:
            now = time.monotonic()
            if now - self.written_at > CALM_S:
                self.written_at = now
                return "now"
            self.written_at = now
            self.waiting[key] = ip
            started, self.due = self.due, True
            return "later" if started else "thread"

    def take(self) -> dict[int, dict[int, str]]:
        """All that wait, by station."""
        with self.lock:
            taken, self.waiting, self.due = self.waiting, {}, False
        found: dict[int, dict[int, str]] = defaultdict(dict)
        for (station, key), ip in taken.items():
            found[station][key] = ip
        return found


def note(caller: Caller) -> None:
    """Note that a key has just been used (station scope). Nothing hangs on it: it may be lost."""
    ip = caller.ip[:MOST_IP]
    when = _notes().put((caller.station_id, caller.api_key_id), ip)
    if when == "now":
        end_reading()
        _write(caller.station_id, {caller.api_key_id: ip})
    elif when == "thread":
        app = application_context().app
        thread = threading.Timer(TOGETHER_S, _write_all, (app,))
        thread.daemon = True
        thread.start()


def write_waiting() -> None:
    """Write what waits now; outside every scope."""
    for station, uses in _notes().take().items():
        with station_scope(station):
            _write(station, uses)


def _write_all(app: Flask) -> None:
    try:
        with app.app_context():
            write_waiting()
    except Exception as error:  # the database is away: nobody is there to be told
        log.warning("uses of keys were not written: %s", type(error).__name__)


def _write(station: int, uses: dict[int, str]) -> None:
    call("note_api_key_uses", p_station=station, p_ids=list(uses), p_ips=list(uses.values()))


def _notes() -> _Notes:
    kept = extensions()
    return cast(_Notes, kept.get(EXTENSION) or kept.setdefault(EXTENSION, _Notes()))
