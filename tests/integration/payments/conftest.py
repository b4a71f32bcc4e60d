"""A street of gateways, one gate of it, and a till with accounts at one of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from kameng import epoch

from .gates import GATES, Gate
from .sales import Sales
from .street import Street
from .till import Till


@pytest.fixture(scope="session")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street that has its keys and nothing else: making them takes seconds."""
    folder = tmp_path_factory.mktemp("keys")
    Street(folder).close()
    return folder


@pytest.fixture(scope="module")
def street(_keys: Path) -> Iterator[Street]:
    """The simulators of all gateways, and an address for the shop.

    Their memory is no disk where there is such a place: each of its many writes waits for one.
    """
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        made = Street(shutil.copytree(_keys, Path(folder) / "street"))
        yield made
        made.close()


@pytest.fixture(scope="module")
def gate(request: pytest.FixtureRequest, app: Any, street: Street, database: str) -> Iterator[Gate]:
    """One gateway, set up at the main station beside one other way to pay; no more is on."""
    from kameng.plugins import api as plugins

    street.door.shop = app.wsgi_app
    with psycopg.connect(database) as owner:
        owner.execute(
            "INSERT INTO station(id, path, slug, name, state)"
            " VALUES (1, '{1}', 'main', 'M', 'active') ON CONFLICT DO NOTHING"
        )
    chosen = GATES[request.param](street)
    partner = chosen.other()
    with app.app_context():
        for name in street.simulators:
            plugins.set_enabled(1, name, name in (chosen.plugin_id, partner.plugin_id), "test")
        for each in (partner, chosen):
            plugins.configure(1, each.plugin_id, each.config(), "test")
    for each in (partner, chosen):
        each.move(**each.levers())
    yield chosen
    for each in (partner, chosen):
        each.move(callbacks="off")


@pytest.fixture
def sales(shop: Any, gate: Gate) -> Sales:
    """Hands for selling through the gate."""
    return Sales(shop, gate)


@pytest.fixture
def till(shop: Any, street: Street, owner: psycopg.Connection[Any]) -> Iterator[Till]:
    """No accounts, no warnings, an open gateway."""
    owner.execute("DELETE FROM station_plugin")
    owner.execute("DELETE FROM alert")
    owner.execute(  # what earlier tests have used is long ago
        "UPDATE payment_attempt SET next_query_at = NULL, created_at = created_at - interval '2 days',"
        " paid_at = paid_at - interval '2 days'"
    )
    with shop.app.app_context():
        epoch.renew()  # all of it behind the product's back
    made = Till(shop, street)
    yield made
    made.break_gateway(False)
