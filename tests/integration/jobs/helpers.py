"""What the tests of the jobs do again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dramatiq import Worker
from flask import Flask
from sqlalchemy import text

from kameng.db import db, main_scope, station_scope
from kameng.jobs import publish
from kameng.jobs.broker import worker_broker


def rows(statement: str, **given: Any) -> list[Any]:
    """What the main station sees."""
    with main_scope(reason="test"):
        return list(db.session.execute(text(statement), given))


def execute(statement: str, **given: Any) -> None:
    """Change something as the main station."""
    with main_scope(reason="test"):
        db.session.execute(text(statement), given)
        db.session.commit()


def told(topic: str = "t.happened", station_id: int = 2, **payload: Any) -> int:
    """Publish something; returns its outbox id."""
    with station_scope(station_id):
        publish(topic, station_id, payload)
        db.session.commit()
    return int(rows("SELECT max(id) FROM outbox")[0][0])


def note(station_id: int, mark: str) -> None:
    """An effect that everybody can count, in the open transaction."""
    db.session.execute(
        text(
            "INSERT INTO audit_event(station_id, actor, action, subject)"
            " VALUES (:station, 'test', 'test.effect', :mark)"
        ),
        {"station": station_id, "mark": mark},
    )


def effects() -> list[str]:
    """All effects so far."""
    found = rows("SELECT subject FROM audit_event WHERE action = 'test.effect' ORDER BY id")
    return [row.subject for row in found]


def wait_until(done: Callable[[], object], seconds: float = 20.0) -> None:
    """Poll until something has come true."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "that did not come true"
        time.sleep(0.05)


def with_worker(app: Flask, done: Callable[[], object], seconds: float = 20.0) -> None:
    """Run a worker in this process until something has come true."""
    worker = Worker(worker_broker(app), worker_threads=4, worker_timeout=100)
    worker.start()
    try:
        wait_until(done, seconds)
    finally:
        worker.stop(timeout=5000)
