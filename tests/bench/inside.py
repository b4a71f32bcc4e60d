"""Where a purchase's time goes inside PostgreSQL: CPU of one backend, and time by function.

One client, and the commit does not wait for the disk: what is left is work. `own` is without called
functions; foreign keys and row level security are checked inside the statements of a function.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from tests.bench.fixture import Fixture
from tests.bench.pgbench import PgBench
from tests.bench.processes import cpu_of
from tests.bench.purchases import pair
from tests.bench.servers import LIMITS, Installation

PURCHASE = """
SELECT code FROM buy_with_balance(p_station => %s::bigint, p_key => %s::bigint, p_number => gen_random_uuid()::text,
  p_hash => '\\x00'::bytea, p_sku => %s::text, p_quantity => 1, p_max_total => NULL::bigint, p_inputs => '{}'::jsonb,
  p_ip => '127.0.0.1', p_order_no => gen_random_uuid()::text, p_attempt_no => gen_random_uuid()::text,
  p_secret_hash => '\\x00'::bytea, p_risk => 'allow', p_risk_reasons => '[]'::jsonb, p_risk_facts => '{}'::jsonb,
  p_notify_url => '')
"""
BARE = "SELECT bare_buy(%s::bigint, %s::int, gen_random_uuid()::text)"
FUNCTIONS = """
SELECT funcname, calls::float / %s, self_time * 1000 / %s, total_time * 1000 / %s
  FROM pg_stat_user_functions WHERE calls > 0 ORDER BY self_time DESC
"""
WAL = "SELECT wal_records, wal_bytes, wal_fpi FROM pg_stat_wal"
BATCHES = 4


def show(found: Installation, fixture: Fixture, count: int) -> None:
    """Print microseconds a purchase: CPU of the backend, and each function's share of the time."""
    PgBench(found).prepare(2 * count)
    bare = _best_us(found.postgres.url(LIMITS), count, lambda n: (BARE, (n % 1000, n % 100 + 1)))
    with psycopg.connect(found.owner_url, autocommit=True) as owner:
        owner.execute("ALTER SYSTEM SET track_functions = 'all'")
        owner.execute("SELECT pg_reload_conf(), pg_stat_reset()")
        owner.execute("SELECT pg_stat_reset_shared('wal')")

        def purchase(number: int) -> tuple[str, tuple[object, ...]]:
            key, sku = pair(fixture, number)
            return PURCHASE, (key.station_id, key.id, sku)

        best = _best_us(found.owner_url.replace("postgres@", "kameng_app@"), count, purchase)
        print("\none client, CPU of the backend:")
        print(f"  {best:.0f} us the purchase function; {bare:.0f} us the bare order")
        _functions(owner, count)
        row = owner.execute(WAL).fetchone()
    if row:
        records, size, images = (float(value) / count for value in row)
        print(f"  WAL: {records:.0f} records, {size / 1000:.1f} kB, {images:.2f} whole pages")


def _best_us(
    address: str, count: int, statement: Callable[[int], tuple[str, tuple[object, ...]]]
) -> float:
    """Runs so many; CPU microseconds of one in the best batch."""
    times = []
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for batch in range(BATCHES):
            before = cpu_of(connection.info.backend_pid)
            for number in range(batch * count // BATCHES, (batch + 1) * count // BATCHES):
                text, values = statement(number)
                connection.execute(text.encode(), values, prepare=True)
            took = cpu_of(connection.info.backend_pid) - before
            times.append(took / (count // BATCHES) * 1e6)
    return min(times)


def _functions(owner: psycopg.Connection, count: int) -> None:
    time.sleep(1.5)  # statistics come late
    print("  own us   with called   calls   function")
    for name, calls, own, whole in owner.execute(FUNCTIONS.encode(), (count, count, count)):
        print(f"  {own:6.1f} {whole:13.1f} {calls:7.1f}   {name}")
