"""How simulated transactions are told of, the same in answers, reports and webhooks."""

import time
from decimal import Decimal
from typing import Any

from kameng_sdk.simulation.sales import Order, State

from .catalogue import CURRENCY, OPERATORS, PRODUCTS, decimal, json_number, sender_price


def kind_of(order: Order) -> str:
    """The API that it belongs to."""
    return order.goods.partition(":")[0]


def transaction(order: Order) -> dict[str, Any]:
    """One transaction as its API shows it."""
    return _topup(order) if kind_of(order) == "topup" else _giftcard(order)


def _status(order: Order) -> str:
    match order.state:
        case State.DONE:
            return "SUCCESSFUL"
        case State.WAITING | State.PROCESSING:
            return "PROCESSING"
    return "REFUNDED" if order.refunded == order.cost else "FAILED"


def _topup(order: Order) -> dict[str, Any]:
    _, number, text = order.goods.split(":")
    amount, cost = Decimal(text), decimal(order.cost)
    maker = OPERATORS[int(number)]
    pin = order.cards[0] if order.cards else None
    return {
        "transactionId": int(order.ref),
        "status": _status(order),
        "operatorTransactionId": f"OP{order.ref[-8:]}" if order.state is State.DONE else None,
        "customIdentifier": order.number,
        "recipientPhone": order.inputs.get("phone", ""),
        "recipientEmail": None,
        "senderPhone": None,
        "countryCode": maker.country[0],
        "operatorId": int(number),
        "operatorName": maker.name,
        "discount": json_number(max(Decimal(0), amount - cost)),
        "discountCurrencyCode": CURRENCY,
        "fee": json_number(max(Decimal(0), cost - amount)),
        "requestedAmount": json_number(amount),
        "requestedAmountCurrencyCode": CURRENCY,
        "transactionDate": _date(order.created_at),
        "pinDetail": {"serial": pin.number, "code": pin.code, "value": None} if pin else None,
        "balanceInfo": None,
    }


def _giftcard(order: Order) -> dict[str, Any]:
    _, number, value = order.goods.split(":")
    maker, face = PRODUCTS[int(number)], Decimal(value)
    gross = sender_price(order.unit) * order.quantity
    return {
        "transactionId": int(order.ref),
        "amount": json_number(gross),
        "discount": json_number(gross - decimal(order.cost)),
        "currencyCode": CURRENCY,
        "fee": 0,
        "smsFee": 0,
        "recipientEmail": None,
        "customIdentifier": order.number,
        "status": _status(order),
        "product": {
            "productId": int(number),
            "productName": maker.name,
            "countryCode": maker.country[0],
            "quantity": order.quantity,
            "unitPrice": json_number(face),
            "totalPrice": json_number(face * order.quantity),
            "currencyCode": maker.currency,
            "brand": {"brandId": int(number), "brandName": maker.name.split()[0]},
        },
        "transactionCreatedTime": _date(order.created_at),
    }


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
