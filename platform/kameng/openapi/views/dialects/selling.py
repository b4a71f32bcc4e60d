"""Use cases as other systems know them: one order for one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kameng.errors import DomainError
from kameng.openapi import api
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import Buy, OrderFacts, ProductFacts

# A repeat that is refused for one of these says nothing about the order of the first time.
PASSING = frozenset({"conflict", "internal", "unavailable", "too_many"})


def let_in(caller: Caller, secret: str) -> Caller:
    """Count the request of a caller whose ``secret`` has signed it; the caller as it is now, since
    the key may have been changed after it was read."""
    api.admit(caller, secret=secret)
    return api.open_key(caller.dialect, caller.key_id, caller.ip)[0]


def buy_once(
    caller: Caller, sku_id: int, number: str, read: Callable[[ProductFacts], Buy]
) -> OrderFacts:
    """Buy what ``read`` makes of the request, once for a number.

    These systems' buyers take a refusal for "nothing was bought". It must never be the answer to a
    number that has bought something: such a request is a conflict, and the order can be asked for.
    """
    try:
        wanted = read(api.product_by_id(caller, sku_id))
        wanted = replace(wanted, notify_url=wanted.notify_url or caller.callback_url)
        return api.buy(caller, wanted).order
    except DomainError as refusal:
        if refusal.code not in PASSING and find_order(caller, number=number) is not None:
            raise api.refused("conflict") from None
        raise


def buy_or_find(
    caller: Caller, sku_id: int, quantity: int, number: str, read: Callable[[ProductFacts], Buy]
) -> OrderFacts:
    """`buy_once` for systems whose repeats are answered with the first order.

    So is a repeat that differs in its address for notices, or comes when the SKU is gone. Other
    goods, quantity or inputs under the number remain a conflict.
    """
    asked: list[Buy] = []

    def noted(product: ProductFacts) -> Buy:
        asked.append(read(product))
        return asked[0]

    try:
        return buy_once(caller, sku_id, number, noted)
    except DomainError as refusal:
        before = find_order(caller, number=number) if refusal.code == "conflict" else None
        if before is None:
            raise
        inputs = asked[0].inputs if asked else before.inputs
        if (before.sku_id, before.quantity, before.inputs) != (sku_id, quantity, inputs):
            raise
        return before


def find_order(caller: Caller, *, number: str = "", order_no: str = "") -> OrderFacts | None:
    """An order of this member by the buyer's number or by ours; None when there is none."""
    try:
        return api.order_of(caller, number) if number else api.order(caller, order_no)
    except DomainError as refusal:
        if refusal.code != "order_unknown":
            raise
        return None
