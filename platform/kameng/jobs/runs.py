"""Long work with progress: a row in `job_run`, started through the outbox, taken up again."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.jobs import runner
from kameng.jobs.dead import MAIN_STATION
from kameng.jobs.declare import Actor
from kameng.jobs.errors import summary
from kameng.jobs.outbox import publish
from kameng.jobs.registry import ActorSpec, find_actor

RUN_TOPIC = "job.run"
RUN_LOCK = 0x4A52 << 44  # leaves room for the ids of 2^44 runs

log = logging.getLogger("kameng.jobs")

_INSERT = text(
    "INSERT INTO job_run(station_id, actor, queue, args, state, total, created_by)"
    " VALUES (:station_id, :actor, :queue, CAST(:args AS jsonb), 'queued', :total, :created_by)"
    " RETURNING id"
)
_PROGRESS = text(
    "UPDATE job_run SET done = :done, total = coalesce(:total, total)"
    " WHERE id = :id AND state = 'running'"
)
_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
_START = text(
    "UPDATE job_run SET state = 'running', started_at = now(), error = ''"
    " WHERE id = :id AND state IN ('queued', 'running') RETURNING actor, args"
)
_FINISH = text(
    "UPDATE job_run SET state = :state, error = :error, finished_at = now(),"
    " done = CASE WHEN :state = 'done' AND total > 0 THEN total ELSE done END WHERE id = :id"
)
_CALM = text(
    "UPDATE alert SET state = 'closed', closed_at = now() WHERE kind = 'dead_letter'"
    " AND subject = :actor AND state = 'open'"
    " AND NOT EXISTS (SELECT FROM job_run WHERE actor = :actor AND state = 'dead')"
)
_CUT_OFF = text(
    "SELECT r.id, r.station_id FROM job_run r WHERE r.state = 'running'"
    " AND r.started_at < now() - make_interval(secs => :after_s) AND NOT EXISTS"
    " (SELECT FROM outbox o WHERE o.topic = :topic AND (o.payload ->> 'run_id')::bigint = r.id"
    "  AND NOT EXISTS (SELECT FROM outbox_done d WHERE d.outbox_id = o.id))"
)


def start_run(
    actor: Actor[Any, Any] | str,
    args: Mapping[str, Any],
    *,
    station_id: int = MAIN_STATION,
    total: int = 0,
    created_by: str = "system",
) -> int:
    """Queue long work in the open main scope and return its run id; the caller commits.

    `args` are the keyword arguments of the actor: ids, no secrets. An actor that takes `run_id`
    gets it and reports with `progress`. A worker that dies is replaced and begins again.
    Raises `LookupError` for an unknown actor.
    """
    name = actor if isinstance(actor, str) else actor.name
    spec = find_actor(name)
    if spec is None:
        raise LookupError(f"no actor is named {name!r}")
    given = {
        "station_id": station_id, "actor": name, "queue": spec.queue, "total": total,
        "args": json.dumps({"args": [], "kwargs": dict(args)}), "created_by": created_by,
    }  # fmt: skip
    run_id = int(db.session.execute(_INSERT, given).scalar_one())
    publish(RUN_TOPIC, station_id, {"run_id": run_id})
    return run_id


def progress(run_id: int, done: int, total: int | None = None) -> None:
    """Say how far a run has come; seen at once, whatever becomes of the caller's transaction."""
    with main_scope(reason="progress of a run"):
        db.session.execute(_PROGRESS, {"id": run_id, "done": done, "total": total})
        db.session.commit()


def execute(run_id: int) -> None:
    """Run a queued or cut-off run here; nothing when it is running elsewhere or is over.

    An error of the actor ends the run as failed. Raises database errors only.
    """
    with main_scope(reason="lock of a run"):
        # Held by this transaction for as long as this process lives, and no longer.
        if db.session.execute(_LOCK, {"key": RUN_LOCK + run_id}).scalar_one():
            _execute_locked(run_id)


def revive(*, after_s: float = 60) -> int:
    """Queue runs again whose worker has died; returns how many."""
    with main_scope(reason="runs cut off"):
        given = {"after_s": after_s, "topic": RUN_TOPIC}
        rows = db.session.execute(_CUT_OFF, given).all()
        free = [
            row
            for row in rows
            if db.session.execute(_LOCK, {"key": RUN_LOCK + row.id}).scalar_one()
        ]
        for row in free:
            publish(RUN_TOPIC, row.station_id, {"run_id": row.id})
        db.session.commit()
        return len(free)


def _execute_locked(run_id: int) -> None:
    with main_scope(reason="start a run"):
        row = db.session.execute(_START, {"id": run_id}).first()
        db.session.commit()
    if row is None:
        return
    state, error = "done", ""
    try:
        _call(run_id, row.actor, row.args)
    except Exception as failure:
        log.exception("run %d of %s failed", run_id, row.actor)
        state, error = "failed", summary(failure)
    with main_scope(reason="finish a run"):
        db.session.execute(_FINISH, {"id": run_id, "state": state, "error": error})
        db.session.execute(_CALM, {"actor": row.actor})
        db.session.commit()


def _call(run_id: int, actor: str, call: Mapping[str, Any]) -> None:
    spec = find_actor(actor)
    if spec is None:
        raise LookupError(f"no actor is named {actor!r}")
    args, kwargs = _arguments(spec, call, run_id)
    station_id = int(args[0]) if spec.scope == "station" and args else call.get("station_id")
    with runner.opened(spec.scope, station_id, actor):
        spec.fn(*args, **kwargs)
        if spec.scope != "none":
            db.session.commit()


def _arguments(
    spec: ActorSpec, call: Mapping[str, Any], run_id: int
) -> tuple[list[Any], dict[str, Any]]:
    if spec.topic:
        return [call["station_id"], dict(call["payload"])], {}
    kwargs = dict(call.get("kwargs", {}))
    if "run_id" in inspect.signature(spec.fn).parameters:
        kwargs["run_id"] = run_id
    return list(call.get("args", [])), kwargs
