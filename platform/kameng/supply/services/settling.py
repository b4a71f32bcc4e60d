"""What a supplier's answer does to purchase and order; one transaction each."""

from __future__ import annotations

import json
import logging
from typing import Any

from sqlalchemy import text

from kameng.db import db, main_scope, run
from kameng.plugins import api as plugins
from kameng.plugins.api import Answer
from kameng.supply.domain import Next, after_purchase, after_query
from kameng_sdk.suppliers import PurchaseResult, SupplierCapability

MAIN_STATION = 1
CODES_MESSAGE = "供货方返回了卡密，请人工处理"

log = logging.getLogger("kameng.supply")

_MOVE = text(
    "UPDATE purchase SET state = :state, message = :message, cost = coalesce(:cost, cost),"
    " supplier_ref = CASE WHEN :ref = '' THEN supplier_ref ELSE :ref END,"
    " done_at = CASE WHEN :state IN ('succeeded', 'declined') THEN now() END,"
    " done_by = CASE WHEN :state IN ('succeeded', 'declined') THEN plugin_id ELSE '' END,"
    " next_query_at = CASE WHEN :wait > 0 THEN now() + make_interval(secs => :wait) END"
    " WHERE station_id = :station AND id = :id AND state IN ('sent', 'unknown')"
    " RETURNING order_id"
)
_ALERT = text(
    "INSERT INTO alert(station_id, kind, subject, title, detail)"
    " VALUES (:station, :kind, :subject, :title, CAST(:detail AS jsonb))"
    " ON CONFLICT (station_id, kind, subject) WHERE state = 'open' DO NOTHING"
)
# Claimed by moving the time on, so that two jobs never ask about the same purchase at once.
_DUE = text(
    "UPDATE purchase p SET next_query_at = now() + interval '2 minutes' FROM ("
    " SELECT station_id, id FROM purchase WHERE state IN ('created', 'sent', 'unknown')"
    " AND (next_query_at <= now() OR (state = 'created' AND next_query_at IS NULL"
    "  AND created_at < now() - interval '60 seconds'))"
    " ORDER BY next_query_at LIMIT 20 FOR UPDATE SKIP LOCKED) due"
    " WHERE p.station_id = due.station_id AND p.id = due.id"
    " RETURNING p.station_id, p.id, p.state, p.plugin_id, p.purchase_no, p.supplier_ref,"
    "  extract(epoch FROM now() - coalesce(p.sent_at, p.created_at))::int AS waited_s"
)
_TO_PERSON = text(
    "UPDATE purchase SET next_query_at = NULL WHERE station_id = :station AND id = :id"
)


def settle_purchase(
    station_id: int,
    purchase_id: int,
    answer: Answer[PurchaseResult],
    capabilities: SupplierCapability,
) -> None:
    """Book the answer to the first call."""
    step = after_purchase(
        answer.outcome,
        retry_after_s=answer.retry_after_s,
        misconfigured=answer.misconfigured,
        can_query=SupplierCapability.QUERY in capabilities,
    )
    _settle(station_id, purchase_id, answer, step)


def query_due() -> int:
    """Ask about every purchase whose time has come; returns how many. Opens its own scopes."""
    from kameng.supply.services import fulfilment

    with main_scope(reason="purchases to ask about"):
        rows = db.session.execute(_DUE).all()
        db.session.commit()
    for row in rows:
        try:
            if row.state == "created":
                fulfilment.place(row.station_id, row.id)
            else:
                _query(row)
        except Exception:
            log.exception("purchase %s", row.purchase_no)
    return len(rows)


def raise_alert(station_id: int, kind: str, subject: str, title: str, detail: Any) -> None:
    """An alert in the open main scope, once as long as it is open."""
    given = {"station": station_id, "kind": kind, "subject": subject, "title": title}
    db.session.execute(_ALERT, {**given, "detail": json.dumps(detail)})


def _query(row: Any) -> None:
    """The same number again, never a new one."""
    try:
        supplier = plugins.supplier(row.plugin_id)
    except plugins.PluginUnavailable:
        return  # asked again in two minutes
    if SupplierCapability.QUERY not in supplier.capabilities:
        with main_scope(reason="a person settles this purchase"):
            db.session.execute(_TO_PERSON, {"station": row.station_id, "id": row.id})
            db.session.commit()
        return
    answer = supplier.query(row.purchase_no, row.supplier_ref)
    step = after_query(answer.outcome, answered=answer.value is not None, waited_s=row.waited_s)
    _settle(row.station_id, row.id, answer, step)


def _settle(station_id: int, purchase_id: int, answer: Answer[PurchaseResult], step: Next) -> None:
    value = answer.value
    if step.state == "succeeded" and value is not None and _has_codes(value):
        # Codes belong into the vault, never into a text: a person imports and hands them over.
        step, message = Next("unknown"), CODES_MESSAGE
    else:
        message = answer.message
    with main_scope(reason="settle a purchase"):
        given = {
            "station": station_id, "id": purchase_id, "state": step.state, "message": message,
            "cost": value.cost.amount if value is not None and value.cost else None,
            "ref": value.supplier_ref if value is not None else "", "wait": step.query_in_s,
        }  # fmt: skip
        row = db.session.execute(_MOVE, given).first()
        if row is not None:  # else a person was faster
            _move_order(station_id, row.order_id, step, answer)
            if answer.misconfigured:
                title = "供货插件配置有误，采购未发出"
                raise_alert(MAIN_STATION, "supplier_config", f"order:{row.order_id}", title, {})
        db.session.commit()


def _move_order(station_id: int, order_id: int, step: Next, answer: Answer[PurchaseResult]) -> None:
    given = {"p_station": station_id, "p_order_id": order_id, "p_actor": "system"}
    if step.state == "succeeded":
        (done,) = run("deliver_order", **given, p_text=_delivery_text(answer.value))
    elif step.state == "declined":
        (done,) = run("fail_order", **given, p_reason=answer.message or answer.code or "declined")
    else:
        return
    if done["code"] == "bad_state":
        title = "采购已有结果，但订单状态不允许变更"
        detail = {"outcome": answer.outcome.value, "station_id": station_id}
        raise_alert(MAIN_STATION, "purchase_orphan", f"order:{order_id}", title, detail)


def _has_codes(result: PurchaseResult) -> bool:
    return any(delivery.code is not None for delivery in result.deliveries)


def _delivery_text(result: PurchaseResult | None) -> str:
    deliveries = result.deliveries if result is not None else ()
    lines = [" ".join(filter(None, (piece.number, piece.note))) for piece in deliveries]
    return "\n".join(line for line in lines if line) or "充值成功"
