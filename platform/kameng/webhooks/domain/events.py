"""What a member can be told, and who wants to hear it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

EVENTS = (
    "order.paid", "order.held", "order.delivered", "order.partially_delivered", "order.refunding",
    "order.refunded", "order.cancelled", "order.expired", "wallet.topped_up",
    "refund_request.accepted", "refund_request.declined",
)  # fmt: skip
TEST = "webhook.test"  # sent by a button to one endpoint, whatever it wants to hear
MOST_BYTES = 20_000  # Standard Webhooks: bodies stay below 20 KB


@dataclass(frozen=True, slots=True)
class Notify:
    """Where the program that placed an order wants to hear of it, and in whose words."""

    api_key_id: int
    format: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that has happened to a member; ``source`` is the same only for the same thing.

    ``only``: just this endpoint. ``notify``: the address that came with the order, too.
    """

    member_id: int
    event: str
    source: str
    payload: Mapping[str, Any]
    order_id: int | None = None
    notify: Notify | None = None
    only: int | None = None


def wants(events: Collection[str], event: str) -> bool:
    """Whether an endpoint's choice covers an event; no choice is every event."""
    return not events or event in events


def event_payload(event: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an event as Standard Webhooks recommends it."""
    return {"type": event, "timestamp": at.isoformat(), "data": dict(data)}


def body_of(payload: Mapping[str, Any]) -> bytes:
    """Compact JSON; of the same payload always the same bytes, so that retries are repeats.

    Raises ValueError above the size that receivers must expect.
    """
    first = {name: payload[name] for name in ("type", "timestamp", "data") if name in payload}
    body = json.dumps({**first, **payload}, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) >= MOST_BYTES:
        raise ValueError(f"the body of a webhook has {len(body)} bytes")
    return body
