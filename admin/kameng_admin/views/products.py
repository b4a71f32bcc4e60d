"""Products: list, facts, SKUs, purchase fields, shelf, sheets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, flash, g, redirect, request
from flask_admin import expose
from flask_admin.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from kameng.catalog import api as catalog
from kameng.catalog.models import Category, Product, Sku, SkuCost
from kameng.db import db
from kameng.errors import DomainError
from kameng_admin import labels, people
from kameng_admin.base import export as sheets
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.cells import badge, pairs, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, equals, equals_number
from kameng_admin.base.forms import amount_text
from kameng_admin.base.guard import Place, may, needs
from kameng_admin.base.model_view import SecureModelView
from kameng_admin.goods_forms import (
    FIELD_KINDS,
    ProductForm,
    category_choices,
    field_rules_of,
    sku_rows_of,
)
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import choices_of

MOST_SHEET = 20 * 1024 * 1024


class ProductsView(SecureModelView):
    """What the main station offers; every page writes through the catalogue's api."""

    need = "product.view"
    place = Place(_l("商品"), _l("商品与规格"), "package")
    can_create = can_edit = True
    create_needs = "product.edit"
    create_label = _l("新建商品")
    head_template = "kameng_admin/product_actions.html"
    search_in = ("name", "slug")
    search_hint = _l("商品名、编号")
    order = ("position", False)
    form_class = ProductForm
    empty = ("package", _l("还没有商品"), _l("新建一件，或用表格批量导入。"))
    columns = (
        Column(
            "name",
            _l("商品"),
            lambda p: two_lines(p.name, p.slug),
            phone="title",
            export=lambda p: p.name,
        ),
        Column("category_id", _l("分类"), lambda p: _category_name(p.category_id), phone="meta"),
        Column("kind", _l("类型"), lambda p: labels.KIND.get(p.kind, p.kind)),
        Column("skus", _l("规格"), lambda p: g.console_sku_counts.get(p.id, 0), css="is-num"),
        Column("featured", _l("首页推荐")),
        Column("position", _l("排序"), css="is-num", sort=True),
        Column("updated_at", _l("更新"), css="km-nowrap", phone="amount", sort=True),
        Column(
            "state",
            _l("状态"),
            lambda p: badge(labels.mark(labels.PRODUCT, p.state)),
            phone="state",
        ),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("on_sale", _l("在售"), lambda: Product.state == "on_sale"),
        Tab("draft", _l("草稿"), lambda: Product.state == "draft"),
        Tab("off_sale", _l("已下架"), lambda: Product.state == "off_sale"),
    )
    filters_offered = (
        Filter(
            "category",
            _l("分类"),
            equals_number(Product.category_id),
            choices=lambda: category_choices(),
        ),
        Filter("kind", _l("类型"), equals(Product.kind), choices=choices_of(labels.KIND)),
    )

    action_needs = {"shelve": "product.edit", "unshelve": "product.edit"}  # noqa: RUF012  # read only

    @action("shelve", _l("上架"))
    def action_shelve(self, ids: list[str]) -> None:
        """Put several on the shelf; those without a cost say so."""
        self.each(ids, lambda p: _shelve(p, "on_sale"), lambda n: str(_("已上架 %(n)s 件", n=n)))

    @action("unshelve", _l("下架"), _l("下架后所有分站立刻停售。确定？"))
    def action_unshelve(self, ids: list[str]) -> None:
        """Take several off the shelf."""
        self.each(ids, lambda p: _shelve(p, "off_sale"), lambda n: str(_("已下架 %(n)s 件", n=n)))

    def prepare(self, rows: Any) -> None:
        """SKU counts of the page."""
        ids = [row.id for row in rows]
        query = select(Sku.product_id, func.count()).where(Sku.product_id.in_(ids))
        g.console_sku_counts = pairs(query.group_by(Sku.product_id))

    def row_url(self, row: Any) -> str:
        """The product's page."""
        return str(self.get_url(".detail_page", product_id=row.id))

    @expose("/new/", methods=("GET", "POST"))
    @needs("product.edit")
    def create_view(self) -> Any:
        """A new product begins as a draft; SKUs follow on its page."""
        form = ProductForm(request.form)
        if form.sent():
            try:
                number = catalog.create_product(**form.values())
            except DomainError as refused:
                form.refuse(refused, error_text(refused))
            else:
                people.record("product.create", f"product:{number}", {"name": form.name.data})
                flash(_("已建好草稿，接着加规格和成本，再上架"), "ok")
                return redirect(self.get_url(".detail_page", product_id=number), 303)
        status = 422 if form.errors else 200
        return self.page(
            "kameng_admin/product_new.html",
            status,
            form=form,
            page_title=_("新建商品"),
            crumbs=self.crumbs(Crumb(_("新建商品"))),
        )

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Flask-Admin's address of editing leads to the product's page."""
        product = self.get_one(request.args.get("id", ""))
        return redirect(self.row_url(product), 303)

    @expose("/<int:product_id>", methods=("GET", "POST"))
    def detail_page(self, product_id: int) -> Any:
        """Facts (saved here), SKUs and purchase fields (saved by their own buttons)."""
        product = self.get_one(product_id)
        if request.method == "POST" and not may("product.edit"):
            return self.refuse("product.edit")
        form = ProductForm(request.form) if request.method == "POST" else ProductForm.of(product)
        if request.method == "POST" and request.form.get("seen", "") not in ("", _stamp(product)):
            return self._page(product_id, form=form, crossed=True, status=409)
        if form.sent():
            try:
                catalog.update_product(product_id, **form.values(product.cover))
            except DomainError as refused:
                form.refuse(refused, error_text(refused))
            else:
                people.record("product.update", f"product:{product_id}", {"part": "facts"})
                flash(_("商品已保存"), "ok")
                return redirect(self.row_url(product), 303)
        return self._page(product_id, form=form, status=422 if form.errors else 200)

    @expose("/<int:product_id>/skus", methods=("POST",))
    @needs("product.edit")
    def save_skus(self, product_id: int) -> Any:
        """Change and add SKUs; a wrong row is shown with its reason, the others are kept."""
        self.get_one(product_id)
        rows = sku_rows_of(request.form)
        failed = [row for row in rows if not _save_sku(product_id, row)]
        people.record("product.update", f"product:{product_id}", {"part": "skus"})
        if failed:
            return self._page(product_id, sku_rows=failed, status=422)
        flash(_("规格已保存，报价随后更新"), "ok")
        return redirect(self.get_url(".detail_page", product_id=product_id) + "#skus", 303)

    @expose("/<int:product_id>/fields", methods=("POST",))
    @needs("product.edit")
    def save_fields(self, product_id: int) -> Any:
        """Replace the purchase fields."""
        self.get_one(product_id)
        rules = field_rules_of(request.form)
        try:
            catalog.save_fields(product_id, rules)
        except DomainError as refused:
            return self._page(product_id, rules=rules, field_error=error_text(refused), status=422)
        people.record("product.update", f"product:{product_id}", {"part": "fields"})
        flash(_("购买信息已保存"), "ok")
        return redirect(self.get_url(".detail_page", product_id=product_id) + "#fields", 303)

    @expose("/<int:product_id>/state", methods=("POST",))
    @needs("product.edit")
    def set_state(self, product_id: int) -> Any:
        """Put on the shelf or take off."""
        product = self.get_one(product_id)
        state = "on_sale" if request.form.get("state") == "on_sale" else "off_sale"

        return attempt(
            lambda: _shelve(product, state),
            _("已上架") if state == "on_sale" else _("已下架，未付款订单不受影响"),
            self.row_url(product),
        )

    @expose("/sheet")
    @needs("product.edit")
    def export_page(self) -> Any:
        """The whole range as XLSX, to be changed and uploaded again."""
        people.record("export", "list:products", {"type": "xlsx"})
        name = f"kameng-products-{datetime.now():%Y%m%d}.xlsx"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(catalog.export_sheet(), headers=headers, mimetype=sheets.XLSX_TYPE)

    @expose("/import", methods=("GET", "POST"))
    @needs("product.edit")
    def import_page(self) -> Any:
        """Upload a sheet; good rows count, bad rows are listed by number."""
        report, message = None, ""
        if request.method == "POST":
            upload = request.files.get("sheet")
            if upload is None or not upload.filename:
                message = _("请选择一个 XLSX 或 CSV 文件")
            else:
                try:
                    report = catalog.import_sheet(upload.stream, people.actor())  # type: ignore[arg-type]  # werkzeug's stream is one
                except DomainError as refused:
                    message = error_text(refused)
        return self.page(
            "kameng_admin/product_import.html",
            422 if message else 200,
            report=report,
            message=message,
            page_title=_("表格导入"),
            crumbs=self.crumbs(Crumb(_("表格导入"))),
        )

    def _page(
        self,
        product_id: int,
        form: ProductForm | None = None,
        sku_rows: Any = (),
        rules: Any = None,
        field_error: str = "",
        crossed: bool = False,
        status: int = 200,
    ) -> Any:
        product = self.get_one(product_id)
        skus = list(
            db.session.scalars(
                select(Sku).where(Sku.product_id == product_id).order_by(Sku.position, Sku.id)
            )
        )
        ids = [sku.id for sku in skus]
        costs = {
            row.sku_id: row
            for row in db.session.scalars(select(SkuCost).where(SkuCost.sku_id.in_(ids)))
        }
        return self.page(
            "kameng_admin/product.html",
            status,
            page_title=product.name,
            crumbs=self.crumbs(Crumb(product.name)),
            product=product,
            form=form or ProductForm.of(product),
            skus=skus,
            costs=costs,
            failed={r["id"]: r for r in sku_rows},
            new_rows=[row for row in sku_rows if not row["id"]],
            rules=catalog.fields_of(product_id) if rules is None else rules,
            field_error=field_error,
            crossed=crossed,
            seen=_stamp(product),
            field_kinds=FIELD_KINDS,
            levels=catalog.stock_levels(ids),
            state=labels.mark(labels.PRODUCT, product.state),
            labels=labels,
            amount_text=amount_text,
        )


def _stamp(product: Product) -> str:
    """The state of the facts that a form was filled from: another one means somebody else saved."""
    return product.updated_at.isoformat()


def _save_sku(product_id: int, row: dict[str, Any]) -> bool:
    """Save one row; on refusal the row carries its reason."""
    if row["error"]:
        return False
    try:
        if row["id"]:
            sku = db.session.get(Sku, row["id"])
            if sku is None or sku.product_id != product_id:
                return True  # not of this product: nothing to do, nothing to say
            catalog.update_sku(row["id"], **row["values"])
            if row["cost"] is not None and people.viewer_can("cost.edit"):
                catalog.set_cost(row["id"], row["cost"], people.actor(), _("商品页"))
        else:
            cost = row["cost"] if people.viewer_can("cost.edit") else None
            catalog.create_sku(product_id, cost=cost, actor=people.actor(), **row["values"])
    except DomainError as refused:
        db.session.rollback()
        row["error"] = error_text(refused)
        return False
    return True


def _shelve(product: Product, state: str) -> None:
    if state == "on_sale" and not _sellable(product.id):
        raise DomainError(
            "no_cost", _("“%(name)s”至少一个规格要有成本价才能上架", name=product.name)
        )
    catalog.set_product_state(product.id, state)
    people.record("product.state", f"product:{product.id}", {"state": state})


def _sellable(product_id: int) -> bool:
    query = select(func.count()).select_from(SkuCost).join(Sku, Sku.id == SkuCost.sku_id)
    return bool(db.session.scalar(query.where(Sku.product_id == product_id)))


def _category_name(category_id: int) -> str:
    if "console_categories" not in g:
        g.console_categories = pairs(select(Category.id, Category.name))
    names: Mapping[int, str] = g.console_categories
    return names.get(category_id, "—")
