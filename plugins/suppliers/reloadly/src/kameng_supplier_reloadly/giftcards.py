"""Gift card products: their face values, at which cost, and the order for them."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from kameng_sdk.errors import Declined
from kameng_sdk.suppliers import Offer, OfferKind, PurchaseRequest

from .exchange import Exchange, number, plain
from .skus import Sku

# Of a range the smallest value is offered, and these as far as they lie in it.
STEPS = tuple(map(Decimal, (5, 10, 15, 20, 25, 30, 50, 100, 200, 500)))


def product_offers(product: Mapping[str, Any], exchange: Exchange) -> Iterator[Offer]:
    """One offer for each face value. Raises `KeyError`, `TypeError`, `ValueError`, `Declined`."""
    if product["senderCurrencyCode"] != exchange.currency:
        raise ValueError("another currency than the account's")
    for value in _values(product):
        yield Offer(
            sku_ref=str(Sku("giftcard", int(product["productId"]), value)),
            name=f"{product['productName']} {plain(value)} {product['recipientCurrencyCode']}",
            cost=exchange.cost(card_cost(product, value)),
            kind=OfferKind.CARD,
            category=f"礼品卡 / {_brand(product)}",
            on_sale=product.get("status", "ACTIVE") == "ACTIVE",
        )


def card_cost(product: Mapping[str, Any], value: Decimal) -> Decimal:
    """What one card of a face value takes from the wallet: less the discount, plus the fees.

    Raises `Declined` when the product has no such value. Whether the flat fee is for a card or
    for an order is not documented: counted for each card, the cost is never too low.
    """
    price = _sender_price(product, value)
    percent = number(product.get("senderFeePercentage") or 0) - number(
        product.get("discountPercentage") or 0
    )
    return price + price * percent / 100 + number(product.get("senderFee") or 0)


def card_order(sku: Sku, request: PurchaseRequest, sender_name: str) -> bytes:
    """The body of the order. No address of a recipient: codes are read, not mailed to shoppers."""
    order = {
        "productId": sku.number,
        "quantity": request.quantity,
        "customIdentifier": request.purchase_no,
        "senderName": sender_name,
    }
    # The price is a JSON number, and goes out digit for digit: no float stands between.
    return f'{json.dumps(order)[:-1]}, "unitPrice": {plain(sku.amount)}}}'.encode()


def _values(product: Mapping[str, Any]) -> list[Decimal]:
    if product["denominationType"] == "FIXED":
        return sorted({number(value) for value in product["fixedRecipientDenominations"]})
    least, most = _range(product)
    return sorted({least, *(step for step in STEPS if least <= step <= most)})


def _range(product: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    least, most = product["minRecipientDenomination"], product["maxRecipientDenomination"]
    return number(least), number(most)


def _sender_price(product: Mapping[str, Any], value: Decimal) -> Decimal:
    if product["denominationType"] != "FIXED":
        least, most = _range(product)
        if not least <= value <= most or not most:
            raise Declined("unit_price", "面值不在可购买的范围内")
        return value * number(product["maxSenderDenomination"]) / most
    for face, price in _price_list(product):
        if number(face) == value:
            return number(price)
    raise Declined("unit_price", "上游已没有这个面值")


def _price_list(product: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    """Face value to price; documented as a list of maps, answered as one map."""
    found = product["fixedRecipientToSenderDenominationsMap"]
    for part in found if isinstance(found, list) else [found]:
        yield from part.items()


def _brand(product: Mapping[str, Any]) -> str:
    brand = product.get("brand")
    return str(brand["brandName"]) if isinstance(brand, dict) else str(product["productName"])
