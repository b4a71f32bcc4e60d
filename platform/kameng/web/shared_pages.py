"""Kept pages that processes hand to each other through Redis: drawn once for all of them.

A page lies there for what is left of its time, under the station as it was and the mark of change
as it was before the page was drawn. Without Redis each process draws its own.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Hashable
from dataclasses import dataclass
from typing import cast

from kameng import epoch, redis
from kameng.stations import api as stations
from kameng.web.assets_manifest import assets_version

log = logging.getLogger(__name__)

_FIND = (
    epoch.LUA
    + """
local page = false
if redis.call('HGET', KEYS[2], 'mark') == epoch then page = redis.call('HGET', KEYS[2], 'page') end
return {epoch, page, redis.call('PTTL', KEYS[2])}
"""
)
_KEEP = """
redis.call('HSET', KEYS[1], 'mark', ARGV[1], 'page', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
_FIND_DIGEST = redis.digest(_FIND)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies, and the mark of change that it belongs to."""

    name: str
    mark: bytes


def find(key: Hashable, station: stations.StationInfo) -> tuple[Place, bytes | None, float] | None:
    """The place of a page, the page if there is one, and its seconds left; None without Redis."""
    # All that a page depends on, the bundles of this machine included.
    known = repr((key, station, assets_version()))
    digest = hashlib.sha256(known.encode()).hexdigest()
    name = redis.station_key(station.id, "page", digest)
    try:
        mark, page, left_ms = redis.client().run_script(
            _FIND_DIGEST, _FIND, [epoch.key(), name], []
        )
    except redis.RedisError as error:
        log.debug("no page of another process: %s", type(error).__name__)
        return None
    return Place(name, mark), cast("bytes | None", page), left_ms / 1000


def keep(place: Place, page: bytes, seconds: float) -> None:
    """Let other processes have it for so long; failing to is no failure."""
    if seconds <= 0:
        return
    words = [place.mark, page, int(seconds * 1000) or 1]
    try:
        redis.client().tell("EVAL", _KEEP, 1, place.name, *words)
    except redis.RedisError as error:
        log.debug("a page was not shared: %s", type(error).__name__)
