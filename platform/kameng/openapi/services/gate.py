"""The gate of every request: one script in Redis counts, remembers nonces, and tells the epoch.

Fail-closed: without Redis nobody knows whether a request is a copy of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kameng import epoch, redis
from kameng.openapi.services.refusing import refused
from kameng.promotions import api as promotions
from kameng.risk import api as risk

WINDOW_S = 60
NONCE_S = 600  # twice the window in which a timestamp is believed

# KEYS: epoch, nonce, limit, counters…; ARGV: nonce?, its seconds, count?, window, event, windows…
# Of a copied request nothing is counted but that it came. Counters: see kameng.risk.
_HEAD = """
local used, left = 0, 0
if ARGV[3] == '1' then
  used = redis.call('INCR', KEYS[3])
  if used == 1 then
    redis.call('EXPIRE', KEYS[3], ARGV[4])
    left = tonumber(ARGV[4])
  else
    left = redis.call('TTL', KEYS[3])
  end
end
if ARGV[1] == '1' and not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[2]) then
  return {epoch, 0, used, left}
end
"""
_COUNTERS = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
for i = first, #KEYS do
  local window = tonumber(ARGV[#ARGV - #KEYS + i]) * 1000000
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - window)
  redis.call('ZADD', KEYS[i], 'NX', now, ARGV[5])
  redis.call('PEXPIRE', KEYS[i], window / 1000 + 1000)
  answer[#answer + 1] = redis.call('ZCARD', KEYS[i])
end
return answer
"""
SCRIPT = epoch.LUA + _HEAD + "local answer, first = {epoch, 1, used, left}, 4\n" + _COUNTERS
# KEYS: epoch, nonce, limit, three of a flash sale, counters…; ARGV: the five, limit, buyer, ticket,
# windows… Who is over the limit takes no place; nothing more is counted of who is sent away.
FLASH_SCRIPT = (
    promotions.LUA
    + epoch.LUA
    + _HEAD
    + """
local word = ''
if used <= tonumber(ARGV[6]) then
  word = enter_flash(KEYS[4], KEYS[5], KEYS[6], ARGV[7], ARGV[8])
end
local answer, first = {epoch, 1, used, left, word}, 7
if word == 'sold_out' or word == 'early' or word == 'over' then return answer end
"""
    + _COUNTERS
)


DIGEST, FLASH_DIGEST = redis.digest(SCRIPT), redis.digest(FLASH_SCRIPT)


@dataclass(frozen=True, slots=True)
class Passed:
    """What the gate said. `reset_s`: until the limit's window begins anew.

    `flash`: the word of a flash sale's gate; "" when it was not asked.
    """

    epoch: bytes
    fresh: bool
    used: int
    reset_s: int
    counts: tuple[int, ...]
    flash: str = ""


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
    found, fresh, used, left, *counts = _said(DIGEST, SCRIPT, keys, arguments)
    epoch.note(found)
    return Passed(found, bool(fresh), used, max(0, left), tuple(counts))


@dataclass(frozen=True, slots=True)
class FlashEntry:
    """A request that wants a unit of a flash sale, and how many requests its key may send."""

    ticket: promotions.Ticket
    limit: int


def ask_for_flash(
    station_id: int, key_id: str, nonce: str, event: str, counters: Sequence[risk.Count],
    flash: FlashEntry,
) -> Passed:  # fmt: skip
    """The same for a unit of a flash sale, still one round trip. Raises `unavailable`.

    Who is sent away has no counts: there will be no order to judge.
    """
    keys = [
        epoch.key(), redis.station_key(station_id, "nonce", key_id, nonce),
        redis.station_key(station_id, "api-limit", key_id), *flash.ticket.keys,
        *(redis.global_key("risk", one.name, one.window_s, one.key) for one in counters),
    ]  # fmt: skip
    arguments = [
        "1" if nonce else "0", NONCE_S, "1", WINDOW_S, f"{station_id}:{event}", flash.limit,
        flash.ticket.mark, flash.ticket.number, *(one.window_s for one in counters),
    ]  # fmt: skip
    found, fresh, used, left, *more = _said(FLASH_DIGEST, FLASH_SCRIPT, keys, arguments)
    epoch.note(found)
    word, counts = (more[0].decode(), more[1:]) if more else ("", [])
    counts = counts or [0] * len(counters)
    return Passed(found, bool(fresh), used, max(0, left), tuple(counts), word)


def _said(digest: str, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
    try:
        return redis.client().run_script(digest, script, keys, arguments)
    except redis.RedisError as error:
        raise refused("unavailable") from error
