"""The desk of held orders. Runs in the open main scope and commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kameng.db import db, run
from kameng.errors import Conflict
from kameng.identity.api import audit

NO_CARDS = ("KM001", "KM005")  # none left, or the last ones are in others' hands just now


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """A paid order that waits for a person; `payable` at scale 4, `reasons` {rule, code, text}."""

    station_id: int
    station_name: str
    order_id: int
    order_no: str
    kind: str
    product_name: str
    sku_name: str
    quantity: int
    payable: int
    ip: str
    contact: str
    member_id: int | None
    reasons: list[dict[str, str]]
    paid_at: datetime | None
    deadline_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One evaluation of the log."""

    station_id: int
    id: int
    order_id: int | None
    stage: str
    decision: str
    score: int
    reasons: list[dict[str, str]]
    facts: dict[str, Any]
    at: datetime


_HELD = text(
    "SELECT o.station_id, st.name AS station_name, o.id AS order_id, o.order_no, o.kind,"
    " o.product_name, o.sku_name, o.quantity, o.payable, o.ip, o.contact, o.member_id,"
    " o.risk_reasons AS reasons, o.paid_at, o.deadline_at FROM orders o"
    " JOIN station st ON st.id = o.station_id WHERE o.state = 'held'"
    " ORDER BY o.paid_at LIMIT :limit"
)
_DECISIONS = text(
    "SELECT station_id, id, order_id, stage, decision, score, reasons, facts, at"
    " FROM risk_decision WHERE decision <> 'allow' OR :all ORDER BY at DESC LIMIT :limit"
)


def held_orders(limit: int = 200) -> list[HeldOrder]:
    """Orders frozen by a risk decision, those that wait longest first."""
    rows = db.session.execute(_HELD, {"limit": limit}).mappings()
    return [HeldOrder(**row) for row in rows]


def recent_decisions(limit: int = 100, *, with_allowed: bool = False) -> list[DecisionView]:
    """The newest evaluations; without those that allowed, unless asked for."""
    rows = db.session.execute(_DECISIONS, {"limit": limit, "all": with_allowed}).mappings()
    return [DecisionView(**row) for row in rows]


def release(station_id: int, order_id: int, actor: str, reason: str) -> str:
    """Let a held order go on. Returns "ok" or "repeat".

    Raises `Conflict`: "order_moved", or "out_of_stock" when it was paid so late that its cards
    were given to others: then nothing has happened, and the order can still be refused.
    """
    return _decide("release_held", "risk.release", station_id, order_id, actor, reason)


def refuse(station_id: int, order_id: int, actor: str, reason: str) -> str:
    """Refuse a held order: goods stay, money goes back. Returns and raises as `release`."""
    return _decide("refuse_held", "risk.refuse", station_id, order_id, actor, reason)


def _decide(
    function: str, action: str, station_id: int, order_id: int, actor: str, reason: str
) -> str:
    try:
        (done,) = run(
            function, p_station=station_id, p_order_id=order_id, p_actor=actor,
            p_reason=reason[:200],
        )  # fmt: skip
    except DBAPIError as error:
        db.session.rollback()
        if getattr(error.orig, "sqlstate", "") not in NO_CARDS:
            raise
        raise Conflict(
            "out_of_stock", _l("卡已经卖完了，不能放行；可以拒绝，款项会自动退回")
        ) from error
    code = str(done["code"])
    if code == "bad_state":
        db.session.rollback()
        raise Conflict("order_moved", _l("订单已不在待审核状态，请刷新"))
    if code == "out_of_stock":
        db.session.rollback()
        raise Conflict("out_of_stock", _l("卡池里的卡不够，请补货后再放行，或拒绝并退款"))
    if code == "ok":
        audit(actor, action, f"order:{order_id}", {"reason": reason[:200]}, station_id=station_id)
    db.session.commit()
    return code
