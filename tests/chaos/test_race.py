"""A short `make chaos` at the suite's running installation, and that the books' check can fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_F1_everything_is_killed_and_100_cards_are_sold_once_each(
    installation: Any, tmp_path: Path
) -> None:
    port = installation.main_url.rpartition(":")[2]
    words = ["--home", str(installation.home), "--port", port, "--results", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.run", "--seconds", str(SECONDS), *words],
        env=installation.environ, cwd=ROOT, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    report = json.loads((tmp_path / "latest.json").read_text())
    assert report["cards_sold"][report["race"]] == 100
    assert report["process_kills"] >= 3
    assert report["database_stops"] >= 1


def test_T6_ledger_verify_fails_when_a_balance_is_off_by_one_unit(installation: Any) -> None:
    change = "UPDATE account_balance SET balance = balance + %s WHERE account_id = (SELECT min(account_id) FROM account_balance)"
    assert installation.kameng("ledger", "verify").returncode == 0
    with psycopg.connect(installation.info["database_url"], autocommit=True) as owner:
        owner.execute(change, (1,))
        try:
            assert installation.kameng("ledger", "verify").returncode == 1
        finally:
            owner.execute(change, (-1,))
    assert installation.kameng("ledger", "verify").returncode == 0
