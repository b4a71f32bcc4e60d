"""What Reloadly says of a transaction, as the result of our purchase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult

from .exchange import Exchange, number

OUTCOMES = {
    "PROCESSING": Outcome.PENDING,
    "PENDING": Outcome.PENDING,
    "SUCCESSFUL": Outcome.SUCCEEDED,
    "REFUNDED": Outcome.DECLINED,
    # Failed, and the money is not back: REFUNDED follows, or a person asks for it.
    "FAILED": Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list; ``last`` when no page follows."""

    rows: Sequence[Mapping[str, Any]]
    last: bool


def page_of(content: Any, size: int) -> Page:
    """Lists come as pages with ``content``, some documents show the bare list.

    Raises `HttpOutcomeUnknown` for anything else.
    """
    paged = isinstance(content, dict)
    rows = content.get("content") if paged else content
    if not isinstance(rows, list):
        raise HttpOutcomeUnknown("the answer is no list")
    known = paged and isinstance(content.get("last"), bool)
    last = content["last"] if known else len(rows) < size
    return Page([row for row in rows if isinstance(row, dict)], last or not rows)


def supplier_ref(kind: str, transaction: Mapping[str, Any]) -> str:
    """Numbers of the two APIs are apart, so the kind is part of ours.

    Raises `HttpOutcomeUnknown` when there is no number.
    """
    found = transaction.get("transactionId")
    if type(found) is not int or found < 1:
        raise HttpOutcomeUnknown("the answer has no transaction number")
    return f"{kind}:{found}"


def settled(
    kind: str,
    transaction: Mapping[str, Any],
    exchange: Exchange,
    deliveries: Sequence[Delivery] = (),
) -> PurchaseResult:
    """The result by its status; what was delivered comes from the caller."""
    status = str(transaction.get("status"))[:40]
    outcome = OUTCOMES.get(status, Outcome.UNKNOWN)
    cost = (
        _topup_cost(transaction, exchange) if kind == "topup" else _card_cost(transaction, exchange)
    )
    return PurchaseResult(
        outcome=outcome,
        supplier_ref=supplier_ref(kind, transaction),
        deliveries=deliveries if outcome is Outcome.SUCCEEDED else (),
        cost=cost,
        refunded=cost if status == "REFUNDED" else None,
        message="" if outcome is Outcome.SUCCEEDED else f"上游状态 {status}",
    )


def receipt(transaction: Mapping[str, Any]) -> Delivery:
    """What a finished top-up leaves behind: a PIN for operators that give one, else its number."""
    pin = transaction.get("pinDetail")
    if isinstance(pin, dict) and _text(pin.get("code")):
        return Delivery(code=Secret(_text(pin["code"])), number=_text(pin.get("serial")))
    return Delivery(note=_text(transaction.get("operatorTransactionId")))


def cards_of(content: Any) -> list[Delivery]:
    """Codes of an order: a list, or the one object that some documents show.

    The secret is the PIN where a card has one, else the card number itself.
    """
    rows = content if isinstance(content, list) else [content]
    return [_card(row) for row in rows if isinstance(row, dict)]


def wrong_with(cards: Sequence[Delivery], transaction: Mapping[str, Any]) -> str:
    """Why these cards are not to be handed out yet, or an empty text. Never shows a card."""
    product = transaction.get("product")
    ordered = product.get("quantity") if isinstance(product, dict) else None
    if type(ordered) is int and len(cards) != ordered:
        return f"上游订单数量 {ordered}，交付卡密 {len(cards)} 张"
    secrets = {(card.number, card.code) for card in cards}
    return "上游交付了重复的卡密" if len(secrets) != len(cards) else ""


def _card(row: Mapping[str, Any]) -> Delivery:
    number, pin = _text(row.get("cardNumber")), _text(row.get("pinCode"))
    if not (number or pin):
        raise HttpOutcomeUnknown("a card without number and code")
    return Delivery(code=Secret(pin or number), number=number if pin else "")


def _text(value: object) -> str:
    """Numbers of cards are documented as JSON numbers and come as text."""
    return str(value).strip() if isinstance(value, (str, int)) and value is not True else ""


def _topup_cost(transaction: Mapping[str, Any], exchange: Exchange) -> Money | None:
    if transaction.get("requestedAmountCurrencyCode") != exchange.currency:
        return None
    return _taken(transaction, "requestedAmount", "fee", exchange)


def _card_cost(transaction: Mapping[str, Any], exchange: Exchange) -> Money | None:
    """``amount`` has the fees in it already, and not the discount (checked on the documents' own
    example: 5 % of the price without fees)."""
    if transaction.get("currencyCode") != exchange.currency:
        return None
    return _taken(transaction, "amount", "", exchange)


def _taken(
    transaction: Mapping[str, Any], amount: str, fee: str, exchange: Exchange
) -> Money | None:
    try:
        taken = number(transaction[amount]) - number(transaction.get("discount") or 0)
        return exchange.cost(taken + (number(transaction.get(fee) or 0) if fee else Decimal(0)))
    except (KeyError, ValueError):
        return None
