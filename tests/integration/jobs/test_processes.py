"""The real processes: they start, work, and leave when told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kameng.jobs.discovery import load_tasks
from kameng.jobs.registry import periodic
from kameng.ops import services

from .helpers import execute, rows, wait_until

load_tasks()
PERIODIC = set(periodic())
WORKER = services.worker({}).command[1:]
SCHEDULER = [
    "-c",
    "from kameng.app import create_app; from kameng.jobs import scheduler;"
    "from kameng.settings import load_settings; scheduler.run(create_app(load_settings()))",
]


@contextmanager
def started(arguments: list[str], app, tmp_path) -> Iterator[subprocess.Popen[bytes]]:
    from kameng.runtime import current_settings

    with app.app_context():
        settings = current_settings()
    environ = {
        **os.environ, "KAMENG_DEMO": "1", "KAMENG_HOME": str(tmp_path),
        "KAMENG_DATABASE_URL": settings.database_url, "KAMENG_REDIS_URL": settings.redis_url,
        "KAMENG_SECRET_KEY": settings.secret_key, "KAMENG_MASTER_KEY": settings.master_key,
    }  # fmt: skip
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *arguments], env=environ, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def stopped_after(process: subprocess.Popen[bytes]) -> float:
    """Seconds from SIGTERM to the end."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (0, -signal.SIGTERM)
    return time.monotonic() - begun


@pytest.fixture
def queued(ready):
    """A mail that only scheduler and worker together can send."""
    execute(
        "INSERT INTO notice(station_id, kind, recipient, subject, body, dedup_key)"
        " VALUES (1, 'test', 'a@example.com', 'x', 'x', 'x')"
    )
    return ready


ENDED = "SELECT DISTINCT job FROM job_slot WHERE done_at IS NOT NULL"


def sent() -> bool:
    return rows("SELECT state FROM notice")[0][0] == "sent"


def test_worker_and_scheduler_do_all_periodic_work_and_stop_on_sigterm(queued, tmp_path):
    with (
        started(WORKER, queued, tmp_path) as worker,
        started(SCHEDULER, queued, tmp_path) as scheduler,
    ):
        wait_until(sent, 60)
        wait_until(lambda: {job for (job,) in rows(ENDED)} == PERIODIC, 60)
        assert stopped_after(scheduler) < 3
        assert stopped_after(worker) < 10
    assert rows("SELECT job, error FROM job_slot WHERE error IS NOT NULL") == []
    assert rows("SELECT subject, detail FROM alert WHERE kind = 'dead_letter'") == []
    assert list((tmp_path / "mail").glob("*.eml"))


def test_a_worker_that_dies_at_its_start_ends_the_whole_at_once_to_be_started_anew(ready, tmp_path):
    with started(WORKER, ready, tmp_path) as main:
        born = Path(f"/proc/{main.pid}/task/{main.pid}/children")
        wait_until(lambda: born.read_text() != "", 10)
        os.kill(int(born.read_text().split()[0]), signal.SIGKILL)
        assert main.wait(20) != 0  # dramatiq alone would take half a minute to look
