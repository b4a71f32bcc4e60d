"""One box for everything: order, contact, payment, SKU, product, station, member."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import redirect, request, url_for
from flask_admin import BaseView, expose
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from kameng.catalog.models import Product, Sku
from kameng.db import db
from kameng.identity.models import Member
from kameng.orders.models import Order
from kameng.payments.models import PaymentAttempt
from kameng.stations.models import Station
from kameng.web.formats import mask_phone, plain_money
from kameng.web.formats import order_no as grouped
from kameng_admin import labels, texts
from kameng_admin.base.guard import ANY_STAFF, Guarded, Place, joined, may
from kameng_admin.labels import Mark

MOST = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the result."""

    url: str
    title: str
    note: str
    mark: Mark | None = None


class SearchView(Guarded, BaseView):
    """Finds only what the reader's role may open."""

    need = ANY_STAFF
    in_menu = False
    place = Place(_l("主站"), _l("搜索"), "search")

    @expose("/")
    def index_view(self) -> Any:
        """Groups of hits; a single full order number leads straight to the order."""
        words = request.args.get("q", "").replace("\0", "").strip()[:80]
        groups = find(words) if words else []
        hits = [hit for _label, found in groups for hit in found]
        digits = re.sub(r"\s", "", words)
        if len(hits) == 1 and digits.isdecimal() and len(digits) >= 16:
            return redirect(hits[0].url)
        return self.render(
            "kameng_admin/search.html", groups=groups, search_words=words, hits=len(hits)
        )


def find(words: str) -> list[tuple[Any, Sequence[Hit]]]:
    """Hits by kind, empty kinds left out."""
    compact = re.sub(r"\s", "", words)
    finders = (
        ("order.view", _l("订单"), _orders),
        ("payment.view", _l("支付单"), _attempts),
        ("product.view", _l("商品与规格"), _goods),
        ("station.view", _l("分站"), _stations),
        ("member.view", _l("会员"), _members),
    )
    found = [(label, finder(words, compact)) for need, label, finder in finders if may(need)]
    return [(label, hits) for label, hits in found if hits]


def _orders(words: str, compact: str) -> list[Hit]:
    # Exact number or contact: both are what people paste, and a LIKE over all orders is slow.
    query = select(Order).where(
        or_(Order.order_no == compact, Order.contact == words, Order.contact == words.lower())
    )
    return [
        Hit(
            url_for(
                "admin_orders.detail_page", station_id=order.station_id, order_no=order.order_no
            ),
            grouped(order.order_no),
            joined(
                (
                    texts.station_name(order.station_id),
                    f"{order.product_name} {order.sku_name}",
                    f"¥{plain_money(order.payable, 2)}",
                )
            ),
            labels.order_mark(order.state, order.kind),
        )
        for order in db.session.scalars(query.order_by(Order.created_at.desc()).limit(MOST))
    ]


def _attempts(words: str, compact: str) -> list[Hit]:
    query = select(PaymentAttempt).where(
        or_(PaymentAttempt.attempt_no == compact, PaymentAttempt.provider_ref == words)
    )
    return [
        Hit(
            url_for("admin_payments.detail_page", station_id=row.station_id, attempt_id=row.id),
            grouped(row.attempt_no),
            f"{row.plugin_id} · ¥{plain_money(row.amount, 2)}",
            labels.mark(labels.CALL, row.state),
        )
        for row in db.session.scalars(query.limit(MOST))
    ]


def _goods(words: str, compact: str) -> list[Hit]:
    query = (
        select(Sku, Product)
        .join(Product, Product.id == Sku.product_id)
        .where(
            or_(
                Sku.code == words,
                Product.slug == words,
                (Product.name + " " + Sku.name).icontains(words, autoescape=True),
            )
        )
    )
    return [
        Hit(
            url_for("admin_products.detail_page", product_id=product.id),
            f"{product.name} {sku.name}",
            sku.code,
            labels.mark(labels.PRODUCT, product.state),
        )
        for sku, product in db.session.execute(query.limit(MOST))
    ]


def _stations(words: str, compact: str) -> list[Hit]:
    query = select(Station).where(
        or_(Station.name.icontains(words, autoescape=True), Station.slug == compact.lower())
    )
    return [
        Hit(
            url_for("admin_stations.detail_page", station_id=row.id),
            row.name,
            row.slug,
            labels.mark(labels.STATION, row.state),
        )
        for row in db.session.scalars(query.limit(MOST))
    ]


def _members(words: str, compact: str) -> list[Hit]:
    query = select(Member).where(or_(Member.login == compact.lower(), Member.name == words))
    return [
        Hit(
            url_for("admin_members.detail_page", station_id=row.station_id, member_id=row.id),
            mask_phone(row.login),
            f"{row.name} · {texts.station_name(row.station_id)}",
            labels.mark(labels.PERSON, row.state),
        )
        for row in db.session.scalars(query.limit(MOST))
    ]
