"""SKUs and prices: cost, offers of every station with their explanation, rules with preview."""

from __future__ import annotations

from typing import Any

from flask import flash, g, redirect, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.catalog.models import CostChange, Listing, Product, Sku, SkuCost
from kameng.db import db
from kameng.errors import DomainError
from kameng.pricing import api as pricing
from kameng.pricing.models import PriceRule
from kameng.web.formats import plain_money
from kameng_admin import labels, people, texts
from kameng_admin.base.actions import attempt, error_text, reason_given
from kameng_admin.base.cells import pairs, switch, two_lines
from kameng_admin.base.columns import Column, Filter, equals, equals_number
from kameng_admin.base.forms import parse_amount
from kameng_admin.base.guard import Place, found, may, needs
from kameng_admin.base.model_view import SecureModelView
from kameng_admin.price_forms import OPERATIONS, PURPOSES, ROUNDINGS, RuleForm, rule_text
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import choices_of, station_choices

MAIN_STATION = 1
MOST_SHOWN = 200


def _offer(row: Listing) -> str:
    return plain_money(row.price, 2)


def _cost(row: Listing) -> str:
    cost = g.console_costs.get(row.sku_id)
    return plain_money(cost) if cost is not None else "—"


def _buy(row: Listing) -> str:
    """What a station pays; for the main station that is the cost, which not everybody may see."""
    shown = row.station_id != MAIN_STATION or may("cost.view")
    return plain_money(row.buy_price) if shown else "—"


def _margin(row: Listing) -> str:
    cost = g.console_costs.get(row.sku_id)
    return plain_money(row.price - cost) if cost is not None else "—"


PRICING = (("admin_prices", _l("各站报价")), ("admin_rules", _l("定价规则")))


