"""Rate limits on Redis: open for pages, closed for the doors of staff when Redis is away."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from flask import Flask, current_app, g, request
from flask_babel import lazy_gettext as _l
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from kameng import epoch, redis
from kameng.errors import TooMany, Unavailable
from kameng.settings import Settings

log = logging.getLogger(__name__)

EXTENSION = "kameng.limits"
COUNTED = "kameng.counted"  # in the environment of a request that a short way has counted
# Per address and minute. A whole dormitory may sit behind one address.
PAGES_PER_MIN = 6_000
PAGES_UNASKED_PER_MIN = 300  # so many per process cost no round trip to Redis
PAGES_AT_ONCE = 20
WRITES_PER_MIN = 1_800


class _Seen:
    """Page views of this minute by address, in this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.minute = 0
        self.counts: Counter[str] = Counter()

    def add(self, address: str) -> int:
        """Count one; how many it makes this minute. A lost update among threads does no harm."""
        minute = int(self.clock() // 60)
        if minute != self.minute:
            self.minute, self.counts = minute, Counter()
        self.counts[address] += 1
        return self.counts[address]

    def paid(self, address: str, count: int) -> None:
        """So many of this minute are counted in Redis already."""
        self.counts[address] -= count


_seen = _Seen()


# The library's own script, and the mark of change in the same round trip. KEYS: mark, previous
# window, current one.
_SCRIPT = (
    epoch.LUA + "local function acquire(KEYS, ARGV)\n"
    + RedisStorage.SCRIPT_ACQUIRE_SLIDING_WINDOW.decode()
    + "\nend\nreturn {epoch, acquire({KEYS[2], KEYS[3]}, ARGV) and 1 or 0}"
)  # fmt: skip
_DIGEST = redis.digest(_SCRIPT)


class _Storage(RedisStorage):
    """The library's storage and script, asked by the thread's own line to Redis."""

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count; false beyond the limit. Raises Redis errors."""
        keys = [
            epoch.key(),
            self.prefixed_key(self._previous_window_key(key)),
            self.prefixed_key(self._current_window_key(key)),
        ]
        changes = epoch.own_changes()
        mark, passed = redis.client().run_script(_DIGEST, _SCRIPT, keys, [limit, expiry, amount])
        epoch.hear(changes, mark)
        return bool(passed)


def init_limits(app: Flask, settings: Settings) -> None:
    """One limiter per application, and the wide limit in front of all pages."""
    pool = app.extensions[redis.EXTENSION].connection_pool
    storage = _Storage("redis://", connection_pool=pool, key_prefix="km-limits")
    app.extensions[EXTENSION] = SlidingWindowCounterRateLimiter(storage)
    app.before_request(_limit_address)


def limit(
    name: str, key: object, amount: int, seconds: int, *, closed: bool = False, cost: int = 1
) -> None:
    """Count one attempt, or `cost` of them; raises `TooMany` beyond `amount` per `seconds`.

    `closed`: refuse with 503 when Redis cannot be asked (staff login), instead of letting pass.
    """
    limiter = cast(SlidingWindowCounterRateLimiter, current_app.extensions[EXTENSION])
    item = RateLimitItemPerSecond(amount, seconds)
    station = g.get("station") if g else None
    identifiers = (name, str(station.id if station else 0), str(key))
    try:
        if redis.client().resting:
            raise redis.RedisError("resting")
        passed = limiter.hit(item, *identifiers, cost=cost)
    except redis.RedisError as error:
        log.warning("limit %s cannot be counted: %s", name, type(error).__name__)
        if closed:
            raise Unavailable("limits_down", _l("登录服务暂时不可用，请稍后再试。")) from error
        return
    if not passed:
        raise TooMany("too_many", _l("操作太频繁，请稍后再试。"), retry_after=seconds)


def client_ip() -> str:
    """Address of the caller; proxies are believed only as far as `trusted_proxies` says."""
    return request.remote_addr or ""


def count_page(address: str) -> None:
    """Count a page view; raises `TooMany`. Beyond the first few, Redis is told of many at once.

    They are counted before they come, so nobody gets more pages than without that.
    """
    if _seen.add(address) > PAGES_UNASKED_PER_MIN:
        limit("pages", address, PAGES_PER_MIN, 60, cost=PAGES_AT_ONCE)
        _seen.paid(address, PAGES_AT_ONCE)


def count_write(address: str) -> None:
    """Count a form or whatever else may change something; raises `TooMany`."""
    limit("writes", address, WRITES_PER_MIN, 60)


def _limit_address() -> Any:
    if g.audience in (None, "internal", "webhook", "api"):
        return
    if request.method in ("GET", "HEAD"):
        count_page(client_ip())
    elif COUNTED not in request.environ:
        count_write(client_ip())
