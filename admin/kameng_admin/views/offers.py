"""供货: what suppliers sell, what it costs, and which of our SKUs it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import g, redirect, request
from flask_admin import expose
from flask_admin.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from kameng.catalog.models import Category, Product, Sku
from kameng.db import db
from kameng.errors import DomainError
from kameng.supply import api as supply
from kameng.supply.models import OfferChange, SupplyOffer
from kameng.web.formats import plain_money
from kameng_admin import charts, people, supply_words
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.cells import badge, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, equals, equals_number
from kameng_admin.base.forms import parse_amount
from kameng_admin.base.guard import Place, found, needs, whole_number
from kameng_admin.base.model_view import SecureModelView
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import choices_of

MOST_AT_ONCE = 50
SURE = 85  # a suggestion that good is filled in
MOST_HISTORY = 200
MOST_NAMES = 3_000


class OffersView(SecureModelView):
    """Every offer of every connection."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供货与映射"), "list-check")
    order = ("id", True)
    search_in = ("name", "sku_ref", "category")
    search_hint = _l("名称、对方编号、分类")
    empty = ("list", _l("还没有供货"), _l("接口同步后，供应商的商品会出现在这里。"))
    columns = (
        Column("name", _l("供货"), lambda o: two_lines(o.name, o.category), phone="title",
               css="is-clip"),
        Column("connection_id", _l("接口"),
               lambda o: supply_words.connection_names().get(o.connection_id), phone="meta"),
        Column("kind", _l("类型"), lambda o: supply_words.KIND.get(o.kind, o.kind)),
        Column("cost", _l("成本（元）"), lambda o: plain_money(o.cost), css="is-num is-strong",
               phone="amount", sort=True),
        Column("stock", _l("库存"), lambda o: "—" if o.stock is None else o.stock, css="is-num"),
        Column("sku_id", _l("映射规格"), lambda o: g.console_offer_skus.get(o.sku_id) or "—"),
        Column("on_sale", _l("状态"), lambda o: badge(offer_mark(o)), phone="state"),
        Column("changed_at", _l("变化"), css="km-nowrap", sort=True),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("unmapped", _l("未映射"),
            lambda: SupplyOffer.sku_id.is_(None) & SupplyOffer.gone_at.is_(None)),
        Tab("mapped", _l("已映射"), lambda: SupplyOffer.sku_id.is_not(None)),
        Tab("changed", _l("一天内有变化"),
            lambda: SupplyOffer.changed_at > func.now() - timedelta(days=1)),
        Tab("gone", _l("已消失"), lambda: SupplyOffer.gone_at.is_not(None)),
    )  # fmt: skip
    filters_offered = (
        Filter("connection", _l("接口"), equals_number(SupplyOffer.connection_id),
               choices=lambda: supply_words.choices(supply_words.connection_names())),
        Filter("supplier", _l("供应商"), equals_number(SupplyOffer.supplier_id),
               choices=lambda: supply_words.choices(supply_words.supplier_names())),
        Filter("kind", _l("类型"), equals(SupplyOffer.kind), choices=choices_of(supply_words.KIND)),
    )  # fmt: skip
    action_needs = {"map": "supply.route"}  # noqa: RUF012  # read only

    def prepare(self, rows: Sequence[Any]) -> None:
        """Names of the SKUs on the page."""
        g.console_offer_skus = sku_names({row.sku_id for row in rows if row.sku_id is not None})

    def row_url(self, row: Any) -> str:
        """The offer's own page."""
        return str(self.get_url(".detail_page", offer_id=row.id))

    @action("map", _l("映射到规格"))
    def action_map(self, ids: list[str]) -> Any:
        """To the page where each chosen offer gets its SKU."""
        numbers = ",".join(one.rpartition(",")[2] for one in ids[:MOST_AT_ONCE])
        return redirect(self.get_url(".map_page", ids=numbers), 303)

    @expose("/map", methods=("GET", "POST"))
    @needs("supply.route")
    def map_page(self) -> Any:
        """Each chosen offer with its likely SKUs; what mapping brings is shown before."""
        offers = _chosen(request.values.get("ids", ""))
        if request.method == "GET":
            return self._map(offers, _likely(offers))
        typed = {one.id: request.form.get(f"sku-{one.id}", "").strip()[:80] for one in offers}
        known = _skus_by_code(typed.values())
        if request.form.get("do") == "preview":
            return self._map(offers, typed, _previews(typed, known))
        wanted = [
            supply.MappedTo(offer_id=number, sku_id=known[code])
            for number, code in typed.items()
            if code in known
        ]
        return attempt(
            lambda: supply.map_offers(wanted, people.actor()),
            lambda n: _("已映射 %(n)s 条", n=n),
            str(self.get_url(".index_view")),
            again=str(self.get_url(".map_page", ids=request.values.get("ids", ""))),
        )

    @expose("/<int:offer_id>")
    def detail_page(self, offer_id: int) -> Any:
        """Facts, history, and what it is for us."""
        offer = self._offer(offer_id)
        code = request.args.get("sku", "").strip()[:80]
        preview, refused = _try_preview(offer, code)
        offer = self._offer(offer_id)
        sku = db.session.get(Sku, offer.sku_id) if offer.sku_id else None
        history = _history(offer)
        return self.render(
            "kameng_admin/offer.html",
            page_title=offer.name,
            crumbs=self.crumbs(Crumb(offer.name)),
            offer=offer,
            state=offer_mark(offer),
            connection=supply_words.connection_names().get(offer.connection_id),
            supplier=supply_words.supplier_name(offer.supplier_id),
            sku=sku,
            theirs=supply.their_fields(offer),
            ours=supply.our_fields(sku.id) if sku else [],
            history=history,
            chart=charts.cost_option([(h.at, h.new_cost) for h in reversed(history)], offer.cost),
            suggested=_named(supply.suggestions([offer])[offer.id]) if sku is None else [],
            code=code,
            preview=preview,
            refused=refused,
            sku_list=all_skus(offer.kind),
            categories=_categories(),
            words=supply_words,
        )

    @expose("/<int:offer_id>/map", methods=("POST",))
    @needs("supply.route")
    def map_one(self, offer_id: int) -> Any:
        """This offer is that SKU; fields by themselves, or as chosen."""
        self._offer(offer_id)
        code = request.form.get("sku", "").strip()[:80]

        def deed() -> None:
            sku_id = _skus_by_code([code]).get(code)
            if sku_id is None:
                raise DomainError("sku_unknown", _("没有编号是“%(code)s”的规格", code=code))
            supply.map_offers([supply.MappedTo(offer_id=offer_id, sku_id=sku_id)], people.actor())

        return attempt(deed, _l("已映射，成本和库存马上跟上"), self._url(offer_id))

    @expose("/<int:offer_id>/fields", methods=("POST",))
    @needs("supply.route")
    def set_fields(self, offer_id: int) -> Any:
        """Which of our fields each of theirs is."""
        offer = self._offer(offer_id)
        sku_id = found(offer.sku_id)
        chosen = {
            field.name: request.form.get(f"field-{number}", "")
            for number, field in enumerate(supply.their_fields(offer))
        }
        given = {theirs: ours for theirs, ours in chosen.items() if ours}
        wanted = supply.MappedTo(offer_id=offer_id, sku_id=sku_id, input_map=given)
        return attempt(
            lambda: supply.map_offers([wanted], people.actor()),
            _l("字段映射已保存"),
            self._url(offer_id),
        )

    @expose("/<int:offer_id>/unmap", methods=("POST",))
    @needs("supply.route")
    def unmap(self, offer_id: int) -> Any:
        """It is none of our SKUs any more."""
        return attempt(
            lambda: supply.unmap_offer(offer_id, people.actor()),
            _l("已取消映射"),
            self._url(offer_id),
        )

    @expose("/<int:offer_id>/switch", methods=("POST",))
    @needs("supply.route")
    def switch(self, offer_id: int) -> Any:
        """Whether orders may go there."""
        on = request.form.get("on") == "1"
        done = _l("已启用，可以向它采购") if on else _l("已停用，不再向它采购")
        return attempt(
            lambda: supply.switch_offer(offer_id, on, people.actor()), done, self._url(offer_id)
        )

    @expose("/<int:offer_id>/product", methods=("POST",))
    @needs("product.edit")
    def make_product(self, offer_id: int) -> Any:
        """A draft of a product out of this offer."""
        offer = self._offer(offer_id)
        form = request.form

        def deed() -> int:
            try:
                face_value = parse_amount(form.get("face_value", "").strip() or "0")
            except ValueError as wrong:
                raise DomainError("amount_invalid", str(wrong)) from None
            return supply.make_product(
                offer, whole_number(form.get("category")), form.get("name", "").strip(),
                form.get("sku_name", "").strip(), face_value, people.actor(),
            )  # fmt: skip

        return attempt(deed, _l("商品草稿已建好，检查后上架"), self._url(offer_id))

    def _map(
        self, offers: Sequence[SupplyOffer], codes: dict[int, str],
        previews: dict[int, Any] | None = None,
    ) -> Any:  # fmt: skip
        offers = _chosen(",".join(str(number) for number in codes)) if previews else offers
        return self.render(
            "kameng_admin/offer_map.html",
            page_title=_("映射到规格"),
            crumbs=self.crumbs(Crumb(_("映射到规格"))),
            offers=offers,
            ids=",".join(str(one.id) for one in offers),
            codes=codes,
            previews=previews,
            suggested={n: _named(s) for n, s in supply.suggestions(offers).items()},
            sku_list=all_skus(),
            words=supply_words,
        )

    def _offer(self, offer_id: int) -> SupplyOffer:
        query = db.session.query(SupplyOffer).filter(SupplyOffer.id == offer_id)
        return found(query.one_or_none())  # type: ignore[no-any-return]  # 404 or the very thing

    def _url(self, offer_id: int) -> str:
        return str(self.get_url(".detail_page", offer_id=offer_id))


