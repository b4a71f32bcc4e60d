"""The whole range as one sheet: exported, changed by hand, imported again. Main scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from kameng import epoch
from kameng.catalog.domain import sheet as domain
from kameng.catalog.domain.sheet import RowError, SheetRow
from kameng.catalog.models import Category, Product, Sku, SkuCost
from kameng.catalog.services.browse import field_rules
from kameng.catalog.services.costs import put_cost
from kameng.catalog.services.inputs import put_fields
from kameng.catalog.services.products import put_product, put_sku, put_tags
from kameng.db import db
from kameng.errors import DomainError
from kameng.sheets import SheetError, read_rows, write_csv, write_xlsx

MAX_ROWS = 20_000


@dataclass(slots=True)
class SheetReport:
    """What an import did, by SKU; `errors` are [{row, reason}] with sentences."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[dict[str, object]] = field(default_factory=list)


def export_sheet(kind: Literal["xlsx", "csv"] = "xlsx") -> bytes:
    """All products and SKUs with their costs, in the form that `import_sheet` reads."""
    rows = [list(domain.COLUMNS), *_export_rows()]
    return write_csv(rows) if kind == "csv" else write_xlsx(rows, _("商品"))


def import_sheet(stream: BinaryIO, actor: str) -> SheetReport:
    """Create and change products by SKU code; good rows count, bad rows are reported.

    The same sheet twice changes nothing the second time. Raises `DomainError("sheet_refused")`
    when the file as a whole cannot be read.
    """
    report = SheetReport()
    try:
        rows = iter(read_rows(stream))
        number, cells = next(rows, (1, []))
        keys = domain.read_heading(cells)
        for number, cells in rows:
            if number > MAX_ROWS:
                raise SheetError("too_many_rows")
            _import_row(number, keys, cells, actor, report)
    except SheetError as error:
        raise DomainError("sheet_refused", _file_message(error.reason)) from None
    except RowError as error:
        raise DomainError("sheet_refused", _row_message(error)) from None
    db.session.commit()
    epoch.renew()  # fields may have changed
    return report


def _import_row(
    number: int, keys: list[str], cells: list[str], actor: str, report: SheetReport
) -> None:
    """One row in a savepoint of its own: a refused row leaves no trace."""
    try:
        with db.session.begin_nested():
            outcome = _apply(domain.read_row(number, keys, cells), actor)
        setattr(report, outcome, getattr(report, outcome) + 1)
    except RowError as error:
        report.errors.append({"row": number, "reason": _row_message(error)})
    except DomainError as error:
        report.errors.append({"row": number, "reason": str(error.message)})


def _apply(row: SheetRow, actor: str) -> str:
    sku = db.session.scalar(select(Sku).where(Sku.code == row.sku_code))
    product = db.session.scalar(select(Product).where(Product.slug == row.slug))
    if sku is not None and (product is None or sku.product_id != product.id):
        raise RowError("sku_elsewhere", "sku_code", row.sku_code)
    changed = False
    values = dict(row.product)
    if row.category:
        values["category_id"] = _category(row.category)
    if product is None:
        for column, value in (("name", values.get("name")), ("kind", values.get("kind")),
                              ("category", row.category)):  # fmt: skip
            if not value:
                raise RowError("cell_missing", column)
        product, changed = put_product(None, slug=row.slug, **values), True
    elif _differs(product, values):
        product, changed = put_product(product, **values), True
    changed |= _apply_parts(product, row)
    created = sku is None
    if created and "name" not in row.sku:
        raise RowError("cell_missing", "sku_name")
    if sku is None or _differs(sku, row.sku):
        sku, changed = put_sku(product, sku, **({"code": row.sku_code} | dict(row.sku))), True
    if row.cost is not None:
        changed |= put_cost(sku.id, row.cost, actor, _("表格导入"))
    return "created" if created else "updated" if changed else "unchanged"


def _apply_parts(product: Product, row: SheetRow) -> bool:
    changed = row.tags is not None and put_tags(product, row.tags)
    if row.fields is not None:
        changed |= put_fields(product.id, row.fields)
        db.session.expire(product, ["fields"])
    return changed


def _differs(model: Product | Sku, values: Mapping[str, Any]) -> bool:
    return any(getattr(model, name) != value for name, value in values.items())


def _category(word: str) -> int:
    """A category by slug or by name."""
    found = db.session.scalar(
        select(Category.id)
        .where((Category.slug == word) | (Category.name == word))
        .order_by(Category.slug != word, Category.id)
        .limit(1)
    )
    if found is None:
        raise RowError("category_unknown", "category", word)
    return found


def _export_rows() -> Iterator[list[str]]:
    kinds = {kind: word for word, kind in domain.KIND_WORDS.items()}
    states = {state: word for word, state in domain.STATE_WORDS.items()}
    costs: dict[int, int] = {
        sku_id: cost for sku_id, cost in db.session.execute(select(SkuCost.sku_id, SkuCost.cost))
    }
    products = db.session.scalars(
        select(Product)
        .options(*(selectinload(part) for part in
                   (Product.skus, Product.tags, Product.fields, Product.category)))
        .order_by(Product.id)
    )  # fmt: skip
    for product in products:
        head = [
            product.slug, product.name, product.category.slug, kinds[product.kind],
            "、".join(tag.name for tag in product.tags) or "-", states[product.state],
            "是" if product.featured else "否", product.summary, product.description,
            product.how_to_use, product.delivery_note, product.after_sales,
            domain.format_fields(field_rules(product.fields)),
        ]  # fmt: skip
        for sku in product.skus:
            yield [*head, *_sku_cells(sku, costs.get(sku.id))]


def _sku_cells(sku: Sku, cost: int | None) -> list[str]:
    return [
        sku.code, sku.name, domain.format_amount(sku.face_value),
        "" if cost is None else domain.format_amount(cost),
        "上架" if sku.state == "on_sale" else "下架",
        str(sku.min_quantity), str(sku.max_quantity), str(sku.low_stock),
    ]  # fmt: skip


def _row_message(error: RowError) -> str:
    facts = {"column": error.heading, "value": error.value}
    messages = {
        "heading_missing": _("第一行缺少“%(column)s”一列，请用导出的表格作模板", **facts),
        "heading_twice": _("第一行有两列同名，请只留一列"),
        "cell_missing": _("“%(column)s”不能空着", **facts),
        "field_line": _(
            "“%(column)s”里看不懂“%(value)s”，写法是 名字|标题|类型|必填|说明|选项|格式", **facts
        ),
        "not_whole": _("“%(column)s”要是整数，不是“%(value)s”", **facts),
        "not_a_choice": _("“%(column)s”不认识“%(value)s”", **facts),
        "not_an_amount": _("“%(column)s”要是金额，例如 95.50，不是“%(value)s”", **facts),
        "sku_elsewhere": _("规格编号“%(value)s”已经属于另一件商品", **facts),
        "category_unknown": _("没有分类“%(value)s”，请先建好分类", **facts),
    }
    return str(messages[error.code])


def _file_message(reason: str) -> str:
    messages = {
        "utf16": _("这个文件是 UTF-16 编码，请另存为 CSV UTF-8 或 XLSX"),
        "too_big": _("文件太大，请分成几份"),
        "too_many_rows": _("一次最多 20,000 行，请分成几份"),
        "xlsx": _("这个 XLSX 文件打不开，请重新保存一次"),
        "csv": _("这个 CSV 文件读不懂，请检查引号是否成对"),
    }
    return str(messages[reason])
