"""Notices to programs of other systems, written when they are sent: with the order as it is then,
its cards, and the key's secret."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.errors import DomainError
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.dialects.kakayun import showing as kakayun
from kameng.openapi.domain.dialects.kasushou import showing as kasushou
from kameng.openapi.domain.facts import OrderFacts
from kameng.openapi.services import serving
from kameng.openapi.services.callers import secrets_of
from kameng.webhooks import api as webhooks

Write = Callable[[OrderFacts, str, float], Mapping[str, Any] | None]
MINUTE_S = 60
KASUSHOU_S = (0, *(minutes * MINUTE_S for minutes in (5, 10, 15, 20)))  # five tries
KAKAYUN_S = (*KASUSHOU_S, 25 * MINUTE_S)

_KEY = text(
    "SELECT key_id, member_id, dialect, mode, scopes, per_minute, callback_url FROM api_key"
    " WHERE station_id = :station AND id = :key AND state = 'active'"
)


def register() -> None:
    """Say how these notices are written, for the process that sends."""
    webhooks.register_format("kasushou", _builder(_kasushou), KASUSHOU_S, says_ok)
    webhooks.register_format("kakayun", _builder(_kakayun), KAKAYUN_S, says_ok)


def says_ok(status: int, answer: bytes) -> bool:
    """Both systems want these two letters and nothing else; case does not matter."""
    return status == 200 and answer.strip().lower() == b"ok"


def _builder(write: Write) -> Callable[[webhooks.DeliveryFacts], webhooks.Outgoing | None]:
    def build(facts: webhooks.DeliveryFacts) -> webhooks.Outgoing | None:
        """None when there is nothing to say: the key or the order is gone, or nothing is final."""
        secrets = secrets_of(facts.station_id, facts.api_key_id)
        caller = caller_of(facts)
        order = order_told(caller, facts) if caller else None
        now = time.time()
        # Nobody says which of two secrets the program has by now: the tries use both in turn.
        secret = secrets[int(now) % len(secrets)] if secrets else ""
        told = write(order, secret, now) if order and secret else None
        return None if told is None or order is None else _request(told, order, secrets)

    return build


def caller_of(facts: webhooks.DeliveryFacts) -> Caller | None:
    """The key that a notice goes to; None when it is revoked. Station scope."""
    given = {"station": facts.station_id, "key": facts.api_key_id}
    row = db.session.execute(_KEY, given).first()
    if row is None:
        return None
    return Caller(
        station_id=facts.station_id, api_key_id=facts.api_key_id, key_id=row.key_id,
        member_id=row.member_id, dialect=row.dialect, sandbox=row.mode == "sandbox",
        scopes=frozenset(row.scopes), per_minute=row.per_minute, ip="",
        callback_url=row.callback_url,
    )  # fmt: skip


def order_told(caller: Caller, facts: webhooks.DeliveryFacts) -> OrderFacts | None:
    """The order as it is now; None when it is gone."""
    try:
        return serving.order(caller, facts.order_no)
    except DomainError:
        return None


def _request(
    told: Mapping[str, Any], order: OrderFacts, secrets: Sequence[str]
) -> webhooks.Outgoing:
    cards = (part for card in order.cards for part in (card.number, card.code) if part)
    return webhooks.Outgoing(
        method="POST",
        headers={"Content-Type": "application/json;charset=utf-8"},
        body=json.dumps(told, ensure_ascii=False).encode(),
        hidden=(*secrets, *cards),
    )


def _kasushou(order: OrderFacts, secret: str, now_s: float) -> Mapping[str, Any] | None:
    if kasushou.state(order) not in kasushou.FINAL:
        return None
    return kasushou.notice(order, secret, int(now_s * 1000))


def _kakayun(order: OrderFacts, secret: str, now_s: float) -> Mapping[str, Any] | None:
    if kakayun.status(order) not in kakayun.FINAL:
        return None
    return kakayun.notice(order, secret, int(now_s))
