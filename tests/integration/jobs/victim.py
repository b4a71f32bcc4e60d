"""A worker process that takes its messages and never gets done; started and killed by a test."""

from __future__ import annotations

import os
import time
from pathlib import Path

from flask import Flask

from kameng.db import db, init_database
from kameng.jobs import broker, subscribe
from kameng.redis import init_redis
from kameng.runtime import init_runtime
from kameng.settings import load_settings


def declare(mark: Path, patience_s: float) -> None:
    """The subscriber: leaves its effect in an open transaction and lingers."""

    @subscribe("t.slow", name="t.slow")
    def slow(station_id: int, payload: dict[str, int]) -> None:
        from sqlalchemy import text

        db.session.execute(
            text(
                "INSERT INTO audit_event(station_id, actor, action, subject)"
                " VALUES (:station, 'test', 'test.effect', :mark)"
            ),
            {"station": station_id, "mark": f"slow {payload['n']}"},
        )
        if patience_s:
            mark.touch()
            time.sleep(patience_s)


def main() -> None:
    """Work until killed."""
    from dramatiq import Worker

    settings = load_settings()
    app = Flask("kameng")
    init_runtime(app, settings)
    init_database(app, settings)
    init_redis(app, settings)
    declare(Path(os.environ["VICTIM_MARK"]), patience_s=60)
    Worker(broker.worker_broker(app), worker_threads=2, worker_timeout=100).start()
    time.sleep(60)


if __name__ == "__main__":
    main()
