"""Giving money back: the page that asks for it, and the desk of what gateways made of it."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.db import db
from kameng.errors import DomainError
from kameng.orders import api as orders
from kameng.orders.models import Order
from kameng.payments import api as payments
from kameng.payments.models import PaymentAttempt, Refund
from kameng.web.formats import order_no as grouped
from kameng.web.formats import plain_money
from kameng_admin import labels, people, stories, texts, words
from kameng_admin.base.actions import attempt, error_text, reason_given
from kameng_admin.base.forms import amount_text, parse_amount
from kameng_admin.base.guard import Guarded, Place, found, needs
from kameng_admin.shell import Crumb

STATES = {  # what each state means for who waits
    "created": _l("马上提交给渠道。"),
    "sent": _l("渠道已收到，正在处理，系统会自动问结果。"),
    "unknown": _l("渠道没有说清。系统用同一个退款单号一直问，不会重复退。"),
    "succeeded": _l("钱已退给买家。"),
    "declined": _l("渠道拒绝了，钱还在应退款里。可以重试，或者线下退给买家后登记。"),
}


class RefundingView(Guarded, BaseView):
    """Asks for a refund of a delivered order, in whole or in parts."""

    need = "refund.create"
    place = Place(_l("交易"), _l("退款"), "receipt-refund")
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """There is no list here: refunds have their own."""
        return self.render("kameng_admin/refund_none.html")

    @expose("/<int:station_id>/<order_no>", methods=("GET", "POST"))
    def ask(self, station_id: int, order_no: str) -> Any:
        """The amount, what each level gives back of it, and the word to do it."""
        order = _order(station_id, order_no)
        if request.method == "GET":
            return self._page(order, amount_text(orders.refundable(order)))
        raw = request.form.get("amount", "")
        try:
            amount = _amount(raw, orders.refundable(order))
            if "preview" in request.form:
                return self._page(order, raw, amount=amount)
            return self._do(order, amount)
        except DomainError as refused:
            db.session.rollback()
            order = _order(station_id, order_no)
            return self._page(order, raw, error=error_text(refused), status=refused.status)

    def _do(self, order: Order, amount: int) -> Any:
        note = reason_given(request.form.get("reason"))
        key = request.form.get("key", "")[:60]
        station_id, number = order.station_id, order.order_no
        code, refund_no = payments.request_refund(
            station_id, number, amount, note, people.actor(), key
        )
        detail = {"amount": plain_money(amount, 2), "refund": refund_no, "reason": note}
        if code == "ok":
            people.record("refund.create", f"order:{number}", detail)
        done = _(
            "已发起退款 %(amount)s 元，退款单 %(no)s", amount=plain_money(amount, 2), no=refund_no
        )
        if code == "repeat":
            done = _("这次退款刚才已经提交过，没有重复退。退款单 %(no)s", no=refund_no)
        url = self.get_url("admin_orders.detail_page", station_id=station_id, order_no=number)
        return attempt(lambda: None, done, str(url))

    def _page(
        self, order: Order, raw: str, *, amount: int | None = None, error: str = "",
        status: int = 200,
    ) -> Any:  # fmt: skip
        left = orders.refundable(order)
        shown = amount or (left if not error else 0)
        shares = orders.return_shares(order.station_id, order.id, shown) if shown else ()
        back = self.get_url(
            "admin_orders.detail_page", station_id=order.station_id, order_no=order.order_no
        )
        return self.page(
            "kameng_admin/refund_ask.html",
            status,
            page_title=_("退款"),
            crumbs=[
                Crumb(_("交易")),
                Crumb(_("订单"), self.get_url("admin_orders.index_view")),
                Crumb(grouped(order.order_no), back),
                Crumb(_("退款")),
            ],
            order=order,
            back=back,
            left=left,
            raw=raw,
            shown=shown,
            shares=[(stories.party_text(s.party), s.had, s.gives) for s in shares],
            error=error,
            note=request.form.get("reason", ""),
            key=request.form.get("key") or secrets.token_urlsafe(18),
            way=words.METHODS.get(order.paid_method, order.paid_method),
            texts=texts,
        )


class RefundPages:
    """Pages of one refund, mixed into the list of refunds."""

    @expose("/<int:station_id>/<int:refund_id>")
    def detail_page(self, station_id: int, refund_id: int) -> Any:
        """Facts, what the state means, and what a person can do."""
        row = _refund(station_id, refund_id)
        owner = db.session.get_one(PaymentAttempt, (station_id, row.attempt_id))
        order = db.session.get(Order, (station_id, row.order_id)) if row.order_id else None
        return self.render(  # type: ignore[attr-defined]  # mixed into a Flask-Admin view
            "kameng_admin/refund.html",
            page_title=_("退款单"),
            crumbs=self.crumbs(Crumb(row.refund_no)),  # type: ignore[attr-defined]  # as above
            refund=row,
            owner=owner,
            order=order,
            meaning=STATES.get(row.state, ""),
            state=labels.mark(labels.CALL, row.state),
            reason=labels.REFUND_REASON.get(row.reason, row.reason),
            way=words.METHODS.get(owner.method, owner.method),
            by_hand=row.by_hand,
            texts=texts,
            labels=labels,
        )

    @expose("/<int:station_id>/<int:refund_id>/retry", methods=("POST",))
    @needs("refund.create")
    def retry(self, station_id: int, refund_id: int) -> Any:
        """Try a declined refund once more, under its own number."""
        number = _refund(station_id, refund_id).refund_no
        people.record("refund.retry", f"refund:{number}")

        def deed() -> str:
            return payments.retry_refund(station_id, number, people.actor())

        return attempt(
            deed, _l("已重新提交，先问渠道上一次的结果"), self._url(station_id, refund_id)
        )

    @expose("/<int:station_id>/<int:refund_id>/hand", methods=("POST",))
    @needs("payment.confirm")
    def by_hand(self, station_id: int, refund_id: int) -> Any:
        """Note that the money was given back past the gateway."""
        number = _refund(station_id, refund_id).refund_no
        ref = " ".join(request.form.get("ref", "").split())[:80]
        note = " ".join(request.form.get("text", "").split())[:200]

        def deed() -> str:
            code = payments.refund_by_hand(station_id, number, people.actor(), ref, note)
            if code == "ok":
                people.record("refund.hand", f"refund:{number}", {"ref": ref, "note": note})
            return code

        return attempt(deed, _l("已登记线下退款，账已记"), self._url(station_id, refund_id))

    def _url(self, station_id: int, refund_id: int) -> str:
        url = self.get_url(".detail_page", station_id=station_id, refund_id=refund_id)  # type: ignore[attr-defined]  # as above
        return str(url)


def _order(station_id: int, order_no: str) -> Order:
    query = db.session.query(Order).filter(
        Order.station_id == station_id, Order.order_no == order_no[:40].replace("\0", "")
    )
    return found(query.one_or_none())  # type: ignore[no-any-return]  # 404 or the very thing


def _refund(station_id: int, refund_id: int) -> Refund:
    return found(db.session.get(Refund, (station_id, refund_id)))  # type: ignore[no-any-return]  # as above


def _amount(raw: str, left: int) -> int:
    try:
        amount = parse_amount(raw.strip().replace(",", "").lstrip("¥￥") or "?")
    except ValueError as problem:
        raise DomainError("amount_invalid", str(problem), 422) from None
    if not amount or amount % 100:
        raise DomainError("amount_invalid", _("退款金额要大于 0，最多两位小数"), 422)
    if amount > left:
        most = plain_money(left, 2)
        raise DomainError("above_paid", _("最多还能退 %(amount)s 元", amount=most), 422)
    return amount