def offer_mark(offer: SupplyOffer) -> Mark:
    """How an offer stands."""
    if offer.gone_at is not None:
        return supply_words.OFFER["gone"]
    if not offer.active:
        return supply_words.OFFER["switched_off"]
    return supply_words.OFFER["on_sale" if offer.on_sale else "off_sale"]


def sku_names(ids: set[int]) -> dict[int, str]:
    """Names of SKUs with those of their products."""
    query = select(Sku.id, Product.name, Sku.name).join(Product, Product.id == Sku.product_id)
    rows = db.session.execute(query.where(Sku.id.in_(ids))) if ids else ()
    return {number: f"{product} {name}" for number, product, name in rows}


def all_skus(kind: str = "") -> list[tuple[str, str]]:
    """Code and name of SKUs, for a list to choose from; of those that fit an offer's kind."""
    query = select(Sku.code, Product.name, Sku.name).join(Product, Product.id == Sku.product_id)
    if kind:
        is_card = Product.kind == "card"
        query = query.where(is_card if kind == "card" else ~is_card)
    rows = db.session.execute(query.order_by(Product.name, Sku.position).limit(MOST_NAMES))
    return [(code, f"{product} {name}") for code, product, name in rows]


def _chosen(raw: str) -> list[SupplyOffer]:
    numbers = [int(one) for one in raw.split(",")[:MOST_AT_ONCE] if one.isdecimal()]
    query = db.session.query(SupplyOffer).filter(SupplyOffer.id.in_(numbers))
    return list(query.order_by(SupplyOffer.id))


