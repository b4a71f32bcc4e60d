"""对账: the gateways' bills beside the books, and the worklist of what differs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import abort, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.db import db
from kameng.errors import NotFound
from kameng.payments import api as payments
from kameng.web.limits import client_ip
from kameng_admin import labels, money_words, people, texts
from kameng_admin.base.actions import attempt
from kameng_admin.base.guard import Guarded, Place, found, needs
from kameng_admin.shell import Crumb

ANSWERS = {
    "succeeded": _l("渠道说已付款"),
    "declined": _l("渠道说没有付款"),
    "pending": _l("渠道还在处理"),
    "unknown": _l("渠道没有说清"),
}
BIGGEST = 2**63


class ReconcileView(Guarded, BaseView):
    """Bills by day and account, differences, and the deeds that end them."""

    need = "reconcile.view"
    place = Place(_l("资金"), _l("对账"), "list-check")

    @expose("/")
    def index_view(self) -> Any:
        """Open differences first, then the bills of the last days."""
        return self.render(
            "kameng_admin/reconcile.html",
            bills=payments.bills(),
            differences=payments.differences(),
            words=money_words,
            texts=texts,
        )

    @expose("/bill/<int:station_id>/<int:bill_id>")
    def bill_page(self, station_id: int, bill_id: int) -> Any:
        """One day at one account: sums, all its differences, its lines."""
        shown = _in_range(station_id, bill_id)
        bill = found(next(iter(payments.bills(station_id, bill_id) if shown else ()), None))
        title = f"{money_words.channel_word(_ref(bill))} {bill.day}"
        return self.render(
            "kameng_admin/bill.html",
            page_title=title,
            crumbs=self.crumbs(Crumb(title)),
            bill=bill,
            differences=payments.differences(None, station_id, bill_id),
            lines=payments.lines_of(station_id, bill_id),
            words=money_words,
            texts=texts,
        )

    @expose("/difference/<int:station_id>/<int:difference_id>")
    def difference_page(self, station_id: int, difference_id: int) -> Any:
        """What the two sides say, and what may be done now."""
        one = self._difference(station_id, difference_id)
        return self.render(
            "kameng_admin/difference.html",
            page_title=money_words.class_mark(one.class_).label,
            crumbs=self.crumbs(Crumb(one.key)),
            one=one,
            words=money_words,
            labels=labels,
            texts=texts,
        )

    @expose("/difference/<int:station_id>/<int:difference_id>/<deed>", methods=("POST",))
    @needs("reconcile.resolve")
    def resolve(self, station_id: int, difference_id: int, deed: str) -> Any:
        """One click: ask and take in, ask again, retry, put off, explain, or post."""
        one = self._difference(station_id, difference_id)
        work, done = _deed(one, deed, request.form.get("reason", ""))
        db.session.rollback()  # gateways are asked outside of every transaction
        back = self.get_url(".difference_page", station_id=station_id, difference_id=difference_id)
        return attempt(work, done, str(back))

    @expose("/bill/<int:station_id>/<int:bill_id>/fetch", methods=("POST",))
    @needs("reconcile.resolve")
    def fetch(self, station_id: int, bill_id: int) -> Any:
        """Ask for a bill now, or compare one that is there once more."""
        shown = _in_range(station_id, bill_id)
        bill = found(next(iter(payments.bills(station_id, bill_id) if shown else ()), None))
        people.record("bill.fetch", f"bill:{bill_id}", {"station": station_id})
        db.session.rollback()

        def work() -> str:
            if bill.state != "due":
                payments.compare_bill(station_id, bill_id)
                return "compared"
            return payments.fetch_bill(station_id, bill_id, now=True)

        back = str(self.get_url(".bill_page", station_id=station_id, bill_id=bill_id))
        return attempt(work, lambda state: FETCHED.get(state, FETCHED["due"]), back)

    def _difference(self, station_id: int, difference_id: int) -> Any:
        if not _in_range(station_id, difference_id):
            abort(404)
        try:
            return payments.difference(station_id, difference_id)
        except NotFound:
            abort(404)


FETCHED = {
    "compared": _l("已比对，结果见下"),
    "due": _l("账单还没有准备好，系统会再取"),
    "not_due": _l("账单正在取，稍后再看"),
}


def _deed(one: Any, deed: str, reason: str) -> tuple[Callable[[], Any], Any]:
    """What a button does and what is said when it is done; 404 for what may not be done now."""
    # A difference that was ended a moment ago: the service says so in words.
    if deed not in DEEDS or (one.state == "open" and deed not in one.deeds):
        abort(404)
    actor, ip = people.actor(), client_ip()
    key = (one.station_id, one.id)
    works: dict[str, Callable[[], Any]] = {
        "apply": lambda: payments.apply_difference(*key, actor, ip),
        "ask": lambda: payments.ask_about(*key),
        "ask_refund": lambda: payments.push_refund_again(*key, actor, ip),
        "retry_refund": lambda: payments.push_refund_again(*key, actor, ip),
        "post": lambda: payments.request_posting(*key, reason, actor, ip),
    }
    said = partial(payments.close_difference, *key, deed, reason, actor, ip)
    return works.get(deed, said), DEEDS[deed]


DEEDS: dict[str, Any] = {
    "apply": _l("渠道确认已付款，已入账"),
    "ask": lambda answer: ANSWERS.get(answer, ANSWERS["unknown"]),
    "ask_refund": lambda state: _("已查询，退款现在是：%(state)s", state=_call(state)),
    "retry_refund": lambda state: _("已重试，退款现在是：%(state)s", state=_call(state)),
    "later": _l("已标记次日到账；再次比对还不一致会重新打开"),
    "held": _l("已挂账待查"),
    "ignored": _l("已忽略并记下原因"),
    "post": _l("已申请记差额，等另一个人批准"),
}


def _call(state: str) -> str:
    return str(labels.mark(labels.CALL, state).label)


def _ref(bill: Any) -> str:
    return f"{bill.plugin_id}:{bill.account}" if bill.account else str(bill.plugin_id)


def _in_range(*numbers: int) -> bool:
    return all(0 < number < BIGGEST for number in numbers)
