"""Thousands of keys at once: they are read ahead, and nobody gets in who would not alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from tests.integration.openapi.docking import DEER, JIANGNAN, Dock, Key
from tests.integration.openapi.programs import Program

from kameng import epoch
from kameng.db import station_scope
from kameng.openapi import api
from kameng.openapi.domain.callers import Caller
from kameng.openapi.services import known_keys, uses
from kameng.openapi.services.refusing import ApiRefused

ACCOUNT = "/api/v1/account"
FIRST = known_keys.CROWD + 1


@pytest.fixture
def crowd(dock: Dock) -> Iterator[list[Key]]:
    """More keys than it takes for a crowd; nobody has met one of them."""
    member = [dock.member(DEER, 0) for _n in range(2)]
    keys = [dock.key("native", member=member[n // 10]) for n in range(FIRST + 6)]
    dock.app.extensions.pop(known_keys.EXTENSION, None)
    yield keys
    dock.app.extensions.pop(known_keys.EXTENSION, None)


def meet(dock: Dock, names: Sequence[str], station: int = DEER) -> None:
    """First contacts, as quick as can be."""
    with dock.app.app_context(), station_scope(station):
        mark = epoch.current()
        for name in names:
            with suppress(ApiRefused):
                known_keys.read(station, name, mark)


def is_known(dock: Dock, key: Key, station: int = DEER) -> bool:
    with dock.app.app_context(), station_scope(station):
        return known_keys.known(station, key.key_id) is not None


def code_of(answer: Any) -> str:
    return str(answer.get_json().get("code", answer.status_code))


def press(dock: Dock, crowd: list[Key]) -> list[Key]:
    """Let the first of them come; the keys that were read ahead."""
    meet(dock, [key.key_id for key in crowd[:FIRST]])
    ahead = crowd[FIRST:]
    assert all(is_known(dock, key) for key in ahead)
    return ahead


def test_a_few_keys_are_read_alone(dock: Dock, crowd: list[Key]) -> None:
    meet(dock, [key.key_id for key in crowd[: known_keys.CROWD]])
    assert [is_known(dock, key) for key in crowd] == [True] * 8 + [False] * (len(crowd) - 8)


def test_of_a_crowd_the_others_are_read_ahead_and_let_in(dock: Dock, crowd: list[Key]) -> None:
    for key in press(dock, crowd):
        assert Program(dock, key).send("GET", ACCOUNT).status_code == 200
        forged = Program(dock, Key(key.member, key.key_id, "x" * 43))
        assert code_of(forged.send("GET", ACCOUNT)) == "signature_invalid"


def test_invented_keys_are_no_crowd(dock: Dock, crowd: list[Key]) -> None:
    meet(dock, [f"KM{n:016d}" for n in range(3 * FIRST)])
    assert not any(is_known(dock, key) for key in crowd)


def test_another_stations_keys_and_revoked_ones_are_not_read_ahead(
    dock: Dock, crowd: list[Key]
) -> None:
    foreign = dock.key("native", station=JIANGNAN)
    gone = crowd.pop()
    dock.behind("UPDATE api_key SET state = 'revoked' WHERE key_id = %s", gone.key_id)
    press(dock, crowd)
    assert not is_known(dock, gone)
    assert not is_known(dock, foreign)
    assert not is_known(dock, foreign, JIANGNAN)


def test_what_changes_of_a_key_that_was_read_ahead_counts_at_once(
    dock: Dock, crowd: list[Key]
) -> None:
    revoked, stripped, bound, locked = press(dock, crowd)[-4:]
    dock.behind("UPDATE api_key SET state = 'revoked' WHERE key_id = %s", revoked.key_id)
    dock.behind("UPDATE api_key SET scopes = '{orders.read}' WHERE key_id = %s", stripped.key_id)
    dock.behind("UPDATE api_key SET networks = '{198.51.100.0/24}' WHERE key_id = %s", bound.key_id)
    said = [code_of(Program(dock, one).send("GET", ACCOUNT)) for one in (revoked, stripped, bound)]
    assert said == ["key_unknown", "scope_missing", "ip_refused"]
    dock.behind("UPDATE member SET state = 'locked' WHERE id = %s", locked.member)
    assert code_of(Program(dock, locked).send("GET", ACCOUNT)) == "member_locked"


def test_limits_lists_and_secrets_are_those_that_the_key_has_alone(
    dock: Dock, crowd: list[Key]
) -> None:
    with dock.app.app_context(), station_scope(DEER):
        number = api.keys_of(crowd[-1].member)[0].id
        second = api.add_secret(crowd[-1].member, number, "test")
        api.change_key(
            crowd[-1].member, number, name="n", networks=["198.51.100.0/24"], callback_url="",
            actor="test",
        )  # fmt: skip
        name = api.key_of(crowd[-1].member, number).key_id
    dock.behind("UPDATE api_key SET per_minute = 1 WHERE key_id = %s", name)
    press(dock, crowd)
    there = Program(dock, Key(crowd[-1].member, name, second), address="198.51.100.7")
    assert code_of(Program(dock, there.key).send("GET", ACCOUNT)) == "ip_refused"
    answers = [code_of(there.send("GET", ACCOUNT)) for _n in range(2)]
    assert answers == ["200", "too_many"]


def test_a_crowd_is_counted_within_a_second() -> None:
    slow, quick = known_keys.Crowd(), known_keys.Crowd()
    assert not any(slow.presses(100.0 + n / 4) for n in range(40))
    assert [quick.presses(100.0 + n / 100) for n in range(10)] == [False] * 8 + [True] * 2


def test_only_so_many_are_read_ahead_under_one_mark() -> None:
    one = known_keys.Crowd()
    one.begin(b"a", 100.0)
    one.left = 0
    one.begin(b"a", 101.0)
    assert one.left == 0
    one.begin(b"b", 102.0)
    assert (one.left, one.below) == (known_keys.MOST_AHEAD, 2**62)


def test_the_key_remembered_longest_makes_room(dock: Dock, crowd: list[Key]) -> None:
    press(dock, crowd)
    memory = dock.app.extensions[known_keys.EXTENSION]
    (oldest, _first), (_name, second) = list(memory.kept.items())[:2]
    for n in range(len(memory.kept), known_keys.MOST_KEPT):
        memory.kept[DEER, f"filler{n}"] = second
    memory.keep(second)  # it has its place
    assert oldest in memory.kept
    memory.forget(DEER, "filler5000")
    for name in ("a", "b"):
        memory.keep(replace(second, caller=replace(second.caller, key_id=name)))
    assert len(memory.kept) == known_keys.MOST_KEPT
    assert oldest not in memory.kept


def used(dock: Dock, callers: Sequence[Caller]) -> list[tuple[bool, str]]:
    return [
        (bool(row[0]), row[1])
        for one in callers
        for row in dock.owner.execute(
            "SELECT last_used_at IS NOT NULL, last_ip FROM api_key WHERE id = %s",
            (one.api_key_id,),
        )
    ]


def callers(dock: Dock, keys: Sequence[Key]) -> list[Caller]:
    with dock.app.app_context(), station_scope(DEER):
        return [api.open_key("native", key.key_id, "192.0.2.7")[0] for key in keys]


def test_uses_of_a_crowd_are_written_together(dock: Dock, crowd: list[Key]) -> None:
    first, second, third = found = callers(dock, crowd[:3])
    time.sleep(uses.CALM_S)
    with dock.app.app_context():
        with station_scope(DEER):
            for one in found:
                uses.note(one)
        assert used(dock, [first]) == [(True, "192.0.2.7")]
        uses.write_waiting()
    assert used(dock, [second, third]) == [(True, "192.0.2.7")] * 2


def test_a_use_is_not_written_over_somebody_who_changes_the_key(
    dock: Dock, crowd: list[Key]
) -> None:
    held, free = found = callers(dock, crowd[:2])
    with dock.app.app_context():
        dock.owner.execute("SELECT 1")
        with dock.owner.transaction():
            dock.owner.execute("SELECT 1 FROM api_key WHERE id = %s FOR UPDATE", (held.api_key_id,))
            uses._write(DEER, {one.api_key_id: one.ip for one in found})
    assert used(dock, [held, free]) == [(False, ""), (True, "192.0.2.7")]


def test_a_database_that_is_away_loses_the_notes_alone(dock: Dock) -> None:
    uses._write_all(dock.app)  # nothing waits
    dock.app.extensions[uses.EXTENSION].waiting[0, 1] = ""  # no station has this number
    uses._write_all(dock.app)
    assert not dock.app.extensions[uses.EXTENSION].waiting
