"""Exact sliding windows: one Lua script in Redis, PostgreSQL while Redis is away."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import cast

from kameng import redis as kameng_redis
from kameng.db import db, run
from kameng.risk.domain import Count

log = logging.getLogger("kameng.risk")

# For each key: note the event (its first time counts), forget what left the window, count.
# Redis runs a script alone and tells the time itself, so of ten at once exactly one is the tenth.
SLIDING_WINDOWS = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local counts = {}
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[i + 1]) * 1000000
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  redis.call('ZADD', key, 'NX', now, ARGV[1])
  redis.call('PEXPIRE', key, window / 1000 + 1000)
  counts[i] = redis.call('ZCARD', key)
end
return counts
"""
DIGEST = kameng_redis.digest(SLIDING_WINDOWS)


def count(station_id: int, event_id: str, wanted: Sequence[Count]) -> Mapping[str, int]:
    """Count an event under every wanted counter; the numbers include it, by counter name.

    Counts run across all stations. Commits when PostgreSQL has to count.
    """
    if not wanted:
        return {}
    event = f"{station_id}:{event_id}"
    try:
        numbers = _count_in_redis(event, wanted)
    except kameng_redis.RedisError as error:
        log.warning("velocity is counted in PostgreSQL: %s", type(error).__name__)
        numbers = _count_in_postgresql(station_id, event, wanted)
    return {one.name: number for one, number in zip(wanted, numbers, strict=True)}


def _count_in_redis(event: str, wanted: Sequence[Count]) -> list[int]:
    keys = [kameng_redis.global_key("risk", one.name, one.window_s, one.key) for one in wanted]
    windows = [one.window_s for one in wanted]
    given = DIGEST, SLIDING_WINDOWS, keys, [event, *windows]
    return [int(number) for number in cast(list[int], kameng_redis.client().run_script(*given))]


def _count_in_postgresql(station_id: int, event: str, wanted: Sequence[Count]) -> list[int]:
    numbers = []
    for one in wanted:
        (row,) = run(
            "count_risk_hit", p_station=station_id, p_counter=f"{one.name}/{one.window_s}",
            p_key=one.key, p_event_id=event, p_window_s=one.window_s,
        )  # fmt: skip
        db.session.commit()  # lets the next of the same key count
        numbers.append(int(row["hits"]))
    return numbers
