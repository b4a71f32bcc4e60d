"""The gate of every request: one script in Redis counts, remembers nonces, and tells the epoch.

Fail-closed: without Redis nobody knows whether a request is a copy of another.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app

from kameng import epoch, redis
from kameng.openapi.services.refusing import refused
from kameng.risk import api as risk

EXTENSION = "kameng.openapi.epoch"
WINDOW_S = 60
NONCE_S = 600  # twice the window in which a timestamp is believed

# KEYS: epoch, nonce, limit, counters…; ARGV: nonce?, its seconds, count?, window, event, windows…
# Of a copied request nothing is counted but that it came. Counters: see kameng.risk.
SCRIPT = (
    epoch.LUA
    + """
local used, left = 0, 0
if ARGV[3] == '1' then
  used = redis.call('INCR', KEYS[3])
  if used == 1 then redis.call('EXPIRE', KEYS[3], ARGV[4]) end
  left = redis.call('TTL', KEYS[3])
end
if ARGV[1] == '1' and not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then
  return {epoch, 0, used, left}
end
local answer = {epoch, 1, used, left}
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
for i = 4, #KEYS do
  local window = tonumber(ARGV[i + 2]) * 1000000
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - window)
  redis.call('ZADD', KEYS[i], 'NX', now, ARGV[5])
  redis.call('PEXPIRE', KEYS[i], window / 1000 + 1000)
  answer[#answer + 1] = redis.call('ZCARD', KEYS[i])
end
return answer
"""
)
DIGEST = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Passed:
    """What the gate said. `reset_s`: until the limit's window begins anew."""

    epoch: bytes
    fresh: bool
    used: int
    reset_s: int
    counts: tuple[int, ...]


def hear(mark: bytes) -> None:
    """Remember the epoch that Redis has just told."""
    current_app.extensions[EXTENSION] = (mark, time.monotonic())


def heard(seconds: float) -> bytes | None:
    """The epoch, when this process has heard it within so many seconds."""
    mark, at = current_app.extensions.get(EXTENSION, (None, 0.0))
    return mark if mark is not None and time.monotonic() - at < seconds else None


def ask(
    station_id: int, key_id: str, nonce: str, event: str, counters: Sequence[risk.Count],
    *, counted: bool = True,
) -> Passed:  # fmt: skip
    """One round trip. `nonce` "": none to remember. Raises `unavailable` without Redis."""
    keys = [
        epoch.key(), redis.station_key(station_id, "nonce", key_id, nonce),
        redis.station_key(station_id, "api-limit", key_id),
        *(redis.global_key("risk", one.name, one.window_s, one.key) for one in counters),
    ]  # fmt: skip
    arguments = [
        "1" if nonce else "0", NONCE_S, "1" if counted else "0", WINDOW_S, f"{station_id}:{event}",
        *(one.window_s for one in counters),
    ]  # fmt: skip
    try:
        answer = redis.client().run_script(DIGEST, SCRIPT, keys, arguments)
    except redis.RedisError as error:
        raise refused("unavailable") from error
    found, fresh, used, left, *counts = answer
    hear(found)
    return Passed(found, bool(fresh), used, max(0, left), tuple(counts))
