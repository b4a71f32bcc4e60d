"""What requests of 卡卡云 v3 ask for. What cannot be read raises `DomainError`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from kameng.errors import DomainError
from kameng.openapi.domain.dialects.kakayun.fields import field_types
from kameng.openapi.domain.dialects.values import (
    json_object,
    merchant_number,
    needed,
    once,
    pieces,
    text,
    whole,
    yuan,
)
from kameng.openapi.domain.facts import Buy, FieldFacts, ProductFacts

MOST_INPUTS, MOST_IDS, MOST_FIELDS = 50, 100, 100

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of goods; ``ids`` not empty: these and no others. ``cards`` None: of every kind."""

    limit: int
    page: int
    group_id: int | None
    keyword: str
    cards: bool | None
    ids: tuple[int, ...]


def parameters(body: bytes) -> tuple[Params, Params]:
    """The parameters twice: as they were signed, and with fractions as they are written.

    A JSON object or a form; the papers speak of JSON, and programs send both.
    """
    if body.lstrip().startswith(b"{"):
        return json_object(body, exact=False), json_object(body)
    form = _form(body)
    return form, form


def _form(body: bytes) -> Params:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise DomainError("json_invalid") from None
    return once(pairs)


def listing(params: Params, most: int) -> Listing:
    """`goods/all` and `goods/alllite`; ten a page unless asked, and never above ``most``."""
    kind = text(params, "goodstype")
    if kind not in ("", "0", "1"):
        raise DomainError("field_invalid", field="goodstype")
    return Listing(
        limit=min(whole(params, "limit", 10) or 10, most),
        page=max(whole(params, "page", 1), 1),
        group_id=whole(params, "groupid", 0) or None,
        keyword=text(params, "goodsname", 100),
        cards=None if not kind else kind == "0",
        ids=_ids(params.get("goodsid")),
    )


def _ids(given: object) -> tuple[int, ...]:
    """One number or a list of up to 100."""
    listed = given if isinstance(given, list) else [given]
    if len(listed) > MOST_IDS:
        raise DomainError("field_invalid", field="goodsid")
    found = (whole({"goodsid": one}, "goodsid", 0) for one in listed)
    return tuple(dict.fromkeys(number for number in found if number))


def buy(params: Params, product: ProductFacts) -> Buy:
    """`order/create`. Here `usorderno` is required: without it no repeat is safe."""
    return Buy(
        sku=product.sku,
        quantity=pieces(params, "buynum"),
        merchant_order_no=merchant_number(params, "usorderno"),
        inputs=_inputs(params.get("attach"), product.fields),
        max_total=yuan(params, "maxmoney"),
        notify_url=text(params, "callbackurl"),
    )


def _inputs(attach: object, fields: Sequence[FieldFacts]) -> dict[str, str]:
    """`attach` is one value as text, or a list of values with the types that `goods/tpl` shows.

    A text is for the only field, or the only required one; nothing is guessed among several.
    """
    rows = _rows(attach)
    if rows is None:
        value = text({"attach": attach}, "attach")
        return {_only(fields).name: value} if value and fields else {}
    if len(rows) > MOST_INPUTS:
        raise DomainError("field_invalid", field="attach")
    by_type = {
        str(kind): field.name for kind, field in zip(field_types(fields), fields, strict=True)
    }
    found: dict[str, str] = {}
    for row in rows if fields else []:
        kind, value = needed(row, "attachtype"), text(row, "value")
        if kind not in by_type or by_type[kind] in found:
            raise DomainError("inputs_invalid", field="attach")
        found[by_type[kind]] = value
    return {name: value for name, value in found.items() if value}


def _rows(attach: object) -> list[dict[str, Any]] | None:
    """The list, which a form sends as JSON text; None for a plain text."""
    if isinstance(attach, str) and attach.startswith("["):
        try:
            attach = json.loads(attach)
        except (ValueError, RecursionError):
            return None
    if not isinstance(attach, list):
        return None
    if not all(isinstance(row, dict) for row in attach):
        raise DomainError("inputs_invalid", field="attach")
    return attach


def _only(fields: Sequence[FieldFacts]) -> FieldFacts:
    required = [field for field in fields if field.required] or list(fields)
    if len(required) != 1:
        raise DomainError("inputs_invalid", field="attach")
    return required[0]


def asked_order(params: Params) -> tuple[str, str]:
    """The buyer's number of an order, which wins when both are sent, or ours."""
    own, ours = text(params, "usorderno", 64), text(params, "orderno", 64)
    if not own and not ours:
        raise DomainError("field_missing", field="orderno")
    return own, "" if own else ours


def receive_url(params: Params) -> str:
    """`user/seturl`: the new address, or "" to forget the one there is."""
    new, old = text(params, "receiveurl"), text(params, "oldreceiveurl")
    if not new and not old:
        raise DomainError("field_missing", field="receiveurl")
    return new
