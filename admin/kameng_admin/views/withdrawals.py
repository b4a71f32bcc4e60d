"""提现: what stations want paid out, who has agreed, and paying it."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.db import db
from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.settlement import api as settlement
from kameng.settlement.models import Withdrawal
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import labels, people, texts
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import badge, code
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals_number
from kameng_admin.base.guard import Place, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.views.approvals import approval_words
from kameng_admin.views.orders import station_choices
from kameng_admin.views.payments import DAYS

MOST_PROOF = 3 * 1024 * 1024
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"%PDF-": "application/pdf",
}
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "application/pdf": "pdf"}


def _step(row: Withdrawal) -> str:
    if row.state == "created":
        return "approved" if row.approved_at else "waiting"
    return row.state


class WithdrawalsView(ReadOnlyView):
    """Every request of every station."""

    need = "withdrawal.view"
    place = Place(_l("资金"), _l("提现"), "wallet")
    export_needs = "withdrawal.view"
    search_in = ("withdrawal_no", "provider_ref")
    search_hint = _l("提现单号、付款流水号")
    order = ("created_at", True)
    empty = ("building-bank", _l("还没有提现"), _l("分站在自己的后台申请后会出现在这里。"))
    columns = (
        Column(
            "withdrawal_no",
            _l("提现单号"),
            lambda w: code(w.withdrawal_no),
            phone="title",
            export=lambda w: w.withdrawal_no,
        ),
        Column("created_at", _l("时间"), sort=True, css="km-nowrap"),
        Column(
            "station_id",
            _l("分站"),
            lambda w: texts.station_name(w.station_id),
            phone="meta",
            export=lambda w: texts.station_name(w.station_id),
        ),
        Column(
            "payee_kind",
            _l("收款方式"),
            lambda w: labels.PAYEE_KIND.get(w.payee_kind),
            export=lambda w: labels.PAYEE_KIND.get(w.payee_kind),
        ),
        Column(
            "amount",
            _l("金额（元）"),
            lambda w: plain_money(w.amount, 2),
            phone="amount",
            css="is-num is-strong",
            sort=True,
            export=lambda w: plain_money(w.amount, 2).replace(",", ""),
        ),
        Column(
            "fee",
            _l("手续费"),
            lambda w: plain_money(w.fee, 2),
            css="is-num",
            export=lambda w: plain_money(w.fee, 2).replace(",", ""),
        ),
        Column(
            "state",
            _l("状态"),
            lambda w: badge(labels.mark(labels.WITHDRAWAL, _step(w))),
            phone="state",
            export=lambda w: labels.mark(labels.WITHDRAWAL, _step(w)).label,
        ),
        Column(
            "provider_ref",
            _l("付款流水"),
            lambda w: code(w.provider_ref) if w.provider_ref else "—",
        ),
        Column("done_at", _l("结束"), css="km-nowrap"),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab(
            "waiting",
            _l("等批准"),
            lambda: (Withdrawal.state == "created") & Withdrawal.approved_at.is_(None),
        ),
        Tab(
            "to_pay",
            _l("待打款"),
            lambda: (Withdrawal.state == "created") & Withdrawal.approved_at.is_not(None),
        ),
        Tab("unclear", _l("打款中"), lambda: Withdrawal.state.in_(("sent", "unknown"))),
    )
    filters_offered = (
        Filter("day", _l("时间"), day_of(Withdrawal.created_at), "day", choices=lambda: DAYS),
        Filter(
            "station", _l("分站"), equals_number(Withdrawal.station_id), choices=station_choices
        ),
    )

    def row_url(self, row: Any) -> str:
        """The withdrawal's own page."""
        return str(self.get_url(".detail_page", station_id=row.station_id, withdrawal_id=row.id))

    @expose("/<int:station_id>/<int:withdrawal_id>")
    def detail_page(self, station_id: int, withdrawal_id: int) -> Any:
        """Facts, people's words, and what can be done now."""
        row = self.get_one(f"{station_id},{withdrawal_id}")
        asked = identity.approvals(
            state="", kind="withdrawal", station_id=station_id, subject=str(withdrawal_id)
        )
        step = _step(row)
        context = {
            "one": settlement.withdrawal(station_id, withdrawal_id),
            "row": row,
            "step": step,
            "state": labels.mark(labels.WITHDRAWAL, step),
            "payee_kinds": labels.PAYEE_KIND,
            "approval": asked[0] if asked else None,
            "funds": settlement.funds(station_id),
            "desk": {
                name: getattr(row, name)
                for name in ("plugin_id", "account", "message", "tries", "next_try_at", "done_by")
            },
        }
        kind = row.payee_kind
        db.session.rollback()  # plugins are asked outside of every transaction
        accounts = settlement.payout_accounts(kind) if step == "approved" else []
        return self.render(
            "kameng_admin/withdrawal.html",
            page_title=_("提现 %(no)s", no=context["one"].withdrawal_no),
            crumbs=self.crumbs(Crumb(context["one"].withdrawal_no)),
            accounts=accounts,
            **context,
            **approval_words(),
        )

    @expose("/<int:station_id>/<int:withdrawal_id>/pay", methods=("POST",))
    @needs("withdrawal.pay")
    def pay(self, station_id: int, withdrawal_id: int) -> Any:
        """By a plugin of the main station; a job sends it at once."""
        plugin_id, _sep, account = request.form.get("payer", "")[:120].partition(":")

        def deed() -> None:
            settlement.start_payout(
                station_id, withdrawal_id, plugin_id, account, people.actor(), client_ip()
            )

        return self._back(deed, _l("已交给支付渠道，结果稍后显示"), station_id, withdrawal_id)

    @expose("/<int:station_id>/<int:withdrawal_id>/by-hand", methods=("POST",))
    @needs("withdrawal.pay")
    def by_hand(self, station_id: int, withdrawal_id: int) -> Any:
        """It is paid already: reference and, if there is one, a picture of it."""

        def deed() -> None:
            kind, content = _proof()
            settlement.pay_by_hand(
                station_id,
                withdrawal_id,
                people.actor(),
                request.form.get("ref", ""),
                kind,
                content,
                client_ip(),
            )

        return self._back(deed, _l("已记为打款成功"), station_id, withdrawal_id)

    @expose("/<int:station_id>/<int:withdrawal_id>/refuse", methods=("POST",))
    @needs("withdrawal.pay")
    def call_off(self, station_id: int, withdrawal_id: int) -> Any:
        """Call an agreed one off; the money goes back to the station."""

        def deed() -> None:
            reason = request.form.get("reason", "")
            settlement.refuse_withdrawal(
                station_id, withdrawal_id, people.actor(), reason, client_ip()
            )

        return self._back(deed, _l("已撤销，钱退回分站可提现"), station_id, withdrawal_id)

    @expose("/<int:station_id>/<int:withdrawal_id>/decide", methods=("POST",))
    @needs("withdrawal.pay")
    def decide(self, station_id: int, withdrawal_id: int) -> Any:
        """The gateway does not say; a person has looked it up in its back office."""
        paid = request.form.get("decision") == "paid"

        def deed() -> None:
            settlement.decide_unknown(
                station_id,
                withdrawal_id,
                paid,
                request.form.get("ref", ""),
                request.form.get("reason", ""),
                people.actor(),
                client_ip(),
            )

        return self._back(deed, _l("已按核实结果处理"), station_id, withdrawal_id)

    @expose("/<int:station_id>/<int:withdrawal_id>/proof")
    def proof(self, station_id: int, withdrawal_id: int) -> Any:
        """The picture of a payment by hand, as a download."""
        found = settlement.proof_of(station_id, withdrawal_id)
        if found is None:
            abort(404)
        kind, content = found
        name = f"withdrawal-{station_id}-{withdrawal_id}.{ENDINGS.get(kind, 'bin')}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(content, headers=headers, mimetype=kind)

    def _back(self, deed: Any, done: Any, station_id: int, withdrawal_id: int) -> Any:
        page = self.get_url(".detail_page", station_id=station_id, withdrawal_id=withdrawal_id)
        return attempt(deed, done, str(page))


def _proof() -> tuple[str, bytes | None]:
    upload = request.files.get("proof")
    content = upload.read(MOST_PROOF + 1) if upload is not None and upload.filename else b""
    if not content:
        return "", None
    kind = next((kind for start, kind in PICTURES.items() if content.startswith(start)), "")
    if not kind or len(content) > MOST_PROOF:
        raise DomainError("proof_invalid", _l("凭证只收 3 MB 以内的 PNG、JPG 或 PDF"))
    return kind, content
