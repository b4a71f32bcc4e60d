"""What the site says of an order, as the result of our purchase."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult

# Documented states that are not the end; the partly delivered ones go on to `delivered`.
OPEN = frozenset({"pending_payment", "paid", "fulfilling", "partially_delivered"})
DONE = frozenset({"delivered", "completed"})
NUMBER_AND_CODE = "----"


def result_of(order: Mapping[str, Any]) -> PurchaseResult:
    """The same reading for the answer to an order, a query, a cancellation and a notice."""
    status, refunded = str(order.get("status")), _money(order, "refunded_amount")
    match status:
        case _ if status in OPEN:
            return _result(order, Outcome.PENDING)
        case _ if status in DONE:
            return _delivered(order, refunded)
        case "canceled":
            return _canceled(order, refunded)
    return _result(order, Outcome.UNKNOWN, message=f"上游订单状态 {status[:40]} 未知")


def _delivered(order: Mapping[str, Any], refunded: Money | None) -> PurchaseResult:
    fulfillment = order.get("fulfillment")
    if not isinstance(fulfillment, dict) or not isinstance(fulfillment.get("payload"), str):
        # Done, and what was delivered is not in this answer: the next question brings it.
        return _result(order, Outcome.PENDING)
    lines = [line.strip() for line in fulfillment["payload"].splitlines() if line.strip()]
    if fulfillment.get("type") == "manual":
        note = Delivery(note="\n".join(lines))
        return _result(order, Outcome.SUCCEEDED, deliveries=(note,), refunded=refunded)
    problem = _wrong_with(lines, _quantity(order))
    if problem:
        return _result(order, Outcome.UNKNOWN, message=problem)
    cards = tuple(map(_card, lines))
    return _result(order, Outcome.SUCCEEDED, deliveries=cards, refunded=refunded)


def _card(line: str) -> Delivery:
    """`number----code`, or the code alone."""
    number, _, code = line.rpartition(NUMBER_AND_CODE)
    return Delivery(number=number, code=Secret(code)) if code else Delivery(code=Secret(line))


def _wrong_with(cards: list[str], ordered: int | None) -> str:
    """Why these cards are not to be handed out yet, or an empty text. Never shows a card."""
    if ordered is not None and len(cards) != ordered:
        return f"上游订单数量 {ordered}，交付卡密 {len(cards)} 张"
    if Counter(cards).total() != len(set(cards)):
        return "上游交付了重复的卡密"
    return "" if cards else "上游交付内容为空"


def _canceled(order: Mapping[str, Any], refunded: Money | None) -> PurchaseResult:
    """Canceled orders were never paid or are paid back; a smaller sum is for a person."""
    cost = _money(order, "amount")
    if refunded is not None and cost is not None and refunded < cost:
        return _result(order, Outcome.UNKNOWN, message="上游订单已取消，但款项没有全部退回")
    return _result(order, Outcome.DECLINED, refunded=refunded, message="上游订单已取消")


def _result(order: Mapping[str, Any], outcome: Outcome, **more: Any) -> PurchaseResult:
    number = order.get("order_id")
    return PurchaseResult(
        outcome=outcome,
        supplier_ref=str(number) if type(number) is int and number > 0 else "",
        cost=_money(order, "amount"),
        **more,
    )


def _quantity(order: Mapping[str, Any]) -> int | None:
    items = order.get("items")
    if not isinstance(items, list) or len(items) != 1 or not isinstance(items[0], dict):
        return None
    quantity = items[0].get("quantity")
    return quantity if type(quantity) is int else None


def _money(order: Mapping[str, Any], name: str) -> Money | None:
    """An amount in our currency, or None: a notice has none, and other currencies are no yuan."""
    if order.get("currency") != "CNY" or not isinstance(order.get(name), str):
        return None
    try:
        return Money.parse(order[name])
    except ValueError:
        return None
