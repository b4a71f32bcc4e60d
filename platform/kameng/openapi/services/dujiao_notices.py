"""What a dujiao-next site downstream is told of its order, signed with the key's secret."""

from __future__ import annotations

import json
import time

from kameng.openapi.domain.dialects.dujiao_next import door, orders
from kameng.openapi.services.callers import secrets_of
from kameng.openapi.services.dock_notices import caller_of, order_told
from kameng.webhooks import api as webhooks

# Sites poll as well: what is not taken within a day is not news any more.
SCHEDULE_S = (0, 10, 60, 300, 1_800, 7_200, 21_600, 57_600)


def build(facts: webhooks.DeliveryFacts) -> webhooks.Outgoing | None:
    """The request; None when the key or the order is gone. Station scope."""
    caller, secrets = caller_of(facts), secrets_of(facts.station_id, facts.api_key_id)
    order = order_told(caller, facts) if caller else None
    if caller is None or order is None or not secrets:
        return None
    now = int(time.time())
    body = json.dumps(orders.notice(order, now), ensure_ascii=False).encode()
    # There is room for one signature. The older secret goes when all programs use the new one.
    headers = door.notice_headers(caller.key_id, secrets[0], now, body)
    return webhooks.Outgoing("POST", headers, body, hidden=tuple(c.code for c in order.cards))


def accepts(status: int, body: bytes) -> bool:
    """The site says so in JSON, and HTTP does not say otherwise."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return status == 200 and isinstance(said, dict) and said.get("ok") is True


def register() -> None:
    """Say how it is written, for the process that sends."""
    webhooks.register_format("dujiao-next", build, SCHEDULE_S, accepts)
