"""Requests that are rightly signed and otherwise anything: no 5xx, and refusals change nothing.

`make fuzz CASES=10000 SEED=1` runs it at length; the suite sends a few hundred.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as rules
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.integration.openapi.docking import Dock

from kameng.openapi.views.document import build

from . import docks, schema, wishes
from .judge import Judge
from .shop import DIALECTS, FuzzedShop
from .truth import Truth
from .wire import HOST, Line

CASES = int(os.environ.get("FUZZ_CASES") or 180)
SEED = int(os.environ.get("FUZZ_SEED") or time.time())
BIG = "FUZZ_CASES" in os.environ
ENOUGH = 5_000  # so that every operation has been served at least once
ROUND = 40 if BIG else 4


@pytest.fixture(scope="module")
def judge(app: Flask, database: str) -> Iterator[Judge]:
    app.testing = False  # in service an exception is an answer, too: 500
    with psycopg.connect(database, autocommit=True) as owner:
        dock = Dock(app, owner)
        shop = FuzzedShop(dock, Line(app.wsgi_app), 200 + CASES // 2, Truth(dock))
        shop.build()
        document = build.document("en", f"http://{HOST}/")
        problem = {
            **document["components"]["schemas"]["Problem"],
            "components": document["components"],
        }
        yield Judge(shop, Draft202012Validator(problem))


def each(
    strategy: st.SearchStrategy[Any], count: int, number: int, act: Callable[..., None]
) -> None:
    """So many examples; nothing is made smaller, as the shop is another one after each."""

    @seed(number)
    @rules(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def run(example: Any) -> None:
        act(example)

    run()


def told(judge: Judge) -> None:
    found, judge.faults = judge.faults, []
    assert not found, f"seed {SEED}\n" + "\n".join(found)


def documents(judge: Judge) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document as it is, and the one of what there is in this shop."""
    whole, yesterday = (
        build.document("en", f"http://{HOST}/"),
        datetime.now(UTC) - timedelta(days=1),
    )
    days = [str((yesterday - timedelta(days=n)).date()) for n in (0, 9)]
    return schema.unsigned(whole), schema.of_what_exists(whole, judge.shop.known, days)


def test_limits_and_wrong_methods_of_the_document(judge: Judge) -> None:
    keys = judge.shop.keys["native"]
    kinds = zip((True, False), documents(judge), strict=True)
    for strict, document in list(kinds)[: 2 if BIG else 1]:
        for n, (name, case) in enumerate(schema.boundaries(document)):
            if BIG or n % 10 == SEED % 10:
                _tried(judge, name, keys[n % 3], case, strict)
    told(judge)


@pytest.mark.timeout(7200)
def test_what_schemathesis_makes_of_the_document(judge: Judge) -> None:
    shop, chance = judge.shop, random.Random(SEED)
    operations = [
        (strict, *one)
        for strict, document in zip((True, False), documents(judge), strict=True)
        for one in schema.cases(document)
    ]
    begun, number = judge.cases.total(), SEED
    while judge.cases.total() - begun < CASES:
        for strict, name, strategy in operations:
            key = chance.choice(shop.keys["native"])
            number += 1
            each(strategy, ROUND, number, lambda case: _tried(judge, name, key, case, strict))  # noqa: B023  # called before the next turn
    if CASES >= ENOUGH:
        assert {name for _strict, name, _one in operations if "positive" in name} <= judge.served
    told(judge)


def _tried(judge: Judge, name: str, key: Any, case: Any, strict: bool) -> None:
    made = schema.sent_of(case)
    if made is None:
        return
    sent, prepared = made
    answer = judge.ask(name, key, sent)
    if answer.status:
        for wrong in schema.objections(case, prepared, answer, strict=strict):
            judge.fault(name, sent, answer, wrong)


def test_every_odd_value_in_every_field(judge: Judge) -> None:
    for n, sent in enumerate(wishes.sweep(judge.shop.known)):
        if BIG or n % 5 == SEED % 5:
            judge.ask("odd values", judge.shop.keys["native"][2 * (n % 2)], sent)
    told(judge)


@pytest.mark.timeout(7200)
def test_hostile_requests_of_the_native_interface(judge: Judge) -> None:
    for n, key in enumerate(judge.shop.keys["native"]):
        strategy = wishes.native(judge.shop.known)
        each(strategy, CASES // 6, SEED + n, lambda sent: judge.ask("hostile", key, sent) and None)  # noqa: B023  # as above
    told(judge)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_hostile_requests_of_other_systems(judge: Judge, dialect: str) -> None:
    for n, key in enumerate(judge.shop.keys[dialect]):
        strategy = docks.requests(dialect, key, judge.shop.known)
        each(strategy, CASES // 12, SEED + n, lambda pair: judge.dock(dialect, *pair))
    told(judge)


def test_afterwards_the_books_balance_and_no_card_is_sold_twice(
    judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    if BIG:
        with capsys.disabled():
            print(f"\nseed {SEED}: {judge.cases.total()} requests; answers {dict(judge.statuses)}")
            print("\n".join(f"{count:>6} {name}" for name, count in judge.cases.items()))
    assert judge.shop.truth.faults() == []
    assert judge.statuses[201] > 0
