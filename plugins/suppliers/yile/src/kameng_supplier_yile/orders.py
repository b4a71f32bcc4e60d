"""What an order's state means. 3 to 6 of a community differ by source: they decide nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import Delivery, PurchaseResult

from .reading import cards_of, money_of, text_of, whole


@dataclass(frozen=True, slots=True)
class Ref:
    """Their number, and whether cards were bought: then "done" without cards is not enough."""

    number: str
    cards: bool

    def __str__(self) -> str:
        return f"{self.number}.{'c' if self.cards else 't'}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is no reference of ours."""
        number, _, way = text.partition(".")
        return cls(number, way == "c") if number and way in ("c", "t") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One flavour's states and the names of what stands beside them."""

    waiting: frozenset[int]
    done: frozenset[int]
    returned: frozenset[int]
    now: str
    cards: tuple[str, ...]


COMMUNITY_WORDS = Words(
    waiting=frozenset({0, 1, 2, 5, 6}),
    done=frozenset({90}),
    returned=frozenset({91, 92}),
    now="now_num",
    cards=("cards", "data"),
)
SUP_WORDS = Words(
    waiting=frozenset({0, 1, 2, 3, 4, 5}),
    done=frozenset({6}),
    returned=frozenset({7, 8}),
    now="current_num",
    cards=("buy_card_code_list", "card_code_ids"),
)


def read_order(words: Words, order: Mapping[str, object], known: Ref) -> PurchaseResult:
    """The order as it stands."""
    ref, state = str(known), whole(order, "status")
    cost = money_of(order.get("amount"))
    if state in words.returned:
        return _returned(words, order, ref, cost)
    if state in words.waiting:
        return PurchaseResult(outcome=Outcome.PENDING, supplier_ref=ref, cost=cost)
    if state not in words.done:
        message = f"对方订单状态异常: {text_of(order, 'status')}"
        return PurchaseResult(outcome=Outcome.UNKNOWN, supplier_ref=ref, message=message)
    deliveries = _deliveries(words, order, known)
    if not deliveries:
        message = "订单已完成，但接口没有给出可读的卡密，请到对方后台取卡"
        return PurchaseResult(outcome=Outcome.UNKNOWN, supplier_ref=ref, message=message)
    return PurchaseResult(
        outcome=Outcome.SUCCEEDED,
        supplier_ref=ref,
        deliveries=deliveries,
        cost=cost,
        refunded=money_of(order.get("refund_amount")) or None,
    )


def _returned(
    words: Words, order: Mapping[str, object], ref: str, cost: Money | None
) -> PurchaseResult:
    """Wholly back unless amounts or counters say that a part of it was done."""
    back = money_of(order.get("refund_amount"))
    begun = (whole(order, words.now) or 0) > (whole(order, "start_num") or 0)
    partly = begun if back is None or cost is None else back < cost
    if partly:
        message = "订单已退单，但只退回一部分，请人工核对"
        return PurchaseResult(
            outcome=Outcome.UNKNOWN, supplier_ref=ref, cost=cost, refunded=back, message=message
        )
    return PurchaseResult(
        outcome=Outcome.DECLINED, supplier_ref=ref, refunded=back, message="对方已退单退款"
    )


def _deliveries(words: Words, order: Mapping[str, object], known: Ref) -> list[Delivery] | None:
    """Cards where there are any, else a receipt, if that is enough."""
    given = next((order[name] for name in words.cards if order.get(name)), None)
    if given is None and not known.cards:
        return [Delivery(note=f"订单 {known.number} 已完成")]
    return cards_of(given)
