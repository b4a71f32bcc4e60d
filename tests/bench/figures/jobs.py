"""Latency of the outbox: from a commit to the start of the actor, at fifty jobs a second.

On a site of its own: the outbox of the others is full of what the rounds have led to. Its
scheduler and worker run as `kameng up` runs them, each with one more subscriber.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace

import psycopg
import redis
from tests.bench.cells.bench import Bench
from tests.bench.figures import memory
from tests.bench.fixture import settle
from tests.bench.pgbench import BenchBroken
from tests.bench.probe import BEATS, TOPIC
from tests.bench.report import percentiles
from tests.bench.sites import Site, further

from kameng.ops import services

NAMES = frozenset({"outbox_p50", "outbox_p99", "memory_worker"})
NUMBER = 9
PER_S, SECONDS, WARM_S = 50, 20.0, 3.0
PATIENCE_S = 20.0
_PUBLISH = "INSERT INTO outbox(station_id, topic, payload) VALUES (1, %s, %s)"


def take(bench: Bench) -> dict[str, float]:
    """p50 and p99 in milliseconds, and what a worker's process needs afterwards in megabytes."""
    site = further(bench.site.installation, "jobs", NUMBER)
    app = site.app()
    with app.app_context():
        from kameng.db import main_scope
        from kameng.stations import api as stations

        with main_scope(reason="bench"):
            stations.create_main_station("Bench")
    site.leave(app)
    settle(site.owner_url)  # what the rounds have left to write would hold up these commits
    _start(site)
    with redis.Redis.from_url(site.settings.redis_url) as cache:
        _beat(site, cache, WARM_S, first=True)
        late = _beat(site, cache, min(SECONDS, 5 * bench.seconds))
    found = percentiles(late)
    return {
        "outbox_p50": found["p50"], "outbox_p99": found["p99"], "memory_worker": memory.of_worker(),
    }  # fmt: skip


def _start(site: Site) -> None:
    worker = services.worker(site.environ)
    command = [
        "tests.bench.probe_worker" if word == "kameng.worker" else word for word in worker.command
    ]
    site.start(replace(worker, command=command))
    scheduler = services.scheduler(site.environ)
    site.start(replace(scheduler, command=[sys.executable, "-m", "tests.bench.probe"]))


def _beat(site: Site, cache: redis.Redis, seconds: float, *, first: bool = False) -> list[float]:
    """Commit one row after the other, evenly; seconds until each was begun."""
    cache.delete(BEATS)
    committed: list[float] = []
    with psycopg.connect(site.owner_url, autocommit=True) as owner:
        began = time.time()
        for number in range(int(seconds * PER_S)):
            time.sleep(max(0.0, began + number / PER_S - time.time()))
            owner.execute(_PUBLISH.encode(), (TOPIC, json.dumps({"n": number})))
            committed.append(time.time())
    return _late(cache, committed, PATIENCE_S * (3 if first else 1))


def _late(cache: redis.Redis, committed: list[float], patience_s: float) -> list[float]:
    end = time.monotonic() + patience_s
    while (there := cache.hlen(BEATS)) < len(committed):
        if time.monotonic() > end:
            raise BenchBroken(f"of {len(committed)} jobs {there} were begun")
        time.sleep(0.1)
    beats = cache.hgetall(BEATS)
    return [max(0.0, float(beats[b"%d" % number]) - at) for number, at in enumerate(committed)]
