"""Long work: progress, failure, and workers that die in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kameng.db import db, main_scope
from kameng.jobs import actor, broker, inline, relay, runs
from kameng.jobs.api import progress, recent_runs, run_of, start_run
from kameng.runtime import current_settings

from .helpers import effects, execute, note, rows, told, wait_until, with_worker


def start(name: str, **args: int) -> int:
    with main_scope(reason="test"):
        run_id = start_run(name, args, total=3, created_by="staff:1")
        db.session.commit()
    return run_id


def view(run_id: int):
    with main_scope(reason="test"):
        return run_of(run_id)


def test_progress_is_seen_while_the_work_is_open(ready):
    seen = []

    @actor(name="t.long")
    def long(run_id, batch):
        note(1, f"batch {batch}")
        progress(run_id, 2, 4)
        found = view(run_id)
        seen.append((found.state, found.done, found.total))

    run_id = start("t.long", batch=9)
    inline.drain()
    assert seen == [("running", 2, 4)]
    assert effects() == ["batch 9"]
    done = view(run_id)
    assert (done.state, done.done, done.created_by) == ("done", 4, "staff:1")
    with main_scope(reason="test"):
        assert [run.id for run in recent_runs()] == [run_id]


def test_an_error_ends_the_run_as_failed(ready):
    @actor(name="t.long")
    def long():
        note(1, "half")
        raise ValueError("line 7")

    run_id = start("t.long")
    inline.drain()
    assert (view(run_id).state, view(run_id).error) == ("failed", "ValueError: line 7")
    assert effects() == []


def test_an_unknown_actor_cannot_be_started(ready):
    with main_scope(reason="test"), pytest.raises(LookupError):
        start_run("t.nobody", {})


def test_a_run_is_not_run_twice_at_the_same_time(ready):
    entered, go_on = threading.Event(), threading.Event()

    @actor(name="t.long")
    def long():
        note(1, "run")
        entered.set()
        go_on.wait(10)

    run_id = start("t.long")

    def run_it():
        with ready.app_context():
            runs.execute(run_id)

    thread = threading.Thread(target=run_it)
    thread.start()
    entered.wait(10)
    execute("UPDATE job_run SET started_at = now() - interval '1 hour'")
    assert runs.revive(after_s=0) == 0  # it is alive
    runs.execute(run_id)
    go_on.set()
    thread.join()
    assert effects() == ["run"]
    assert view(run_id).state == "done"


def test_a_run_whose_worker_has_died_is_taken_up_again(ready):
    @actor(name="t.long")
    def long():
        note(1, "run")

    run_id = start("t.long")
    inline.drain()
    execute("UPDATE job_run SET state = 'running', started_at = now() - interval '2 minutes'")
    assert runs.revive() == 1
    assert runs.revive() == 0  # it is queued already
    inline.drain()
    assert effects() == ["run", "run"]
    assert view(run_id).state == "done"


VICTIM = Path(__file__).with_name("victim.py")


def test_F3_a_message_in_the_hands_of_a_killed_worker_comes_back(ready, monkeypatch, tmp_path):
    """kill -9 in the middle of an open transaction: one effect, by the next worker."""
    monkeypatch.setattr(broker, "HEARTBEAT_MS", 1500)
    monkeypatch.setattr(broker, "MAINTENANCE_CHANCE", 1_000_000)
    from . import victim

    victim.declare(tmp_path / "entered", patience_s=0)
    for n in range(5):
        told("t.slow", n=n)
    settings = current_settings()
    environ = {
        **os.environ, "KAMENG_DEMO": "1", "KAMENG_DATABASE_URL": settings.database_url,
        "KAMENG_REDIS_URL": settings.redis_url, "KAMENG_SECRET_KEY": settings.secret_key,
        "VICTIM_MARK": str(tmp_path / "entered"),
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, str(VICTIM)], env=environ)
    try:
        relay.relay_batch(ready)
        wait_until((tmp_path / "entered").exists)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert effects() == []
    time.sleep(1.6)
    with_worker(ready, lambda: len(effects()) >= 5, seconds=30)
    assert sorted(effects()) == ["slow 0", "slow 1", "slow 2", "slow 3", "slow 4"]
    assert rows("SELECT count(*) FROM outbox_done")[0][0] == 5
