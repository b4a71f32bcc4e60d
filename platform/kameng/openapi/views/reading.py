"""Reading requests: the raw bytes that were signed, and strict JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from flask import g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from kameng.openapi.api import Buy, refused
from kameng.promotions import api as promotions
from kameng_sdk.money import Money

MOST_BODY = 64 * 1024
MOST_AMOUNT = 10**15
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def body() -> bytes:
    """The bytes as they came; raises `too_large`."""
    if "api_body" not in g:
        request.max_content_length = MOST_BODY
        try:
            g.api_body = request.get_data(cache=True)
        except RequestEntityTooLarge:
            raise refused("too_large") from None
        except HTTPException:  # cut off on the way
            raise refused("bad_request") from None
    return bytes(g.api_body)


def fields(required: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
    """The body as an object with these names and no others; raises the refusal that fits."""
    return _fields(body(), required, optional)


def wanted(raw: bytes) -> Buy:
    """What a body wants to buy."""
    given = _fields(
        raw,
        ("sku", "quantity", "merchant_order_no"),
        ("inputs", "max_total", "notify_url", "flash_sale"),
    )
    return Buy(
        sku=text(given, "sku"), quantity=whole(given, "quantity"),
        merchant_order_no=text(given, "merchant_order_no"), inputs=texts(given, "inputs"),
        max_total=amount(given, "max_total"), notify_url=text(given, "notify_url"),
        flash_sale=_flash_sale(given),
    )  # fmt: skip


def _flash_sale(given: Mapping[str, Any]) -> str:
    found = text(given, "flash_sale")
    if "flash_sale" in given and not promotions.is_sale_number(found):
        raise refused("field_invalid", field="flash_sale")
    return found


def _fields(raw: bytes, required: Sequence[str], optional: Sequence[str]) -> Mapping[str, Any]:
    given = _object(raw)
    for name in given:
        if name not in required and name not in optional:
            raise refused("unknown_field", field=name[:60])
    for name in required:
        if name not in given:
            raise refused("field_missing", field=name)
    return given


def arguments(*known: str) -> Mapping[str, str]:
    """The query's parameters, each at most once and none but these."""
    found = {}
    for name, values in request.args.lists():
        if name not in (*known, "lang"):
            raise refused("unknown_field", field=name[:60])
        if len(values) > 1:
            raise refused("duplicate_parameter", field=name)
        found[name] = values[0]
    return found


def text(given: Mapping[str, Any], name: str, default: str = "") -> str:
    """A text."""
    value = given.get(name, default)
    if not isinstance(value, str):
        raise refused("field_invalid", field=name)
    return value


def whole(given: Mapping[str, Any], name: str) -> int:
    """A whole number; true is none."""
    value = given.get(name)
    if type(value) is not int or abs(value) > 10**12:
        raise refused("field_invalid", field=name)
    return value


def texts(given: Mapping[str, Any], name: str) -> dict[str, str]:
    """An object of texts; empty when it is missing."""
    value = given.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise refused("field_invalid", field=name)
    return value


def amount(given: Mapping[str, Any], name: str) -> int | None:
    """A sum as a decimal text, at scale 4; None when it is missing."""
    if name not in given:
        return None
    value = given[name]
    if not isinstance(value, str) or len(value) > 20:
        raise refused("field_invalid", field=name)
    try:
        found = _units(value)
    except ValueError:
        raise refused("field_invalid", field=name) from None
    if not 0 <= found <= MOST_AMOUNT:
        raise refused("field_invalid", field=name)
    return found


@lru_cache(maxsize=1_024)  # a program names few prices
def _units(text: str) -> int:
    return Money.parse(text).amount


def size(given: Mapping[str, str]) -> int:
    """`limit` of a list: 1 to 100, 50 when it is missing."""
    value = given.get("limit", "50")
    if not (value.isascii() and value.isdigit() and len(value) < 4 and 1 <= int(value) <= 100):
        raise refused("field_invalid", field="limit")
    return int(value)


def number(given: Mapping[str, str], name: str) -> int | None:
    """A row's number, from 1; None when it is missing."""
    value = given.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 19 and int(value)):
        raise refused("field_invalid", field=name)
    return int(value)


def day(text: str) -> date:
    """A date of the calendar, 2026-11-26; raises `date_invalid`."""
    try:
        found = date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise refused("date_invalid")
    return found


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = _strict.decode(raw.decode())
    except _Twice as twice:
        raise refused("duplicate_parameter", field=str(twice)[:60]) from None
    except (ValueError, RecursionError):
        raise refused("json_invalid") from None
    if not isinstance(found, dict):
        raise refused("json_invalid")
    return found


class _Twice(Exception):
    """A name stands twice in an object: programs disagree which one counts."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice(next(name for i, (name, _v) in enumerate(pairs) if name in dict(pairs[:i])))
    return found


def _none_of_these(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_strict = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_none_of_these)
