"""The product sheet, pure: one row per SKU; a row's product columns count where first named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kameng.catalog.domain.fields import KINDS as FIELD_KINDS
from kameng.catalog.domain.fields import FieldRule
from kameng.catalog.domain.names import KINDS, PRODUCT_STATES, SKU_STATES

COLUMNS = {
    "商品编号": "slug", "商品名称": "name", "分类": "category", "类型": "kind", "标签": "tags",
    "商品状态": "state", "推荐": "featured", "简介": "summary", "说明": "description",
    "使用方法": "how_to_use", "到账说明": "delivery_note", "售后": "after_sales",
    "购买信息": "fields", "规格编号": "sku_code", "规格名称": "sku_name", "面值": "face_value",
    "成本": "cost", "规格状态": "sku_state", "最少购买": "min_quantity",
    "最多购买": "max_quantity", "低库存提醒": "low_stock",
}  # fmt: skip
HEADINGS = {key: heading for heading, key in COLUMNS.items()}
REQUIRED = ("slug", "sku_code")
KIND_WORDS = dict(zip(("卡密", "直充", "人工", "套餐"), KINDS, strict=True))
STATE_WORDS = dict(zip(("草稿", "上架", "下架"), PRODUCT_STATES, strict=True))
SKU_STATE_WORDS = dict(zip(("上架", "下架"), SKU_STATES, strict=True))
FIELD_KIND_WORDS = dict(
    zip(("文字", "手机号", "邮箱", "数字", "单选", "账号"), FIELD_KINDS, strict=True)
)
YES_NO = {"是": True, "否": False}
PRODUCT_TEXTS = ("name", "summary", "description", "how_to_use", "delivery_note", "after_sales")
_AMOUNT = re.compile(r"(\d{1,12})(?:\.(\d{1,4})0*)?")
_TAG_SPLIT = re.compile(r"[,，、;；|\n]")


class RowError(ValueError):
    """A cell cannot be understood: the heading, and a code why."""

    def __init__(self, code: str, column: str = "", value: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.heading = HEADINGS.get(column, column)
        self.value = value[:40]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row understood: only what the sheet gave (an empty cell leaves things as they are)."""

    number: int
    slug: str
    sku_code: str
    product: Mapping[str, Any] = field(default_factory=dict)
    sku: Mapping[str, Any] = field(default_factory=dict)
    category: str = ""
    tags: tuple[str, ...] | None = None
    fields: tuple[FieldRule, ...] | None = None
    cost: int | None = None


def read_heading(cells: Sequence[str]) -> list[str]:
    """Column keys by position; unknown headings are passed over. Raises `RowError`."""
    keys = [COLUMNS.get(cell.strip(), "") for cell in cells]
    for key in REQUIRED:
        if key not in keys:
            raise RowError("heading_missing", key)
    named = [key for key in keys if key]
    if len(named) != len(set(named)):
        raise RowError("heading_twice")
    return keys


def read_row(number: int, keys: Sequence[str], cells: Sequence[str]) -> SheetRow:
    """One row; raises `RowError` for the first cell that cannot be understood."""
    # PostgreSQL keeps no NUL in text.
    cell_of = zip(keys, (cell.replace("\0", "").strip() for cell in cells), strict=False)
    given = {key: cell for key, cell in cell_of if key and cell}
    for key in REQUIRED:
        if key not in given:
            raise RowError("cell_missing", key)
    product: dict[str, Any] = {key: given[key] for key in PRODUCT_TEXTS if key in given}
    _word(given, "kind", KIND_WORDS, product, "kind")
    _word(given, "state", STATE_WORDS, product, "state")
    _word(given, "featured", YES_NO, product, "featured")
    return SheetRow(
        number=number,
        slug=given["slug"],
        sku_code=given["sku_code"],
        product=product,
        sku=_sku_values(given),
        category=given.get("category", ""),
        tags=tuple(_tags(given["tags"])) if "tags" in given else None,
        fields=parse_fields(given["fields"]) if "fields" in given else None,
        cost=_amount(given["cost"], "cost") if "cost" in given else None,
    )


def parse_fields(text: str) -> tuple[FieldRule, ...]:
    """`name|标题|类型|必填|说明|选项/选项|格式`, one field per line; `-` alone means none."""
    if text == "-":
        return ()
    return tuple(_field(line.strip()) for line in text.splitlines() if line.strip())


def format_fields(fields: Sequence[FieldRule]) -> str:
    """The inverse of `parse_fields`."""
    words = {kind: word for word, kind in FIELD_KIND_WORDS.items()}
    lines = []
    for rule in fields:
        need = "必填" if rule.required else "选填"
        choices = "/".join(rule.choices)
        parts = (rule.name, rule.label, words[rule.kind], need, rule.help, choices, rule.pattern)
        lines.append("|".join(parts) if rule.pattern else "|".join(parts).rstrip("|"))
    return "\n".join(lines) or "-"


def format_amount(amount: int) -> str:
    """Scale 4 as a decimal with two places, or four where they say something."""
    whole, rest = divmod(amount, 10_000)
    return f"{whole}.{rest // 100:02d}" if rest % 100 == 0 else f"{whole}.{rest:04d}"


def _field(line: str) -> FieldRule:
    # The pattern comes last, so that it may contain the separator.
    parts = [part.strip() for part in line.split("|", 6)] + [""] * 7
    name, label, kind_word, need, help_text, choices, pattern = parts[:7]
    kind = FIELD_KIND_WORDS.get(kind_word, kind_word)
    if kind not in FIELD_KINDS or need not in ("必填", "选填", ""):
        raise RowError("field_line", "fields", line)
    return FieldRule(
        name, label, kind, need != "选填", pattern, help_text,
        tuple(choice.strip() for choice in choices.split("/") if choice.strip()),
    )  # fmt: skip


def _sku_values(given: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "sku_name" in given:
        values["name"] = given["sku_name"]
    if "face_value" in given:
        values["face_value"] = _amount(given["face_value"], "face_value")
    _word(given, "sku_state", SKU_STATE_WORDS, values, "state")
    for key in ("min_quantity", "max_quantity", "low_stock"):
        if key in given:
            if not (given[key].isascii() and given[key].isdigit() and len(given[key]) <= 7):
                raise RowError("not_whole", key, given[key])
            values[key] = int(given[key])
    return values


def _word(
    given: Mapping[str, str], key: str, words: Mapping[str, Any], into: dict[str, Any], name: str
) -> None:
    if key not in given:
        return
    value = given[key]
    if value not in words and value not in words.values():
        raise RowError("not_a_choice", key, value)
    into[name] = words.get(value, value)


def _tags(text: str) -> list[str]:
    return [] if text == "-" else [tag.strip() for tag in _TAG_SPLIT.split(text) if tag.strip()]


def _amount(text: str, key: str) -> int:
    plain = text.replace(",", "").replace("¥", "").replace("￥", "").strip()
    match = _AMOUNT.fullmatch(plain)
    if match is None or not plain.isascii():
        raise RowError("not_an_amount", key, text)
    return int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0"))
