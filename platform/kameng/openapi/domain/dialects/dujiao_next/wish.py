"""What an order asks for, read strictly: a wrong type is refused, never guessed at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from kameng.openapi.domain.buying import keepable
from kameng.openapi.domain.dialects.dujiao_next.problems import Problem
from kameng.openapi.domain.dialects.values import json_object
from kameng.openapi.domain.dialects.wire import MOST_ID

MOST_PIECES = 2**31 - 1
MOST_FIELDS = 50
NUMBER_LENGTH = 64
URL_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Wish:
    """One order. ``number`` is the downstream site's own and makes the order once."""

    sku_id: int
    quantity: int
    number: str
    inputs: Mapping[str, str]
    callback_url: str


def read_wish(body: bytes) -> Wish:
    """Raises `Problem` bad_request, or `DomainError` for what is no JSON object.

    Fields that we do not know are left alone: newer clients send more.
    """
    fields = json_object(body)
    number = _text(fields, "downstream_order_no", NUMBER_LENGTH)
    if not number:
        _refuse("downstream_order_no", "必填：没有它，同一笔订单可能买两次")
    _text(fields, "trace_id", 200)
    return Wish(
        sku_id=_whole(fields, "sku_id", MOST_ID),
        quantity=_whole(fields, "quantity", MOST_PIECES),
        number=number,
        inputs=_inputs(fields.get("manual_form_data")),
        callback_url=_text(fields, "callback_url", URL_LENGTH),
    )


def _whole(fields: Mapping[str, Any], name: str, most: int) -> int:
    value = fields.get(name)
    if type(value) is not int or not 1 <= value <= most:
        _refuse(name, "应为不小于 1 的整数")
    return value


def _text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest or not keepable(value):
        _refuse(name, f"应为不超过 {longest} 字的文本")
    return value


def _inputs(value: object) -> dict[str, str]:
    """The form as texts; forms also send whole numbers as such."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MOST_FIELDS:
        _refuse("manual_form_data", "应为对象")
    if not all(type(one) in (str, int) for one in value.values()):
        _refuse("manual_form_data", "各项应为文本")
    inputs = {name: str(one) for name, one in value.items()}
    if not all(map(keepable, [*inputs, *inputs.values()])):
        _refuse("manual_form_data", "有不能保存的字符")
    return inputs


def _refuse(name: str, why: str) -> NoReturn:
    raise Problem("bad_request", f"{name} {why}")
