"""The jobs' own work: sweeping, pruning, long runs."""

from __future__ import annotations

from typing import Any

from flask import current_app

from kameng.jobs import relay, runs, slots
from kameng.jobs.declare import every, subscribe


@every(seconds=10, scope="none")
def sweep_outbox() -> None:
    """Messages that Redis has lost."""
    relay.sweep(current_app._get_current_object())  # type: ignore[attr-defined]


@every(seconds=30, scope="none")
def revive_runs() -> None:
    """Long runs whose worker has died."""
    runs.revive()


@every(seconds=300, scope="none")
def prune_outbox() -> None:
    """Messages that everybody has handled."""
    relay.prune(current_app._get_current_object())  # type: ignore[attr-defined]


@every(seconds=600)
def prune_job_slots() -> None:
    """Slots that say nothing any more."""
    slots.prune_slots()


@subscribe(runs.RUN_TOPIC, queue="bulk", scope="none")
def run_job(station_id: int, payload: dict[str, Any]) -> None:
    """Long work, and dead letters that a person tries again."""
    runs.execute(int(payload["run_id"]))
