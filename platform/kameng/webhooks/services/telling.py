"""News become one message and its deliveries, in the transaction in which they are known."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.jobs.api import publish
from kameng.webhooks.domain.events import News, Notify, body_of, wants
from kameng.webhooks.services.formats import STANDARD

DUE_TOPIC = "webhook.due"

_ENDPOINTS = text(
    "SELECT id, url, events, state FROM webhook_endpoint WHERE station_id = :station"
    " AND member_id = :member AND state IN ('active', 'paused') ORDER BY id"
)
_MESSAGE = text(
    "INSERT INTO webhook_message"
    "(station_id, message_no, source, member_id, event, order_id, payload)"
    " VALUES (:station, :number, :source, :member, :event, :order, CAST(:payload AS jsonb))"
    " ON CONFLICT (station_id, source) DO NOTHING RETURNING id"
)
# The job that follows sends it at once; the sweeper comes when that job got lost.
_DELIVERY = text(
    "INSERT INTO webhook_delivery"
    "(station_id, message_id, endpoint_id, api_key_id, format, url, state, next_try_at)"
    " VALUES (:station, :message, :endpoint, :key, :format, :url, :state,"
    " CASE WHEN :state = 'due' THEN now() + interval '10 seconds' END)"
)


def tell(station_id: int, news: News) -> int | None:
    """Write it down for everybody who wants to hear it; the caller commits.

    Returns the message, or None: nobody listens, or the same source was told before. A paused
    endpoint gets a dropped delivery, which its owner can replay. Raises ValueError for a body
    above 20 KB.
    """
    deliveries = _to_endpoints(station_id, news) + _to_notify(news.notify)
    if not deliveries:
        return None
    body_of(news.payload)
    message = db.session.scalar(
        _MESSAGE,
        {
            "station": station_id, "number": f"msg_{secrets.token_hex(12)}",
            "source": news.source, "member": news.member_id, "event": news.event,
            "order": news.order_id, "payload": json.dumps(dict(news.payload)),
        },
    )  # fmt: skip
    if message is None:
        return None
    db.session.execute(
        _DELIVERY, [{"station": station_id, "message": message, **one} for one in deliveries]
    )
    publish(DUE_TOPIC, station_id, {"message_id": message})
    return int(message)


def announce(
    station_id: int, member_id: int, event: str, source: str, payload: Mapping[str, Any], *,
    order_id: int | None = None, notify: tuple[int, str, str] | None = None,
) -> int | None:  # fmt: skip
    """Tell a member's programs something that no topic of the outbox tells (the sandbox does).

    ``payload`` is the whole body (`event_payload`), ``notify`` is (api_key_id, format, url). In the
    open scope; the caller commits. Returns the message's id, None as `tell` does.
    """
    where = Notify(*notify) if notify else None
    return tell(
        station_id,
        News(
            member_id=member_id, event=event, source=source, payload=payload,
            order_id=order_id, notify=where,
        ),
    )  # fmt: skip


def _to_endpoints(station_id: int, news: News) -> list[dict[str, Any]]:
    given = {"station": station_id, "member": news.member_id}
    return [
        {
            "endpoint": row.id, "key": None, "format": STANDARD, "url": row.url,
            "state": "due" if row.state == "active" else "dropped",
        }
        for row in db.session.execute(_ENDPOINTS, given).all()
        if (wants(row.events, news.event) if news.only is None else row.id == news.only)
    ]  # fmt: skip


def _to_notify(notify: Notify | None) -> list[dict[str, Any]]:
    if notify is None:
        return []
    return [
        {
            "endpoint": None, "key": notify.api_key_id, "format": notify.format,
            "url": notify.url, "state": "due",
        }
    ]  # fmt: skip
