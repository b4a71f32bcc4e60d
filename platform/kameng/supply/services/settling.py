"""What a supplier's answer does to purchase and order; one transaction each."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text

from kameng.db import db, main_scope, run
from kameng.plugins.api import Answer
from kameng.supply.domain import Next, after_purchase, after_query
from kameng_sdk.suppliers import PurchaseResult, SupplierCapability

MAIN_STATION = 1
CODES_MESSAGE = "供货方返回了卡密，请人工处理"

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


def raise_alert(station_id: int, kind: str, subject: str, title: str, detail: Any) -> None:
    """An alert in the open main scope, once as long as it is open."""
    given = {"station": station_id, "kind": kind, "subject": subject, "title": title}
    db.session.execute(_ALERT, {**given, "detail": json.dumps(detail)})


def settle_query(
    station_id: int, purchase_id: int, answer: Answer[PurchaseResult], waited_s: int
) -> None:
    """Book the answer to a question about a purchase whose outcome was open."""
    step = after_query(answer.outcome, answered=answer.value is not None, waited_s=waited_s)
    _settle(station_id, purchase_id, answer, step)


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
