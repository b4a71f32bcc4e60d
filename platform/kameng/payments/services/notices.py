"""Callbacks of gateways: verify, store and apply in one statement, answer after the commit."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any

import psycopg

from kameng.db import call, db, main_scope
from kameng.payments.domain import ACCEPTED
from kameng.payments.models import PaymentAttempt
from kameng.payments.services.applying import call_until_decided
from kameng.payments.services.refunding import ask_soon
from kameng.plugins import api as plugins
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.payments import PaymentEvent, PaymentEventKind
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

log = logging.getLogger(__name__)

# Headers worth keeping; the rest may hold cookies or credentials of somebody else.
KEPT_HEADERS = (
    "content-type", "user-agent", "stripe-signature", "x-request-id", "wechatpay-serial",
    "wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature",
)  # fmt: skip
REFUSED = WebhookReply(status=400, body="fail")
KEPT_OF_REFUSED = 2_048  # bytes of a body nobody has signed
UNKNOWN_TOKEN = WebhookReply(status=404, body="fail")


def handle_webhook(
    plugin_id: str, token: str, request: WebhookRequest, ip: str = ""
) -> WebhookReply:
    """One callback. Refused ones are stored too, change nothing and never answer success."""
    found = plugins.resolve_token(plugin_id, token)
    if found is None:
        log.warning("callback with an unknown token plugin=%s ip=%s", plugin_id, ip)
        return UNKNOWN_TOKEN
    station_id, account = found
    base = _stored(plugin_id, request, ip)
    base |= {"p_holder": station_id, "p_account": account}
    try:
        # A station without values of its own uses the main station's account.
        if not account and station_id != plugins.MAIN_STATION:
            base["p_holder"] = plugins.account_station(station_id, plugin_id)
        provider = plugins.provider(station_id, plugin_id, holder=base["p_holder"], account=account)
        result = provider.parse_webhook(request)
    except (WebhookRefused, plugins.PluginUnavailable) as refusal:
        return _refuse(station_id, base, str(refusal))
    _ask_about_refunds(station_id, result.events, base)
    paid = [event for event in result.events if event.kind is PaymentEventKind.PAID]
    if not paid:
        _record(station_id, base, "ignored")
        return result.reply
    try:
        codes = [_apply(station_id, event, base) for event in paid]
    except psycopg.DataError as error:
        # Signed, and yet no number or text that could be ours: an amount beyond all money, say.
        return _refuse(station_id, base, f"values out of range: {type(error).__name__}")
    if all(code in ACCEPTED for code in codes):
        return result.reply
    return REFUSED


def _refuse(station_id: int, base: dict[str, Any], reason: str) -> WebhookReply:
    plugin_id, ip = base["p_plugin"], base["p_ip"]
    log.warning("callback refused plugin=%s reason=%s ip=%s", plugin_id, reason, ip)
    kept = {**base, "p_body": base["p_body"][:KEPT_OF_REFUSED]}
    _record(station_id, kept, _storable(f"refused: {reason}")[:200])
    return REFUSED


def _apply(station_id: int, event: PaymentEvent, base: dict[str, Any]) -> str:
    told: dict[str, Any] = {
        **base, "p_result": "", "p_attempt_no": event.attempt_no, "p_amount": event.amount.amount,
        "p_currency": event.amount.currency, "p_provider_ref": event.provider_ref,
    }  # fmt: skip
    if station_id == plugins.MAIN_STATION:  # whose attempt it is, the function finds itself
        row = call_until_decided("receive_main_notice", **told)
    else:
        row = call_until_decided("receive_notice", p_station=station_id, **told)
    log.info("callback applied attempt=%s code=%s", event.attempt_no, row["code"])
    return str(row["code"])


def _ask_about_refunds(
    station_id: int, events: Sequence[PaymentEvent], base: dict[str, Any]
) -> None:
    for event in events:
        if event.kind is PaymentEventKind.REFUNDED:
            owner = _station_of(station_id, base, event.attempt_no)
            ask_soon(
                owner, base["p_plugin"], base["p_holder"], base["p_account"], event.attempt_no,
                event.refund_no,
            )  # fmt: skip


def _station_of(station_id: int, base: dict[str, Any], attempt_no: str) -> int:
    """Whose attempt it is. Only under the main account's token may it be another station's."""
    if station_id != plugins.MAIN_STATION:
        return station_id
    with main_scope(reason="callback to the main account"):
        owner = db.session.scalar(
            db.select(PaymentAttempt.station_id).where(
                PaymentAttempt.attempt_no == attempt_no,
                PaymentAttempt.plugin_id == base["p_plugin"],
                PaymentAttempt.account_station_id == base["p_holder"],
                PaymentAttempt.account == base["p_account"],
            )
        )
    return int(owner) if owner is not None else station_id  # unknown there: refused as unknown


def _stored(plugin_id: str, request: WebhookRequest, ip: str) -> dict[str, Any]:
    digest = hashlib.sha256(
        b"\n".join((request.method.encode(), request.query.encode(), request.body))
    ).digest()
    headers = {
        name: _storable(request.header(name))[:500] for name in KEPT_HEADERS if request.header(name)
    }
    return {
        "p_plugin": plugin_id, "p_digest": digest, "p_method": request.method,
        "p_query": _storable(request.query)[:4000], "p_headers": json.dumps(headers),
        "p_body": request.body[:65536], "p_ip": ip,
    }  # fmt: skip


def _storable(text: str) -> str:
    """PostgreSQL keeps neither NUL nor half a surrogate pair in a text."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _record(station_id: int, base: dict[str, Any], result: str) -> None:
    call(
        "receive_notice", as_main=True, **base, p_station=station_id, p_result=result,
        p_attempt_no=None, p_amount=None, p_currency=None, p_provider_ref=None, p_wait=False,
    )  # fmt: skip
