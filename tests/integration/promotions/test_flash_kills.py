"""Whoever buys is killed at random: units stay orders, the gate is put right, no unit is lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.integration.openapi.docking import DEER
from tests.integration.promotions.conftest import Street

from kameng.db import station_scope
from kameng.promotions import api as promotions
from kameng.runtime import current_settings

ROOT = Path(__file__).resolve().parents[3]
UNITS, KILLS, KEYS = 40, 3, 24


def killed_while_buying(street: Street, sku: str, sale: str, after: int, pause_s: float) -> Any:
    """A process of buyers, killed a moment after its n-th answer; what it had told."""
    with street.dock.app.app_context():
        settings = current_settings()
    environ = {
        **os.environ, "KAMENG_DEMO": "1", "KAMENG_HOME": str(settings.home),
        "KAMENG_DATABASE_URL": settings.database_url, "KAMENG_REDIS_URL": settings.redis_url,
        "KAMENG_SECRET_KEY": settings.secret_key, "KAMENG_MASTER_KEY": settings.master_key,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }  # fmt: skip
    keys = [street.program().key for _n in range(KEYS)]
    wish = {"sku": sku, "sale": sale, "keys": [[key.key_id, key.secret] for key in keys]}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.promotions.buyers"], env=environ, cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(wish) + "\n")
        process.stdin.close()
        told = [process.stdout.readline().strip() for _n in range(after)]
        time.sleep(pause_s)
        process.kill()
        told += process.stdout.read().split()
    return [one for one in told if one.isdigit()]


def wait_for_orphans(street: Street) -> None:
    """PostgreSQL ends a statement whose client has been killed: that order may still come."""
    for _n in range(600):
        (busy,) = street.dock.owner.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = 'kameng_app' AND state <> 'idle'"
        ).fetchone() or (0,)
        if not busy:
            return
        time.sleep(0.05)
    raise AssertionError("a statement of a killed buyer does not end")


def test_killed_buyers_leave_neither_a_lost_unit_nor_one_too_many(street: Street) -> None:
    chance = random.Random(20261126)
    sku = street.sku(UNITS + 5)
    sale = street.plan(sku, units=UNITS)
    told: list[str] = []
    for _n in range(KILLS):
        after, pause_s = chance.randrange(1, 12), chance.random() / 50
        told += killed_while_buying(street, sku, sale, after, pause_s)
    wait_for_orphans(street)
    orders = [
        number
        for (number,) in street.dock.owner.execute(
            "SELECT o.order_no FROM flash_unit u JOIN orders o ON o.station_id = u.station_id"
            " AND o.id = u.order_id JOIN flash_sale f ON f.id = u.sale_id WHERE f.sale_no = %s",
            (sale,),
        ).fetchall()
    ]
    assert told
    assert set(told) <= set(orders)
    assert len(orders) == UNITS - street.free(sale)
    with street.dock.app.app_context(), station_scope(DEER):
        assert promotions.reconcile(DEER, sale, flight_s=0)
    gate = street.gate(sale)
    assert (gate["left"], gate["flight"]) == (street.free(sale), 0)
    for _n in range(street.free(sale)):
        assert street.program().buy(sku, flash_sale=sale).status_code == 201
    assert street.program().buy(sku, flash_sale=sale).json["code"] == "flash_sold_out"
    assert street.free(sale) == 0
    street.assert_units_are_orders(sale)
