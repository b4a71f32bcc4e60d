"""What processes that serve do without: seen in a process of its own, as they are started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory

from kameng import lean
from kameng.db.migrate import alembic_config
from kameng.db.steps import newest_step

# Heavy, and needed for a sheet, a migration or a payment by Stripe alone.
LATER = ("openpyxl", "alembic", "mako", "stripe", "requests")
PROCESSES = {
    "worker": "import kameng.worker",
    "web": "from kameng.ops import gunicorn_hooks; import wsgi; wsgi.app",
    "scheduler": "from kameng import lean; from kameng.jobs import scheduler;"
    " from kameng.app import create_app; from kameng.settings import load_settings;"
    " scheduler.load_tasks(); create_app(load_settings())",
}
SAY = "; import sys; print(*(name for name in {names!r} if sys.modules.get(name)))"


@pytest.mark.parametrize("process", PROCESSES)
def test_nothing_heavy_is_imported_before_somebody_needs_it(process: str, tmp_path) -> None:
    code = PROCESSES[process] + SAY.format(names=lean.UNWANTED + LATER)
    environ = {
        **os.environ, "KAMENG_DEMO": "1", "KAMENG_HOME": str(tmp_path),
        "KAMENG_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "KAMENG_REDIS_URL": "redis://127.0.0.1:1/0",
    }  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="a policy of Linux alone")
def test_who_serves_takes_nobody_off_the_processor() -> None:
    code = "from kameng import lean; import os; lean.settle(); print(os.sched_getscheduler(0))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) == os.SCHED_BATCH


def test_the_newest_step_is_the_one_alembic_ends_at() -> None:
    assert newest_step() == ScriptDirectory.from_config(alembic_config()).get_current_head()
