"""Payment attempts with the gateway's notices, and refunds."""

from __future__ import annotations

from typing import Any

from flask import g, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.db import db
from kameng.orders.models import Order
from kameng.payments import api as payments
from kameng.payments.models import PaymentAttempt, PaymentNotice, Refund
from kameng.web.formats import order_no as grouped
from kameng.web.formats import plain_money
from kameng_admin import labels, people, texts, words
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import badge, code, link
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals, equals_number
from kameng_admin.base.guard import Place, needs
from kameng_admin.base.model_view import ReadOnlyView, SecureModelView
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import choices_of, station_choices
from kameng_admin.views.refunding import RefundPages

DAYS = (("today", _l("今天")), ("7d", _l("7 天")), ("30d", _l("30 天")))
PURPOSES = {
    "order": _l("订单付款"), "top_up": _l("余额充值"), "prepaid": _l("分站预存"),
    "deposit": _l("分站保证金"),
}  # fmt: skip
ANSWERS = {
    "succeeded": _l("网关说已付款，已入账"),
    "declined": _l("网关说没有付款"),
    "pending": _l("网关还在处理，稍后再问"),
    "unknown": _l("网关没有说清，稍后会自动再问"),
    "unavailable": _l("这个支付插件现在不能用"),
}


def _money(row: Any) -> str:
    return plain_money(row.amount, 2)


def way_text(plugin_id: str, method: str) -> str:
    """`易支付 · 支付宝`: the plugin and the way to pay, in words."""
    way = words.METHODS.get(method, method)
    name = texts.ACTORS.get(plugin_id, plugin_id)
    return str(name) if str(name) == str(way) else f"{name} · {way}"


PAYMENTS = (("admin_payments", _l("支付单")), ("admin_refunds", _l("退款单")))


class AttemptView(SecureModelView):
    """Every try to collect."""

    need = "payment.view"
    place = Place(_l("交易"), _l("支付与退款"), "credit-card")
    family = PAYMENTS
    export_needs = "payment.manage"
    search_in = ("attempt_no", "provider_ref")
    search_hint = _l("支付单号、网关流水号")
    order = ("created_at", True)
    empty = ("credit-card", _l("还没有支付单"), _l("买家选择支付方式后会出现在这里。"))
    columns = (
        Column(
            "attempt_no",
            _l("支付单号"),
            lambda a: grouped(a.attempt_no),
            phone="title",
            css="km-nowrap",
            export=lambda a: a.attempt_no,
        ),
        Column("created_at", _l("时间"), sort=True, css="km-nowrap"),
        Column("station_id", _l("分站"), lambda a: texts.station_name(a.station_id)),
        Column("purpose", _l("用途"), lambda a: PURPOSES.get(a.purpose, a.purpose)),
        Column(
            "plugin_id",
            _l("渠道"),
            lambda a: way_text(a.plugin_id, a.method),
            phone="meta",
        ),
        Column(
            "amount",
            _l("金额（元）"),
            _money,
            css="is-num is-strong",
            phone="amount",
            sort=True,
            export=lambda a: plain_money(a.amount, 2).replace(",", ""),
        ),
        Column(
            "state",
            _l("状态"),
            lambda a: badge(labels.mark(labels.CALL, a.state)),
            phone="state",
            export=lambda a: labels.mark(labels.CALL, a.state).label,
        ),
        Column(
            "provider_ref",
            _l("网关流水"),
            lambda a: code(a.provider_ref) if a.provider_ref else "—",
        ),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("unknown", _l("确认中"), lambda: PaymentAttempt.state == "unknown"),
        Tab("sent", _l("等付款"), lambda: PaymentAttempt.state == "sent"),
    )
    filters_offered = (
        Filter("day", _l("时间"), day_of(PaymentAttempt.created_at), "day", choices=lambda: DAYS),
        Filter("state", _l("状态"), equals(PaymentAttempt.state), choices=choices_of(labels.CALL)),
        Filter(
            "station", _l("分站"), equals_number(PaymentAttempt.station_id), choices=station_choices
        ),
        Filter("plugin", _l("渠道"), equals(PaymentAttempt.plugin_id), choices=lambda: _channels()),
    )

    def row_url(self, row: Any) -> str:
        """The attempt's own page."""
        return str(self.get_url(".detail_page", station_id=row.station_id, attempt_id=row.id))

    @expose("/<int:station_id>/<int:attempt_id>")
    def detail_page(self, station_id: int, attempt_id: int) -> Any:
        """Facts, notices as they came, refunds."""
        row = self.get_one(f"{station_id},{attempt_id}")
        notices = db.session.scalars(
            select(PaymentNotice)
            .where(
                PaymentNotice.station_id == station_id, PaymentNotice.attempt_no == row.attempt_no
            )
            .order_by(PaymentNotice.id.desc())
            .limit(50)
        )
        refunds = db.session.scalars(
            select(Refund).where(Refund.station_id == station_id, Refund.attempt_id == attempt_id)
        )
        order = db.session.get(Order, (station_id, row.order_id)) if row.order_id else None
        return self.render(
            "kameng_admin/attempt.html",
            page_title=_("支付单 %(no)s", no=grouped(row.attempt_no)),
            crumbs=self.crumbs(Crumb(grouped(row.attempt_no))),
            attempt=row,
            order=order,
            notices=list(notices),
            refunds=list(refunds),
            state=labels.mark(labels.CALL, row.state),
            labels=labels,
            texts=texts,
            purposes=PURPOSES,
            methods=words.METHODS,
        )

    @expose("/<int:station_id>/<int:attempt_id>/query", methods=("POST",))
    @needs("payment.manage")
    def query_now(self, station_id: int, attempt_id: int) -> Any:
        """Ask the gateway once, with the same number as ever."""
        row = self.get_one(f"{station_id},{attempt_id}")
        back = self.row_url(row)
        people.record("payment.query", f"attempt:{row.attempt_no}")

        def deed() -> str:
            db.session.rollback()  # the network is asked outside of every transaction
            return payments.query_attempt(station_id, attempt_id)

        return attempt(deed, lambda answer: ANSWERS.get(answer, _("已查询，状态见下")), back)


