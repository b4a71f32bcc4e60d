"""Jobs of plugins: health reports, and telling observers what has happened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kameng.jobs import every, subscribe
from kameng.plugins.api import observe, run_all_health
from kameng_sdk.health import ObservedEvent

# Facts an observer is told about; `kameng_observe` in docs/plugins/hooks.md lists them.
OBSERVED = (
    "order.delivered", "order.held", "order.refunding", "refund.created", "wallet.topped_up",
    "station.opened",
)  # fmt: skip


@every(seconds=300, queue="supply", scope="none")
def check_health() -> int:
    """Ask every plugin in use how its other side fares."""
    return run_all_health()


def _teller(topic: str) -> Callable[[int, dict[str, Any]], None]:
    def tell(station_id: int, payload: dict[str, Any]) -> None:
        plain = {
            name: value
            for name, value in payload.items()
            if value is None or isinstance(value, str | int | bool)
        }
        observe(
            ObservedEvent(
                topic=topic, station_ref=str(station_id), occurred_at=datetime.now(UTC),
                payload=plain,
            )
        )  # fmt: skip

    return tell


for _topic in OBSERVED:
    subscribe(_topic, scope="none", name=f"plugins.observe.{_topic}")(_teller(_topic))
