"""Imports in the background, and the watch over pools and keys."""

from __future__ import annotations

from typing import Any

from kameng.jobs import every, subscribe
from kameng.stock.services.alerts import check_stock_alerts, notify_alerts
from kameng.stock.services.importing import run_spooled
from kameng.stock.services.upkeep import expire_cards, give_up_stuck_imports, reencrypt

REENCRYPT_PER_RUN = 20_000


@subscribe("cards.spooled", queue="bulk", once=False)
def import_spooled(station_id: int, payload: dict[str, Any]) -> None:
    """Import an upload that lies sealed; repeated after a crash it goes on where it stopped."""
    run_spooled(int(payload["batch_id"]))


@subscribe("cards.imported", queue="notify", once=False)
def watch_after_import(station_id: int, payload: dict[str, Any]) -> None:
    """A filled pool closes its alerts at once."""
    check_stock_alerts()


@every(seconds=30, queue="notify")
def watch_stock() -> None:
    """Raise and close stock alerts, and send the new ones."""
    check_stock_alerts()
    notify_alerts()


@every(seconds=600, offset_s=60, queue="bulk")
def void_expired_cards() -> None:
    """Cards past their day are not sold."""
    expire_cards()


@every(seconds=300, offset_s=120, queue="bulk")
def move_to_active_key() -> None:
    """After a key rotation: re-encrypt, some thousand cards at a time."""
    reencrypt(REENCRYPT_PER_RUN)


@every(seconds=3600, offset_s=180, queue="bulk")
def clear_stuck_imports() -> None:
    """Say of dead imports that they have failed."""
    give_up_stuck_imports()
