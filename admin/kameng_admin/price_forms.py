"""The form of a price rule, and rules in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, StringField
from wtforms.validators import Length

from kameng.catalog.models import Product, Sku
from kameng.db import db
from kameng.pricing import api as pricing
from kameng_admin import labels, texts
from kameng_admin.base.forms import AmountField, ChoiceField, ConsoleForm, Required, amount_text
from kameng_admin.goods_forms import category_choices

MAIN_STATION = 1
PURPOSES = {"wholesale": _l("分站进货价"), "retail": _l("零售价")}
OPERATIONS = {"multiply": _l("乘以"), "add": _l("加"), "fixed": _l("固定为")}
ROUNDINGS = {"half_up": _l("四舍五入"), "up": _l("向上"), "down": _l("向下")}
STEPS = {"1": _l("0.0001 元"), "100": _l("1 分"), "1000": _l("1 角"), "10000": _l("1 元")}


class RuleForm(ConsoleForm):
    """What a rule says; the value of 乘以 is a factor (1.05), else yuan."""

    purpose = ChoiceField(_l("用途"), choices=list(PURPOSES.items()))
    operation = ChoiceField(_l("算法"), choices=list(OPERATIONS.items()))
    value = AmountField(
        _l("数值"), [Required()], signed=True, description=_l("倍率如 1.05，或金额（元）")
    )
    grade = ChoiceField(_l("分站等级"), coerce=str)
    for_station_id = ChoiceField(_l("只对分站"), coerce=str)
    category_id = ChoiceField(_l("分类"), coerce=str)
    sku_id = ChoiceField(_l("规格"), coerce=str)
    rounding_step = ChoiceField(_l("取整到"), choices=list(STEPS.items()), default="100")
    rounding = ChoiceField(_l("取整方式"), choices=list(ROUNDINGS.items()))
    floor_price = AmountField(_l("不低于（元）"))
    ceiling_price = AmountField(_l("不高于（元）"))
    note = StringField(_l("备注"), [Length(max=200)])
    active = BooleanField(_l("启用"), default=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = ("", _("全部"))
        self.grade.choices = [every, *labels.GRADE.items()]
        self.for_station_id.choices = [every, *_stations()]
        self.category_id.choices = [every, *category_choices()]
        self.sku_id.choices = [every, *_skus()]

    @classmethod
    def of(cls, row: Any) -> RuleForm:
        """The form with a stored rule."""
        names = (
            "purpose",
            "operation",
            "value",
            "rounding",
            "floor_price",
            "ceiling_price",
            "note",
            "active",
        )
        data = {name: getattr(row, name) for name in names}
        for name in ("grade", "for_station_id", "category_id", "sku_id"):
            data[name] = str(getattr(row, name) or "")
        return cls(data={**data, "rounding_step": str(row.rounding_step)})

    def rule(self, rule_id: int) -> pricing.Rule:
        """The rule as the pricing api takes it."""
        data = self.data
        return pricing.Rule(
            station_id=MAIN_STATION,
            id=rule_id,
            purpose=data["purpose"],
            operation=data["operation"],
            value=data["value"],
            grade=data["grade"] or None,
            for_station_id=_id(data["for_station_id"]),
            category_id=_id(data["category_id"]),
            sku_id=_id(data["sku_id"]),
            rounding_step=int(data["rounding_step"]),
            rounding=data["rounding"],
            floor_price=data["floor_price"],
            ceiling_price=data["ceiling_price"],
            note=data["note"] or "",
            active=bool(data["active"]),
        )


def rule_text(rule: Any) -> str:
    """A rule in words: 乘以 1.0500, 加 0.95 元."""
    if rule.operation == "multiply":
        return f"{OPERATIONS['multiply']} {Decimal(rule.value) / 10_000:.4f}"
    return f"{OPERATIONS.get(rule.operation, rule.operation)} {amount_text(rule.value)} {_('元')}"


def _id(raw: str) -> int | None:
    return int(raw) if raw else None


def _stations() -> list[tuple[str, str]]:
    names = texts.station_names()
    return [(str(number), names[number]) for number in sorted(names) if number != MAIN_STATION]


def _skus() -> list[tuple[str, str]]:
    rows = db.session.execute(
        select(Sku.id, Product.name, Sku.name)
        .join(Product, Product.id == Sku.product_id)
        .order_by(Product.position, Product.id, Sku.position)
    )
    return [(str(number), f"{product} {name}") for number, product, name in rows]
