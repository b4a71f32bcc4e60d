"""Put the gate right from PostgreSQL: left := free units less places not decided yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from kameng import redis
from kameng.db import db, run
from kameng.promotions.domain import CLOSED, buyer_mark
from kameng.promotions.services.gate import KEPT_S, keys_of

FLIGHT_S = 60  # no request takes so long: an older place belongs to a process that has died
TRIES = 5
REBUILD_S = 5
AFTER_S = 120  # a closed sale is watched so long: orders of its last second may still be decided

_SALE = text(
    "SELECT id, starts_at, ends_at, state, (SELECT count(*) FROM flash_unit u"
    "  WHERE u.station_id = f.station_id AND u.sale_id = f.id AND u.order_id IS NULL) AS free,"
    " ARRAY(SELECT DISTINCT o.buyer FROM flash_order o"
    "  WHERE o.station_id = f.station_id AND o.sale_id = f.id) AS buyers"
    " FROM flash_sale f WHERE f.station_id = :station AND f.sale_no = :sale"
)
_WATCHED = text(
    "SELECT station_id, sale_no FROM flash_sale WHERE state IN ('planned', 'running')"
    " OR closed_at > now() - make_interval(secs => :after) ORDER BY station_id, id"
)
_REFUSED = text(
    "UPDATE flash_sale SET refused = refused + :n WHERE station_id = :station AND sale_no = :sale"
)
# Nothing is put in when the gate has moved since PostgreSQL was read. A place whose buyer has an
# order by now is decided: its unit is not among the free ones.
_PUT = """
if (redis.call('HGET', KEYS[1], 'seq') or '') ~= ARGV[1] then return 0 end
local t = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', t[1] * 1000000 + t[2] - ARGV[5])
redis.call('DEL', KEYS[2])
for i = 7, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
local open = 0
for _, place in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  local buyer = string.match(place, '^[^|]+')
  if redis.call('SISMEMBER', KEYS[2], buyer) == 1 then
    redis.call('ZREM', KEYS[3], place)
  else
    open = open + 1
  end
end
for _, place in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  redis.call('SADD', KEYS[2], string.match(place, '^[^|]+'))
end
redis.call('HSET', KEYS[1], 'left', math.max(0, ARGV[2] - open), 'starts', ARGV[3], 'ends', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'seq', 1)
for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[6]) end
return 1
"""
_TAKE_REFUSED = """
local n = tonumber(redis.call('HGET', KEYS[1], 'refused') or '0')
if n > 0 then redis.call('HSET', KEYS[1], 'refused', 0) end
return n
"""


def reconcile(station_id: int, sale_no: str, *, flight_s: int = FLIGHT_S) -> bool:
    """Count a sale's gate anew, in any scope that sees the station; leaves no transaction open.

    Places older than `flight_s` are dropped.

    False: there is no such sale, or buyers came and went faster than it could be read; then the
    next look does it. Raises Redis errors.
    """
    keys = keys_of(station_id, sale_no)
    client = redis.client()
    put = client.register_script(_PUT)
    for _try in range(TRIES):
        seq: Any = client.hget(keys[0], "seq")
        row = db.session.execute(_SALE, {"station": station_id, "sale": sale_no}).first()
        db.session.rollback()
        if row is None:
            return False
        given = [
            seq or b"", row.free, _micros(row.starts_at.timestamp()),
            0 if row.state in CLOSED else _micros(row.ends_at.timestamp()),
            _micros(flight_s), KEPT_S, *map(buyer_mark, row.buyers),
        ]  # fmt: skip
        if put(keys=keys, args=given):
            return True
    return False


def rebuild(station_id: int, sale_no: str) -> str:
    """The gate has lost a sale: one request puts it in again, the others are asked to come back.

    done, busy (somebody else does it) or unknown (there is no such sale). Raises Redis errors.
    """
    with _alone(station_id, sale_no) as alone:
        if not alone:
            return "busy"
        if reconcile(station_id, sale_no):
            return "done"
        return "busy" if redis.client().exists(keys_of(station_id, sale_no)[0]) else "unknown"


@contextmanager
def _alone(station_id: int, sale_no: str) -> Iterator[bool]:
    name = redis.station_key(station_id, "flash", sale_no, "rebuild")
    alone = bool(redis.client().set(name, "1", nx=True, ex=REBUILD_S))
    try:
        yield alone
    finally:
        if alone:
            redis.client().delete(name)


def watch() -> int:
    """Turn the states of sales with the clock and put their gates right (main scope); how many."""
    run("turn_flash_sales")
    watched = db.session.execute(_WATCHED, {"after": AFTER_S}).all()
    db.session.commit()
    for station_id, sale_no in watched:
        reconcile(station_id, sale_no)
        _write_refused(station_id, sale_no)
    return len(watched)


def _write_refused(station_id: int, sale_no: str) -> None:
    take = redis.client().register_script(_TAKE_REFUSED)
    n = int(take(keys=keys_of(station_id, sale_no)[:1]))
    if n:
        db.session.execute(_REFUSED, {"n": n, "station": station_id, "sale": sale_no})
        db.session.commit()


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)
