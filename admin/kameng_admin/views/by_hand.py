"""待确认转账: transfers that only the bank account knows of; a person looks and says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.db import db
from kameng.errors import Conflict, DomainError
from kameng.identity.models import Member
from kameng.orders.models import Order
from kameng.payments import api as payments
from kameng.payments.models import PaymentAttempt
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import people, texts
from kameng_admin.base.actions import attempt, forget_typed
from kameng_admin.base.forms import parse_amount
from kameng_admin.base.guard import Guarded, Place, found
from kameng_admin.views.payments import PURPOSES

DONE = {
    "ok": _l("已确认到账，订单已发货"),
    "held": _l("已确认到账，订单等风控审核"),
    "awaiting_fulfilment": _l("已确认到账，订单正在处理"),
    "awaiting_recovery": _l("已确认到账，恢复完成后发货"),
    "awaiting_funds": _l("已确认到账，订单等分站预存"),
    "topped_up": _l("已确认到账，余额已入账"),
    "repeat": _l("这笔已经确认过，没有重复入账"),
    "refund_no_stock": _l("已确认到账，但没有货了，款项进入退款"),
    "refund_late": _l("已确认到账，但订单已过期，款项进入退款"),
    "refund_surplus": _l("已确认到账，订单早已付过，这笔进入退款"),
}
REFUSED = {
    "amount_mismatch": _l(
        "金额和应付的不一样，没有入账，支付单留在这里并发出预警。请核对，多付少付要和买家商量"
    ),
    "reference_taken": _l("这个流水号已经用在另一笔付款上，没有入账。请核对流水号"),
    "attempt_unknown": _l("没有这个支付单"),
    "currency_mismatch": _l("币种不一致，没有入账"),
}


class ByHandView(Guarded, BaseView):
    """The queue at the left, the chosen transfer with its pictures at the right."""

    need = "payment.confirm"
    place = Place(_l("交易"), _l("待确认转账"), "building-bank")

    @expose("/")
    def index_view(self) -> Any:
        """Those with a picture first: their shoppers wait."""
        rows = payments.waiting_by_hand()
        pictures = {
            (row.station_id, row.id): payments.proofs_of(row.station_id, row.attempt_no)
            for row in rows
        }
        waiting = sorted(rows, key=lambda row: not pictures[row.station_id, row.id])
        asked = request.args.get("id", "")
        chosen = next((r for r in waiting if f"{r.station_id}-{r.id}" == asked), None)
        if chosen is None and waiting:
            forget_typed()
            chosen = waiting[0]
        return self.render(
            "kameng_admin/by_hand.html",
            waiting=waiting,
            pictures=pictures,
            chosen=chosen,
            order=_order_of(chosen),
            member=_member_of(chosen),
            now=datetime.now(UTC),
            purposes=PURPOSES,
            texts=texts,
        )

    @expose("/<int:station_id>/<int:attempt_id>/proof/<int:proof_id>")
    def picture(self, station_id: int, attempt_id: int, proof_id: int) -> Any:
        """One picture, as an image and as nothing else."""
        number = _attempt(station_id, attempt_id).attempt_no
        if proof_id not in {shot.id for shot in payments.proofs_of(station_id, number)}:
            abort(404)
        kind, content = payments.proof(station_id, proof_id)
        response = Response(content, mimetype=kind)
        # nosniff is on every answer; the sandbox holds whatever a picture may turn out to be.
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response.headers["Content-Disposition"] = f'inline; filename="proof-{proof_id}"'
        response.headers["Cache-Control"] = "private, no-store"
        return response

    @expose("/<int:station_id>/<int:attempt_id>/confirm", methods=("POST",))
    def confirm(self, station_id: int, attempt_id: int) -> Any:
        """The amount is typed by who has seen it on the account, never prefilled."""
        number = _attempt(station_id, attempt_id).attempt_no
        ref = " ".join(request.form.get("ref", "").split())[:80]

        def deed() -> str:
            amount = _amount(request.form.get("amount", ""))
            if len(ref) < 4:
                raise DomainError("reference_missing", _("请填写银行流水号，至少 4 位"))
            code = payments.confirm_manual(station_id, number, amount, ref, people.actor())
            detail = {"amount": plain_money(amount, 2), "ref": ref, "result": code}
            people.record("payment.confirm", f"attempt:{number}", detail)
            if code not in DONE:
                raise Conflict(code, REFUSED.get(code, ""))
            return code

        again = self.get_url(".index_view", id=f"{station_id}-{attempt_id}")
        return attempt(deed, lambda code: DONE[code], str(self.get_url(".index_view")), str(again))

    @expose("/<int:station_id>/<int:attempt_id>/refuse", methods=("POST",))
    def refuse_one(self, station_id: int, attempt_id: int) -> Any:
        """No such money came; the shopper reads why."""
        number = _attempt(station_id, attempt_id).attempt_no

        def deed() -> None:
            reason = request.form.get("reason", "")
            payments.refuse_by_hand(station_id, number, reason, people.actor(), client_ip())

        again = self.get_url(".index_view", id=f"{station_id}-{attempt_id}")
        done = _l("已拒绝，买家会看到原因，可以换方式再付")
        return attempt(deed, done, str(self.get_url(".index_view")), str(again))


def _attempt(station_id: int, attempt_id: int) -> PaymentAttempt:
    return found(db.session.get(PaymentAttempt, (station_id, attempt_id)))  # type: ignore[no-any-return]  # 404 or the very thing


def _order_of(row: PaymentAttempt | None) -> Any:
    if row is None or row.order_id is None:
        return None
    return db.session.get(Order, (row.station_id, row.order_id))


def _member_of(row: PaymentAttempt | None) -> Any:
    if row is None or row.member_id is None:
        return None
    return db.session.get(Member, (row.station_id, row.member_id))


def _amount(raw: str) -> int:
    try:
        return parse_amount(raw.strip().replace(",", "").lstrip("¥￥") or "?")
    except ValueError as problem:
        raise DomainError("amount_invalid", str(problem)) from None
