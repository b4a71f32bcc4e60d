"""Dead letters: given up by dramatiq, kept in PostgreSQL, raised as an alert once per actor."""

from __future__ import annotations

import json
from typing import Any

from dramatiq.broker import MessageProxy
from flask import Flask
from sqlalchemy import text

from kameng.db import db, main_scope, run
from kameng.jobs.registry import find_actor, periodic

MAIN_STATION = 1

_INSERT = text(
    "INSERT INTO job_run(state, finished_at, station_id, actor, queue, message_id, args, error)"
    " VALUES ('dead', now(), :station_id, :actor, :queue, :message_id,"
    " CAST(:args AS jsonb), :error)"
)
_ALERT = text(
    "INSERT INTO alert(station_id, kind, subject, title, detail)"
    " VALUES (:station_id, 'dead_letter', :subject, :title, CAST(:detail AS jsonb))"
    " ON CONFLICT (station_id, kind, subject) WHERE state = 'open' DO NOTHING"
)


def bury(app: Flask, message: MessageProxy) -> None:
    """Record a message that will not be tried again; a copy of a handled one is passed over."""
    with app.app_context(), main_scope(reason="dead letter"):
        args, station_id = _call_of(message)
        outbox_id = args.get("outbox_id")
        if outbox_id is not None and not _first(station_id, outbox_id, message.actor_name):
            return
        error = _error_of(message)
        # A periodic job comes again by itself: the alert is enough, rows would pile up.
        if message.actor_name not in periodic():
            _keep(message, args, station_id, error)
        db.session.execute(
            _ALERT,
            {
                "station_id": MAIN_STATION,
                "subject": message.actor_name,
                "title": f"任务多次失败：{message.actor_name}",
                "detail": json.dumps({"error": error}),
            },
        )
        db.session.commit()


def _keep(message: MessageProxy, args: dict[str, Any], station_id: int, error: str) -> None:
    given = {
        "station_id": station_id, "actor": message.actor_name, "queue": message.queue_name,
        "message_id": message.message_id, "args": json.dumps(args), "error": error,
    }  # fmt: skip
    db.session.execute(_INSERT, given)


def _call_of(message: MessageProxy) -> tuple[dict[str, Any], int]:
    """The call in the form in which `job_run.args` keeps calls, and the station it concerns."""
    spec = find_actor(message.actor_name)
    if spec is not None and spec.topic:
        outbox_id, station_id, payload = message.args
        return {"outbox_id": outbox_id, "station_id": station_id, "payload": payload}, station_id
    return {"args": list(message.args), "kwargs": message.kwargs}, MAIN_STATION


def _first(station_id: int, outbox_id: int, actor: str) -> bool:
    rows = run("outbox_mark", p_station=station_id, p_outbox_id=outbox_id, p_actor=actor)
    return bool(rows[0]["fresh"])


def _error_of(message: MessageProxy) -> str:
    lines = str(message.options.get("traceback", "")).strip().splitlines()
    return lines[-1].removeprefix("kameng.jobs.errors.ActorFailed: ")[:300] if lines else ""
