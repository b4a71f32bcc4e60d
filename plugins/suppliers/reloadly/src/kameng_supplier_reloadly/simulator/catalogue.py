"""What the simulated account can buy, and how both catalogues show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kameng_sdk.money import UNITS_PER_YUAN, Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferField, OfferKind

CURRENCY = "USD"
PHONE = (OfferField(name="phone", label="手机号"),)
DISCOUNT = Decimal(4)  # per cent, of all gift cards


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """An operator or a card's brand; ``prices`` are amounts with what they cost us."""

    name: str
    country: tuple[str, str]
    currency: str
    prices: Mapping[str, str]
    category: str = "话费"
    trait: str = ""
    ranged: bool = False


OPERATORS = {
    88: Maker(
        name="中国移动", country=("CN", "中国"), currency="CNY",
        prices={"5": "4.85", "10": "9.70", "20": "19.40"},
    ),
    341: Maker(
        name="MTN 尼日利亚", country=("NG", "尼日利亚"), currency="NGN", ranged=True,
        prices={"2": "1.90", "2.5": "2.375"},
    ),
    535: Maker(
        name="EE 英国充值卡", country=("GB", "英国"), currency="GBP", trait="pin",
        prices={"5": "4.90"}, category="充值卡",
    ),
    702: Maker(
        name="AIS 泰国流量包", country=("TH", "泰国"), currency="THB", trait="bundle",
        prices={"8": "7.60"}, category="流量",
    ),
}  # fmt: skip
PRODUCTS = {
    13: Maker(
        name="Steam 美国", country=("US", "美国"), currency="USD", category="游戏点卡",
        prices={"10": "9.60", "25": "24.00", "50": "48.00"},
    ),
    120: Maker(
        name="Netflix 香港", country=("HK", "香港"), currency="HKD", category="影视会员",
        prices={"100": "12.48"},
    ),
    218: Maker(
        name="Coursera 课程卡", country=("US", "美国"), currency="USD", category="课程",
        prices={"49": "47.04"},
    ),
    # What the demo's shop sells, under its invented names.
    301: Maker(
        name="半日茶礼品卡", country=("CN", "中国"), currency="CNY", category="礼品卡",
        prices={"50": "5.88", "100": "11.76"},
    ),
    302: Maker(
        name="长夏书店礼品卡", country=("CN", "中国"), currency="CNY", category="礼品卡",
        prices={"100": "11.76"},
    ),
    303: Maker(
        name="花间礼品卡", country=("CN", "中国"), currency="CNY", category="礼品卡",
        prices={"200": "23.28"},
    ),
}  # fmt: skip
ROWS = {"topup": OPERATORS, "giftcard": PRODUCTS}


def article(kind: str, number: int, amount: str, cost: str) -> Goods:
    """One amount as goods, named as the plugin names its offers."""
    maker = ROWS[kind][number]
    card = kind == "giftcard" or maker.trait == "pin"
    return Goods(
        ref=f"{kind}:{number}:{amount}",
        name=f"{maker.name} {amount}",
        category=maker.category,
        cost=Money.parse(cost, CURRENCY),
        kind=OfferKind.CARD if card else OfferKind.TOP_UP,
        maximum=1 if kind == "topup" else None,
        fields=PHONE if kind == "topup" else (),
    )


GOODS = tuple(
    article(kind, number, amount, cost)
    for kind, makers in ROWS.items()
    for number, maker in makers.items()
    for amount, cost in maker.prices.items()
)


def operator(number: int, goods: Sequence[Goods]) -> dict[str, Any]:
    """An operator with all its amounts: it has one discount, that of its first amount."""
    maker, sold = OPERATORS[number], [one for one in goods if one.on_sale]
    amounts = [json_number(amount_of(one)) for one in sold]
    first, cost = amount_of(goods[0]), decimal(goods[0].cost)
    return {
        "id": number, "operatorId": number, "name": maker.name,
        "bundle": maker.trait == "bundle", "data": False, "pin": maker.trait == "pin",
        "supportsLocalAmounts": False,
        "denominationType": "RANGE" if maker.ranged else "FIXED",
        "senderCurrencyCode": CURRENCY, "senderCurrencySymbol": "$",
        "destinationCurrencyCode": maker.currency, "destinationCurrencySymbol": "",
        "internationalDiscount": json_number(max(Decimal(0), 100 - 100 * cost / first)),
        "localDiscount": 0, "mostPopularAmount": None,
        "minAmount": min(amounts, default=None) if maker.ranged else None,
        "maxAmount": max(amounts, default=None) if maker.ranged else None,
        "country": {"isoName": maker.country[0], "name": maker.country[1]},
        "fees": {
            "international": json_number(max(Decimal(0), cost - first)),
            "internationalPercentage": 0, "local": 0, "localPercentage": 0,
        },
        "fixedAmounts": [] if maker.ranged else amounts,
        "suggestedAmounts": amounts if maker.ranged else [],
        "status": "ACTIVE" if sold else "INACTIVE",
    }  # fmt: skip


def product(number: int, goods: Sequence[Goods]) -> dict[str, Any]:
    """A gift card with all its face values."""
    maker, sold = PRODUCTS[number], [one for one in goods if one.on_sale]
    prices = {f"{amount_of(one):.2f}": json_number(sender_price(one.cost)) for one in sold}
    return {
        "productId": number, "productName": maker.name, "global": False,
        "status": "ACTIVE" if sold else "INACTIVE", "supportsPreOrder": False,
        "senderFee": 0, "senderFeePercentage": 0, "discountPercentage": json_number(DISCOUNT),
        "denominationType": "FIXED", "recipientCurrencyCode": maker.currency,
        "minRecipientDenomination": None, "maxRecipientDenomination": None,
        "senderCurrencyCode": CURRENCY,
        "minSenderDenomination": None, "maxSenderDenomination": None,
        "fixedRecipientDenominations": [json_number(amount_of(one)) for one in sold],
        "fixedSenderDenominations": list(prices.values()),
        "fixedRecipientToSenderDenominationsMap": prices,
        "brand": {"brandId": number, "brandName": maker.name.split()[0]},
        "country": {"isoName": maker.country[0], "name": maker.country[1]},
    }  # fmt: skip


def sender_price(cost: Money) -> Decimal:
    """The price before the discount; not all are finite decimals."""
    return (decimal(cost) / (1 - DISCOUNT / 100)).quantize(Decimal("0.000001"))


def number_of(one: Goods) -> int:
    """The operator or product that goods belong to."""
    return int(one.ref.split(":")[1])


def amount_of(one: Goods) -> Decimal:
    """Their amount or face value."""
    return Decimal(one.ref.split(":")[2])


def decimal(money: Money) -> Decimal:
    """An amount as a number, exactly."""
    return Decimal(money.amount) / UNITS_PER_YUAN


def json_number(amount: Decimal) -> int | float:
    """For JSON alone, where numbers are numbers: these have few digits, and keep them."""
    return int(amount) if amount == int(amount) else float(amount)
