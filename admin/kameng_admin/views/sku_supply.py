"""规格供货: for each SKU who would get an order now and why, and the rules of its supply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, request
from flask_admin import expose
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms import BooleanField, IntegerField
from wtforms.validators import NumberRange, Optional

from kameng.catalog.models import Sku, SkuCost
from kameng.db import db
from kameng.supply import api as supply
from kameng.supply.models import SupplyLevel, SupplyOffer, SupplyPolicy
from kameng.web.formats import plain_money
from kameng_admin import people, supply_words
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import badge, pairs
from kameng_admin.base.columns import Column, Tab
from kameng_admin.base.forms import AmountField, ChoiceField, ConsoleForm
from kameng_admin.base.guard import Place, found, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb
from kameng_admin.views.offers import sku_names

MOST_PIECES = 100_000


class PolicyForm(ConsoleForm):
    """How one SKU follows its suppliers."""

    follow = BooleanField(_l("成本跟随最好的供货"))
    only_raise = BooleanField(_l("只跟涨，不跟跌"))
    add_bp = IntegerField(
        _l("成本加成（万分之）"),
        [Optional(), NumberRange(0, 100_000)],
        description=_l("150 就是 1.5%"),
    )
    add_amount = AmountField(_l("成本加价（元）"))
    least_cost = AmountField(_l("最低成本（元）"), description=_l("留空不限"))
    on_rise = ChoiceField(_l("成本追上售价时"), choices=list(supply_words.ON_RISE.items()))
    loss_bp = IntegerField(
        _l("允许亏损（万分之）"), [Optional(), NumberRange(0, 10_000)], description=_l("0 不允许")
    )
    when_none = ChoiceField(_l("都供不了时"), choices=list(supply_words.WHEN_NONE.items()))

    def policy(self) -> supply.Policy:
        """What was typed."""
        return supply.Policy(
            on_rise=self.on_rise.data, follow=bool(self.follow.data),
            only_raise=bool(self.only_raise.data), add_bp=self.add_bp.data or 0,
            add_amount=self.add_amount.data or 0, least_cost=self.least_cost.data,
            loss_bp=self.loss_bp.data or 0, when_none=self.when_none.data,
        )  # fmt: skip


class SkuSupplyView(ReadOnlyView):
    """SKUs that suppliers serve."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("规格供货"), "truck-delivery")
    order = ("sku_id", True)
    empty = ("truck-delivery", _l("还没有由供应商供应的规格"), _l("先在供货里把供货映射到规格。"))
    columns = (
        Column("sku_id", _l("规格"), lambda u: g.console_supply.names.get(u.sku_id, u.sku_id),
               phone="title"),
        Column("paused", _l("状态"), lambda u: badge(level_mark(u)), phone="state"),
        Column("available", _l("可供"), lambda u: _available(u), css="is-num", phone="amount"),
        Column("cost", _l("成本（元）"), lambda u: _cost(u.sku_id), css="is-num"),
        Column("offers", _l("供货数"), lambda u: g.console_supply.offers.get(u.sku_id, 0),
               css="is-num"),
        Column("updated_at", _l("变化"), css="km-nowrap", phone="meta", sort=True),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("paused", _l("成本暂停"), lambda: SupplyLevel.paused != ""),
        Tab("none", _l("无货可供"),
            lambda: (SupplyLevel.available == 0) & (SupplyLevel.paused == "")),
    )  # fmt: skip

    def prepare(self, rows: Sequence[Any]) -> None:
        """Names, costs and offers of the SKUs on the page."""
        g.console_supply = _Facts({row.sku_id for row in rows})

    def row_url(self, row: Any) -> str:
        """The SKU's own page."""
        return str(self.get_url(".detail_page", sku_id=row.sku_id))

    @expose("/<int:sku_id>")
    def detail_page(self, sku_id: int) -> Any:
        """All its offers, ranked for so many pieces, and its rules."""
        return self._page(sku_id)

    @expose("/<int:sku_id>/policy", methods=("POST",))
    @needs("supply.route")
    def set_policy(self, sku_id: int) -> Any:
        """Keep its rules; cost and level follow at once."""
        form = PolicyForm(request.form)
        if not form.sent():
            return self._page(sku_id, form, 422)
        return attempt(
            lambda: supply.save_policy(sku_id, form.policy(), people.actor()),
            _l("供货规则已保存"),
            self._url(sku_id),
        )

    @expose("/<int:sku_id>/sourcing", methods=("POST",))
    @needs("supply.route")
    def set_sourcing(self, sku_id: int) -> Any:
        """Where its cards come from."""
        sourcing = request.form.get("sourcing", "")[:20]
        return attempt(
            lambda: supply.set_sourcing(sku_id, sourcing, people.actor()),
            _l("货源已更改"),
            self._url(sku_id),
        )

    @expose("/<int:sku_id>/confirm", methods=("POST",))
    @needs("supply.route")
    def confirm(self, sku_id: int) -> Any:
        """The cost is right: prices follow, and the sale goes on."""
        found(db.session.get(Sku, sku_id))
        db.session.rollback()  # it is done in a scope of its own
        return attempt(
            lambda: supply.confirm_cost(sku_id, people.actor()),
            lambda paused: (
                _l("售价仍不高于成本，继续暂停，请调整售价") if paused else _l("已恢复销售")
            ),
            self._url(sku_id),
        )

    def _page(self, sku_id: int, form: PolicyForm | None = None, status: int = 200) -> Any:
        sku = found(db.session.get(Sku, sku_id))
        quantity = _pieces(request.args.get("quantity"), sku.min_quantity)
        preview = supply.routing_preview(sku_id, quantity)
        name = f"{sku.product.name} {sku.name}"
        policy = db.session.get(SupplyPolicy, sku_id)
        return self.page(
            "kameng_admin/sku_supply.html",
            status,
            page_title=name,
            crumbs=self.crumbs(Crumb(name)),
            sku=sku,
            preview=preview,
            quantity=quantity,
            level=db.session.get(SupplyLevel, sku_id),
            form=form or PolicyForm(obj=policy or supply.Policy()),
            policy=policy,
            level_mark=level_mark,
            words=supply_words,
        )

    def _url(self, sku_id: int) -> str:
        return str(self.get_url(".detail_page", sku_id=sku_id))


class _Facts:
    """What the list's cells look up."""

    def __init__(self, ids: set[int]) -> None:
        self.names = sku_names(ids)
        self.costs = pairs(select(SkuCost.sku_id, SkuCost.cost).where(SkuCost.sku_id.in_(ids)))
        self.offers = pairs(
            select(SupplyOffer.sku_id, func.count())
            .where(SupplyOffer.sku_id.in_(ids))
            .group_by(SupplyOffer.sku_id)
        )


def level_mark(level: SupplyLevel) -> Mark:
    """Whether it can be sold, and why not."""
    if level.paused:
        return supply_words.LEVEL.get(level.paused, supply_words.LEVEL["cost"])
    return supply_words.LEVEL["none" if level.available == 0 else "open"]


def _available(level: SupplyLevel) -> Any:
    return _l("不限") if level.available is None else level.available


def _cost(sku_id: int) -> Any:
    cost = g.console_supply.costs.get(sku_id)
    return None if cost is None else plain_money(cost)


def _pieces(raw: str | None, least: int) -> int:
    number = int(raw) if raw and raw.isdecimal() and len(raw) < 7 else least
    return min(max(number, 1), MOST_PIECES)
