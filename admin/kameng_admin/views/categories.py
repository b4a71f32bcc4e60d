"""Categories and tags."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import Length, NumberRange, Regexp

from kameng.catalog import api as catalog
from kameng.catalog.models import Category, Product, product_tag
from kameng.errors import DomainError
from kameng_admin import people
from kameng_admin.base.actions import error_text
from kameng_admin.base.cells import code, pairs, switch
from kameng_admin.base.columns import Column
from kameng_admin.base.forms import ChoiceField, ConsoleForm, Required
from kameng_admin.base.guard import Place, may, needs
from kameng_admin.base.model_view import ReadOnlyView, SecureModelView
from kameng_admin.goods_forms import category_choices
from kameng_admin.shell import Crumb

ICONS = (
    "category",
    "device-gamepad-2",
    "device-mobile",
    "movie",
    "school",
    "coin",
    "gift",
    "star",
    "shopping-bag",
    "ticket",
    "video",
    "bolt",
)


class CategoryForm(ConsoleForm):
    """A shelf of the shop."""

    name = StringField(_l("名称"), [Required(), Length(max=40)])
    slug = StringField(
        _l("网址名"),
        [Required(), Regexp(r"^[a-z0-9][a-z0-9-]*$", message=_l("只用小写字母、数字和连字符"))],
    )
    parent_id = ChoiceField(_l("上级"), coerce=str)
    icon = ChoiceField(_l("图标"), choices=[(name, name) for name in ICONS])
    position = IntegerField(
        _l("排序"), [NumberRange(-1000, 100_000)], default=0, description=_l("小的在前")
    )
    visible = BooleanField(_l("在店铺里显示"), default=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parent_id.choices = [("", _("没有上级")), *category_choices()]

    @classmethod
    def of(cls, row: Category) -> CategoryForm:
        """The form with a category's present values."""
        names = ("name", "slug", "icon", "position", "visible")
        data = {name: getattr(row, name) for name in names}
        return cls(data={**data, "parent_id": str(row.parent_id or "")})


SHELVES = (("admin_categories", _l("分类")), ("admin_tags", _l("标签")))


class CategoriesView(SecureModelView):
    """The shelves, in the order of the shop."""

    need = "product.view"
    place = Place(_l("商品"), _l("分类与标签"), "category")
    family = SHELVES
    can_create = can_edit = True
    create_needs = "product.edit"
    create_label = _l("新建分类")
    search_in = ("name", "slug")
    search_hint = _l("分类名")
    order = ("position", False)
    empty = ("category", _l("还没有分类"), _l("先建分类，再建商品。"))
    columns = (
        Column("name", _l("分类"), phone="title"),
        Column("slug", _l("网址名"), lambda c: code(c.slug), phone="meta"),
        Column("parent_id", _l("上级"), lambda c: g.console_parents.get(c.parent_id)),
        Column(
            "products",
            _l("商品数"),
            lambda c: g.console_counts.get(c.id, 0),
            css="is-num",
            phone="amount",
        ),
        Column("position", _l("排序"), css="is-num", sort=True),
        Column("visible", _l("显示"), lambda c: switch(c.visible), phone="state"),
    )

    def prepare(self, rows: Any) -> None:
        """Names of parents and counts of products."""
        g.console_parents = pairs(select(Category.id, Category.name))
        counted = select(Product.category_id, func.count()).group_by(Product.category_id)
        g.console_counts = pairs(counted)

    def row_url(self, row: Any) -> str:
        """Editing, for those who may."""
        return str(self.get_url(".edit_view", id=row.id)) if may("product.edit") else ""

    @expose("/new/", methods=("GET", "POST"))
    @needs("product.edit")
    def create_view(self) -> Any:
        """A new shelf."""
        return self._edit(CategoryForm(request.form), 0)

    @expose("/edit/", methods=("GET", "POST"))
    @needs("product.edit")
    def edit_view(self) -> Any:
        """Rename, move or hide a shelf."""
        row = self.get_one(request.args.get("id", ""))
        form = CategoryForm(request.form) if request.method == "POST" else CategoryForm.of(row)
        return self._edit(form, row.id)

    def _edit(self, form: CategoryForm, number: int) -> Any:
        title = _("修改分类") if number else _("新建分类")
        if form.sent():
            data = dict(form.data)
            data["parent_id"] = int(data["parent_id"]) if data["parent_id"] else None
            try:
                if number:
                    catalog.update_category(number, **data)
                else:
                    number = catalog.create_category(**data)
            except DomainError as refused:
                form.slug.errors = [*form.slug.errors, error_text(refused)]
            else:
                people.record("category.save", f"category:{number}", {"name": data["name"]})
                flash(_("分类已保存"), "ok")
                return redirect(self.get_url(".index_view"), 303)
        return self.page(
            "admin/model/edit.html",
            422 if form.errors else 200,
            form=form,
            return_url=self.get_url(".index_view"),
            page_title=title,
            crumbs=self.crumbs(Crumb(title)),
        )


class TagsView(ReadOnlyView):
    """Tags come from products; here is how often each is used."""

    need = "product.view"
    place = Place(_l("商品"), _l("分类与标签"), "tags")
    family = SHELVES
    in_menu = False
    search_in = ("name",)
    search_hint = _l("标签名")
    order = ("id", False)
    empty = ("tags", _l("还没有标签"), _l("在商品资料里写上标签，这里会列出来。"))
    columns = (
        Column("name", _l("标签"), phone="title"),
        Column("slug", _l("网址名"), lambda t: code(t.slug), phone="meta"),
        Column(
            "products",
            _l("商品数"),
            lambda t: g.console_tag_counts.get(t.id, 0),
            css="is-num",
            phone="amount",
        ),
    )

    def prepare(self, rows: Any) -> None:
        """How many products carry each tag."""
        counted = select(product_tag.c.tag_id, func.count()).group_by(product_tag.c.tag_id)
        g.console_tag_counts = pairs(counted)
