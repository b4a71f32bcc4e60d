"""The gate in Redis: it sends away who comes too late, before PostgreSQL is asked.

Three keys for each sale: `meta` (what is left, when it begins and ends, how often it has changed),
`buyers` (who has an order of it, or is about to) and `flight` (places given out whose order is not
decided yet, with their time). The gate may be wrong or lost; `reconciling` puts it right.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kameng import chance, redis
from kameng.errors import DomainError
from kameng.promotions.domain import buyer_mark

log = logging.getLogger(__name__)
KEPT_S = 2 * 24 * 3600

# For scripts of others too. Words: missing, early, over, once (ask PostgreSQL: it may be a repeat),
# sold_out, reserved.
LUA = f"""
local function enter_flash(meta, buyers, flight, buyer, ticket)
  local sale = redis.call('HMGET', meta, 'left', 'starts', 'ends')
  if not sale[1] then return 'missing' end
  local t = redis.call('TIME')
  local now = t[1] * 1000000 + t[2]
  if now < tonumber(sale[2]) then return 'early' end
  if now >= tonumber(sale[3]) then return 'over' end
  if redis.call('SISMEMBER', buyers, buyer) == 1 then return 'once' end
  if tonumber(sale[1]) <= 0 then
    redis.call('HINCRBY', meta, 'refused', 1)
    return 'sold_out'
  end
  redis.call('HINCRBY', meta, 'left', -1)
  redis.call('SADD', buyers, buyer)
  redis.call('ZADD', flight, now, buyer .. '|' .. ticket)
  redis.call('EXPIRE', buyers, {KEPT_S})
  redis.call('EXPIRE', flight, {KEPT_S})
  return 'reserved'
end
"""
_ENTER = LUA + "return enter_flash(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])"
# A place that is no longer in flight was counted anew already: nothing is added for it.
_SETTLE = """
redis.call('HINCRBY', KEYS[1], 'seq', 1)
return redis.call('ZREM', KEYS[3], ARGV[1] .. '|' .. ARGV[2])
"""
_GIVE_BACK = """
redis.call('HINCRBY', KEYS[1], 'seq', 1)
if redis.call('ZREM', KEYS[3], ARGV[1] .. '|' .. ARGV[2]) == 0 then return 0 end
if redis.call('HEXISTS', KEYS[1], 'left') == 1 then redis.call('HINCRBY', KEYS[1], 'left', 1) end
if ARGV[3] == '0' then redis.call('SREM', KEYS[2], ARGV[1]) end
return 1
"""
_DIGESTS = {script: redis.digest(script) for script in (_ENTER, _SETTLE, _GIVE_BACK)}


@dataclass(frozen=True, slots=True)
class Ticket:
    """One buyer at the gate of one sale."""

    station_id: int
    sale_no: str
    mark: str
    number: str

    @property
    def keys(self) -> tuple[str, ...]:
        """meta, buyers, flight."""
        return keys_of(self.station_id, self.sale_no)


@lru_cache(maxsize=256)
def keys_of(station_id: int, sale_no: str) -> tuple[str, ...]:
    """The three keys of a sale: meta, buyers, flight."""
    return tuple(
        redis.station_key(station_id, "flash", sale_no, part)
        for part in ("meta", "buyers", "flight")
    )


def ticket(station_id: int, sale_no: str, buyer: str) -> Ticket:
    """A buyer's request to enter; `buyer` as orders name a shopper."""
    return Ticket(station_id, sale_no, buyer_mark(buyer), chance.token_hex(8))


def enter(one: Ticket) -> str:
    """The gate's word. Raises Redis errors."""
    word: bytes = _say(_ENTER, one)
    return word.decode()


def held(one: Ticket | None) -> AbstractContextManager[None]:
    """Keep a reserved place while PostgreSQL decides.

    A refusal gives it back. Any other error leaves open whether there is an order now: the place
    stays in flight until the watch has looked. Without Redis it stays there as well.
    """
    return nullcontext() if one is None else _held(one)


@contextmanager
def _held(one: Ticket) -> Iterator[None]:
    try:
        yield
    except DomainError as refusal:
        _tell(one, _GIVE_BACK, int(refusal.code == "flash_once"))
        raise
    _tell(one, _SETTLE)


def _tell(one: Ticket, script: str, *more: int) -> None:
    try:
        _say(script, one, *more)
    except redis.RedisError as error:
        log.warning("the gate was not told: %s", type(error).__name__)


def _say(script: str, one: Ticket, *more: int) -> Any:
    words = [one.mark, one.number, *more]
    return redis.client().run_script(_DIGESTS[script], script, one.keys, words)