class PricesView(SecureModelView):
    """One line per station and SKU; the SKU's page explains and changes."""

    need = "price.view"
    place = Place(_l("商品"), _l("上架与定价"), "discount")
    family = PRICING
    order = ("updated_at", True)
    empty = ("discount", _l("还没有报价"), _l("商品上架并有成本价后，各站报价会自动算出。"))
    columns = (
        Column(
            "sku_id",
            _l("规格"),
            lambda r: two_lines(g.console_skus[r.sku_id][1], g.console_skus[r.sku_id][0]),
            phone="title",
            export=lambda r: g.console_skus[r.sku_id][1],
        ),
        Column("station_id", _l("分站"), lambda r: texts.station_name(r.station_id), phone="meta"),
        Column("buy_price", _l("进货价"), lambda r: _buy(r), css="is-num"),
        Column("price", _l("零售价"), _offer, css="is-num is-strong", phone="amount", sort=True),
        Column(
            "margin",
            _l("全链毛利"),
            lambda r: _margin(r) if may("cost.view") else "—",
            css="is-num",
        ),
        Column(
            "fixed_price", _l("定价方式"), lambda r: _("自定") if r.fixed_price else _("按规则")
        ),
        Column("version", _l("版本"), css="is-num"),
        Column("active", _l("上架"), lambda r: switch(r.active), phone="state"),
        Column("updated_at", _l("更新"), css="km-nowrap", sort=True),
    )
    filters_offered = (
        Filter("station", _l("分站"), equals_number(Listing.station_id), choices=station_choices),
        Filter("sku", _l("规格编号"), lambda v: Listing.sku_id == _sku_id(v), "text"),
        Filter(
            "active",
            _l("上架"),
            lambda v: Listing.active.is_(v == "1"),
            choices=lambda: [("1", _l("在架")), ("0", _l("已下架"))],
        ),
    )

    def prepare(self, rows: Any) -> None:
        """Names and costs of the page's SKUs."""
        ids = {row.sku_id for row in rows}
        g.console_skus = sku_names(ids)
        costs = select(SkuCost.sku_id, SkuCost.cost).where(SkuCost.sku_id.in_(ids))
        g.console_costs = pairs(costs)

    def row_url(self, row: Any) -> str:
        """The SKU's price page, opened at this station."""
        return str(self.get_url(".detail_page", sku_id=row.sku_id, station=row.station_id))

    @expose("/sku/<int:sku_id>")
    def detail_page(self, sku_id: int) -> Any:
        """Cost with its history, the chain at one station, and all offers."""
        row = self._sku(sku_id)
        asked = request.args.get("station", "")
        station_id = int(asked) if asked.isdecimal() and len(asked) < 12 else MAIN_STATION
        try:
            chain = pricing.explain(station_id, sku_id)
        except DomainError:
            chain = None
        cost = db.session.get(SkuCost, sku_id)
        offers = db.session.scalars(
            select(Listing)
            .where(Listing.sku_id == sku_id)
            .order_by(Listing.station_id)
            .limit(MOST_SHOWN)
        )
        return self.render(
            "kameng_admin/price.html",
            page_title=f"{row.product.name} {row.name}",
            crumbs=self.crumbs(Crumb(f"{row.product.name} {row.name}")),
            sku=row,
            cost=cost,
            chain=chain,
            station_id=station_id,
            offers=list(offers),
            changes=_changes(sku_id) if may("cost.view") else [],
            texts=texts,
            labels=labels,
        )

    @expose("/sku/<int:sku_id>/cost", methods=("POST",))
    @needs("cost.edit")
    def set_cost(self, sku_id: int) -> Any:
        """A new cost: every offer below is computed anew at once."""
        row = self._sku(sku_id)
        back = str(self.get_url(".detail_page", sku_id=row.id))

        def deed() -> int:
            cost = _amount(request.form.get("cost", ""))
            reason = reason_given(request.form.get("reason"))
            pricing.set_cost(sku_id, cost, people.actor(), reason)
            changed = pricing.reprice(sku_ids=[sku_id])
            people.record(
                "cost.change", f"sku:{sku_id}", {"cost": plain_money(cost), "reason": reason}
            )
            return changed

        return attempt(deed, _repriced, back)

    @expose("/sku/<int:sku_id>/listing/<int:station_id>", methods=("POST",))
    @needs("price.edit")
    def set_listing(self, sku_id: int, station_id: int) -> Any:
        """A station's own price, or its shelf."""
        self._sku(sku_id)
        back = str(self.get_url(".detail_page", sku_id=sku_id, station=station_id))
        form = request.form

        def deed() -> None:
            if "active" in form:
                pricing.set_listing_active(station_id, sku_id, form["active"] == "1")
            else:
                typed = form.get("fixed_price", "").strip()
                pricing.set_fixed_price(station_id, sku_id, _amount(typed) if typed else None)
                pricing.reprice(sku_ids=[sku_id], station_ids=[station_id])
            people.record("price.listing", f"sku:{sku_id}", {"station": station_id})

        return attempt(deed, _l("报价已更新"), back)

    def _sku(self, sku_id: int) -> Sku:
        return found(db.session.get(Sku, sku_id))  # type: ignore[no-any-return]  # 404 or the SKU


