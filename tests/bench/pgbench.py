"""pgbench of the embedded server, and the limits that it measures."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from tests.bench.servers import LIMITS, Installation

from kameng.ops.postgres import DATABASE

CLIENTS, HANDS = 16, 64  # HANDS: clients that post at once
SCRIPTS = Path(__file__).parent


class BenchBroken(Exception):
    """Something failed that must not be taken for slowness; the message says what."""


@dataclass(frozen=True)
class PgBench:
    """pgbench on the installation's server, over its socket, with prepared statements."""

    installation: Installation

    def prepare(self, cards: int) -> None:
        """Tables of the limits: TPC-B at scale 10, and orders with so many bare cards."""
        server = self.installation.postgres
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {LIMITS}".encode())
        self._run("-i", "-q", "-s", "10", LIMITS)
        with psycopg.connect(server.url(LIMITS), autocommit=True) as connection:
            connection.execute((SCRIPTS / "limits/prepare.sql").read_bytes())
            connection.execute("SELECT bare_cards(%s)", (cards,))
            connection.execute("VACUUM ANALYZE")
        with psycopg.connect(self.installation.owner_url, autocommit=True) as connection:
            connection.execute((SCRIPTS / "posting/prepare.sql").read_bytes())

    def tpcb(self, seconds: float) -> float:
        """T: what this machine's PostgreSQL can do with the benchmark that everybody has."""
        return self._rate(seconds, LIMITS, CLIENTS)

    def bare_order(self, seconds: float) -> float:
        """D: an order as one call that writes rows and checks nothing."""
        return self._script(seconds, LIMITS, CLIENTS, "limits/order.sql")

    def purchase(self, seconds: float, **variables: int) -> float:
        """P: the product's own purchase function, called as role app."""
        return self._script(
            seconds, DATABASE, CLIENTS, "limits/purchase.sql", role="kameng_app", **variables
        )

    def posting(self, seconds: float, name: str) -> float:
        """Payments of random wallets to one account that everybody pays, by 64 clients.

        `post`: the ledger's own function. `insert_only`: the same rows by bare statements into
        bare tables. `one_statement`: by a single statement; nothing can be nearer to the machine.
        """
        return self._script(seconds, DATABASE, HANDS, f"posting/{name}.sql")

    def _script(
        self, seconds: float, database: str, clients: int, script: str,
        role: str = "postgres", **variables: int,
    ) -> float:  # fmt: skip
        given = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
        words = ("-f", str(SCRIPTS / script), *given)
        return self._rate(seconds, database, clients, *words, role=role)

    def _rate(
        self, seconds: float, database: str, clients: int, *words: str, role: str = "postgres"
    ) -> float:
        whole = str(max(1, round(seconds)))  # pgbench knows no parts of a second
        usual = ("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", whole)
        printed = self._run(*usual, *words, database, role=role)
        found = re.search(r"tps = ([\d.]+)", printed)
        if not found:
            raise BenchBroken(f"pgbench named no rate: {printed}")
        return float(found[1])

    def _run(self, *words: str, role: str = "postgres") -> str:
        server = self.installation.postgres
        command = [str(server.programs / "pgbench"), "-h", str(server.sockets), "-U", role, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # A client that meets an error stops, and the rate just falls.
        if done.returncode or "ERROR" in done.stderr or "aborted" in done.stderr:
            raise BenchBroken(f"pgbench {' '.join(words)}:\n{done.stderr[-2000:]}")
        return done.stdout
