"""Purchase fields as 卡卡云 v3 numbers, names and checks them."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kameng.openapi.domain.facts import FieldFacts

# The types that the protocol's papers number; fields of other names get numbers beyond these.
TYPES: Mapping[str, int] = {
    "充值帐号": 1, "充值账号": 1, "游戏服务器": 2, "游戏大区": 3, "游戏名称": 4, "省份": 5,
    "市区": 6, "证件号码": 7, "证件类型": 8, "用户姓名": 9, "联系手机": 10, "用户ID": 11,
    "游戏充值方式": 12, "帐号类型": 13, "账号类型": 13, "游戏帐号": 14, "游戏账号": 14,
    "收件地址": 15, "拓展字段": 16,
    "产品公司名称": 17,
}  # fmt: skip
OWN_TYPES = 1_000  # the least number of fields that the papers do not name
CHECKS: Mapping[str, int] = {"phone": 1, "email": 3, "number": 5}  # else 0: anything


def field_types(fields: Sequence[FieldFacts]) -> list[int]:
    """A number for each field, by its name and not by its place: a field that is put in between
    must not change what buyers' programs have learnt about the others."""
    named = [TYPES.get(field.label, 0) for field in fields]
    often = Counter(named)
    return [
        number if number and often[number] == 1 else _own_type(field)
        for number, field in zip(named, fields, strict=True)
    ]


def _own_type(field: FieldFacts) -> int:
    return OWN_TYPES + zlib.crc32(field.name.encode()) % 1_000_000


def field_titles(fields: Sequence[FieldFacts]) -> list[str]:
    """What each field is called; with the inner name where two have one label."""
    often = Counter(field.label for field in fields)
    return [f.label if often[f.label] == 1 else f"{f.label}（{f.name}）" for f in fields]


def attach(fields: Sequence[FieldFacts]) -> list[dict[str, Any]]:
    """The fields as goods show them."""
    return [
        {"title": title, "tip": _tip(field), "verification": CHECKS.get(field.kind, 0)}
        for title, field in zip(field_titles(fields), fields, strict=True)
    ]


def template(fields: Sequence[FieldFacts]) -> list[dict[str, Any]]:
    """`goods/tpl`: the fields with the types that `attach` of an order names."""
    shown = zip(field_types(fields), field_titles(fields), fields, strict=True)
    return [{"type": kind, "title": title, "desc": _tip(field)} for kind, title, field in shown]


def _tip(field: FieldFacts) -> str:
    told = field.hint or f"请输入{field.label}"
    return f"{told}（可选：{'、'.join(field.choices)}）" if field.choices else told