class RulesView(SecureModelView):
    """The main station's rules: what stations pay, what shoppers pay."""

    need = "price.view"
    place = Place(_l("商品"), _l("上架与定价"), "adjustments")
    family = PRICING
    in_menu = False
    can_create = can_edit = True
    create_needs = "price.edit"
    create_label = _l("新建规则")
    order = ("id", True)
    empty = ("adjustments", _l("还没有规则"), _l("没有规则时，各站按成本价报价。"))
    columns = (
        Column("value", _l("规则"), lambda r: rule_text(r), phone="title"),
        Column("station_id", _l("谁的规则"), lambda r: texts.station_name(r.station_id)),
        Column("purpose", _l("用途"), lambda r: PURPOSES.get(r.purpose, r.purpose), phone="meta"),
        Column("scope", _l("适用"), lambda r: _scope(r), in_export=False),
        Column(
            "rounding",
            _l("取整"),
            lambda r: f"{plain_money(r.rounding_step)} {ROUNDINGS.get(r.rounding)}",
        ),
        Column("note", _l("备注"), css="is-clip"),
        Column("active", _l("启用"), lambda r: switch(r.active), phone="state"),
    )
    filters_offered = (
        Filter(
            "station", _l("谁的规则"), equals_number(PriceRule.station_id), choices=station_choices
        ),
        Filter("purpose", _l("用途"), equals(PriceRule.purpose), choices=choices_of(PURPOSES)),
    )

    def row_url(self, row: Any) -> str:
        """Editing, for the main station's own rules; a station's rules are its own."""
        if row.station_id != MAIN_STATION or not may("price.edit"):
            return ""
        return str(self.get_url(".edit_view", id=f"{row.station_id},{row.id}"))

    @expose("/new/", methods=("GET", "POST"))
    @needs("price.edit")
    def create_view(self) -> Any:
        """A new rule, previewed before it is saved."""
        return self._edit(RuleForm(request.form), 0)

    @expose("/edit/", methods=("GET", "POST"))
    @needs("price.edit")
    def edit_view(self) -> Any:
        """Change a rule of the main station."""
        row = self.get_one(request.args.get("id", ""))
        if row.station_id != MAIN_STATION:
            return self.refuse("price.edit")
        form = RuleForm(request.form) if request.method == "POST" else RuleForm.of(row)
        return self._edit(form, row.id)

    @expose("/<int:rule_id>/delete", methods=("POST",))
    @needs("price.edit")
    def delete_rule(self, rule_id: int) -> Any:
        """Remove a rule; all offers are computed anew."""
        self.get_one(f"{MAIN_STATION},{rule_id}")

        def deed() -> int:
            pricing.delete_rule(MAIN_STATION, rule_id)
            changed = pricing.reprice()
            people.record("price.rule", f"rule:{rule_id}", {"deleted": True})
            return changed

        return attempt(deed, _repriced, str(self.get_url(".index_view")))

    def _edit(self, form: RuleForm, rule_id: int) -> Any:
        preview, rule = None, None
        if form.sent():
            rule = form.rule(rule_id)
            try:
                if "preview" in request.form:
                    preview = pricing.preview(rule)
                    db.session.rollback()
                else:
                    saved = pricing.save_rule(rule)
                    changed = pricing.reprice()
                    people.record("price.rule", f"rule:{saved}", {"rule": str(rule_text(rule))})
                    flash(_repriced(changed), "ok")
                    return redirect(self.get_url(".index_view"), 303)
            except DomainError as refused:
                db.session.rollback()
                form.value.errors = [*form.value.errors, error_text(refused)]
        names = sku_names({row.sku_id for row in preview or ()})
        title = _("修改规则") if rule_id else _("新建规则")
        return self.page(
            "kameng_admin/rule.html",
            422 if form.errors else 200,
            form=form,
            rule_id=rule_id,
            preview=preview,
            names=names,
            texts=texts,
            page_title=title,
            crumbs=self.crumbs(Crumb(title)),
            operations=OPERATIONS,
            most=MOST_SHOWN,
        )


def sku_names(ids: set[int]) -> dict[int, tuple[str, str]]:
    """SKU id → (code, product and SKU name)."""
    if not ids:
        return {}
    rows = db.session.execute(
        select(Sku.id, Sku.code, Product.name, Sku.name)
        .join(Product, Product.id == Sku.product_id)
        .where(Sku.id.in_(ids))
    )
    return {number: (code, f"{product} {name}") for number, code, product, name in rows}


def _sku_id(code: str) -> int:
    return db.session.scalar(select(Sku.id).where(Sku.code == code)) or (
        int(code) if code.isdecimal() and len(code) < 12 else 0
    )


def _changes(sku_id: int) -> list[Any]:
    query = select(CostChange).where(CostChange.sku_id == sku_id).order_by(CostChange.id.desc())
    return list(db.session.scalars(query.limit(20)))


def _amount(raw: str) -> int:
    try:
        return parse_amount(raw.strip().replace(",", "") or "?")
    except ValueError as problem:
        raise DomainError("amount_invalid", str(problem)) from None


def _repriced(changed: int) -> str:
    return str(_("已保存，%(n)s 个报价随之更新", n=changed))


def _scope(row: Any) -> str:
    parts = [
        labels.GRADE.get(row.grade, row.grade) if row.grade else "",
        texts.station_name(row.for_station_id) if row.for_station_id else "",
        _("分类 %(no)s", no=row.category_id) if row.category_id else "",
        _("规格 %(no)s", no=row.sku_id) if row.sku_id else "",
    ]
    return " · ".join(str(part) for part in parts if part) or str(_("全部"))
