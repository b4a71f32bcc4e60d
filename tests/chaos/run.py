"""`make chaos`: an installation sells while everything around it is broken; then it is judged.

Starts an installation of its own, unless --home names a running one. Ends with exit code 0 only when
no rule of the checker is violated.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from . import checker, facts, faults, goods, report
from .breaker import Breaker
from .history import History, read_events
from .installation import COMES_BACK_S, ROOT, Installation
from .load import INTEGRATORS, Load
from .settling import end_rests, settle

CARDS_A_SECOND, CARDS_AT_LEAST = 6, 300
BACK_S = 2 * COMES_BACK_S


def main() -> int:
    """One run from start to verdict."""
    options = _options()
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begun:6.1f} s] {text}", flush=True)

    say(f"seed {options.seed}, {options.seconds} s")
    with Installation(options.home, options.port) as shop:
        say(f"the installation runs in {shop.home}")
        result = Run(shop, options, say).judge()
        shop.keep = options.keep or not result["ok"]
        report.write(result, options.results / "latest.json")
        print("\n".join(report.lines(result)), flush=True)
    return 0 if result["ok"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long it sells beside faults")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--home", type=Path, help="state folder of a running `kameng up`")
    parser.add_argument("--port", type=int, default=8190, help="its port; the next one is used too")
    parser.add_argument("--calm", action="store_true", help="no faults")
    parser.add_argument("--keep", action="store_true", help="leave the state folder, with its logs")
    parser.add_argument("--results", type=Path, default=ROOT / "var" / "chaos")
    return parser.parse_args()


class Run:
    """Goods, load beside faults, settling, verdict."""

    def __init__(self, shop: Installation, options: argparse.Namespace, say: Any) -> None:
        self._shop, self._options, self._say = shop, options, say
        self._history = History(options.results / f"history-{options.seed}.jsonl")
        self._since = facts.last_order(shop)
        self._goods = self._stock_up()
        self._before = facts.wallets(shop, [key["member"] for key in self._goods["keys"]])
        self._problems: list[str] = []

    def _stock_up(self) -> dict[str, Any]:
        many = max(CARDS_AT_LEAST, CARDS_A_SECOND * self._options.seconds)
        mark = f"{time.time_ns() // 10**6 % 10**9}"
        done = self._shop.python("-m", goods.__name__, mark, str(many), str(INTEGRATORS))
        if done.returncode != 0:
            raise SystemExit(f"no goods: {done.stderr[-2000:]}")
        for name in faults.SUPPLIERS:
            self._shop.lever(f"{name}/control/balance", amount="10000000")
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    def judge(self) -> dict[str, Any]:
        """Do it all; returns the report."""
        load, breaker = self._sell()
        self._say("the load is over; waiting until every order has ended")
        settled_s = settle(self._shop, self._since)
        self._say(f"settled after {settled_s:.1f} s; looking at the books")
        self._history.close()
        events = read_events(self._history.path)
        pools = [self._goods["race"], *self._goods["pools"]]
        found = facts.collect(self._shop, self._since, pools, self._before)
        self._problems += load.errors
        return report.make(
            events, found, checker.check(events, found), seed=self._options.seed,
            seconds=self._options.seconds, settled_s=round(settled_s, 1),
            left_out=self._left_out(), faults=dict(breaker.counts), hits=dict(breaker.hits), in_vain=breaker.missed,
            clients=dict(load.outcomes), race=self._goods["race"], problems=self._problems,
        )  # fmt: skip

    def _left_out(self) -> list[str]:
        able = faults.possible(self._shop)
        return [fault.name for fault in faults.CATALOGUE if fault not in able]

    def _sell(self) -> tuple[Load, Breaker]:
        options, shop = self._options, self._shop
        source = random.Random(options.seed)
        able = () if options.calm else faults.possible(shop)
        steps = faults.plan(options.seconds, source, able)
        source = random.Random(f"{options.seed}:faults")
        breaker = Breaker(shop, steps, source, self._history, self._say)
        load = Load(shop, self._history, self._goods, options.seed)
        load.begin()
        breaker.begin()
        time.sleep(options.seconds)
        breaker.end()
        faults.everything_well(shop)
        end_rests(shop)
        load.end()
        shop.until_ready(BACK_S)
        if not shop.up_runs():
            self._problems.append("`kameng up` has ended")
        return load, breaker


if __name__ == "__main__":
    sys.exit(main())
