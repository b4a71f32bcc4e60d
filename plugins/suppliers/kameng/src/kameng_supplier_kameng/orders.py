"""What the other Kameng says of an order, as the result of our purchase."""

from collections.abc import Mapping
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult

OPEN = frozenset({"pending_payment", "paid", "held", "fulfilling", "partially_delivered"})
DONE = frozenset({"delivered", "completed"})
OVER = frozenset({"refunded", "cancelled", "expired", "failed"})


def result_of(order: Mapping[str, Any]) -> PurchaseResult:
    """The same reading for the answer to an order, to a question and to a repeat."""
    state = str(order.get("state"))
    if order.get("sandbox") is True:
        # Its cards are made up and nothing was paid: shoppers must never see them.
        return _result(order, Outcome.DECLINED, message="沙箱密钥下的单不是真单，不能发货")
    if state in OPEN:
        return _result(order, Outcome.PENDING)
    if state in DONE:
        return _goods(order)
    if state == "refunding":
        return _goods(order) if _count(order, "delivered") else _result(order, Outcome.PENDING)
    if state in OVER:
        return _over(order, state)
    return _result(order, Outcome.UNKNOWN, message=f"上游订单状态 {state[:40]} 未知")


def _over(order: Mapping[str, Any], state: str) -> PurchaseResult:
    """No goods and all the money back, or it was never paid; anything less is for a person."""
    if _count(order, "delivered"):
        return _goods(order)
    back, total = _money(order, "refunded"), _money(order, "total")
    unpaid = state in ("cancelled", "expired") and order.get("paid_at") is None
    if unpaid or (total is not None and back == total):
        return _result(order, Outcome.DECLINED, message="上游没有发货，款项已退回")
    return _result(order, Outcome.UNKNOWN, message="上游订单已结束，但款项没有全部退回")


def _goods(order: Mapping[str, Any]) -> PurchaseResult:
    if order.get("kind") != "card":
        return _receipt(order)
    cards = _cards(order)
    problem = _wrong_with(order, len(cards))
    if problem:
        return _result(order, Outcome.UNKNOWN, message=problem)
    return _result(order, Outcome.SUCCEEDED, deliveries=cards)


def _receipt(order: Mapping[str, Any]) -> PurchaseResult:
    """One text stands for the whole of a top-up, so a part of one is for a person."""
    ordered, delivered = _count(order, "quantity"), _count(order, "delivered")
    if not ordered or delivered != ordered:
        return _result(order, Outcome.UNKNOWN, message=f"上游只交付了 {delivered}/{ordered} 件")
    text = order.get("delivery_text")
    note = Delivery(note=text if isinstance(text, str) else "")
    return _result(order, Outcome.SUCCEEDED, deliveries=(note,))


def _cards(order: Mapping[str, Any]) -> tuple[Delivery, ...]:
    found = order.get("cards")
    cards = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return tuple(
        Delivery(number=number if isinstance(number := one.get("number"), str) else "",
                 code=Secret(one["code"]))
        for one in cards if isinstance(one.get("code"), str) and one["code"]
    )  # fmt: skip


def _wrong_with(order: Mapping[str, Any], cards: int) -> str:
    """Why these cards are not to be handed out, or an empty text. Fewer than ordered are right
    only where the missing ones are paid back. Never shows a card."""
    ordered, delivered = _count(order, "quantity"), _count(order, "delivered")
    if not cards or cards != delivered or cards > ordered:
        return f"上游订单数量 {ordered}，已交付 {delivered}，卡密 {cards} 张"
    back, total = _money(order, "refunded"), _money(order, "total")
    missing = ordered - cards
    if missing and (back is None or total is None or back * ordered < total * missing):
        return f"上游少发 {missing} 张卡密，款项没有退回"
    return ""


def _result(order: Mapping[str, Any], outcome: Outcome, **more: Any) -> PurchaseResult:
    number = order.get("order_no")
    return PurchaseResult(
        outcome=outcome,
        supplier_ref=number if isinstance(number, str) else "",
        cost=_money(order, "total"),
        refunded=_money(order, "refunded"),
        **more,
    )


def _count(order: Mapping[str, Any], name: str) -> int:
    value = order.get(name)
    return value if type(value) is int and value > 0 else 0


def _money(order: Mapping[str, Any], name: str) -> Money | None:
    """An amount in our currency, or None: other currencies are no yuan."""
    if order.get("currency") != "CNY" or not isinstance(order.get(name), str):
        return None
    try:
        return Money.parse(order[name])
    except ValueError:
        return None