def _likely(offers: Sequence[SupplyOffer]) -> dict[int, str]:
    """The code to begin with: the SKU it is already, or a suggestion that is good enough."""
    best = {number: found[0] for number, found in supply.suggestions(offers).items() if found}
    ids = {one.id: one.sku_id for one in offers if one.sku_id is not None}
    ids |= {n: s.sku_id for n, s in best.items() if n not in ids and s.score >= SURE}
    codes = _codes(set(ids.values()))
    return {one.id: codes.get(ids.get(one.id, 0), "") for one in offers}


def _codes(ids: set[int]) -> dict[int, str]:
    rows = db.session.execute(select(Sku.id, Sku.code).where(Sku.id.in_(ids))) if ids else ()
    return {number: code for number, code in rows}


def _named(found: Sequence[supply.Suggestion]) -> list[tuple[str, str, int]]:
    """Code, name and score of suggestions."""
    ids = {one.sku_id for one in found}
    codes, names = _codes(ids), sku_names(ids)
    return [(codes[one.sku_id], names[one.sku_id], one.score) for one in found]


def _skus_by_code(codes: Any) -> dict[str, int]:
    rows = db.session.execute(select(Sku.code, Sku.id).where(Sku.code.in_([c for c in codes if c])))
    return {code: number for code, number in rows}


def _previews(typed: dict[int, str], known: dict[str, int]) -> dict[int, Any]:
    """What each mapping would bring; None where the code is no SKU that fits."""
    found: dict[int, Any] = {}
    for number, code in typed.items():
        if code:
            try:
                found[number] = supply.mapping_preview(number, known.get(code, 0))
            except DomainError:
                found[number] = None
    return found


def _try_preview(offer: SupplyOffer, code: str) -> tuple[Any, str]:
    if not code:
        return None, ""
    sku_id = _skus_by_code([code]).get(code)
    if sku_id is None:
        return None, str(_("没有编号是“%(code)s”的规格", code=code))
    try:
        return supply.mapping_preview(offer.id, sku_id), ""
    except DomainError as refused:
        return None, error_text(refused)


def _history(offer: SupplyOffer) -> list[OfferChange]:
    query = db.session.query(OfferChange).filter(
        OfferChange.supplier_id == offer.supplier_id, OfferChange.offer_id == offer.id
    )
    return list(query.order_by(OfferChange.id.desc()).limit(MOST_HISTORY))


def _categories() -> list[tuple[int, str]]:
    rows = db.session.execute(select(Category.id, Category.name).order_by(Category.position))
    return [(number, name) for number, name in rows]
