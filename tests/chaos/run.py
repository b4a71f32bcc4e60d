"""`make chaos`: 32 buyers race for a pool of 100 cards over HTTP while everything is killed.

Starts an installation of its own, unless --home names a running one. Ends with exit code 0 only
when exactly the pool was sold, each card once, nobody paid for nothing, and the books balance.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
from faults import faults, shuffled
from shopper import Purchase, Shopper

KAMENG = [sys.executable, "-m", "kameng.cli"]
POOL, ATTEMPTS, BUYERS = 100, 132, 32
TERMINAL = ("delivered", "completed", "refunded", "expired", "cancelled")


def main() -> int:
    """Run the race and judge it; prints one JSON object at the end."""
    options = _options()
    source = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    with Installation(options.home, options.port) as shop:
        code = shop.make_pool(POOL)
        breaker = threading.Thread(target=_break, args=(shop, options, source), daemon=True)
        started = time.monotonic()
        if not options.calm:
            breaker.start()
        purchases = _race(shop, code)
        if not options.calm:
            breaker.join()
        result = _judge(shop, code, purchases)
        result["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(result, ensure_ascii=False, indent=1))
    return 0 if result["ok"] else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="state folder of a running `kameng up`")
    parser.add_argument("--port", type=int, default=8190)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--calm", action="store_true", help="no faults")
    parser.add_argument("--pause", type=float, default=4, help="seconds between faults")
    return parser.parse_args()


class Installation:
    """A running Kameng: its own, started and removed, or one that runs already."""

    def __init__(self, home: Path | None, port: int) -> None:
        self.own = home is None
        self.home = home or Path(tempfile.mkdtemp(prefix="kameng-chaos-"))
        self.environ = {
            **os.environ, "KAMENG_HOME": str(self.home), "KAMENG_PORT": str(port),
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Installation:
        if self.own:
            self.process = subprocess.Popen([*KAMENG, "up"], env=self.environ)
            self._until_ready()
        self.info = json.loads(self._kameng("demo-info", "--json").stdout)
        return self

    def __exit__(self, *_problem: object) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            shutil.rmtree(self.home, ignore_errors=True)

    def _until_ready(self, limit_s: float = 300) -> None:
        give_up = time.monotonic() + limit_s
        while time.monotonic() < give_up:
            if self._kameng("demo-info", "--json").returncode == 0:
                try:
                    shopper = Shopper(
                        f"http://127.0.0.1:{self.port}", "main.localhost", patience_s=1
                    )
                    if shopper.client.get("/").status_code == 200:
                        return
                except Exception:  # whatever it is, it is not ready yet
                    time.sleep(0.5)
            time.sleep(1)
        raise SystemExit("the installation did not get ready")

    @property
    def port(self) -> int:
        return int(self.info_port())

    def info_port(self) -> str:
        return self.environ["KAMENG_PORT"]

    def _kameng(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*KAMENG, *words], env=self.environ, capture_output=True, text=True)

    def make_pool(self, cards: int) -> str:
        """A new SKU with that many cards, entered through the product's own services."""
        code = f"RACE{int(time.time())}"
        script = Path(__file__).with_name("make_pool.py")
        subprocess.run([sys.executable, script, code, str(cards)], env=self.environ, check=True)
        return code

    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Rows as the owner; waits for a server that is just coming back."""
        for _ in range(60):
            try:
                with psycopg.connect(self.info["database_url"]) as connection:
                    return connection.execute(sql.encode(), params).fetchall()
            except psycopg.OperationalError:
                time.sleep(0.5)
        raise SystemExit("the database did not come back")

    def verify(self) -> bool:
        return self._kameng("ledger", "verify").returncode == 0


def _break(shop: Installation, options: argparse.Namespace, source: random.Random) -> None:
    known = faults(shop.home, shop.info["redis_url"])
    for name in shuffled(list(known), source):
        time.sleep(options.pause)
        try:
            print(f"fault: {name} ({known[name]()} hit)", flush=True)
        except Exception as error:  # e.g. Valkey is down already
            print(f"fault: {name} not possible now: {error}", flush=True)


def _race(shop: Installation, code: str) -> list[Purchase]:
    host = shop.info["station_urls"][0].removeprefix("http://")
    base = f"http://127.0.0.1:{shop.port}"

    def attempt(number: int) -> Purchase:
        shopper = Shopper(base, host)
        try:
            return shopper.buy(code, f"139{number:08d}")
        finally:
            shopper.close()

    with ThreadPoolExecutor(BUYERS) as pool:
        return list(pool.map(attempt, range(ATTEMPTS)))


def _judge(shop: Installation, code: str, purchases: list[Purchase]) -> dict[str, Any]:
    """Wait until all that was paid is delivered or refunded, then count."""
    outcomes = [purchase.outcome for purchase in purchases]
    paid = outcomes.count("paid")
    states: dict[str, int] = {}
    give_up = time.monotonic() + 180
    while time.monotonic() < give_up:
        states = dict(_states(shop, code))
        # An order still unpaid here may be one whose notice died with its gateway: it is asked for.
        told = states.get("delivered", 0) + states.get("refunded", 0)
        if told >= paid and not set(states) - {*TERMINAL, "pending_payment"}:
            break
        time.sleep(1)
    sold, orders_with_card = shop.query(
        "SELECT count(*), count(DISTINCT order_id) FROM card c JOIN sku s ON s.id = c.sku_id "
        "WHERE s.code = %s AND c.status = 2",
        code,
    )[0]
    shown = _cards_shown(shop, purchases)
    result = {
        "attempts": {name: outcomes.count(name) for name in sorted(set(outcomes))},
        "orders": states, "cards_sold": sold, "orders_with_a_card": orders_with_card,
        "delivered_pages": shown, "books": shop.verify(),
    }  # fmt: skip
    delivered = states.get("delivered", 0)
    result["ok"] = bool(
        result["books"]
        and sold == orders_with_card == delivered == min(POOL, paid)
        and shown == delivered
        and paid == delivered + states.get("refunded", 0)
        and not outcomes.count("gave_up")
    )
    return result


def _states(shop: Installation, code: str) -> list[tuple[Any, ...]]:
    return shop.query(
        "SELECT o.state, count(*) FROM orders o JOIN sku s ON s.id = o.sku_id "
        "WHERE s.code = %s GROUP BY 1",
        code,
    )


def _cards_shown(shop: Installation, purchases: list[Purchase]) -> int:
    """How many shoppers can open a page that says their card was delivered."""
    host = shop.info["station_urls"][0].removeprefix("http://")
    shopper = Shopper(f"http://127.0.0.1:{shop.port}", host)
    found = 0
    for purchase in purchases:
        if purchase.outcome == "paid" and purchase.order_no:
            found += "已发货" in shopper.card_of(purchase.order_no, purchase.secret)
    shopper.close()
    return found


if __name__ == "__main__":
    raise SystemExit(main())
