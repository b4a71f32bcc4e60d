"""Short-lived numbers in Redis; when Redis is away the page is slower, never broken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from flask import current_app

from kameng.redis import RedisError, client, digest

EXTENSION = "kameng.catalog.cache"
_WRITE = "for n, name in ipairs(KEYS) do redis.call('SET', name, ARGV[n + 1], 'PX', ARGV[1]) end"
_WRITE_DIGEST = digest(_WRITE)
PAUSE_S = 5.0  # after a failure, do not make every page wait for the same dead server


class _Local:
    """What one process remembers: until when Redis is left alone, and values meanwhile."""

    def __init__(self) -> None:
        self.paused_until = 0.0
        self.values: dict[str, tuple[float, Any]] = {}


def _local() -> _Local:
    found: _Local = current_app.extensions.setdefault(EXTENSION, _Local())
    return found


def read_many(keys: Sequence[str]) -> list[int | None]:
    """Cached whole numbers, None for each that is missing."""
    local = _local()
    if not keys or time.monotonic() < local.paused_until:
        return [None] * len(keys)
    try:
        found = cast("list[bytes | None]", client().ask("MGET", *keys))
        return [None if raw is None else int(raw) for raw in found]
    except (RedisError, ValueError):
        local.paused_until = time.monotonic() + PAUSE_S
        return [None] * len(keys)


def write_many(values: Mapping[str, int], lifetime_ms: int) -> None:
    """Keep whole numbers for a while; failing to is no failure."""
    local = _local()
    if not values or time.monotonic() < local.paused_until:
        return
    try:
        client().run_script(_WRITE_DIGEST, _WRITE, list(values), [lifetime_ms, *values.values()])
    except RedisError:
        local.paused_until = time.monotonic() + PAUSE_S


def forget(keys: Sequence[str]) -> None:
    """Drop cached values; without Redis they end by themselves."""
    try:
        if keys:
            client().delete(*keys)
    except RedisError:
        _local().paused_until = time.monotonic() + PAUSE_S


def remember(key: str, lifetime_s: int, compute: Callable[[], Any]) -> Any:
    """A JSON value by key, computed at most once per lifetime (per process when Redis is away)."""
    local = _local()
    if time.monotonic() >= local.paused_until:
        try:
            raw = cast("bytes | None", client().ask("GET", key))
            if raw is not None:
                return json.loads(raw)
            value = compute()
            client().ask("SET", key, json.dumps(value), "EX", lifetime_s)
            return value
        except RedisError:
            local.paused_until = time.monotonic() + PAUSE_S
    until, value = local.values.get(key, (0.0, None))
    if time.monotonic() >= until:
        value = compute()
        local.values[key] = (time.monotonic() + lifetime_s, value)
    return value
