"""Phone operators: what can be topped up, at which cost, and the order for it."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from kameng_sdk.errors import Declined
from kameng_sdk.suppliers import Offer, OfferField, OfferKind, PurchaseRequest

from .exchange import Exchange, number, plain
from .skus import Sku

PHONE = OfferField(name="phone", label="手机号（带国家区号，如 8613800138000）")
CATEGORIES = {"bundle": "流量套餐", "data": "流量充值", "pin": "充值卡密"}
_PHONE = re.compile(r"[1-9]\d{5,14}", re.ASCII)


def operator_offers(operator: Mapping[str, Any], exchange: Exchange) -> Iterator[Offer]:
    """One offer for each amount. Raises `KeyError`, `TypeError` or `ValueError` when unreadable."""
    if operator["senderCurrencyCode"] != exchange.currency:
        raise ValueError("another currency than the account's")
    for amount in _amounts(operator):
        yield Offer(
            sku_ref=str(Sku("topup", int(operator["operatorId"]), amount)),
            name=f"{operator['name']} {plain(amount)} {exchange.currency}",
            cost=exchange.cost(operator_cost(operator, amount)),
            kind=OfferKind.CARD if operator.get("pin") is True else OfferKind.TOP_UP,
            category=f"{_category(operator)} / {operator['country']['name']}",
            on_sale=operator.get("status", "ACTIVE") == "ACTIVE",
            maximum=1,  # one request tops up one amount
            fields=(PHONE,),
        )


def operator_cost(operator: Mapping[str, Any], amount: Decimal) -> Decimal:
    """What is taken from the wallet for an amount: less the discount, plus the fees."""
    home = operator["senderCurrencyCode"] == operator["destinationCurrencyCode"]
    side = "local" if home else "international"
    fees = operator.get("fees") or {}
    percent = number(fees.get(f"{side}Percentage") or 0) - number(
        operator.get(f"{side}Discount") or 0
    )
    return amount + amount * percent / 100 + number(fees.get(side) or 0)


def sells_amount(operator: Mapping[str, Any], amount: Decimal) -> bool:
    """Whether the operator takes that amount now."""
    if operator.get("denominationType") == "FIXED":
        return amount in _numbers(operator.get("fixedAmounts"))
    return number(operator["minAmount"]) <= amount <= number(operator["maxAmount"])


def topup_order(operator: Mapping[str, Any], sku: Sku, request: PurchaseRequest) -> bytes:
    """The body of the order; raises `Declined` when there is no number to top up."""
    phone = re.sub(r"[\s()+-]", "", request.inputs.get("phone", ""))
    if not _PHONE.fullmatch(phone):
        raise Declined("phone", "手机号不正确：请带国家区号，只填数字")
    order = {
        "operatorId": str(sku.number),
        "amount": plain(sku.amount),
        "useLocalAmount": False,
        "customIdentifier": request.purchase_no,
        "recipientPhone": {"countryCode": operator["country"]["isoName"], "number": phone},
    }
    return json.dumps(order).encode()


def _amounts(operator: Mapping[str, Any]) -> list[Decimal]:
    if operator["denominationType"] == "FIXED":
        return _numbers(operator["fixedAmounts"])
    suggested = _numbers(operator.get("suggestedAmounts"))
    fitting = [amount for amount in suggested if sells_amount(operator, amount)]
    return fitting or [number(operator["minAmount"])]


def _numbers(values: object) -> list[Decimal]:
    found = [number(value) for value in values] if isinstance(values, list) else []
    return sorted(set(found))


def _category(operator: Mapping[str, Any]) -> str:
    # A PIN is a card, whatever it opens.
    for trait in ("pin", "bundle", "data"):
        if operator.get(trait) is True:
            return CATEGORIES[trait]
    return "话费充值"
