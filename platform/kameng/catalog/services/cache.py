"""Short-lived values in Redis; when Redis is away the page is slower, never broken."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import current_app

from kameng.redis import RedisError, client
from kameng.redis_line import packed

EXTENSION = "kameng.catalog.cache"
_WRITE = """
for n, name in ipairs(KEYS) do redis.call('SET', name, ARGV[2 * n - 1], 'PX', ARGV[2 * n]) end
"""
MOST = 10_000  # values of one process
PAUSE_S = 5.0  # after a failure, do not make every page wait for the same dead server


class _Local:
    """What one process remembers: until when Redis is left alone, and values meanwhile."""

    def __init__(self) -> None:
        self.paused_until = 0.0
        self.values: dict[str, tuple[float, Any]] = {}

    def read(self, key: str) -> Any:
        until, value = self.values.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def write(self, values: Mapping[str, tuple[Any, int]]) -> None:
        if len(self.values) >= MOST:
            self.values.clear()
        now = time.monotonic()
        self.values |= {key: (now + ms / 1000, value) for key, (value, ms) in values.items()}


def _local() -> _Local:
    found: _Local = current_app.extensions.setdefault(EXTENSION, _Local())
    return found


def question(keys: Sequence[str]) -> bytes:
    """What `read_many` says to Redis, for those who ask for the same keys again and again."""
    return packed(["MGET", *keys])


def read_many(keys: Sequence[str], said: bytes | None = None) -> list[Any]:
    """JSON values by key, None for each that is missing. When Redis is away, this process's own.

    `said`: the `question` for these keys.
    """
    local = _local()
    if keys and time.monotonic() >= local.paused_until:
        try:
            answer = client().ask_packed(said or question(keys))
            return [_value(raw) for raw in cast("list[bytes | None]", answer)]
        except (RedisError, ValueError):
            local.paused_until = time.monotonic() + PAUSE_S
    return [local.read(key) for key in keys]


def _written(value: Any) -> Any:
    return value if type(value) is int else json.dumps(value)


def _value(raw: bytes | None) -> Any:
    if raw is None:
        return None
    return int(raw) if raw.isdigit() else json.loads(raw)  # most are levels


def write_many(values: Mapping[str, tuple[Any, int]]) -> None:
    """Keep JSON values, each for its milliseconds; in this process alone when Redis is away.

    Nobody waits until they are kept: this thread reads them, others a moment later.
    """
    local = _local()
    if values and time.monotonic() >= local.paused_until:
        words = [word for value, ms in values.values() for word in (_written(value), ms)]
        try:
            client().tell("EVAL", _WRITE, len(values), *values, *words)
        except RedisError:
            local.paused_until = time.monotonic() + PAUSE_S
        else:
            return
    local.write(values)


def forget(keys: Sequence[str]) -> None:
    """Drop cached values; without Redis those of other processes end by themselves."""
    for key in keys:
        _local().values.pop(key, None)
    try:
        if keys:
            client().delete(*keys)
    except RedisError:
        _local().paused_until = time.monotonic() + PAUSE_S
