"""What a dujiao-next site downstream is told of its order, signed with the key's secret."""

from __future__ import annotations

import json
import time

from sqlalchemy import text

from kameng.db import db
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.dialects.dujiao_next import door, orders
from kameng.openapi.services import reading
from kameng.openapi.services.callers import secrets_of
from kameng.webhooks import api as webhooks

# Sites poll as well: what is not taken within a day is not news any more.
SCHEDULE_S = (0, 10, 60, 300, 1_800, 7_200, 21_600, 57_600)

_KEY = text(
    "SELECT key_id, member_id, dialect, mode, scopes, per_minute, callback_url FROM api_key"
    " WHERE station_id = :station AND id = :id AND state = 'active'"
)


def build(facts: webhooks.DeliveryFacts) -> webhooks.Outgoing | None:
    """The request; None when the key is revoked: nobody could check it. Station scope."""
    caller = _caller(facts)
    secrets = secrets_of(facts.station_id, facts.api_key_id)
    if caller is None or not secrets:
        return None
    order = reading.order(caller, facts.order_no)
    now = int(time.time())
    body = json.dumps(orders.notice(order, now), ensure_ascii=False).encode()
    # Nobody says which of two secrets the site has by now: the tries use both in turn.
    headers = door.notice_headers(caller.key_id, secrets[now % len(secrets)], now, body)
    cards = tuple(part for card in order.cards for part in (card.number, card.code) if part)
    return webhooks.Outgoing("POST", headers, body, hidden=(*secrets, *cards))


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


def _caller(facts: webhooks.DeliveryFacts) -> Caller | None:
    given = {"station": facts.station_id, "id": facts.api_key_id}
    row = db.session.execute(_KEY, given).first()
    if row is None:
        return None
    return Caller(
        station_id=facts.station_id, api_key_id=facts.api_key_id, key_id=row.key_id,
        member_id=row.member_id, dialect=row.dialect, sandbox=row.mode == "sandbox",
        scopes=frozenset(row.scopes), per_minute=row.per_minute, callback_url=row.callback_url,
        ip="",
    )  # fmt: skip
