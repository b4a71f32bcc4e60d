"""Run one message: application context, scope, handled once, errors summed up."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dramatiq.errors import Retry
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from kameng.db import call, db, main_scope, run, station_scope
from kameng.jobs.errors import ActorFailed, summary
from kameng.jobs.registry import ActorSpec, ScopeKind

log = logging.getLogger("kameng.jobs")

_UNMARK = text("DELETE FROM outbox_done WHERE outbox_id = :id AND actor = :actor")


def handle(
    app: Flask, spec: ActorSpec, outbox_id: int, station_id: int, payload: Mapping[str, Any]
) -> None:
    """Let a subscriber handle a message of the outbox, unless it has done so before."""
    with _reported(spec), app.app_context():
        if spec.once:
            _handle_once(spec, outbox_id, station_id, payload)
        else:
            _handle_again(spec, outbox_id, station_id, payload)


def perform(app: Flask, spec: ActorSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Call an actor with its arguments."""
    station_id = int(args[0]) if spec.scope == "station" and args else None
    with _reported(spec), app.app_context(), opened(spec.scope, station_id, spec.name):
        spec.fn(*args, **kwargs)
        commit_rest(spec.scope)


@contextmanager
def opened(kind: ScopeKind, station_id: int | None, reason: str) -> Iterator[None]:
    """The scope that an actor has declared."""
    if kind == "none":
        yield
    elif kind == "main":
        with main_scope(reason=f"job {reason}"):
            yield
    else:
        if station_id is None:
            raise TypeError(f"{reason} runs in a station's scope and needs its id first")
        with station_scope(station_id):
            yield


def _handle_once(
    spec: ActorSpec, outbox_id: int, station_id: int, payload: Mapping[str, Any]
) -> None:
    """Mark and effect in one transaction. A copy that runs at the same time waits at the mark."""
    with opened(spec.scope, station_id, spec.name):
        if not _mark(spec, outbox_id, station_id):
            return
        commits = _count_commits()
        try:
            spec.fn(station_id, dict(payload))
        except BaseException:
            if commits:
                _unmark(spec, outbox_id)
            raise
        if len(commits) > 1:
            log.error("%s commits %d times: declare it once=False", spec.name, len(commits))
        _mark(spec, outbox_id, station_id)  # a rollback inside took the first one with it
        db.session.commit()


def _handle_again(
    spec: ActorSpec, outbox_id: int, station_id: int, payload: Mapping[str, Any]
) -> None:
    """The mark comes last: work that was cut off is repeated."""
    this = {"p_outbox_id": outbox_id, "p_actor": spec.name}
    if call("outbox_handled", as_main=True, **this)["handled"]:
        return
    with opened(spec.scope, station_id, spec.name):
        spec.fn(station_id, dict(payload))
        commit_rest(spec.scope)
    call("outbox_mark", as_main=True, p_station=station_id, **this)


def _mark(spec: ActorSpec, outbox_id: int, station_id: int) -> bool:
    rows = run("outbox_mark", p_station=station_id, p_outbox_id=outbox_id, p_actor=spec.name)
    return bool(rows[0]["fresh"])


def _unmark(spec: ActorSpec, outbox_id: int) -> None:
    with main_scope(reason=f"job {spec.name}: failed after its commit"):
        db.session.execute(_UNMARK, {"id": outbox_id, "actor": spec.name})
        db.session.commit()


def _count_commits() -> list[int]:
    commits: list[int] = []

    def count(session: Session) -> None:
        if not session.in_nested_transaction():  # a savepoint is no commit
            commits.append(1)

    event.listen(db.session(), "after_commit", count)
    return commits


def commit_rest(kind: ScopeKind) -> None:
    """Commit what a function has left open in the scope that was opened for it."""
    if kind != "none":
        db.session.commit()


@contextmanager
def _reported(spec: ActorSpec) -> Iterator[None]:
    """Log the error where it happened; only its summary goes into Redis and tables."""
    try:
        yield
    except Retry:
        raise
    except Exception as error:
        log.exception("actor %s failed", spec.name)
        raise ActorFailed(summary(error)) from None
