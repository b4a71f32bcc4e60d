"""退款申请: what members ask back, answered with a yes that pays or a no that explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func

from kameng.openapi import api as openapi
from kameng.openapi.models import RefundRequest
from kameng.orders import api as orders
from kameng.web.formats import mask_phone, plain_money
from kameng.web.formats import order_no as grouped
from kameng_admin import labels, people, stories, texts, words
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import badge
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals_number
from kameng_admin.base.guard import Place, found
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import station_choices
from kameng_admin.views.payments import DAYS, order_numbers

LATE = func.make_interval(0, 0, 0, 1)


class RefundRequestsView(ReadOnlyView):
    """Requests of all stations' members; what waits comes with a number in the sidebar."""

    need = "refund.create"
    place = Place(_l("交易"), _l("退款申请"), "receipt-refund")
    order = ("created_at", True)
    search_in = ("request_no", "reason")
    search_hint = _l("申请号、理由")
    empty = (
        "receipt-refund", _l("没有退款申请"), _l("会员通过接口申请退款后，在这里处理。"),
    )  # fmt: skip
    columns = (
        Column("order_id", _l("订单"), lambda r: _order_no(r), phone="title", css="km-nowrap"),
        Column("created_at", _l("申请时间"), sort=True, css="km-nowrap"),
        Column("station_id", _l("分站"), lambda r: texts.station_name(r.station_id)),
        Column("reason", _l("理由"), css="is-clip", phone="meta"),
        Column("amount", _l("金额（元）"), lambda r: plain_money(r.amount, 2),
               css="is-num is-strong", phone="amount", sort=True),
        Column("state", _l("状态"), lambda r: badge(labels.mark(labels.REFUND_REQUEST, r.state)),
               phone="state"),
        Column("decided_at", _l("处理时间"), css="km-nowrap"),
        Column("answer", _l("答复"), css="is-clip"),
    )  # fmt: skip
    tabs = (
        Tab("open", _l("待处理"), lambda: _open()),
        Tab(
            "late", _l("超过一天"),
            lambda: _open() & (RefundRequest.created_at < func.now() - LATE),
        ),
        Tab("accepted", _l("已同意"), lambda: RefundRequest.state == "accepted", counted=False),
        Tab("declined", _l("已拒绝"), lambda: RefundRequest.state == "declined", counted=False),
        Tab("all", _l("全部"), None, counted=False),
    )  # fmt: skip
    filters_offered = (
        Filter("day", _l("时间"), day_of(RefundRequest.created_at), "day", choices=lambda: DAYS),
        Filter(
            "station", _l("分站"), equals_number(RefundRequest.station_id), choices=station_choices
        ),
    )

    def prepare(self, rows: Sequence[Any]) -> None:
        """Order numbers of the page."""
        g.console_order_numbers = order_numbers({(row.station_id, row.order_id) for row in rows})

    def row_url(self, row: Any) -> str:
        """The request's own page."""
        return self._url(row.station_id, row.id)

    @expose("/<int:station_id>/<int:request_id>")
    def detail_page(self, station_id: int, request_id: int) -> Any:
        """What is asked for, what a yes would cost whom, and the two answers."""
        found(self.get_one(f"{station_id},{request_id}"))
        one = openapi.refund_request(station_id, request_id)
        open_now = one.state == "open" and one.order_state in orders.REFUNDABLE
        possible = open_now and one.amount <= one.payable - one.refunded
        shares = orders.return_shares(station_id, one.order_id, one.amount) if possible else ()
        return self.render(
            "kameng_admin/refund_request.html",
            page_title=_("退款申请"),
            crumbs=self.crumbs(Crumb(grouped(one.order_no))),
            one=one,
            state=labels.mark(labels.REFUND_REQUEST, one.state),
            order_state=labels.order_mark(one.order_state, one.order_kind),
            shares=[(stories.party_text(s.party), s.had, s.gives) for s in shares],
            who=mask_phone(one.login),
            way=words.METHODS.get(one.paid_method, one.paid_method),
            waited=texts.duration_text(one.age_s),
            texts=texts,
        )

    @expose("/<int:station_id>/<int:request_id>/accept", methods=("POST",))
    def accept(self, station_id: int, request_id: int) -> Any:
        """Yes: the money goes back at once."""

        def deed() -> str:
            answer, actor = request.form.get("reason", ""), people.actor()
            return openapi.accept_refund_request(station_id, request_id, actor, answer)

        def done(code: str) -> Any:
            return _("已经同意过，没有重复退") if code == "repeat" else _("已同意，钱原路退给会员")

        return attempt(deed, done, self._url(station_id, request_id))

    @expose("/<int:station_id>/<int:request_id>/decline", methods=("POST",))
    def decline(self, station_id: int, request_id: int) -> Any:
        """No, and why."""

        def deed() -> str:
            answer, actor = request.form.get("text", ""), people.actor()
            return openapi.decline_refund_request(station_id, request_id, actor, answer)

        return attempt(deed, _l("已拒绝，会员会看到答复"), self._url(station_id, request_id))

    def _url(self, station_id: int, request_id: int) -> str:
        page = {"station_id": station_id, "request_id": request_id}
        return str(self.get_url(".detail_page", **page))


def _open() -> Any:
    return RefundRequest.state == "open"


def _order_no(row: Any) -> Any:
    return grouped(g.console_order_numbers.get((row.station_id, row.order_id), str(row.order_id)))
