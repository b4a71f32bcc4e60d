"""What a supplier's answer does to purchase and order; one transaction each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Row

from kameng.db import db, main_scope, run
from kameng.plugins.api import Answer
from kameng.stock.api import CardSealer, CardText, forget_levels, is_card, raise_alert
from kameng.supply.domain.purchases import DEAF_AFTER_S, Asked, Judged, Said
from kameng.supply.services import exchanges
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import Delivery, PurchaseResult

UNSENT: Mapping[str, Any] = {"outcome": Outcome.DECLINED, "code": "not_sent", "retry_after_s": 30}
ACTOR = "system"
MOST_TEXT = 4_000
DONE = _l("充值成功")
LATE = _l("供应商先答失败后又发货，请核对并追回")


def said(answer: Answer[PurchaseResult]) -> Said:
    """The host's answer as the rules read it."""
    return Said(
        outcome=answer.outcome, value=answer.value, code=answer.code,
        retry_after_s=answer.retry_after_s, misconfigured=answer.misconfigured,
    )  # fmt: skip


def unreachable(asked: Asked, retry_s: int) -> Judged:
    """The way to the supplier is closed and nothing was sent: later, or the next one."""
    if asked.age_s >= DEAF_AFTER_S:
        return Judged(step="decline", code="not_sent")
    return Judged(
        step="wait", state="created", code="not_sent", waits_for="sending", in_s=retry_s
    )  # fmt: skip


def settle(row: Row[Any], answer: Answer[PurchaseResult], judged: Judged, step: str) -> str:
    """Book what is known now. "next": the order may go on at once, else "wait". Opens its scope."""
    with main_scope(reason="settle a purchase"):
        again = book(row, answer, judged, step)
        db.session.commit()
    return again


def book(row: Row[Any], answer: Answer[PurchaseResult], judged: Judged, step: str) -> str:
    """The same in the open main scope, without the commit."""
    exchanges.keep(row.station_id, row.id, step, answer)
    if answer.misconfigured:
        _alert("supplier_config", row, _l("供货账户配置有误，采购未发出"))
    if judged.step == "receive" and answer.value is not None:
        return "next" if receive(row, answer.value, ACTOR) == "part" else "wait"
    if judged.step == "decline":
        (done,) = run(
            "decline_purchase", p_station=row.station_id, p_id=row.id, p_code=judged.code,
            p_message=answer.message, p_ref=_ref(answer), p_actor=row.plugin_id,
        )  # fmt: skip
        if done["code"] == "delivered" and answer.value is not None:
            _after_the_end(row, answer.value)
        return "next" if done["code"] == "ok" else "wait"
    _wait(row, answer, judged, asked=step in ("query", "notice", "cancel"))
    return "wait"


def receive(row: Row[Any], result: PurchaseResult, actor: str, text: str | None = None) -> str:
    """Goods have come: into the vault and to the order; the code of `receive_purchase`, or
    "card_unreadable". In the open main scope.

    Cards that the vault cannot take leave the purchase open, for a person to look at.
    """
    cards = [piece for piece in result.deliveries if piece.code is not None]
    if not all(is_card(piece.number, _code(piece)) for piece in cards):
        _doubt(row, "card_unreadable", _l("供应商给的卡密无法入库，请人工核对"))
        return "card_unreadable"
    ciphers, digests, key_id = _sealed(row.sku_id, cards)
    (done,) = run(
        "receive_purchase", p_station=row.station_id, p_id=row.id,
        p_pieces=_pieces(result, row.quantity), p_cost=result.cost.amount if result.cost else None,
        p_refunded=result.refunded.amount if result.refunded else None, p_ref=result.supplier_ref,
        p_message=result.message, p_text=_text(result, cards) if text is None else text,
        p_ciphers=ciphers, p_digests=digests, p_key=key_id, p_expires=_last_days(cards),
        p_actor=actor,
    )  # fmt: skip
    if done["code"] == "duplicate_card":
        _doubt(row, "duplicate_card", _l("供应商给了已经卖过的卡密，请人工核对"))
    if done["code"] == "late":
        _alert("purchase_late", row, LATE)
    if done["code"] == "stray":
        _alert("purchase_orphan", row, _l("采购已有结果，但订单已不再等待"))
        forget_levels([row.sku_id])
    return str(done["code"])


def _wait(row: Row[Any], answer: Answer[PurchaseResult], judged: Judged, *, asked: bool) -> None:
    (done,) = run(
        "note_purchase", p_station=row.station_id, p_id=row.id, p_state=judged.state,
        p_code=judged.code, p_message=answer.message, p_ref=_ref(answer),
        p_waits_for=judged.waits_for, p_in_s=judged.in_s, p_asked=asked,
    )  # fmt: skip
    if done["code"] == "repeat":
        if answer.outcome is Outcome.SUCCEEDED and answer.value is not None:
            _after_the_end(row, answer.value)
    elif judged.waits_for == "person":
        _alert("purchase_unknown", row, _l("采购结果不明，需要人工核对"))


def _after_the_end(row: Row[Any], result: PurchaseResult) -> None:
    """The purchase is closed: money that came back counts still, and so do goods after a refusal,
    right or wrong."""
    (done,) = run(
        "receive_purchase", p_station=row.station_id, p_id=row.id, p_pieces=0, p_cost=None,
        p_refunded=result.refunded.amount if result.refunded else None, p_ref="", p_message="",
        p_text="", p_ciphers="", p_digests="", p_key=None, p_expires=[], p_actor=ACTOR,
    )  # fmt: skip
    if done["code"] == "late":
        _alert("purchase_late", row, LATE)


def _doubt(row: Row[Any], code: str, title: Any) -> None:
    """A person looks; asking goes on slowly, since a lie on the line may pass."""
    run(
        "note_purchase", p_station=row.station_id, p_id=row.id, p_state="unknown", p_code=code,
        p_message=str(title), p_ref="", p_waits_for="person", p_in_s=300, p_asked=False,
    )  # fmt: skip
    _alert(code, row, title)


def _alert(kind: str, row: Row[Any], title: Any) -> None:
    detail = {"station_id": row.station_id, "order_id": row.order_id, "purchase_id": row.id}
    raise_alert(kind, f"purchase:{row.purchase_no}", str(title), detail)


def _sealed(sku_id: int, cards: list[Delivery]) -> tuple[str, str, int | None]:
    if not cards:
        return "", "", None
    sealer = CardSealer(sku_id)
    ciphers, digests = sealer.seal([CardText(card.number, _code(card)) for card in cards])
    return ciphers, digests, sealer.key_id


def _pieces(result: PurchaseResult, ordered: int) -> int:
    """Cards are counted; the receipt of a top-up stands for the whole."""
    codes = sum(piece.code is not None for piece in result.deliveries)
    return min(ordered, codes) if codes else ordered


def _text(result: PurchaseResult, cards: list[Delivery]) -> str:
    """What the shopper reads beside the cards, or in their place."""
    lines = [
        " ".join(filter(None, (piece.number, piece.note)))
        for piece in result.deliveries
        if piece.code is None
    ]
    text = "\n".join(line for line in lines if line)[:MOST_TEXT]
    return text or ("" if cards else str(DONE))


def _last_days(cards: list[Delivery]) -> list[date | None]:
    return [card.expires_at.date() if card.expires_at else None for card in cards]


def _code(piece: Delivery) -> str:
    return piece.code.reveal() if piece.code is not None else ""


def _ref(answer: Answer[PurchaseResult]) -> str:
    return answer.value.supplier_ref if answer.value is not None else ""
