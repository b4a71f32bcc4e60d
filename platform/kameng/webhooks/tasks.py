"""Jobs of webhooks: listen to what happens, send what is due, forget what is old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kameng.jobs import actor, every, subscribe
from kameng.webhooks.api import (
    DUE_TOPIC,
    claim_due,
    due_of,
    prune,
    send_delivery,
    tell_order,
    tell_refund_request,
    tell_top_up,
)

DAY_S, NIGHT_S = 86_400, 19 * 3600  # 03:00 in China
ORDER_TOPICS = (
    "order.paid", "order.held", "order.delivered", "order.refunding", "order.refunded",
    "order.cancelled", "order.expired",
)  # fmt: skip
REQUEST_TOPICS = ("refund_request.accepted", "refund_request.declined")


@actor(queue="notify", scope="none", max_retries=0)
def push_webhook(station_id: int, delivery_id: int, tries: int) -> str:
    """One try of one delivery; a second job for the same try does nothing."""
    return send_delivery(station_id, delivery_id, tries)


@every(seconds=5)
def push_due_webhooks() -> int:
    """Hand every delivery whose time has come to a worker."""
    due = claim_due()
    for station_id, delivery_id, tries in due:
        push_webhook.send(station_id, delivery_id, tries)
    return len(due)


@subscribe(DUE_TOPIC, queue="notify", scope="none")
def push_message(station_id: int, payload: dict[str, Any]) -> None:
    """A new message goes to everybody at once."""
    for delivery in due_of(station_id, int(payload["message_id"])):
        push_webhook.send(*delivery)


@every(seconds=DAY_S, offset_s=NIGHT_S, lease_s=3600, queue="bulk")
def prune_webhooks() -> int:
    """Messages of more than 30 days go, with their log."""
    return prune()


@subscribe("purchase.part", queue="notify", scope="station", name="webhook.partially_delivered")
def tell_part(station_id: int, payload: dict[str, Any]) -> None:
    """Some of the pieces are there."""
    order_id, part = int(payload["order_id"]), int(payload["purchase_id"])
    tell_order("order.partially_delivered", station_id, order_id, part)


@subscribe("wallet.topped_up", queue="notify", scope="station", name="webhook.topped_up")
def tell_filled(station_id: int, payload: dict[str, Any]) -> None:
    """A wallet was filled."""
    tell_top_up(station_id, int(payload["member_id"]), int(payload["attempt_id"]))


def _order_teller(topic: str) -> Callable[[int, dict[str, Any]], None]:
    def tell(station_id: int, payload: dict[str, Any]) -> None:
        tell_order(topic, station_id, int(payload["order_id"]))

    return tell


def _request_teller(topic: str) -> Callable[[int, dict[str, Any]], None]:
    def tell(station_id: int, payload: dict[str, Any]) -> None:
        tell_refund_request(topic, station_id, int(payload["request_id"]))

    return tell


# The same for each: the topic is the event.
for _topic in ORDER_TOPICS:
    subscribe(_topic, queue="notify", scope="station", name=f"webhook.{_topic}")(
        _order_teller(_topic)
    )
for _topic in REQUEST_TOPICS:
    subscribe(_topic, queue="notify", scope="station", name=f"webhook.{_topic}")(
        _request_teller(_topic)
    )
