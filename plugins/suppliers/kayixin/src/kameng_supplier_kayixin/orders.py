"""An order as the site tells it, in our words."""

from __future__ import annotations

from collections.abc import Mapping

from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult

from .values import amount, text, whole

MOST_CODE = 100_000  # a code is never cut
VOID = (2, 4)  # states of a card: taken back, being taken back


def nothing_found() -> PurchaseResult:
    """The site knows no order of that number."""
    return PurchaseResult(outcome=Outcome.UNKNOWN, found=False, message="卡易信没有这笔订单")


def result_of(order: Mapping[str, object], listed: object) -> PurchaseResult:
    """``listed`` are the cards, already opened. Final are "done" with all that was ordered, and
    what is wholly paid back; in state 9 a refund was asked for, but the goods are there."""
    status = text(order.get("status"))
    match status:
        case "1" | "2" | "7" | "8":
            return _told(order, Outcome.PENDING)
        case "3" | "9":
            return _done(order, _cards(listed))
        case "4" | "5":
            return _taken_back(order, status, _cards(listed))
        case "0":
            return _told(order, Outcome.UNKNOWN, "订单未付款，上游没有扣款记录")
    return _told(order, Outcome.UNKNOWN, f"无法识别的订单状态 {status[:20]}")


def _cards(listed: object) -> list[tuple[Delivery, bool]]:
    if listed is None or listed == "":
        return []
    if not isinstance(listed, list):
        raise HttpOutcomeUnknown("the list of cards is no list")
    return [_card(line) for line in listed]


def _card(line: object) -> tuple[Delivery, bool]:
    """A card with one value has it in either place, and it is the code then."""
    fields = line if isinstance(line, dict) else {}
    number, code = text(fields.get("cardNo"), MOST_CODE), text(fields.get("cardPwd"), MOST_CODE)
    if not number and not code:
        raise HttpOutcomeUnknown("a card without number and code")
    void = whole(fields.get("status")) in VOID
    if not code:
        return Delivery(code=Secret(number)), void
    return Delivery(number=number[:255], code=Secret(code)), void


def _done(order: Mapping[str, object], cards: list[tuple[Delivery, bool]]) -> PurchaseResult:
    """A notice does not say how many were ordered; then whoever ordered has to count."""
    if not cards:
        receipt = Delivery(note=text(order.get("result"), 200))
        return _told(order, Outcome.SUCCEEDED, deliveries=(receipt,))
    live = tuple(card for card, void in cards if not void)
    if len({(card.number, card.code) for card in live}) < len(live):
        return _told(order, Outcome.UNKNOWN, "上游返回了重复的卡密")
    if len(live) != (whole(order.get("count")) or len(cards)):
        return _told(order, Outcome.UNKNOWN, "卡密数量与订单不符，请人工核对")
    return _told(order, Outcome.SUCCEEDED, deliveries=live)


def _taken_back(
    order: Mapping[str, object], status: str, cards: list[tuple[Delivery, bool]]
) -> PurchaseResult:
    """State 4 is by its definition paid back wholly; of 5 only the amounts tell how much, and
    what is not given back was delivered."""
    paid, back = amount(order.get("money")), amount(order.get("retMoney"))
    by_definition = status == "4" and not back and not cards
    if paid and (by_definition or (back and back >= paid)):
        return _told(order, Outcome.DECLINED, refunded=paid)
    if status == "5" and paid and back:
        return _done(order, cards)
    return _told(order, Outcome.UNKNOWN, "订单已撤回或退款，但金额没有全部退回，请人工核对")


def _told(
    order: Mapping[str, object],
    outcome: Outcome,
    message: str = "",
    deliveries: tuple[Delivery, ...] = (),
    refunded: Money | None = None,
) -> PurchaseResult:
    back = refunded or amount(order.get("retMoney"))
    return PurchaseResult(
        outcome=outcome,
        supplier_ref=text(order.get("orderNumber")),
        deliveries=deliveries,
        cost=amount(order.get("money")),
        message=message or text(order.get("result"), 200),
        refunded=back or None,
    )
