"""The demo's goods: categories, products, SKUs, purchase fields, wholesale and retail rules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from kameng.catalog import api as catalog
from kameng.pricing import api as pricing

ACTOR = "demo"
YUAN = 10_000
GRADES = {"gold": 10_100, "silver": 10_200, "bronze": 10_300}  # of cost, per grade
MAIN_RETAIL = 10_700
KIND_NOTES = {
    "card": "付款后立刻显示卡密，通常 1 秒",
    "top_up": "通常 1 分钟到账，最迟 30 分钟",
    "manual": "人工开通，通常 10 分钟，最迟 24 小时",
}


HOW_TO_USE = {
    "card": "打开对应应用或网站\n进入「兑换」或「充值」页面\n粘贴卡号和卡密，确认后立刻生效",
    "top_up": "填对要充值的号码\n付款后自动提交给运营方\n到账后本页会自己更新",
    "manual": "填写开通用的信息\n付款后由专人办理\n办好后结果写在订单里",
}
AFTER_SALES = {
    "card": "卡密无效：30 分钟内回应，补发或原路退款",
    "top_up": "未到账、少到账：30 分钟内回应；号码填错无法追回",
    "manual": "24 小时内未办好：自动原路退款",
}


@dataclass(frozen=True, slots=True)
class DemoSku:
    """A SKU as the rest of the seeding needs it."""

    id: int
    code: str
    kind: str
    fields: tuple[tuple[str, str], ...]  # (name, kind) of its product's purchase fields


def load() -> dict[str, Any]:
    """The range as data."""
    body = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tomllib.loads(body)


def create_range(costs: Mapping[str, int]) -> list[DemoSku]:
    """Create all categories, products and SKUs (main scope); returns the SKUs.

    ``costs`` by SKU's code, where they are not the usual part of the face value.
    """
    data = load()
    categories = {
        entry["slug"]: catalog.create_category(
            entry["slug"], entry["name"], icon=entry["icon"], position=position
        )
        for position, entry in enumerate(data["category"])
    }
    skus: list[DemoSku] = []
    for position, entry in enumerate(data["product"]):
        skus += _create_product(entry, categories[entry["category"]], position, costs)
    return skus


def _create_product(
    entry: dict[str, Any], category_id: int, position: int, costs: Mapping[str, int]
) -> list[DemoSku]:
    hue, glyph, title, note, pattern = entry["cover"]
    fields = [_field(raw) for raw in entry.get("fields", [])]
    product_id = catalog.create_product(
        entry["slug"], entry["name"], category_id, entry["kind"], state="on_sale",
        position=position, featured=entry.get("featured", False), tags=entry["tags"],
        cover={"hue": hue, "glyph": glyph, "title": title, "note": note, "pattern": pattern},
        summary=f"{note}，{KIND_NOTES[entry['kind']]}",
        description=f"{entry['name']}，主站直营货源，可查来源。\n\n本品为演示数据，名称均为虚构。",
        how_to_use=HOW_TO_USE[entry["kind"]],
        after_sales=AFTER_SALES[entry["kind"]],
        delivery_note=KIND_NOTES[entry["kind"]],
    )  # fmt: skip
    if fields:
        catalog.save_fields(product_id, fields)
    names = tuple((field.name, field.kind) for field in fields)
    return [
        DemoSku(
            catalog.create_sku(
                product_id, code, name, face_value=face * YUAN, position=number,
                cost=costs.get(code, face * YUAN * entry["cost_percent"] // 100), actor=ACTOR,
                max_quantity=20 if entry["kind"] == "card" else 5,
            ),
            code, entry["kind"], names,
        )
        for number, (code, name, face) in enumerate(entry["skus"])
    ]  # fmt: skip


def _field(raw: list[str]) -> catalog.FieldRule:
    name, label, kind, help_text, *choices = raw
    options = tuple(choices[0].split("|")) if choices else ()
    return catalog.FieldRule(name, label, kind, help=help_text, choices=options)


def create_rules() -> None:
    """Wholesale by grade and the main station's retail rule (main scope)."""
    for grade, factor in GRADES.items():
        pricing.save_rule(
            pricing.Rule(
                id=0, station_id=1, purpose="wholesale", grade=grade, operation="multiply",
                value=factor, note=f"{grade}：成本 × {factor / 10_000:.2f}",
            )
        )  # fmt: skip
    pricing.save_rule(
        pricing.Rule(
            id=0, station_id=1, purpose="retail", operation="multiply", value=MAIN_RETAIL,
            rounding_step=1000, note="主站零售：成本 × 1.07，取整到角",
        )
    )  # fmt: skip
