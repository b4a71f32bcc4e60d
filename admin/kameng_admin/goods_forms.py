"""Forms of goods: the product's facts, and rows of SKUs and purchase fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Regexp

from kameng.catalog import api as catalog
from kameng.catalog.models import Category, Product
from kameng.db import db
from kameng.errors import DomainError
from kameng_admin import labels
from kameng_admin.base.forms import ChoiceField, ConsoleForm, Required, amount_text, parse_amount

FIELD_KINDS = {
    "text": _l("文字"),
    "phone": _l("手机号"),
    "email": _l("邮箱"),
    "number": _l("数字"),
    "choice": _l("单选"),
    "account": _l("账号"),
}
MOST_ROWS = 60
_ROW = re.compile(r"(sku|field)-(\d{1,4})-([a-z_]{1,20})")


def category_choices() -> list[tuple[str, str]]:
    """Categories in their order."""
    rows = db.session.execute(
        select(Category.id, Category.name).order_by(Category.position, Category.id)
    )
    return [(str(number), name) for number, name in rows]


class ProductForm(ConsoleForm):
    """The facts of a product."""

    name = StringField(_l("商品名称"), [Required(), Length(max=80)])
    slug = StringField(
        _l("商品编号"),
        [Required(), Regexp(r"^[a-z0-9][a-z0-9-]*$", message=_l("只用小写字母、数字和连字符"))],
        description=_l("用在网址里，如 xinghai-card"),
    )
    category_id = ChoiceField(_l("分类"), [Required()], coerce=str)
    kind = ChoiceField(
        _l("类型"),
        [Required()],
        choices=[(k, v) for k, v in labels.KIND.items()],
        description=_l("决定怎么发货"),
    )
    summary = StringField(_l("一句话介绍"), [Length(max=120)])
    delivery_note = StringField(
        _l("到账说明"), [Length(max=80)], description=_l("通常 1 分钟到账，最迟 30 分钟")
    )
    tags = StringField(_l("标签"), [Length(max=200)], description=_l("用、或逗号分开，最多 10 个"))
    position = IntegerField(
        _l("排序"), [NumberRange(-1_000_000, 1_000_000)], default=0, description=_l("小的在前")
    )
    cover_title = StringField(_l("封面大字"), [Length(max=12)], description=_l("如 100 元"))
    cover_hue = IntegerField(
        _l("封面色相"), [NumberRange(0, 359)], default=210, description=_l("0–359")
    )
    description = TextAreaField(_l("商品说明"), [Length(max=8000)], description=_l("空一行分段"))
    how_to_use = TextAreaField(_l("使用方法"), [Length(max=4000)], description=_l("一行一步"))
    after_sales = TextAreaField(_l("售后说明"), [Length(max=4000)])
    featured = BooleanField(_l("首页推荐"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.category_id.choices = category_choices()
        self._cover: dict[str, Any] = {}

    @classmethod
    def of(cls, product: Product) -> ProductForm:
        """The form with a product's present values."""
        facts = {
            name: getattr(product, name)
            for name in (
                "name",
                "slug",
                "kind",
                "summary",
                "delivery_note",
                "position",
                "description",
                "how_to_use",
                "after_sales",
                "featured",
            )
        }
        return cls(
            data={
                **facts,
                "category_id": str(product.category_id),
                "tags": "、".join(tag.name for tag in product.tags),
                "cover_title": product.cover.get("title", ""),
                "cover_hue": product.cover.get("hue", 210),
            }
        )

    def values(self, cover: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the catalogue's api takes; what the form does not show of a cover stays."""
        data = dict(self.data)
        tags = re.split(r"[、,，;；\s]+", data.pop("tags") or "")
        title, hue = data.pop("cover_title") or "", data.pop("cover_hue")
        data["category_id"] = int(data["category_id"])
        data["cover"] = {**(cover or {}), "hue": 210 if hue is None else hue, "title": title}
        data["position"] = data["position"] or 0
        texts = ("summary", "delivery_note", "description", "how_to_use", "after_sales")
        data.update({name: (data[name] or "").strip() for name in texts})
        return {**data, "tags": [tag for tag in tags if tag]}

    def refuse(self, refused: DomainError, sentence: str) -> None:
        """Put a refusal of the catalogue beside its field."""
        name = str(refused.facts.get("field", "slug" if refused.code == "code_taken" else "name"))
        field = self[name] if name in self._fields else self.name
        field.errors = [*field.errors, sentence]


def sku_rows_of(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of the SKU table: id (0 = new), values for the api, cost, error, raw."""
    rows = [_sku_row(raw) for raw in _rows(form, "sku")]
    return [row for row in rows if row["id"] or row["raw"].get("code") or row["raw"].get("name")]


def _sku_row(raw: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": _whole(raw.get("id")) or 0, "raw": raw, "error": "", "cost": None}
    try:
        row["values"] = {
            "code": raw.get("code", "").strip(),
            "name": raw.get("name", "").strip(),
            "face_value": parse_amount(raw.get("face_value", "") or "0"),
            "min_quantity": _number(raw, "min_quantity", 1),
            "max_quantity": _number(raw, "max_quantity", 20),
            "low_stock": _number(raw, "low_stock", 20),
            "position": _number(raw, "position", 0),
            "state": "on_sale" if raw.get("state") == "on_sale" else "off_sale",
        }
        row["cost"] = parse_amount(raw["cost"]) if raw.get("cost", "").strip() else None
    except ValueError as problem:
        row["error"] = str(problem)
    return row


def _number(raw: Mapping[str, str], name: str, default: int) -> int:
    text = raw.get(name, "").strip()
    if not text:
        return default
    number = _whole(text)
    if number is None:
        raise ValueError(_("“%(raw)s”不是整数", raw=text[:20]))
    return number


def _whole(text: str | None) -> int | None:
    cleaned = (text or "").strip()
    if not cleaned.isascii() or not cleaned.isdecimal() or len(cleaned) > 9:
        return None
    return int(cleaned)


def field_rules_of(form: Mapping[str, str]) -> list[catalog.FieldRule]:
    """The purchase fields in the order of the rows; empty rows are left out."""
    return [_rule(raw) for raw in _rows(form, "field") if raw.get("name", "").strip()]


def _rule(raw: Mapping[str, str]) -> catalog.FieldRule:
    choices = re.split(r"[、,，\n]+", raw.get("choices", ""))
    return catalog.FieldRule(
        name=raw["name"].strip()[:40],
        label=raw.get("label", "").strip()[:40],
        kind=raw.get("kind", "text"),
        required=raw.get("required") == "1",
        pattern=raw.get("pattern", "").strip()[:200],
        help=raw.get("help", "").strip()[:200],
        choices=tuple(choice.strip() for choice in choices if choice.strip()),
    )


def _rows(form: Mapping[str, str], kind: str) -> Sequence[dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    for key, value in form.items():
        found = _ROW.fullmatch(key)
        if found and found[1] == kind and len(rows) <= MOST_ROWS:
            rows.setdefault(int(found[2]), {})[found[3]] = value[:500].replace("\0", "")
    return [rows[number] for number in sorted(rows)]


def typed_amount(amount: int | None) -> str:
    """An amount for an input; empty for none."""
    return "" if amount is None else amount_text(amount)
