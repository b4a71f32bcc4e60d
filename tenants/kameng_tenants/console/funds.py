"""What the station has, and taking it out."""

from __future__ import annotations

from typing import Any

from flask import Response, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.settlement import api as settlement
from kameng.web import check_permission, client_ip, flash, limit, require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.shop.forms import new_key, read_key, whole, yuan
from kameng_tenants.themes.wording import Chip

STEPS = {
    "waiting": Chip("warn", "clock", _l("等待批准")),
    "approved": Chip("info", "user-check", _l("已批准，待打款")),
    "paying": Chip("info", "send", _l("打款中")),
    "unknown": Chip("warn", "refresh", _l("打款确认中")),
    "succeeded": Chip("ok", "circle-check", _l("已到账")),
    "declined": Chip("idle", "circle-x", _l("未成功，已退回")),
}
PAYEES = {"alipay": _l("支付宝"), "wechat": _l("微信"), "bank": _l("银行卡")}
REASONS = {"cancelled": _l("店铺自己撤回"), "expired": _l("7 天内没有人批准，已自动退回")}
FIELDS = ("amount", "payee_kind", "account", "name", "bank")


@blueprint.get("/funds")
@require_staff("settlement.view")
def funds_overview() -> str:
    """All accounts of the station, releases by day, the latest withdrawals."""
    return render_template(
        "station_console/funds.html",
        funds=settlement.funds(g.station.id),
        terms=settlement.terms_of(g.station.id).terms,
        days=settlement.settled_days(g.station.id, 31),
        withdrawals=settlement.withdrawals(g.station.id, limit=8),
        **_words(),
    )


@blueprint.get("/funds/withdrawals")
@require_staff("settlement.view")
def withdrawal_list() -> str:
    """Every withdrawal, newest first."""
    rows = settlement.withdrawals(g.station.id, whole(request.args.get("before")) or None)
    return render_template("station_console/withdrawals.html", rows=rows, **_words())


@blueprint.route("/funds/withdraw", methods=["GET", "POST"])
@require_staff("settlement.view")
def withdraw() -> Response | BaseResponse:
    """The form; staff prove again who they are before money may leave."""
    check_permission("withdrawal.request")
    if request.method == "GET":
        return _form({"payee_kind": "alipay", **_last_payee()})
    limit("withdraw", g.viewer.id, 20, 600, closed=True)
    given = {name: request.form.get(name, "").strip()[:80] for name in FIELDS}
    key = read_key(request.form.get("key"))
    try:
        if not settlement.already_asked(g.station.id, key):
            _confirm()  # a code works once: what was asked already needs no other
        payee = {name: given[name] for name in ("account", "name", "bank")}
        settlement.request_withdrawal(
            g.station.id, yuan(given["amount"]), given["payee_kind"], payee, g.viewer.actor, key,
            client_ip(),
        )  # fmt: skip
    except DomainError as refusal:
        if refusal.status in (429, 503):
            raise
        field = str(refusal.facts.get("field", "amount"))
        return _form(given, key, {field: str(refusal.message)}, 422)
    flash(_("已提交，批准后打款；这笔钱已从可提现里划出。"), "success")
    return redirect("/console/funds", 303)


@blueprint.post("/funds/withdrawals/<int:withdrawal_id>/cancel")
@require_staff("settlement.view")
def cancel_withdrawal(withdrawal_id: int) -> BaseResponse:
    """Take a request back that nobody has agreed to yet."""
    check_permission("withdrawal.request")
    try:
        settlement.cancel_withdrawal(g.station.id, withdrawal_id, g.viewer.actor, client_ip())
        flash(_("已撤回，钱回到可提现。"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect("/console/funds", 303)


def _confirm() -> None:
    code = request.form.get("totp_code", "").strip()[:10]
    password = request.form.get("password", "")[:200]
    identity.confirm_staff(g.station.id, g.viewer.id, password, code, client_ip())


def _last_payee() -> dict[str, str]:
    """Where the last one went: nobody types an account twice."""
    for one in settlement.withdrawals(g.station.id, limit=1):
        return {"payee_kind": one.payee_kind, **one.payee}
    return {}


def _form(
    given: dict[str, str], key: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    body = render_template(
        "station_console/withdraw.html",
        given=given,
        key=key or new_key(),
        errors=errors or {},
        funds=settlement.funds(g.station.id),
        terms=settlement.terms_of(g.station.id).terms,
        **_words(),
    )
    return make_response(body, status)


def _words() -> dict[str, Any]:
    return {"steps": STEPS, "payees": PAYEES, "reasons": REASONS}
