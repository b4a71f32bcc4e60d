"""What people do about purchases: hand over goods, say no, ask, send again, take back.

In the open main scope, and they commit; `take_back` and `accept` call a supplier and open scopes
of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db, main_scope, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.jobs import publish
from kameng.plugins import api as plugins
from kameng.supply.domain.purchases import after_cancel
from kameng.supply.services import placing, settling
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult, SupplierCapability

MAX_TEXT = 4000
REASON = "a person at the purchases"


@dataclass(frozen=True, slots=True)
class PurchaseView:
    """A purchase that waits, with what is needed to do it. `inputs` is what the shopper gave."""

    station_id: int
    station_name: str
    id: int
    purchase_no: str
    plugin_id: str
    supplier: str
    state: str
    code: str
    waits_for: str
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


_OPEN = text("""
SELECT p.station_id, st.name AS station_name, p.id, p.purchase_no, p.plugin_id, s.name AS supplier,
       p.state, p.code, p.waits_for, p.message, p.order_id, o.order_no, o.kind, o.product_name,
       o.sku_name, p.quantity, o.inputs, o.contact, p.created_at, o.deadline_at
FROM purchase p JOIN orders o ON o.station_id = p.station_id AND o.id = p.order_id
JOIN station st ON st.id = p.station_id JOIN supplier s ON s.id = p.supplier_id
WHERE p.state IN ('created', 'sent', 'unknown') ORDER BY p.created_at LIMIT :limit
""")
_WIPE_TIME = text(
    "UPDATE purchase SET next_query_at = now() WHERE station_id = :station AND id = :id"
    " AND state IN ('created', 'sent', 'unknown')"
)


def open_purchases(limit: int = 200) -> list[PurchaseView]:
    """What waits for a supplier or a person, oldest first."""
    rows = db.session.execute(_OPEN, {"limit": limit}).mappings()
    return [PurchaseView(**row) for row in rows]


def complete(
    station_id: int, purchase_id: int, text: str, actor: str, cards: Sequence[tuple[str, str]] = ()
) -> str:
    """The goods are handed over. Returns "ok" or "repeat"; a second click changes nothing.

    ``text`` is shown to the shopper; an order of cards takes ``cards`` (number, code) instead, one
    for each piece. Raises `DomainError("text_needed" | "cards_needed" | "duplicate_card")`,
    `NotFound`, `Conflict("already_failed" | "order_moved")`.
    """
    text = text.strip()[:MAX_TEXT]
    row = _row(station_id, purchase_id)
    if not cards and row.cards:
        raise DomainError("cards_needed", _l("请填写每一张卡密，每行一张"))
    if not cards and not text:
        raise DomainError("text_needed", _l("请填写发货内容，买家会看到它"))
    if cards and len(cards) != row.quantity:
        raise DomainError("cards_needed", _l("卡密张数与采购数量不一致"))
    result = PurchaseResult(outcome=Outcome.SUCCEEDED, deliveries=_deliveries(cards))
    code = settling.receive(row, result, actor, text=text)
    if code not in ("ok", "part", "stray"):
        db.session.rollback()
        return _not_taken(code)
    audit(actor, "purchase.complete", f"order:{row.order_id}", {"purchase_id": purchase_id},
          station_id=station_id)  # fmt: skip
    db.session.commit()
    return "ok"


def fail(station_id: int, purchase_id: int, reason: str, actor: str) -> str:
    """It came to nothing, and the person knows it for certain. Returns "ok" or "repeat".

    The order goes to the next supplier; when there is none, the money goes back. Raises
    `DomainError("reason_needed")`, `NotFound`, `Conflict("already_delivered")`.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise DomainError("reason_needed", _l("请写明无法处理的原因"))
    row = _row(station_id, purchase_id)
    (done,) = run(
        "decline_purchase", p_station=station_id, p_id=purchase_id, p_code="by_hand",
        p_message=reason, p_ref="", p_actor=actor,
    )  # fmt: skip
    if done["code"] != "ok":
        db.session.rollback()
        return _not_taken(done["code"])
    detail = {"purchase_id": purchase_id, "reason": reason}
    audit(actor, "purchase.fail", f"order:{row.order_id}", detail, station_id=station_id)
    db.session.commit()
    return "ok"


def ask_now(station_id: int, purchase_id: int, actor: str) -> None:
    """Ask the supplier at the next turn of the job, within seconds; about a closed purchase too,
    whose money may have come back. Raises `NotFound`.
    """
    row = _row(station_id, purchase_id)
    db.session.execute(_WIPE_TIME, {"station": station_id, "id": purchase_id})
    publish("purchase.ask", station_id, {"purchase_id": purchase_id, "order_id": row.order_id})
    audit(actor, "purchase.ask", f"order:{row.order_id}", {"purchase_id": purchase_id},
          station_id=station_id)  # fmt: skip
    db.session.commit()


