"""Host name → station, for every request before routing."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import select

from kameng import epoch
from kameng.db import call_or_none, db, main_scope
from kameng.runtime import extensions
from kameng.stations.domain import SELLING_STATES, VISIBLE_STATES
from kameng.stations.models import Station

DATABASE_NAME = "kameng.database_name"
FRESH_S = 5.0
# An answer is good for longer while Redis has said within `ASKED_S` that nothing was changed since.
ASKED_S, KEPT_S = 3.0, 300.0
UNKNOWN_S = 0.5  # who opens a shop and looks at once must not be told for long that it is none
MAX_CACHED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StationInfo:
    """What a request must know about its station."""

    id: int
    parent_id: int | None
    path: tuple[int, ...]
    slug: str
    name: str
    tagline: str
    state: str
    grade: str
    theme: str
    theme_settings: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] = field(default_factory=dict)
    notice: str = ""
    locale: str = "zh_Hans_CN"

    @property
    def is_main(self) -> bool:
        """Whether this is the main station."""
        return self.id == 1

    @property
    def visible(self) -> bool:
        """Whether shoppers see the shop (else a page says why not)."""
        return self.state in VISIBLE_STATES

    @property
    def selling(self) -> bool:
        """Whether new orders are taken."""
        return self.state in SELLING_STATES


@dataclass(frozen=True, slots=True)
class _Answer:
    """Whose a host was, and the mark of change that had been heard before it was asked."""

    station: StationInfo | None
    read_at: float
    forgotten: int
    mark: bytes | None

    def good(self) -> bool:
        """Whether it still counts."""
        age = time.monotonic() - self.read_at
        if self.station is None:
            return age <= UNKNOWN_S
        return age <= FRESH_S or (
            age <= KEPT_S and self.mark is not None and self.mark == epoch.heard(ASKED_S)
        )


class _HostCache:
    """Answers of a process, unknown hosts included."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._forgotten = 0

    def get(self, key: tuple[str, str]) -> tuple[bool, StationInfo | None]:
        found = self._answers.get(key)
        if found is None or found.forgotten != self._forgotten or not found.good():
            return False, None
        return True, found.station

    def last(self, key: tuple[str, str]) -> StationInfo | None:
        """What was answered last, which may be true no longer."""
        found = self._answers.get(key)
        return found.station if found else None

    def put(
        self, key: tuple[str, str], answer: StationInfo | None, mark: bytes | None = None
    ) -> None:
        with self._lock:
            if len(self._answers) >= MAX_CACHED:  # somebody sends invented hosts
                self._answers.clear()
            self._answers[key] = _Answer(answer, time.monotonic(), self._forgotten, mark)

    def clear(self, *, whole: bool = False) -> None:
        with self._lock:
            self._forgotten += 1
            if whole:
                self._answers.clear()


_cache = _HostCache()


def normalise_host(host: str) -> str:
    """Lower case, without port and without the final dot."""
    name = host.strip().lower()
    if name.startswith("["):  # an IPv6 literal
        return name.partition("]")[0].lstrip("[")
    return name.partition(":")[0].rstrip(".")


def resolve_host(host: str) -> StationInfo | None:
    """The station that answers at a host, or None. Opens a scope of its own.

    Raises one of `kameng.db.DATABASE_ERRORS` when the database does not answer.
    """
    name = normalise_host(host)
    if not name or len(name) > 253:
        return None
    key = (_database_name(), name)
    known, answer = _cache.get(key)
    if known:
        return answer
    mark = epoch.heard(ASKED_S)  # before the row: a change in between must not pass for read
    answer = _look_up(name)
    _cache.put(key, answer, mark)
    return answer


def guess_host(host: str) -> StationInfo | None:
    """The station that a host had when it was asked for last, now that nobody knows any more.

    Good for asking the database about that station and the host at once (`learn_host`), and for
    nothing else. None where the answer is known, and where there was none.
    """
    key = (_database_name(), normalise_host(host))
    return None if _cache.get(key)[0] else _cache.last(key)


def learn_host(host: str, row: Sequence[Any] | None) -> StationInfo | None:
    """What the database has just said of a guessed host: its row in the order of `StationInfo`.

    None: it is not that station's, whose else must be asked.
    """
    if row is None:
        return None
    answer = _info(dict(zip(_NAMES, row, strict=True)))
    _cache.put((_database_name(), normalise_host(host)), answer)
    return answer


def forget_hosts(*, whole: bool = False) -> None:
    """No answer of this process counts any more. `whole`: nor is it known what they were."""
    _cache.clear(whole=whole)


def stations_changed() -> None:
    """Say so after the commit: other processes notice within `FRESH_S` seconds."""
    forget_hosts()
    epoch.renew()


def _database_name() -> str:
    # Several applications may live in one process (tests): their hosts must not mix.
    kept = extensions()
    known: str | None = kept.get(DATABASE_NAME)
    return known or str(kept.setdefault(DATABASE_NAME, db.engines["main"].url.database))


def _look_up(name: str) -> StationInfo | None:
    with main_scope(reason="host"):
        row = call_or_none("station_of_host", as_main=True, p_host=name)
        return _info(row) if row else None


def load_station(station_id: int) -> StationInfo | None:
    """The station as the open scope sees it."""
    row = db.session.execute(select(*_COLUMNS).where(Station.id == station_id)).one_or_none()
    return _info(row._mapping) if row else None


_COLUMNS = (
    Station.id,
    Station.parent_id,
    Station.path,
    Station.slug,
    Station.name,
    Station.tagline,
    Station.state,
    Station.grade,
    Station.theme,
    Station.theme_settings,
    Station.contact,
    Station.notice,
    Station.locale,
)


_NAMES = tuple(one.name for one in fields(StationInfo))


def _info(row: Mapping[Any, Any]) -> StationInfo:
    return StationInfo(**{**row, "path": tuple(row["path"])})
