"""The jobs' own work: sweeping, pruning, long runs, e-mails."""

from __future__ import annotations

from typing import Any

from flask import current_app

from kameng.jobs import mail, notifying, relay, runs, slots
from kameng.jobs.declare import every, subscribe


@every(seconds=10, scope="none")
def sweep_outbox() -> None:
    """Messages that Redis has lost."""
    relay.sweep(current_app._get_current_object())  # type: ignore[attr-defined]  # werkzeug's proxy has it


@every(seconds=30, scope="none")
def revive_runs() -> None:
    """Long runs whose worker has died."""
    runs.revive()


@every(seconds=300, scope="none")
def prune_outbox() -> None:
    """Messages that everybody has handled."""
    relay.prune(current_app._get_current_object())  # type: ignore[attr-defined]  # werkzeug's proxy has it


@every(seconds=600)
def prune_job_slots() -> None:
    """Slots that say nothing any more."""
    slots.prune_slots()


@subscribe(runs.RUN_TOPIC, queue="bulk", scope="none")
def run_job(station_id: int, payload: dict[str, Any]) -> None:
    """Long work, and dead letters that a person tries again."""
    runs.execute(int(payload["run_id"]))


@every(seconds=3, scope="none", queue="notify", lease_s=60)
def deliver_notices() -> None:
    """E-mails that are due."""
    mail.deliver_notices()


@every(seconds=3600)
def prune_notices() -> None:
    """Mails of long ago."""
    notifying.prune_notices()


@subscribe("order.delivered", queue="notify")
def tell_delivered(station_id: int, payload: dict[str, Any]) -> None:
    """The shopper learns where to find the goods."""
    notifying.order_notice("order.delivered", station_id, int(payload["order_id"]))


@subscribe("purchase.part", queue="notify")
def tell_part(station_id: int, payload: dict[str, Any]) -> None:
    """The shopper learns that some of the goods are there already."""
    notifying.order_notice("order.part", station_id, int(payload["order_id"]))


@subscribe("order.refunding", queue="notify")
def tell_refunding(station_id: int, payload: dict[str, Any]) -> None:
    """The shopper learns that the money is on its way back."""
    notifying.order_notice("order.refunding", station_id, int(payload["order_id"]))


@subscribe("order.refunded", queue="notify")
def tell_refunded(station_id: int, payload: dict[str, Any]) -> None:
    """The shopper learns that the money is back."""
    notifying.order_notice("order.refunded", station_id, int(payload["order_id"]))
