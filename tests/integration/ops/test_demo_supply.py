"""The demo's supply side hangs together: books, offers, purchases, and what waits for people."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kameng.ops.home import CHECKOUT
from kameng.plugins import api as plugins
from kameng.settings import Settings
from kameng_sdk.simulation.supplier import SupplierSimulator
from kameng_sdk.simulators import SimulatorEnvironment, close

pytestmark = pytest.mark.slow

# More than a minute here is a demo that nobody waits for.
MOST_S = 180


@pytest.fixture(scope="module")
def demo(settings: Settings) -> Settings:
    """A filled demo; no simulator answers, for the past asks nobody."""
    assert _kameng(settings, "seed").returncode == 0
    return settings


def _kameng(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KAMENG_")},
        "KAMENG_DEMO": "1", "KAMENG_HOME": str(settings.home),
        "KAMENG_DATABASE_URL": settings.database_url, "KAMENG_REDIS_URL": settings.redis_url,
        "KAMENG_SECRET_KEY": settings.secret_key, "KAMENG_MASTER_KEY": settings.master_key,
        "KAMENG_SIMULATOR_URL": "http://127.0.0.1:9",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "kameng.cli", *words],
        cwd=CHECKOUT, env=environ, capture_output=True, text=True, check=False, timeout=MOST_S,
    )  # fmt: skip


@pytest.fixture
def rows(demo: Settings) -> Iterator[Any]:
    """Function that reads the demo as its owner."""
    with psycopg.connect(demo.database_url, autocommit=True) as owner:
        yield lambda sql: owner.execute(sql).fetchall()


def test_the_books_add_up(demo: Settings) -> None:
    done = _kameng(demo, "ledger", "verify")
    assert done.returncode == 0, done.stdout


def test_every_offer_is_sold_by_its_simulator(
    demo: Settings, rows: Any, app: Any, tmp_path: Path
) -> None:
    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://127.0.0.1:9")
    sold: dict[str, dict[str, str]] = {}
    with app.app_context():
        plugins.init_plugins(app, demo)
        for plugin_id, simulator in plugins.simulators(environment):
            if isinstance(simulator, SupplierSimulator):
                sold[plugin_id] = {one.ref: one.kind.value for one in simulator.goods}
            close(simulator)
    offers = rows(
        "SELECT c.plugin_id, f.sku_ref, f.kind FROM supply_offer f"
        " JOIN supply_connection c ON c.id = f.connection_id WHERE c.plugin_id <> 'supplier-manual'"
    )
    assert len({plugin_id for plugin_id, _ref, _kind in offers}) == 5
    assert [one for one in offers if sold[one[0]].get(one[1]) != one[2]] == []


def test_every_offer_that_is_ours_leaves_the_margins_of_the_prices(rows: Any) -> None:
    dear = rows(
        "SELECT DISTINCT s.code FROM supply_offer f JOIN sku s ON s.id = f.sku_id"
        " JOIN listing l ON l.sku_id = s.id WHERE l.active AND f.cost >= l.price"
    )
    assert dear == [("SW-Y",)], "the one whose sale stands still, and no other"
    assert rows(
        "SELECT s.code, u.available, u.paused FROM supply_level u JOIN sku s ON s.id = u.sku_id"
        " WHERE u.available = 0"
    ) == [("SW-Y", 0, "cost")]
    assert rows("SELECT 1 FROM cost_change WHERE actor <> 'demo'") == [], "no price moves at once"


def test_inputs_are_mapped_to_fields_that_exist(rows: Any) -> None:
    assert rows("SELECT 1 FROM supply_offer WHERE input_map <> '{}'")
    unknown = rows(
        "SELECT f.name, m.theirs, m.ours FROM supply_offer f JOIN sku s ON s.id = f.sku_id"
        " CROSS JOIN LATERAL jsonb_each_text(f.input_map) AS m(theirs, ours)"
        " WHERE NOT EXISTS (SELECT 1 FROM purchase_field p WHERE p.product_id = s.product_id"
        "   AND p.name = m.ours)"
        " OR NOT EXISTS (SELECT 1 FROM jsonb_array_elements(f.fields) q"
        "   WHERE q.value ->> 'name' = m.theirs)"
    )
    assert unknown == []


def test_past_purchases_have_ends_and_plausible_times(rows: Any) -> None:
    odd = rows(
        "SELECT p.purchase_no FROM purchase p JOIN orders o ON o.station_id = p.station_id"
        " AND o.id = p.order_id WHERE NOT (o.paid_at <= p.created_at"
        " AND p.created_at <= p.sent_at AND coalesce(p.sent_at < p.done_at, true)"
        " AND coalesce(p.done_at <= now(), true)) OR (p.state = 'succeeded') <> (p.delivered > 0)"
    )
    assert odd == []
    counts = dict(rows("SELECT attempt, count(*) FROM purchase GROUP BY attempt"))
    assert counts[2] > 5
    assert rows("SELECT 1 FROM purchase WHERE attempt = 2 AND state = 'succeeded'")
    assert rows("SELECT 1 FROM purchase WHERE queries > 0 AND state = 'succeeded'")


def test_people_find_their_work(rows: Any) -> None:
    waiting = rows(
        "SELECT s.code, count(*) FROM purchase p JOIN supplier s ON s.id = p.supplier_id"
        " WHERE p.state IN ('created', 'sent', 'unknown') GROUP BY s.code ORDER BY s.code"
    )
    assert [code for code, _count in waiting] == ["desk", "mozhi"]
    assert dict(waiting)["desk"] >= 3
    alerts = {kind for (kind,) in rows("SELECT kind FROM alert WHERE state = 'open'")}
    assert {"supply_balance", "supply_paused", "supplier_application"} <= alerts
    assert rows("SELECT count(*) FROM supply_dispute WHERE state = 'open'") == [(1,)]
    assert rows("SELECT count(*) FROM supplier_payment WHERE state = 'waiting'") == [(1,)]
    assert rows("SELECT count(*) FROM purchase_plan WHERE state = 'active'") == [(1,)]


def test_grades_come_from_what_was_measured(rows: Any) -> None:
    grades = dict(rows("SELECT code, grade FROM supplier WHERE state <> 'applied'"))
    assert (grades["xinghui"], grades["yisu"]) == ("A", "D")
    assert grades["huanqiu"] is None, "too few purchases to judge"
    points = dict(
        rows(
            "SELECT DISTINCT ON (s.id) s.code, r.score FROM supplier s JOIN supplier_score r"
            " ON r.supplier_id = s.id ORDER BY s.id, r.at DESC"
        )
    )
    # What the middle ones get depends on the hour: the past ends now, and so does its last order.
    for middle in ("suda", "yunduan"):
        assert points["yisu"] + 100 < points[middle] < points["xinghui"]
