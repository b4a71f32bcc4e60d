"""A subscriber that writes down when it was begun; `python -m tests.bench.probe`: a scheduler with it."""

from __future__ import annotations

import time

from kameng import lean, redis
from kameng.jobs import subscribe

TOPIC, BEATS = "bench.beat", "bench:beats"


@subscribe(TOPIC, name=TOPIC, once=False)
def beat(_station_id: int, payload: dict[str, int]) -> None:
    """When each row's job was begun, by its number; the first time counts."""
    redis.client().hsetnx(BEATS, str(payload["n"]), str(time.time()))


if __name__ == "__main__":
    from kameng.app import create_app
    from kameng.jobs.scheduler import run
    from kameng.logging import configure_logging
    from kameng.settings import load_settings

    settings = load_settings()
    configure_logging(settings)
    app = create_app(settings)
    lean.settle()
    run(app)
