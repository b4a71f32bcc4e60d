"""Kameng docks to Kameng: A sells, B buys from it, both in this process and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from redis import Redis
from tests.conftest import Server, make_settings

from .dock import Dock, Pair
from .instances import Gate, running
from .tongues import Tongue


@pytest.fixture(scope="module")
def pair(
    server: Server, database: str, other_database: str, other_redis: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:  # fmt: skip
    """Both installations; each may reach the other one."""
    with ExitStack() as stack:
        gates = Gate(), Gate()
        for gate in gates:
            stack.callback(gate.close)
        made = []
        for at, (owner_url, redis_url) in enumerate(
            ((database, server.redis_url), (other_database, other_redis))
        ):
            with Redis.from_url(redis_url) as client:
                client.flushdb()
            settings = replace(
                make_settings(server, urlsplit(owner_url).path.lstrip("/")),
                redis_url=redis_url, home=tmp_path_factory.mktemp("home"),
            )  # fmt: skip
            run = running("AB"[at], settings, owner_url, gates[at], gates[1 - at])
            made.append(stack.enter_context(run))
        yield Pair(*made)


@pytest.fixture(scope="module")
def docks(pair: Pair) -> dict[Tongue, Dock]:
    """Those that were opened."""
    return {}


@pytest.fixture
def dock(request: pytest.FixtureRequest, pair: Pair, docks: dict[Tongue, Dock]) -> Iterator[Dock]:
    """B docked to A in the tongue of the test. Whatever happens, all books add up."""
    tongue: Tongue = request.param
    if tongue not in docks:
        docks[tongue] = Dock.open(pair, tongue)
    found = docks[tongue]
    found.rest()
    yield found
    for instance in (pair.a, pair.b):
        instance.assert_books_balance()