class RefundView(RefundPages, ReadOnlyView):
    """Every try to give back."""

    need = "refund.view"
    place = Place(_l("交易"), _l("支付与退款"), "rotate")
    family = PAYMENTS
    in_menu = False
    search_in = ("refund_no", "refund_ref")
    search_hint = _l("退款单号、网关流水号")
    order = ("created_at", True)
    empty = ("rotate", _l("还没有退款"), _l("无货、重复付款或拒绝时，款项会自动原路退回。"))
    columns = (
        Column("refund_no", _l("退款单号"), lambda r: code(r.refund_no), phone="title"),
        Column("created_at", _l("时间"), sort=True, css="km-nowrap"),
        Column("station_id", _l("分站"), lambda r: texts.station_name(r.station_id)),
        Column(
            "reason",
            _l("原因"),
            lambda r: labels.REFUND_REASON.get(r.reason, r.reason),
            phone="meta",
        ),
        Column(
            "amount", _l("金额（元）"), _money, css="is-num is-strong", phone="amount", sort=True
        ),
        Column(
            "state", _l("状态"), lambda r: badge(labels.mark(labels.CALL, r.state)), phone="state"
        ),
        Column("tries", _l("次数"), css="is-num"),
        Column("message", _l("说明"), css="is-clip"),
        Column("order_id", _l("订单"), lambda r: _order_link(r), in_export=False),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("open", _l("进行中"), lambda: Refund.state.in_(("created", "sent", "unknown"))),
        Tab("stuck", _l("要看"), lambda: Refund.state.in_(("unknown", "declined"))),
    )
    filters_offered = (
        Filter("day", _l("时间"), day_of(Refund.created_at), "day", choices=lambda: DAYS),
        Filter(
            "reason", _l("原因"), equals(Refund.reason), choices=choices_of(labels.REFUND_REASON)
        ),
        Filter("station", _l("分站"), equals_number(Refund.station_id), choices=station_choices),
    )

    def row_url(self, row: Any) -> str:
        """The refund's own page."""
        return str(self.get_url(".detail_page", station_id=row.station_id, refund_id=row.id))

    def prepare(self, rows: Any) -> None:
        """Order numbers of the page."""

        ids = {(row.station_id, row.order_id) for row in rows if row.order_id}
        g.console_order_numbers = order_numbers(ids)


def order_numbers(ids: set[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Numbers of orders by (station, id)."""
    if not ids:
        return {}
    query = select(Order.station_id, Order.id, Order.order_no).where(
        Order.id.in_([order_id for _station, order_id in ids])
    )
    return {(row.station_id, row.id): row.order_no for row in db.session.execute(query)}


def _order_link(row: Any) -> Any:

    number = g.console_order_numbers.get((row.station_id, row.order_id))
    if number is None:
        return "—"
    url = url_for("admin_orders.detail_page", station_id=row.station_id, order_no=number)
    return link(url, grouped(number))


def _channels() -> list[tuple[str, Any]]:
    rows = db.session.scalars(select(PaymentAttempt.plugin_id).distinct().limit(50))
    return [(plugin, texts.ACTORS.get(plugin, plugin)) for plugin in sorted(rows)]
