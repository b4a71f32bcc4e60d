"""The desk where a person completes purchases. Runs in the open main scope and commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit

MAX_TEXT = 4000


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """A purchase that waits, with what is needed to do it. `inputs` is what the shopper gave."""

    station_id: int
    station_name: str
    id: int
    purchase_no: str
    plugin_id: str
    state: str
    message: str
    order_id: int
    order_no: str
    kind: str
    product_name: str
    sku_name: str
    quantity: int
    inputs: dict[str, Any]
    contact: str
    created_at: datetime
    deadline_at: datetime | None


_OPEN = text(
    "SELECT p.station_id, st.name AS station_name, p.id, p.purchase_no, p.plugin_id, p.state,"
    " p.message, p.order_id, o.order_no, o.kind, o.product_name, o.sku_name, o.quantity, o.inputs,"
    " o.contact, p.created_at, o.deadline_at FROM purchase p"
    " JOIN orders o ON o.station_id = p.station_id AND o.id = p.order_id"
    " JOIN station st ON st.id = p.station_id"
    " WHERE p.state IN ('created', 'sent', 'unknown') ORDER BY p.created_at LIMIT :limit"
)
_CLOSE = text(
    "UPDATE purchase SET state = :state, done_at = now(), done_by = :actor, next_query_at = NULL"
    " WHERE station_id = :station AND id = :id AND state IN ('created', 'sent', 'unknown')"
    " RETURNING order_id"
)
_STATE = text("SELECT state FROM purchase WHERE station_id = :station AND id = :id")


def open_purchases(limit: int = 200) -> list[PurchaseView]:
    """What waits for a supplier or a person, oldest first."""
    rows = db.session.execute(_OPEN, {"limit": limit}).mappings()
    return [PurchaseView(**row) for row in rows]


def complete(station_id: int, purchase_id: int, text: str, actor: str) -> str:
    """The goods are handed over; `text` is shown to the shopper. Returns "ok" or "repeat".

    A second click changes nothing. Raises `DomainError("text_needed")`, `NotFound`,
    `Conflict("already_failed" | "order_moved")`.
    """
    text = text.strip()[:MAX_TEXT]
    if not text:
        raise DomainError("text_needed", _l("请填写发货内容，买家会看到它"))
    order_id = _close(station_id, purchase_id, "succeeded", actor)
    if order_id is None:
        return "repeat"
    (done,) = run(
        "deliver_order", p_station=station_id, p_order_id=order_id, p_text=text, p_actor=actor
    )
    _confirm(done["code"], station_id, order_id, purchase_id, actor, "purchase.complete", "")
    return "ok"


def fail(station_id: int, purchase_id: int, reason: str, actor: str) -> str:
    """It cannot be done: the whole payment goes back. Returns "ok" or "repeat".

    Raises `DomainError("reason_needed")`, `NotFound`,
    `Conflict("already_delivered" | "order_moved")`.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise DomainError("reason_needed", _l("请写明无法处理的原因"))
    order_id = _close(station_id, purchase_id, "declined", actor)
    if order_id is None:
        return "repeat"
    (done,) = run(
        "fail_order", p_station=station_id, p_order_id=order_id, p_reason=reason, p_actor=actor
    )
    _confirm(done["code"], station_id, order_id, purchase_id, actor, "purchase.fail", reason)
    return "ok"


def _close(station_id: int, purchase_id: int, state: str, actor: str) -> int | None:
    """The order's id, or None when the purchase has just this state already."""
    given = {"station": station_id, "id": purchase_id, "state": state, "actor": actor}
    row = db.session.execute(_CLOSE, given).first()
    if row is not None:
        return int(row.order_id)
    found = db.session.execute(_STATE, given).scalar()
    db.session.rollback()
    if found is None:
        raise NotFound("purchase_unknown", _l("没有这张采购单"))
    if found == state:
        return None
    if found == "declined":
        raise Conflict("already_failed", _l("这张采购单已经判为失败，钱正在退回"))
    raise Conflict("already_delivered", _l("这张采购单已经完成，买家已收到发货内容"))


def _confirm(
    code: str,
    station_id: int,
    order_id: int,
    purchase_id: int,
    actor: str,
    action: str,
    reason: str,
) -> None:
    if code == "bad_state":
        db.session.rollback()
        raise Conflict("order_moved", _l("订单状态已变化，请刷新后再看"))
    detail = {"purchase_id": purchase_id, "reason": reason}
    audit(actor, action, f"order:{order_id}", detail, station_id=station_id)
    db.session.commit()
