"""What a store answers, read strictly: money against us, and texts that are no cards known."""

import json
import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.money import UNITS_PER_YUAN, Money
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, OfferField

MOST_UNITS = 10**15
NUMBER_AND_CODE = "----"
OK = "200"
DUPLICATE = "The request ID already exists"
# How refusals begin that the source raises before or inside the one transaction of a sale, so
# that nothing of it stays. All else may have bought.
SURE_REFUSALS = (
    ("商品不存在", "no_such_goods"), ("当前商品已停售", "off_sale"), ("该商品暂未上架", "off_sale"),
    ("该商品未开放对接", "off_sale"), ("库存不足", "no_stock"), ("余额不足", "balance"),
    ("至少购买", "quantity"), ("本商品最少购买", "quantity"), ("本商品单次最多购买", "quantity"),
    ("该商品每人只能购买", "quantity"), ("请选择", "fields"), ("此商品类型不存在", "fields"),
    ("抢购还未开始", "off_sale"), ("抢购已结束", "off_sale"), ("商户ID不存在", "account"),
    ("密钥错误", "signature"), ("You have been banned", "account"),
)  # fmt: skip
# A sale by hand, or one whose cards were gone: the store writes these where cards would stand.
NO_CARDS = ("正在发货", "抢走了商品", "耐心等待", "联系客服", "没有发货信息", "发货失败")


def envelope(response: HttpResponse) -> dict[str, object]:
    """`{code, msg, data}`. Raises `HttpOutcomeUnknown` for anything else, redirects too."""
    if response.status != 200:
        raise HttpOutcomeUnknown(f"HTTP {response.status}")
    try:
        fields = response.json()
    except ValueError:
        raise HttpOutcomeUnknown("the answer is not JSON") from None
    if not isinstance(fields, dict) or "code" not in fields:
        raise HttpOutcomeUnknown("the answer has no code")
    return fields


def ok(answer: Mapping[str, object]) -> bool:
    """Code 200, as number or text."""
    return text_of(answer, "code") == OK


def data_of(answer: Mapping[str, object]) -> dict[str, object]:
    """What a good answer carries; raises `HttpOutcomeUnknown` for all others."""
    found = answer.get("data")
    if not ok(answer) or not isinstance(found, dict):
        raise HttpOutcomeUnknown(message_of(answer) or "the answer carries nothing")
    return found


def listed(answer: Mapping[str, object]) -> list[object]:
    """The list in a good answer; raises `HttpOutcomeUnknown` for all others."""
    found = answer.get("data")
    if not ok(answer) or not isinstance(found, list):
        raise HttpOutcomeUnknown(message_of(answer) or "the answer is no list")
    return found


def refuse_if_sure(answer: Mapping[str, object]) -> None:
    """Raises `Declined` for a refusal that surely did nothing."""
    message = message_of(answer)
    for beginning, code in SURE_REFUSALS:
        if message.startswith(beginning):
            raise Declined(code, message)


def text_of(fields: Mapping[str, object], name: str) -> str:
    """A plain value as text; "" for null, lists and objects."""
    value = fields.get(name)
    return "" if value is None or isinstance(value, (list, dict, bool)) else str(value)


def message_of(answer: Mapping[str, object]) -> str:
    """What the store says."""
    return text_of(answer, "msg")[:200]


def count_of(fields: Mapping[str, object], name: str) -> int | None:
    """A whole number from 0, also when written as text; else None."""
    text = text_of(fields, name)
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def money_of(value: object) -> Money | None:
    """Yuan as text or number, at scale 4. Finer prices are rounded up: never below the truth."""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int, Decimal)):
        return None
    try:
        units = (Decimal(value) * UNITS_PER_YUAN).to_integral_value(ROUND_CEILING)
        return Money(int(units)) if 0 <= units < MOST_UNITS else None
    except ArithmeticError:  # no number at all, or NaN
        return None


def cards_of(text: str) -> list[Delivery] | None:
    """One card a line, `number----code` or the code alone; None for a text that is no card."""
    if any(phrase in text for phrase in NO_CARDS):
        return None
    cards = []
    for line in filter(None, map(str.strip, text.splitlines())):
        number, _, code = line.rpartition(NUMBER_AND_CODE)
        cards.append(Delivery(number=number, code=Secret(code)) if code else None)
    return [card for card in cards if card] if cards and all(cards) else None


def widget_fields(value: object) -> list[OfferField]:
    """What a store asks shoppers for: a list, or a text that holds one in JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value or "[]")
        except ValueError:
            value = []
    rows = value if isinstance(value, list) else []
    named = [row for row in rows if isinstance(row, dict) and text_of(row, "name")]
    return [_field(row) for row in named if text_of(row, "type") != "custom"]


def _field(row: Mapping[str, object]) -> OfferField:
    listing = text_of(row, "dict") or text_of(row, "data")
    choices = [part.rpartition("=")[2].strip() for part in re.split(r"[,\n]", listing)]
    return OfferField(
        name=text_of(row, "name"),
        label=(text_of(row, "cn") or text_of(row, "title"))[:100],
        choices=tuple(filter(None, choices)) if text_of(row, "type") in ("select", "radio") else (),
    )
