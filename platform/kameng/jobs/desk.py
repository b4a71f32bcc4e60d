"""What the console shows of the jobs, and the button of dead letters. All in a main scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from redis import RedisError
from sqlalchemy import text

from kameng.db import db
from kameng.errors import Conflict
from kameng.jobs.broker import NAMESPACE, broker_of
from kameng.jobs.outbox import publish
from kameng.jobs.registry import QUEUES
from kameng.jobs.runs import RUN_TOPIC


@dataclass(frozen=True, slots=True)
class RunView:
    """One run or dead letter. `state`: queued, running, done, failed, dead."""

    id: int
    station_id: int
    actor: str
    queue: str
    state: str
    done: int
    total: int
    error: str
    args: dict[str, Any]
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Messages of a queue: waiting or at work, delayed for a retry, dead. None: Redis is away."""

    queue: str
    waiting: int | None
    delayed: int | None
    dead: int | None


@dataclass(frozen=True, slots=True)
class SlotView:
    """The newest slot of a periodic job."""

    job: str
    scheduled_for: datetime
    claimed_at: datetime | None
    done_at: datetime | None
    error: str | None


_COLUMNS = (
    "id, station_id, actor, queue, state, done, total, error, args, created_by, created_at,"
    " started_at, finished_at"
)
_RECENT = text(f"SELECT {_COLUMNS} FROM job_run ORDER BY id DESC LIMIT :limit")
_ONE = text(f"SELECT {_COLUMNS} FROM job_run WHERE id = :id")
_DEAD = text(f"SELECT {_COLUMNS} FROM job_run WHERE state = 'dead' ORDER BY id DESC LIMIT :limit")
_RETRY = text(
    "UPDATE job_run SET state = 'queued', finished_at = NULL"
    " WHERE id = :id AND state IN ('dead', 'failed') RETURNING station_id"
)
_SLOTS = text(
    "SELECT DISTINCT ON (job) job, scheduled_for, claimed_at, done_at, error FROM job_slot"
    " ORDER BY job, scheduled_for DESC"
)
_BACKLOG = text("SELECT count(*) FROM outbox WHERE sent_at IS NULL")


def recent_runs(limit: int = 50) -> list[RunView]:
    """The newest runs and dead letters, newest first."""
    return _runs(_RECENT, limit=limit)


def dead_letters(limit: int = 50) -> list[RunView]:
    """Messages given up after their last retry, newest first."""
    return _runs(_DEAD, limit=limit)


def run_of(run_id: int) -> RunView | None:
    """One run, for a progress bar."""
    found = _runs(_ONE, id=run_id)
    return found[0] if found else None


def retry_dead(run_id: int) -> None:
    """Run a dead letter or a failed run once more, and commit.

    Raises `Conflict("not_dead")` when it is neither (a second click, say).
    """
    row = db.session.execute(_RETRY, {"id": run_id}).first()
    if row is None:
        db.session.rollback()
        raise Conflict("not_dead", "该任务已在重试或已完成")
    publish(RUN_TOPIC, row.station_id, {"run_id": run_id})
    db.session.commit()


def queue_depths() -> list[QueueDepth]:
    """How much waits in each queue."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    try:
        with broker_of(app).client.pipeline(transaction=False) as pipe:
            for queue in QUEUES:
                pipe.hlen(f"{NAMESPACE}:{queue}.msgs")
                pipe.hlen(f"{NAMESPACE}:{queue}.DQ.msgs")
                pipe.hlen(f"{NAMESPACE}:{queue}.XQ.msgs")
            counts = pipe.execute()
    except RedisError:
        return [QueueDepth(queue, None, None, None) for queue in QUEUES]
    return [QueueDepth(queue, *counts[3 * n : 3 * n + 3]) for n, queue in enumerate(QUEUES)]


def outbox_backlog() -> int:
    """Messages that no scheduler has relayed yet."""
    return int(db.session.execute(_BACKLOG).scalar_one())


def periodic_slots() -> list[SlotView]:
    """The newest slot of every periodic job."""
    return [SlotView(*row) for row in db.session.execute(_SLOTS)]


def _runs(statement: Any, **given: Any) -> list[RunView]:
    rows = db.session.execute(statement, given).mappings()
    return [RunView(**row) for row in rows]
