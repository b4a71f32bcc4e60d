"""Products, SKUs, categories and tags: kept by the main station, in main scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from kameng.catalog.domain.names import TAG_SLUG, product_problem, sku_problem, tag_slug
from kameng.catalog.models import Category, Product, Sku, Tag
from kameng.catalog.services.costs import MAIN_STATION, put_cost
from kameng.catalog.services.saving import saving
from kameng.db import db
from kameng.errors import Conflict, DomainError, NotFound
from kameng.jobs import publish

MAX_TAGS = 10
PRODUCT_TEXTS = ("summary", "description", "how_to_use", "after_sales", "delivery_note")
PRODUCT_FIELDS = {
    "category_id", "slug", "name", "kind", "state", "cover", "position", "featured", *PRODUCT_TEXTS,
}  # fmt: skip
SKU_FIELDS = {
    "code", "name", "face_value", "state", "position", "min_quantity", "max_quantity", "low_stock",
}  # fmt: skip


def create_category(
    slug: str,
    name: str,
    icon: str = "category",
    parent_id: int | None = None,
    position: int = 0,
    visible: bool = True,
) -> int:
    """Add a category and return its id; raises `Conflict` when the slug is taken."""
    if product_problem(slug, name, "card", "draft"):
        raise DomainError("category_refused", _("分类要有名称；网址名只用小写字母、数字和连字符"))
    if db.session.scalar(select(Category.id).where(Category.slug == slug)):
        raise Conflict("category_exists", _("分类网址名“%(slug)s”已经有了", slug=slug))
    category = Category(
        slug=slug, name=name.strip(), icon=icon, parent_id=parent_id, position=position,
        visible=visible,
    )  # fmt: skip
    with saving():
        db.session.add(category)
    return category.id


def update_category(category_id: int, **changes: Any) -> None:
    """Change a category's slug, name, icon, parent, position or visibility.

    Raises `NotFound`, `Conflict` (slug) and `DomainError("category_refused")`, which also guards
    against a category below itself.
    """
    _only(changes, {"slug", "name", "icon", "parent_id", "position", "visible"})
    with saving():
        category = db.session.get(Category, category_id)
        if category is None:
            raise NotFound("category_unknown", _("没有这个分类"))
        for name, value in changes.items():
            setattr(category, name, value.strip() if name == "name" else value)
        if product_problem(category.slug, category.name, "card", "draft"):
            raise DomainError(
                "category_refused", _("分类要有名称；网址名只用小写字母、数字和连字符")
            )
        taken = _("分类网址名“%(code)s”已经有了")
        _unique(Category, Category.slug, category.slug, category.id, taken)
        if category.id in _ancestors(category.parent_id):
            raise DomainError("category_refused", _("分类不能放在自己下面"), field="parent_id")


def _ancestors(category_id: int | None) -> set[int]:
    with db.session.no_autoflush:
        parents = {row.id: row.parent_id for row in db.session.execute(
            select(Category.id, Category.parent_id))}  # fmt: skip
    found: set[int] = set()
    while category_id is not None and category_id not in found:
        found.add(category_id)
        category_id = parents.get(category_id)
    return found


def create_product(slug: str, name: str, category_id: int, kind: str, **more: Any) -> int:
    """Add a product (state `draft` unless given) and return its id; `tags` are names.

    Raises `DomainError("product_refused")` naming the field, or `Conflict`.
    """
    tags = more.pop("tags", ())
    with saving():
        product = put_product(
            None, slug=slug, name=name, category_id=category_id, kind=kind, **more
        )
        put_tags(product, tags)
    return product.id


def update_product(product_id: int, **changes: Any) -> None:
    """Change a product; prices and listings of all stations follow. `tags` replaces its tags."""
    tags = changes.pop("tags", None)
    with saving():
        product = put_product(find_product(product_id), **changes)
        if tags is not None:
            put_tags(product, tags)


def set_product_state(product_id: int, state: str) -> None:
    """Put a product on the shelf or take it off, for all stations at once."""
    update_product(product_id, state=state)


def create_sku(
    product_id: int,
    code: str,
    name: str,
    cost: int | None = None,
    actor: str = "system",
    **more: Any,
) -> int:
    """Add a SKU, with its cost when known (nothing is sold before), and return its id."""
    with saving():
        sku = put_sku(find_product(product_id), None, code=code, name=name, **more)
        if cost is not None:
            put_cost(sku.id, cost, actor, "")
    return sku.id


def update_sku(sku_id: int, **changes: Any) -> None:
    """Change a SKU; raises `NotFound`, `Conflict` or `DomainError("sku_refused")`."""
    sku = db.session.get(Sku, sku_id)
    if sku is None:
        raise NotFound("sku_unknown", _("没有这个规格"))
    with saving():
        put_sku(sku.product, sku, **changes)


def save_tags(product_id: int, names: Sequence[str]) -> None:
    """Replace a product's tags by these names; missing tags are made."""
    with saving():
        put_tags(find_product(product_id), names)


