"""T12: what lies outside PostgreSQL lies under names that hold the station, made in one place.

`kameng/redis.py` makes them: `key` of the open scope, `station_key` of a named station, and
`global_key` of none. Whoever takes the last, or another way, stands below with the reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from kameng import redis
from kameng.db import NoScope, main_scope, station_scope, supplier_scope

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "platform/kameng"
FOLDERS = (CORE, ROOT / "tenants/kameng_tenants", ROOT / "admin/kameng_admin")

# Names that belong to no station, and why.
OF_NO_STATION = {
    (
        "catalog/services/availability.py",
        "stock",
    ): "pieces of a good that are left: the main station's goods",
    ("epoch.py", "epoch"): "changes when anything is changed by hand; says nothing else",
    ("jobs/bell.py", "jobs"): "a word that there is a message in a queue, and the queue's name",
    ("jobs/inflight.py", "job"): "a number of a message that is on its way",
    (
        "openapi/services/gate.py",
        "risk",
    ): "as in counting.py, in one script with the rest of the gate",
    (
        "risk/services/counting.py",
        "risk",
    ): "who tries cards tries them at all stations: counted across; never shown",
    (
        "suppliers/services/keys.py",
        "supplier-nonce",
    ): "suppliers are no station's; the key's id is in the name",
    ("web/metrics.py", "requests"): "how many requests the whole installation has answered",
}
# Names that other libraries make.
OTHER_WAYS = {
    (
        "jobs/broker.py",
        "km:jobs",
    ): "dramatiq's queues: a message names its station, and PostgreSQL checks it",
    (
        "web/limits.py",
        "km-limits",
    ): "limits' counters: name, station, key, put together in limit() alone",
    ("redis.py", "km:"): "the one place",
}
# Who connects to Redis, and why.
CLIENTS = {
    "redis.py": "the one client of an application",
    "ops/servers.py": "the doctor asks for the version",
    "ops/valkey.py": "the embedded server is asked whether it is up",
}
# What uses the folder of the installation, and why it needs no station.
FILES = {
    "jobs/mail.py": "mail without a mail server; a file is named by the message's number, which is random",
    "ledger/services/sealing.py": "heads of the seals over the whole ledger: hashes",
    "stock/services/spool.py": "uploaded cards of the main station, sealed, by the batch's number",
}
# Functions that remember answers in the process. Each knows nothing but its arguments.
REMEMBERED = {
    "catalog/domain/pattern.py", "db/guarded.py", "db/steps.py", "identity/services/passwords.py",
    "ledger/services/checks/__init__.py", "openapi/domain/amounts.py", "openapi/views/answering.py", "openapi/views/document/page.py",
    "openapi/views/document/source.py", "openapi/views/reading.py",
    "planning/services/calendar.py", "plugins/http.py", "sealing.py", "web/assets_manifest.py",
    "web/globals.py", "kameng_tenants/shop/keys.py", "kameng_tenants/themes/contrast.py",
    "kameng_tenants/themes/covers.py", "kameng_tenants/themes/engine.py",
    "ops/demo/supply.py", "epoch.py", "promotions/services/gate.py",
    "ops/backup/timetable.py",
}  # fmt: skip
# What processes remember under the mark of change, by name, and what keeps stations apart in it.
MEMORIES = {
    (
        "catalog/services/inputs.py",
        "kameng.catalog.fields",
    ): "a product's questions: every station's alike",
    ("orders/services/placing.py", "kameng.orders.goods"): "the key holds the station",
    ("payments/services/choosing.py", "kameng.payments.terms"): "the key holds the station",
    (
        "payments/services/attempts.py",
        "kameng.payments.fees",
    ): "the key holds the station",
    ("plugins/api.py", "kameng.plugins.methods"): "the key holds the station",
    ("plugins/api.py", "kameng.plugins.on"): "the key holds the station",
    ("plugins/api.py", "kameng.plugins.providers"): "the key holds the station",
    ("plugins/store.py", "kameng.plugins.rows"): "the key is the station",
    ("plugins/store.py", "kameng.plugins.tokens"): "the key is the secret that an address holds",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every source with its name, below its package for those of the core."""
    for folder in FOLDERS:
        for path in folder.rglob("*.py"):
            if "node_modules" not in path.parts:
                base = CORE if folder == CORE else folder.parent
                yield path.relative_to(base).as_posix(), ast.parse(path.read_text("utf-8"))


TREES = dict(sources())


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Calls of a function of this name, however it was imported."""
    for source, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                if name in (getattr(called, "id", ""), getattr(called, "attr", "")):
                    yield source, node


def test_T12_names_of_no_station_are_few_and_explained() -> None:
    found = set()
    for source, call in calls("global_key"):
        assert isinstance(call.args[0], ast.Constant), source
        found.add((source, call.args[0].value))
    assert found == set(OF_NO_STATION)


def test_T12_no_name_is_made_by_hand() -> None:
    found = {
        (source, node.value)
        for source, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and (node.value in ("km", "km-limits") or node.value.startswith(("km:", "km-limits:")))
    }  # fmt: skip
    assert found == set(OTHER_WAYS)


def test_T12_nobody_else_connects_to_redis() -> None:
    assert {source for source, _call in calls("from_url")} == set(CLIENTS)
    direct = {source for source, _call in calls("Redis")} | {
        source for source, _ in calls("StrictRedis")
    }
    assert direct == set()


def test_T12_files_of_the_installation_are_few_and_explained() -> None:
    found = {
        source
        for source, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "home" and not source.startswith("ops/")
    }
    assert found == set(FILES)


def test_T12_what_a_process_remembers_is_known() -> None:
    found = {
        source
        for source, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for mark in node.decorator_list
        if getattr(getattr(mark, "func", mark), "id", "") in ("cache", "lru_cache")
    }
    assert found == REMEMBERED


def test_T12_what_is_remembered_under_the_mark_is_known() -> None:
    found = {
        (source, call.args[0].value)
        for source, call in calls("Memory")
        if isinstance(call.args[0], ast.Constant)
    }
    assert found == set(MEMORIES)


def test_T12_a_name_holds_the_station_of_its_scope(app: Flask) -> None:
    with app.app_context():
        with station_scope(7):
            assert redis.key("sold") == "km:s7:sold"
        with main_scope(reason="test"):
            assert redis.key("sold") == "km:main:sold"
        with supplier_scope(4):
            assert redis.key("sold") == "km:u4:sold"
        with pytest.raises(NoScope):
            redis.key("sold")
    assert redis.station_key(7, "session", "x") == "km:s7:session:x"


@pytest.mark.parametrize(
    "part", ["s8:x", "x:../s8", "a b", "\n", "%3A", "é", ":", "*", "|", "s8|x"]
)
def test_T12_no_part_of_a_name_reaches_into_another(part: str) -> None:
    made = redis.station_key(7, "cache", part, "end")
    assert made.startswith("km:s7:cache:")
    assert made.endswith(":end")
    assert made.count(":") == 4
    assert made != redis.station_key(7, "cache", part + "x", "end")
