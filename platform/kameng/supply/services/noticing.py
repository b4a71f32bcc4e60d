"""Callbacks of suppliers: verify, store and apply in one transaction, answer after the commit."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope
from kameng.jobs import publish
from kameng.plugins import api as plugins
from kameng.supply.domain.purchases import after_query
from kameng.supply.services import placing, settling
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseEvent, SupplierCapability
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

log = logging.getLogger("kameng.supply")

REFUSED = WebhookReply(status=400, body="fail")
UNKNOWN_TOKEN = WebhookReply(status=404, body="fail")
KIND = "supply-notice"
MAIN_STATION = 1

_CONNECTION = text(
    "SELECT id, supplier_id FROM supply_connection"
    " WHERE plugin_id = :plugin AND account = :account ORDER BY id LIMIT 1"
)
_KEEP = text("""
INSERT INTO supply_notice(supplier_id, connection_id, digest, sealed, result, purchase_no, event_id, ip)
VALUES (:supplier, :connection, :digest, :sealed, :result, :number, :event, :ip)
ON CONFLICT (connection_id, digest) DO UPDATE
  SET times = supply_notice.times + 1, last_at = now(), result = EXCLUDED.result
""")  # noqa: E501  # one column list
# Bound to the account: the number of a purchase at another supplier is unknown here.
_PURCHASE = text(
    "SELECT station_id, id FROM purchase"
    " WHERE purchase_no = :number AND plugin_id = :plugin AND account = :account"
)
_ASK_NOW = text(
    "UPDATE purchase SET next_query_at = now() WHERE station_id = :station AND id = :id"
    " AND state IN ('sent', 'unknown')"
)
_LEARN_REF = text(
    "UPDATE purchase SET supplier_ref = :ref"
    " WHERE station_id = :station AND id = :id AND supplier_ref = ''"
)
_SYNC_NOW = text("UPDATE supply_connection SET next_sync_at = now() WHERE id = :connection")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Where a notice came in, and what came."""

    supplier: plugins.BoundSupplier
    connection_id: int
    supplier_id: int
    request: WebhookRequest
    ip: str


def handle_notice(
    plugin_id: str, token: str, request: WebhookRequest, ip: str = ""
) -> WebhookReply:
    """One callback. What cannot be believed is stored, changes nothing and gets no "ok"."""
    desk = _find(plugin_id, token, request, ip)
    if desk is None:
        log.warning("notice with an unknown token plugin=%s ip=%s", plugin_id, ip)
        return UNKNOWN_TOKEN
    try:
        result = desk.supplier.parse_callback(request)
    except WebhookRefused as refusal:
        log.warning("notice refused plugin=%s reason=%s ip=%s", plugin_id, refusal, ip)
        _store(desk, f"refused: {refusal}")
        return REFUSED
    known = [_handle(desk, event) for event in result.events]
    if not result.events:
        _store(
            desk, "offers changed" if result.offers_changed else "nothing", result.offers_changed
        )
    return result.reply if all(known) else REFUSED


def _find(plugin_id: str, token: str, request: WebhookRequest, ip: str) -> _Desk | None:
    found = plugins.resolve_token(plugin_id, token)
    if found is None or found[0] != MAIN_STATION:
        return None
    given = {"plugin": plugin_id, "account": found[1]}
    with main_scope(reason="whose notice"):
        row = db.session.execute(_CONNECTION, given).first()
    if row is None:
        return None
    try:
        supplier = plugins.supplier(plugin_id, found[1])
    except plugins.PluginUnavailable:
        return None
    return _Desk(
        supplier=supplier, connection_id=row.id, supplier_id=row.supplier_id, request=request, ip=ip
    )


def _handle(desk: _Desk, event: PurchaseEvent) -> bool:
    """Apply one fact; False when it speaks of a purchase or order that is not of this account."""
    row = _purchase(desk, event.purchase_no)
    if row is None or _another_order(row, event):
        _store(desk, "unknown purchase", number=event.purchase_no, event=event.event_id)
        return False
    with main_scope(reason="a supplier's notice"):
        result = _apply(desk, event, row)
        _keep(desk, result, event.purchase_no, event.event_id)
        db.session.commit()
    log.info("notice applied purchase=%s result=%s", event.purchase_no, result)
    return True


def _apply(desk: _Desk, event: PurchaseEvent, row: Row[Any]) -> str:
    """What the notice says is booked where its signature covers it; a refusal is asked about."""
    told = event.result
    if event.supplier_ref:
        given = {"station": row.station_id, "id": row.id, "ref": event.supplier_ref}
        db.session.execute(_LEARN_REF, given)
    can_ask = SupplierCapability.QUERY in desk.supplier.capabilities
    if told is None or (can_ask and told.outcome is not Outcome.SUCCEEDED):
        db.session.execute(_ASK_NOW, {"station": row.station_id, "id": row.id})
        publish("purchase.ask", row.station_id, {"purchase_id": row.id, "order_id": row.order_id})
        return "asked"
    answer = plugins.Answer(outcome=told.outcome, value=told, message=told.message)
    judged = after_query(
        settling.said(answer), placing.asked(row), desk.supplier.rules, desk.supplier.capabilities
    )
    settling.book(row, answer, judged, "notice")
    return judged.step


def _another_order(row: Row[Any], event: PurchaseEvent) -> bool:
    return bool(event.supplier_ref and row.supplier_ref not in ("", event.supplier_ref))


def _purchase(desk: _Desk, number: str) -> Row[Any] | None:
    given = {
        "number": number, "plugin": desk.supplier.plugin_id, "account": desk.supplier.account,
    }  # fmt: skip
    with main_scope(reason="a supplier's notice"):
        found = db.session.execute(_PURCHASE, given).first()
    return None if found is None else placing.read(found.station_id, found.id)


def _store(
    desk: _Desk, result: str, offers_changed: bool = False, number: str = "", event: str = ""
) -> None:
    with main_scope(reason="a supplier's notice"):
        if offers_changed:
            db.session.execute(_SYNC_NOW, {"connection": desk.connection_id})
        _keep(desk, result, number, event)
        db.session.commit()


def _keep(desk: _Desk, result: str, number: str, event: str) -> None:
    request = desk.request
    parts: Sequence[bytes] = (request.method.encode(), request.query.encode(), request.body)
    secrets = {
        "method": request.method, "query": request.query[:4_000],
        "body": base64.b64encode(request.body[:65_536]).decode(),
    }  # fmt: skip
    digest = hashlib.sha256(b"\n".join(parts)).digest()
    db.session.execute(
        _KEEP,
        {
            "supplier": desk.supplier_id, "connection": desk.connection_id, "digest": digest,
            "sealed": plugins.seal(MAIN_STATION, f"{KIND}:{digest.hex()}", secrets),
            "result": result[:200], "number": number[:64], "event": event[:255], "ip": desk.ip,
        },
    )  # fmt: skip