def find_product(product_id: int) -> Product:
    """The mapped product; raises `NotFound`."""
    product = db.session.get(Product, product_id)
    if product is None:
        raise NotFound("product_unknown", _("没有这件商品"))
    return product


def put_product(product: Product | None, **values: Any) -> Product:
    """Make or change a product inside the caller's transaction."""
    _only(values, PRODUCT_FIELDS)
    if product is None:
        product = Product(state="draft")
    for name, value in values.items():
        setattr(product, name, value.replace("\0", "").strip() if isinstance(value, str) else value)
    wrong = product_problem(product.slug, product.name, product.kind, product.state)
    if wrong:
        raise DomainError("product_refused", _product_message(wrong), field=wrong)
    _unique(Product, Product.slug, product.slug, product.id, _("商品编号“%(code)s”已经有了"))
    if product.id is None:
        db.session.add(product)
    elif db.session.is_modified(product):
        product.updated_at = func.now()
    db.session.flush()
    publish("product.changed", MAIN_STATION, {"product_id": product.id})
    return product


def put_sku(product: Product, sku: Sku | None, **values: Any) -> Sku:
    """Make or change a SKU inside the caller's transaction."""
    _only(values, SKU_FIELDS)
    if sku is None:
        given = {"face_value": 0, "state": "on_sale", "min_quantity": 1, "max_quantity": 20,
                 "low_stock": 20, "position": len(product.skus)}  # fmt: skip
        sku = Sku(product=product, **(given | values))
    else:
        for name, value in values.items():
            setattr(sku, name, value)
    quantities = (sku.min_quantity, sku.max_quantity)
    wrong = sku_problem(sku.code, sku.name, sku.face_value, sku.state, quantities, sku.low_stock)
    if wrong:
        raise DomainError("sku_refused", _sku_message(wrong), field=wrong)
    _unique(Sku, Sku.code, sku.code, sku.id, _("规格编号“%(code)s”已经有了"))
    if sku.id is None:
        db.session.add(sku)
    db.session.flush()
    publish("product.changed", MAIN_STATION, {"product_id": product.id})
    return sku


def put_sourcing(sku_id: int, sourcing: str) -> None:
    """Where a SKU's cards come from (pool, pool_first, supplier), in the caller's transaction.

    Raises `NotFound`.
    """
    sku = db.session.get(Sku, sku_id)
    if sku is None:
        raise NotFound("sku_unknown", _("没有这个规格"))
    sku.sourcing = sourcing
    db.session.flush()


def put_tags(product: Product, names: Sequence[str]) -> bool:
    """Replace a product's tags inside the caller's transaction; True when they changed."""
    wanted = {tag_slug(name): name.strip() for name in names if name.strip()}
    if len(wanted) > MAX_TAGS or not all(TAG_SLUG.fullmatch(slug) for slug in wanted):
        raise DomainError("product_refused", _("标签最多 10 个，每个要有文字或数字"), field="tags")
    known = {tag.slug: tag for tag in db.session.scalars(select(Tag).where(Tag.slug.in_(wanted)))}
    for slug, name in wanted.items():
        if slug not in known:
            known[slug] = Tag(slug=slug, name=name[:40])
            db.session.add(known[slug])
    before = {tag.slug for tag in product.tags}
    product.tags = [known[slug] for slug in wanted]
    db.session.flush()
    return before != set(wanted)


def _only(values: dict[str, Any], allowed: set[str]) -> None:
    unknown = set(values) - allowed
    if unknown:
        raise TypeError(f"not to be set: {sorted(unknown)}")


def _unique(model: Any, column: Any, value: str, own_id: int | None, message: str) -> None:
    """Look first: a failed flush would lose the caller's transaction."""
    with db.session.no_autoflush:
        taken = db.session.scalar(select(model.id).where(column == value))
    if taken is not None and taken != own_id:
        raise Conflict("code_taken", message % {"code": value}, taken=value)


def _product_message(field: str) -> str:
    messages = {
        "slug": _("商品编号只用小写字母、数字和连字符，最多 62 个"),
        "name": _("商品名称要有 1 到 80 个字"),
        "kind": _("商品类型要是 卡密、直充、人工 或 套餐"),
        "state": _("商品状态要是 草稿、上架 或 下架"),
    }
    return str(messages[field])


def _sku_message(field: str) -> str:
    messages = {
        "code": _("规格编号只用字母、数字、点、下划线和连字符，最多 64 个"),
        "name": _("规格名称要有 1 到 80 个字"),
        "face_value": _("面值要在 0 到 1,000,000 元之间"),
        "state": _("规格状态要是 上架 或 下架"),
        "quantity": _("最少购买至少 1 件，且不能多于最多购买"),
        "low_stock": _("低库存提醒要是 0 到 1,000,000 之间的整数"),
    }
    return str(messages[field])
