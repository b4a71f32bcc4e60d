"""Memory over time: purchases and pages minute by minute, and what the processes need meanwhile."""

from __future__ import annotations

import time

from tests.bench import purchases
from tests.bench.cells import pages
from tests.bench.cells.bench import Bench, delivered
from tests.bench.client import Load
from tests.bench.figures import memory
from tests.bench.fixture import STATIONS, Wanted, fill
from tests.bench.pgbench import PgBench
from tests.bench.servers import Installation
from tests.bench.sites import first
from wsgi import build

from kameng.ops import services

ROUND_S, ROUNDS_PER_MINUTE = 2.0, 3
CARDS_PER_ROUND = int(ROUND_S * 1_500)


def run(found: Installation, minutes: float) -> int:
    """Print megabytes each minute; returns the exit code."""
    cards = int(minutes + 1) * ROUNDS_PER_MINUTE * CARDS_PER_ROUND
    app = build(found.settings)
    traded = fill(app, found.owner_url, Wanted(cards, 100))
    bench = Bench(first(found), app, traded, PgBench(found), ROUND_S)
    site = bench.site
    site.start_web()
    site.start(services.worker(site.environ))
    site.start(services.scheduler(site.environ))
    print("minute   web MB   worker MB   orders")
    for minute in range(int(minutes) + 1):
        began = time.monotonic()
        for _round in range(ROUNDS_PER_MINUTE):
            bench.rate("api", Load(site.address, purchases.spread(traded, CARDS_PER_ROUND)))
            visits = pages.visits(site, STATIONS, CARDS_PER_ROUND)
            bench.rate("pages", visits, wanted=200)
        sold = delivered(site.owner_url)
        print(f"{minute:6} {memory.of_web():8} {memory.of_worker():11} {sold:8}", flush=True)
        if minute < int(minutes):
            time.sleep(max(0.0, 60 - (time.monotonic() - began)))
    for line in bench.odd:
        print("NOTE", line)
    return 0
