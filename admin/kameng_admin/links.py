"""From what an event or an alert is about to the page where one can act on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask import g, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import or_, select

from kameng.catalog.models import Product, Sku
from kameng.db import db
from kameng.orders.models import Order
from kameng.web.formats import order_no as grouped
from kameng_admin import texts
from kameng_admin.base.cells import link
from kameng_admin.people import viewer_can

# kind of subject → permission, endpoint, name of the argument that takes its number
PAGES: Mapping[str, tuple[str, str, str]] = {
    "connection": ("supplier.view", "admin_connections.detail_page", "connection_id"),
    "offer": ("supplier.view", "admin_offers.detail_page", "offer_id"),
    "sku": ("price.view", "admin_prices.detail_page", "sku_id"),
    "product": ("product.view", "admin_products.detail_page", "product_id"),
    "batch": ("stock.view", "admin_batches.detail_page", "batch_id"),
    "supplier": ("supplier.view", "admin_suppliers.detail_page", "supplier_id"),
    "station": ("station.view", "admin_stations.detail_page", "station_id"),
    "plan": ("supply.plan", "admin_plans.detail_page", "plan_id"),
    "application": ("station.review", "admin_applications.detail_page", "application_id"),
}


def load(subjects: Iterable[str]) -> None:
    """Names for these subjects, read once for the whole page."""
    wanted: dict[str, set[int]] = {"order": set(), "sku": set()}
    for subject in subjects:
        kind, _sep, number = subject.partition(":")
        if kind in wanted and number.isdecimal() and len(number) < 19:
            wanted[kind].add(int(number))
    g.console_subjects = {"order": _orders(wanted["order"]), "sku": _skus(wanted["sku"])}


def subject_link(subject: str) -> Any:
    """The subject in words, a link where there is a page the reader may open."""
    kind, _sep, rest = subject.partition(":")
    known = g.get("console_subjects", {})
    finder: Callable[[str, Any], Any] | None = {"order": _order, "attempt": _attempt}.get(kind)
    if finder is not None:
        return finder(rest, known)
    if kind == "refund":
        number = rest.rpartition(":")[2]
        return _linked("refund.view", _("退款单 %(no)s", no=number), "admin_refunds", tab="stuck")
    if kind == "refund_request":
        station, _colon, number = rest.partition(":")
        if station.isdecimal() and number.isdecimal() and len(rest) < 30:
            return _linked(
                "refund.create", _("退款申请 %(no)s", no=number),
                "admin_refund_requests.detail_page", station_id=station, request_id=number,
            )  # fmt: skip
    if kind == "plugin":
        words, plugin_id = texts.subject_text(subject), rest.partition(":")[0]
        return _linked("plugin.view", words, "admin_plugins.detail_page", plugin_id=plugin_id)
    if kind == "account" and rest.count(":") == 2:
        station, plugin_id, account = rest.split(":")
        return _linked(
            "payment.manage", texts.subject_text(subject), "admin_payment_accounts.detail_page",
            station_id=station, plugin_id=plugin_id, account=account or None,
        )  # fmt: skip
    page = PAGES.get(kind)
    if page is None or not rest.isdecimal() or len(rest) > 18:
        return texts.subject_text(subject)
    words = known.get(kind, {}).get(int(rest)) or texts.subject_text(subject)
    return _linked(page[0], words, page[1], **{page[2]: int(rest)})


def _order(rest: str, known: Any) -> Any:
    found = known.get("order", {}).get(int(rest) if rest.isdecimal() and len(rest) < 19 else 0)
    if found is None:
        return texts.subject_text(f"order:{rest}")
    words = _("订单 %(no)s", no=grouped(found[1]))
    page = {"station_id": found[0], "order_no": found[1]}
    return _linked("order.view", words, "admin_orders.detail_page", **page)


def _attempt(rest: str, known: Any) -> Any:
    station, sep, number = rest.partition(":")
    if not sep:
        words = texts.subject_text(f"attempt:{rest}")
        return _linked("payment.view", words, "admin_payments", search=rest)
    page = {"station_id": station, "attempt_id": number}
    return _linked("payment.view", _("看支付单"), "admin_payments.detail_page", **page)


def _linked(permission: str, words: str, endpoint: str, **arguments: Any) -> Markup | str:
    if not viewer_can(permission):
        return words
    name = endpoint if "." in endpoint else f"{endpoint}.index_view"
    return link(url_for(name, **arguments), words)


def _orders(named: set[int]) -> dict[int, tuple[int, str]]:
    """Orders by what a subject calls them: the id, or (overdue ones) the order's number."""
    if not named:
        return {}
    numbers = [str(number) for number in named]
    query = select(Order.id, Order.station_id, Order.order_no)
    rows = db.session.execute(query.where(or_(Order.id.in_(named), Order.order_no.in_(numbers))))
    found: dict[int, tuple[int, str]] = {}
    for row in rows:
        found[row.id] = found[int(row.order_no)] = (row.station_id, row.order_no)
    return found


def _skus(ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    query = select(Sku.id, Product.name.label("product"), Sku.name.label("sku"))
    rows = db.session.execute(
        query.join(Product, Product.id == Sku.product_id).where(Sku.id.in_(ids))
    )
    return {row.id: f"{row.product} {row.sku}" for row in rows}
