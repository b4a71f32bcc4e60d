"""An order as the site tells it, in our words."""

from __future__ import annotations

from collections.abc import Mapping

from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult

from .values import amount, text

MOST_CODE = 100_000  # a code is never cut


def nothing_found() -> PurchaseResult:
    """The site knows no order of that number."""
    return PurchaseResult(outcome=Outcome.UNKNOWN, found=False, message="卡速售没有这笔订单")


def result_of(order: Mapping[str, object]) -> PurchaseResult:
    """Only "done" with something delivered and "money wholly back" are final."""
    match text(order.get("status")):
        case "1" | "2":
            return _told(order, Outcome.PENDING)
        case "3":
            return _done(order)
        case "4" | "5" as status:
            return _taken_back(order, status)
        case "-1":
            return _told(order, Outcome.UNKNOWN, "订单未支付，上游没有扣款记录")
        case other:
            return _told(order, Outcome.UNKNOWN, f"无法识别的订单状态 {other[:20]}")


def _done(order: Mapping[str, object]) -> PurchaseResult:
    return _delivered(order) or _told(order, Outcome.PENDING, "订单已完成，卡密还没有返回")


def _delivered(order: Mapping[str, object]) -> PurchaseResult | None:
    """What was delivered, or None: cards are fetched only after the order is done, and without
    them it is a top-up only if it repeats what was filled in."""
    cards = cards_of(order.get("card_list"))
    if len({(card.number, card.code) for card in cards}) < len(cards):
        return _told(order, Outcome.UNKNOWN, "上游返回了重复的卡密")
    if not cards and order.get("recharge_info"):
        cards = (Delivery(note=text(order.get("recharge_hints"), 200)),)
    return _told(order, Outcome.SUCCEEDED, deliveries=cards) if cards else None


def _taken_back(order: Mapping[str, object], status: str) -> PurchaseResult:
    """Cancelled and refunded say nothing about the money: the two amounts do. What is not given
    back of a refunded order was delivered; a cancelled one should have nothing left."""
    paid, back = amount(order.get("total_price")), amount(order.get("has_back_money"))
    if paid and back and back >= paid:
        return _told(order, Outcome.DECLINED)
    delivered = _delivered(order) if paid and back and status == "5" else None
    message = "订单已取消或退款，但金额没有全部退回，请人工核对"
    return delivered or _told(order, Outcome.UNKNOWN, message)


def cards_of(listed: object) -> tuple[Delivery, ...]:
    """Cards as deliveries. Raises `HttpOutcomeUnknown` for a list with something unreadable in it:
    with one card less the purchase would look complete and be short."""
    if listed is None or listed == "":
        return ()
    if not isinstance(listed, list):
        raise HttpOutcomeUnknown("the list of cards is no list")
    return tuple(_card(line) for line in listed)


def _card(line: object) -> Delivery:
    """Some sites give plain text for a card; one with a single value has it in either place."""
    fields = line if isinstance(line, dict) else {"card_password": line}
    number, code = (
        text(fields.get("card_no"), MOST_CODE),
        text(fields.get("card_password"), MOST_CODE),
    )
    if not number and not code:
        raise HttpOutcomeUnknown("a card without number and code")
    if not code:
        return Delivery(code=Secret(number))
    return Delivery(number=number[:255], code=Secret(code))


def _told(
    order: Mapping[str, object],
    outcome: Outcome,
    message: str = "",
    deliveries: tuple[Delivery, ...] = (),
) -> PurchaseResult:
    back = amount(order.get("has_back_money"))
    return PurchaseResult(
        outcome=outcome,
        supplier_ref=text(order.get("ordersn")),
        deliveries=deliveries,
        cost=amount(order.get("total_price")),
        message=message or text(order.get("recharge_hints"), 200),
        refunded=back if back and back > Money.zero() else None,
    )
