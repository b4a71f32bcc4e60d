"""Buying where a protocol names the SKU by its id, which may be gone when an order is repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from kameng.errors import DomainError
from kameng.openapi import api
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import Buy, OrderFacts, ProductFacts

PAGE = 100
# These say nothing of what the number has bought: the caller asks again.
PASSING = frozenset({"internal", "unavailable", "too_many"})


def buy_by_id(
    caller: Caller,
    sku_id: int,
    quantity: int,
    number: str,
    inputs_of: Callable[[ProductFacts], Mapping[str, str]],
    notify_url: str = "",
) -> OrderFacts:
    """Buy once under the caller's own number; raises `DomainError` as `api.buy` does.

    A number that has bought is never refused as if nothing had been: the caller would buy
    elsewhere what it has here. Its repeat is answered with the order even when the SKU can be had
    no more or the address for notices has changed; anything else under it is a conflict.
    """
    wanted = None
    try:
        product = api.product_by_id(caller, sku_id)
        wanted = Buy(
            sku=product.sku,
            quantity=quantity,
            merchant_order_no=number,
            inputs=inputs_of(product),
            notify_url=notify_url or caller.callback_url,
        )
        return api.buy(caller, wanted).order
    except DomainError as refusal:
        before = None if refusal.code in PASSING else _bought(caller, number)
        if before is None:
            raise
        inputs = wanted.inputs if wanted else before.inputs
        if (before.sku_id, before.quantity, before.inputs) == (sku_id, quantity, inputs):
            return before
        raise api.refused("conflict") from None


def everything(caller: Caller) -> Iterator[ProductFacts]:
    """All SKUs on sale, in the order of their ids."""
    cursor = ""
    while True:
        page = api.products(caller, cursor, PAGE)
        yield from page.items
        if not (cursor := page.next_cursor):
            return


def _bought(caller: Caller, number: str) -> OrderFacts | None:
    try:
        return api.order_of(caller, number)
    except DomainError as error:
        if error.code != "order_unknown":
            raise
        return None
