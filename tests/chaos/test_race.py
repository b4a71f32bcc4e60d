"""The race of 32 buyers for 100 cards on a running installation, while everything is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).with_name("run.py")


@pytest.mark.slow
def test_F1_100_cards_are_sold_once_each_whatever_is_killed(installation: Any) -> None:
    port = installation.main_url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, str(RUN), "--home", str(installation.home), "--port", port, "--pause", "3"],
        env=installation.environ, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    result = json.loads(done.stdout[done.stdout.index("{") :])
    assert (result["cards_sold"], result["delivered_pages"]) == (100, 100)


def test_T6_ledger_verify_fails_when_a_balance_is_off_by_one_unit(installation: Any) -> None:
    import psycopg

    change = "UPDATE account_balance SET balance = balance + %s WHERE account_id = (SELECT min(account_id) FROM account_balance)"
    assert installation.kameng("ledger", "verify").returncode == 0
    with psycopg.connect(installation.info["database_url"], autocommit=True) as owner:
        owner.execute(change, (1,))
        try:
            assert installation.kameng("ledger", "verify").returncode == 1
        finally:
            owner.execute(change, (-1,))
    assert installation.kameng("ledger", "verify").returncode == 0