def send_again(station_id: int, purchase_id: int, actor: str) -> None:
    """Send a purchase once more under its own number: never a second one.

    Only what was not sent, or what the supplier's rules allow. Raises `NotFound`,
    `Conflict("purchase_closed" | "would_buy_twice")`.
    """
    row = _open_row(station_id, purchase_id)
    if row.state != "created":
        try:
            idempotent = plugins.supplier(row.plugin_id, row.account).rules.number_is_idempotent
        except plugins.PluginUnavailable:
            idempotent = False
        if not idempotent:
            raise Conflict(
                "would_buy_twice",
                _l("这家供应商不保证同一单号只买一次，不能重发；请先查询或判定结果"),
            )
    run(
        "note_purchase", p_station=station_id, p_id=purchase_id, p_state="created", p_code="again",
        p_message="", p_ref="", p_waits_for="sending", p_in_s=1, p_asked=False,
    )  # fmt: skip
    publish("purchase.ask", station_id, {"purchase_id": purchase_id, "order_id": row.order_id})
    audit(actor, "purchase.again", f"order:{row.order_id}", {"purchase_id": purchase_id},
          station_id=station_id)  # fmt: skip
    db.session.commit()


def take_back(station_id: int, purchase_id: int, reason: str, actor: str) -> str:
    """Ask the supplier to take a purchase back; the state it has afterwards. Opens its own scopes.

    Raises `NotFound`, `DomainError("cannot_cancel")`, `PluginUnavailable`.
    """
    row = placing.read(station_id, purchase_id)
    if row is None:
        raise _unknown()
    supplier = plugins.supplier(row.plugin_id, row.account)
    if SupplierCapability.CANCEL not in supplier.capabilities:
        raise DomainError("cannot_cancel", _l("这家供应商的接口不能撤单"))
    answer = supplier.cancel(row.purchase_no, row.supplier_ref, reason.strip()[:200])
    judged = after_cancel(
        settling.said(answer), placing.asked(row), supplier.rules, supplier.capabilities
    )
    with main_scope(reason=REASON):
        settling.book(row, answer, judged, "cancel")
        detail = {"purchase_id": purchase_id, "reason": reason, "outcome": answer.outcome.value}
        audit(actor, "purchase.take_back", f"order:{row.order_id}", detail, station_id=station_id)
        db.session.commit()
        return _state(station_id, purchase_id)


def accept(station_id: int, purchase_id: int, actor: str) -> str:
    """Take what the supplier says it has delivered, though it is too much, too little or too dear.

    Asks the supplier anew; pieces beyond the order are left, missing ones are bought elsewhere or
    paid back. Returns the state afterwards. Opens its own scopes. Raises `NotFound`,
    `Conflict("purchase_closed")`, `DomainError("nothing_delivered")`, `PluginUnavailable`.
    """
    row = _open_row(station_id, purchase_id)
    answer = plugins.supplier(row.plugin_id, row.account).query(row.purchase_no, row.supplier_ref)
    value = answer.value
    if answer.outcome is not Outcome.SUCCEEDED or value is None or _lacks_codes(row, value):
        raise DomainError("nothing_delivered", _l("供应商现在没有说已交货，无法照单收下"))
    value = replace(value, deliveries=tuple(value.deliveries)[: row.quantity])
    with main_scope(reason=REASON):
        settling.receive(row, value, actor)
        detail = {"purchase_id": purchase_id, "pieces": len(value.deliveries)}
        audit(actor, "purchase.accept", f"order:{row.order_id}", detail, station_id=station_id)
        db.session.commit()
        return _state(station_id, purchase_id)


def _lacks_codes(row: Any, result: PurchaseResult) -> bool:
    """A receipt is no card: what was ordered as cards is not delivered without any code."""
    return bool(row.cards) and all(piece.code is None for piece in result.deliveries)


def _row(station_id: int, purchase_id: int) -> Any:
    row = placing.read(station_id, purchase_id)
    if row is None:
        raise _unknown()
    return row


def _open_row(station_id: int, purchase_id: int) -> Any:
    row = _row(station_id, purchase_id)
    if row.state in ("succeeded", "declined"):
        raise Conflict("purchase_closed", _l("这张采购单已有结果"))
    return row


def _unknown() -> NotFound:
    return NotFound("purchase_unknown", _l("没有这张采购单"))


def _not_taken(code: str) -> str:
    """Somebody was faster, or the vault cannot take the cards: nothing has happened."""
    if code in ("repeat", "refunded"):
        return "repeat"
    if code == "late":
        raise Conflict("already_failed", _l("这张采购单已经判为失败"))
    if code == "delivered":
        raise Conflict("already_delivered", _l("这张采购单已经完成，买家已收到发货内容"))
    raise DomainError("duplicate_card", _l("其中有卡密已经在库中或无法入库，没有发货"))


def _state(station_id: int, purchase_id: int) -> str:
    given = {"station": station_id, "id": purchase_id}
    state = text("SELECT state FROM purchase WHERE station_id = :station AND id = :id")
    return str(db.session.execute(state, given).scalar_one())


def _deliveries(cards: Sequence[tuple[str, str]]) -> tuple[Delivery, ...]:
    return tuple(Delivery(number=number, code=Secret(code)) for number, code in cards)
