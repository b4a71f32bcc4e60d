"""Periodic jobs: one run for each slot, however many schedulers; only a signal stops them."""

from __future__ import annotations

import threading
import time

import pytest
from redis import RedisError
from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.jobs import broker, every, relay, slots, subscribe
from kameng.jobs.registry import periodic
from kameng.jobs.scheduler import Scheduler

from .helpers import effects, execute, note, rows, told, wait_until, with_worker


@pytest.fixture
def start(ready):
    """Function that starts a scheduler; all are stopped at the end, in under three seconds."""
    stop, threads = threading.Event(), []

    def one() -> Scheduler:
        scheduler = Scheduler(ready, stop)
        thread = threading.Thread(target=scheduler.run)
        thread.start()
        threads.append(thread)
        return scheduler

    yield one
    stop.set()
    end = time.monotonic() + 3
    for thread in threads:
        thread.join(end - time.monotonic())
        assert not thread.is_alive()


def commit_note(mark: str) -> None:
    note(1, mark)
    db.session.commit()


def test_two_schedulers_run_each_slot_once(ready, start):
    @every(seconds=1, name="t.tick")
    def tick():
        commit_note("tick")

    start()
    start()
    wait_until(lambda: len(effects()) >= 3)
    (slots_done,) = rows("SELECT count(*) FROM job_slot WHERE job = 't.tick'")[0]
    assert len(effects()) in (slots_done, slots_done - 1)  # the newest may be at work


def test_a_slot_is_claimed_once_among_many(ready):
    @every(seconds=60, name="t.tick")
    def tick():
        pass

    spec = periodic()["t.tick"]
    slot = slots.slot_at(spec, time.time())
    won = []
    threads = [
        threading.Thread(target=lambda: won.append(slots.claim(ready, spec, slot)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_the_slot_of_a_dead_scheduler_is_taken_over(ready):
    @every(seconds=3600, name="t.tick", lease_s=30)
    def tick():
        pass

    spec = periodic()["t.tick"]
    slot = slots.slot_at(spec, time.time())
    assert slots.claim(ready, spec, slot)
    assert not slots.claim(ready, spec, slot)
    execute("UPDATE job_slot SET claimed_at = now() - interval '31 seconds'")
    assert slots.claim(ready, spec, slot)
    slots.finish(ready, spec, slot, None)
    assert not slots.claim(ready, spec, slot)


def test_a_job_does_not_start_while_its_last_slot_is_at_work(ready):
    @every(seconds=5, name="t.tick")
    def tick():
        pass

    spec = periodic()["t.tick"]
    first, second = (slots.slot_at(spec, time.time() + later) for later in (0, 5))
    assert slots.claim(ready, spec, first)
    assert not slots.claim(ready, spec, second)
    slots.finish(ready, spec, first, None)
    assert slots.claim(ready, spec, second)


def test_the_error_of_a_job_is_noted_and_the_next_slot_runs(ready, start):
    @every(seconds=1, name="t.broken")
    def broken():
        raise ValueError("no such luck")

    start()
    wait_until(lambda: len(rows("SELECT 1 FROM job_slot WHERE error IS NOT NULL")) >= 2)
    (failed,) = rows("SELECT DISTINCT job, error FROM job_slot WHERE error IS NOT NULL")
    assert tuple(failed) == ("t.broken", "ValueError: no such luck")


def test_a_job_with_a_queue_runs_in_a_worker(ready, start):
    @every(seconds=1, name="t.far", queue="notify")
    def far():
        commit_note(threading.current_thread().name)

    start()
    with_worker(ready, lambda: len(effects()) >= 2)
    assert not any(name.startswith("job-") for name in effects())


def test_it_goes_on_after_postgresql_has_cut_every_connection(ready, start):
    @subscribe("t.happened", name="t.effect", queue="supply")
    def effect(station_id, payload):
        note(station_id, str(payload["n"]))

    start()

    cut = []

    def both() -> bool:
        if effects() == ["1"] and not cut:
            cut_connections()
            cut.append(told(n=2))
        return effects() == ["1", "2"]

    told(n=1)
    with_worker(ready, both)


def test_it_goes_on_after_redis_was_away(ready, start, monkeypatch):
    @subscribe("t.happened", name="t.effect")
    def effect(station_id, payload):
        note(station_id, "done")

    refused = []

    def flaky(*args):
        if len(refused) < 2:
            refused.append(1)
            raise RedisError("away")
        return broker.enqueue(*args)

    monkeypatch.setattr(relay, "enqueue", flaky)
    start()
    told()
    with_worker(ready, lambda: effects() == ["done"])
    assert len(refused) == 2


def test_a_far_job_that_fails_raises_one_alert_and_comes_again(ready, start):
    calls = []

    @every(seconds=1, name="t.far", queue="notify")
    def far():
        calls.append(1)
        raise ValueError("broken")

    start()
    with_worker(ready, lambda: len(calls) >= 2 and rows("SELECT 1 FROM alert"))
    assert len(rows("SELECT 1 FROM alert WHERE subject = 't.far'")) == 1
    assert rows("SELECT 1 FROM job_run") == []


def cut_connections() -> None:
    """What a restart of PostgreSQL does to its clients."""
    with main_scope(reason="test"):
        db.session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND usename = current_user"
            )
        )


def test_old_slots_are_pruned_and_the_newest_stays(ready):
    execute(
        "INSERT INTO job_slot(job, scheduled_for, claimed_at, done_at)"
        " SELECT 't.old', now() - make_interval(days => n), now(), now()"
        " FROM generate_series(1, 5) n"
    )
    with main_scope(reason="test"):
        slots.prune_slots()
    assert len(rows("SELECT 1 FROM job_slot WHERE job = 't.old'")) == 1
