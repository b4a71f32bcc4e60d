"""Buying where a protocol names the SKU by its id, which may be gone when an order is repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from kameng.errors import DomainError
from kameng.openapi import api
from kameng.openapi.domain.callers import Caller
from kameng.openapi.domain.facts import Buy, OrderFacts, ProductFacts

PAGE = 200


def buy_by_id(
    caller: Caller,
    sku_id: int,
    quantity: int,
    number: str,
    inputs_of: Callable[[ProductFacts], Mapping[str, str]],
    notify_url: str = "",
) -> OrderFacts:
    """Buy once under the caller's own number; raises `DomainError` as `api.buy` does.

    A repeat is answered with its order even when the SKU can be had no more: to be told "unknown
    SKU" then would make the caller buy elsewhere what it has bought here.
    """
    try:
        product = api.product_by_id(caller, sku_id)
    except DomainError as error:
        if error.code != "sku_unknown":
            raise
        return _bought_before(caller, sku_id, quantity, number, error)
    wanted = Buy(
        sku=product.sku,
        quantity=quantity,
        merchant_order_no=number,
        inputs=inputs_of(product),
        notify_url=notify_url,
    )
    return api.buy(caller, wanted).order


def everything(caller: Caller) -> Iterator[ProductFacts]:
    """All SKUs that the caller may buy, in the order of their ids."""
    cursor = ""
    while True:
        page = api.products(caller, cursor, PAGE)
        yield from page.items
        if not (cursor := page.next_cursor):
            return


def _bought_before(
    caller: Caller, sku_id: int, quantity: int, number: str, unknown: DomainError
) -> OrderFacts:
    try:
        order = api.order_of(caller, number)
    except DomainError as error:
        if error.code != "order_unknown":
            raise
        raise unknown from None
    if (order.sku_id, order.quantity) != (sku_id, quantity):
        raise api.refused("conflict")
    return order
