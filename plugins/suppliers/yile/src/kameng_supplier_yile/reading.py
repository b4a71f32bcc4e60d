"""What 亿乐 answers, read strictly: money is rounded against us, cards are never cut short."""

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import UNITS_PER_YUAN, Money
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery

MOST_UNITS = 10**15
NUMBER_AND_CODE = "----"
# Texts of refusals that come before an order is made. All else may have bought.
SURE_REFUSALS = (
    ("余额不足", "balance"), ("商品不存在", "no_such_goods"), ("商品无效", "no_such_goods"),
    ("已下架", "off_sale"), ("禁止下单", "off_sale"), ("库存不足", "no_stock"),
    ("签名错误", "signature"), ("参数错误", "fields"), ("白名单", "address"),
    ("最少", "quantity"), ("最多", "quantity"),
)  # fmt: skip


def json_object(response: HttpResponse) -> dict[str, object]:
    """Raises `HttpOutcomeUnknown` for anything but a JSON object with status 200."""
    if response.status != 200:
        raise HttpOutcomeUnknown(f"HTTP {response.status}")
    try:
        fields = response.json()
    except ValueError:
        raise HttpOutcomeUnknown("the answer is not JSON") from None
    if not isinstance(fields, dict):
        raise HttpOutcomeUnknown("the answer is not an object")
    return fields


def text_of(fields: Mapping[str, object], name: str) -> str:
    """A plain value as text; "" for null, lists and objects."""
    value = fields.get(name)
    return "" if value is None or isinstance(value, (list, dict, bool)) else str(value)


def message_of(fields: Mapping[str, object]) -> str:
    """SUP gives a text or `{field, message}`."""
    told = fields.get("message")
    if isinstance(told, dict):
        return f"{text_of(told, 'field')} {text_of(told, 'message')}".strip()[:200]
    return text_of(fields, "message")[:200]


def whole(fields: Mapping[str, object], name: str) -> int | None:
    """A whole number, also when written as text; else None."""
    text = text_of(fields, name)
    return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None


def money_of(value: object, times: int = 1) -> Money | None:
    """Yuan as text or number, at scale 4. Finer prices are rounded up: never below the truth."""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int, Decimal)):
        return None
    try:
        units = (Decimal(value) * times * UNITS_PER_YUAN).to_integral_value(ROUND_CEILING)
        return Money(int(units)) if 0 <= units < MOST_UNITS else None
    except ArithmeticError:  # no number at all, or NaN
        return None


def cards_of(value: object) -> list[Delivery] | None:
    """Cards as list or text; None when one of them cannot be read, so that none gets lost."""
    if isinstance(value, str):
        value = [line for line in re.split(r",?\r?\n", value) if line.strip()]
    if not isinstance(value, list):
        return None
    cards = [_card(entry) for entry in value]
    return [card for card in cards if card] if all(cards) else None


def _card(entry: object) -> Delivery | None:
    if isinstance(entry, dict):
        number, code = text_of(entry, "card").strip(), text_of(entry, "pass").strip()
        # A card without a password is its own code.
        number, code = (number, code) if code else ("", number)
    elif isinstance(entry, (str, int)) and not isinstance(entry, bool):
        number, _, code = str(entry).strip().rpartition(NUMBER_AND_CODE)
    else:
        return None
    return Delivery(number=number, code=Secret(code)) if code else None


def refusal_code(message: str) -> str | None:
    """The short word of a sure refusal, or None."""
    return next((code for text, code in SURE_REFUSALS if text in message), None)
