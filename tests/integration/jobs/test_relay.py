"""Outbox → relay → subscriber, each message once for each subscriber."""

from __future__ import annotations

from typing import Any

import pytest

from kameng.db import db, main_scope, station_scope
from kameng.jobs import publish, relay, runner, subscribe
from kameng.jobs.broker import broker_of
from kameng.jobs.errors import ActorFailed
from kameng.jobs.inline import drain
from kameng.jobs.registry import find_actor

from .helpers import effects, execute, note, rows, told, with_worker


def test_a_message_reaches_every_subscriber_through_redis(ready):
    @subscribe("t.happened", queue="bulk", name="t.first", scope="station")
    def first(station_id, payload):
        note(station_id, f"first {payload['n']}")

    @subscribe("t.happened", queue="notify", name="t.second", once=False)
    def second(station_id, payload):
        note(station_id, f"second {payload['n']}")

    told(n=7)
    assert relay.relay_batch(ready) == 1
    assert relay.relay_batch(ready) == 0
    with_worker(ready, lambda: len(effects()) == 2)
    assert sorted(effects()) == ["first 7", "second 7"]
    assert len(rows("SELECT * FROM outbox_done")) == 2


def test_what_was_rolled_back_is_never_told(ready):
    with station_scope(2):
        publish("t.happened", 2, {})
        db.session.rollback()
    assert relay.relay_batch(ready) == 0


def test_a_station_cannot_speak_for_another(ready):
    with station_scope(2), pytest.raises(Exception, match="row-level security"):
        publish("t.happened", 1, {})


@pytest.mark.parametrize("once", [True, False])
def test_a_repeated_message_has_one_effect(ready, once):
    @subscribe("t.happened", name="t.effect", once=once)
    def effect(station_id, payload):
        note(station_id, "done")

    outbox_id = told()
    spec = find_actor("t.effect")
    for _ in range(3):
        runner.handle(ready, spec, outbox_id, 2, {})
    assert effects() == ["done"]


def test_a_message_whose_row_is_pruned_has_no_effect(ready):
    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, "done")

    runner.handle(ready, find_actor("t.effect"), 999_999, 2, {})
    assert effects() == []


def test_a_failure_takes_effect_and_mark_back(ready):
    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, "half")
        raise ValueError("no\nsecond line with values")

    outbox_id = told()
    with pytest.raises(ActorFailed, match=r"^ValueError: no$"):
        runner.handle(ready, find_actor("t.effect"), outbox_id, 2, {})
    assert effects() == []
    assert rows("SELECT * FROM outbox_done") == []


def test_a_failure_after_a_commit_inside_is_tried_again(ready):
    calls = []

    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, f"step {len(calls)}")
        db.session.commit()
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("cut off")

    outbox_id = told()
    spec = find_actor("t.effect")
    with pytest.raises(ActorFailed):
        runner.handle(ready, spec, outbox_id, 2, {})
    runner.handle(ready, spec, outbox_id, 2, {})
    assert len(calls) == 2


def test_a_relay_without_redis_marks_nothing_as_sent(ready, monkeypatch):
    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, "done")

    told()
    broker = broker_of(ready)

    def away(*_args: Any) -> None:
        raise ConnectionError("redis is away")

    monkeypatch.setattr(broker, "enqueue", away)
    with pytest.raises(ConnectionError):
        relay.relay_batch(ready)
    monkeypatch.undo()
    assert relay.relay_batch(ready) == 1


def test_a_flush_of_redis_loses_nothing(ready):
    from kameng.redis import client

    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, str(payload["n"]))

    for n in range(250):
        told(n=n)
    while relay.relay_batch(ready):
        pass
    client().flushdb()
    assert relay.sweep(ready, after_s=0) == 250
    with_worker(ready, lambda: len(effects()) == 250)
    assert sorted(map(int, effects())) == list(range(250))


def test_the_sweeper_leaves_what_only_waits(ready):
    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, "done")

    told()
    relay.relay_batch(ready)
    assert relay.sweep(ready, after_s=0) == 0
    with_worker(ready, lambda: effects() == ["done"])
    assert relay.sweep(ready, after_s=0) == 0


def test_handled_messages_are_pruned_with_their_marks(ready):
    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, "done")

    told()
    drain()
    told()
    execute("UPDATE outbox SET sent_at = now() - interval '3 hours'")
    relay.prune(ready)
    assert len(rows("SELECT * FROM outbox")) == 1  # the second is not handled yet
    assert rows("SELECT * FROM outbox_done") == []


def test_drain_works_the_outbox_off_without_a_worker(ready):
    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, str(payload["n"]))
        if payload["n"]:
            publish("t.happened", station_id, {"n": payload["n"] - 1})

    told(n=3)
    assert drain() == 4
    assert effects() == ["3", "2", "1", "0"]


def test_a_message_that_keeps_failing_becomes_a_dead_letter_and_an_alert(ready):
    from kameng.jobs.api import dead_letters, retry_dead

    healed = []

    @subscribe("t.happened", name="t.stubborn", max_retries=1, min_backoff_ms=10, max_backoff_ms=20)
    def stubborn(station_id, payload):
        if not healed:
            raise ValueError("still broken")
        note(station_id, f"healed {payload['n']}")

    told(n=5)
    relay.relay_batch(ready)
    with_worker(ready, lambda: rows("SELECT 1 FROM job_run WHERE state = 'dead'"))
    with main_scope(reason="test"):
        (letter,) = dead_letters()
    assert (letter.actor, letter.station_id) == ("t.stubborn", 2)
    assert letter.error == "ValueError: still broken"
    assert letter.args["payload"] == {"n": 5}
    (alert,) = rows("SELECT kind, subject, state FROM alert")
    assert tuple(alert) == ("dead_letter", "t.stubborn", "open")
    assert relay.sweep(ready, after_s=0) == 0  # a person decides now

    healed.append(1)
    with main_scope(reason="test"):
        retry_dead(letter.id)
    with main_scope(reason="test"), pytest.raises(Exception, match="not_dead"):
        retry_dead(letter.id)
    drain()
    assert effects() == ["healed 5"]
    assert rows("SELECT state FROM job_run")[0][0] == "done"
    assert rows("SELECT state FROM alert")[0][0] == "closed"
