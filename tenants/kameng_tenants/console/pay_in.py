"""充值预存、缴纳保证金: a station's own money, paid to the main station."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.ledger import api as ledger
from kameng.payments import api as payments
from kameng.web import (
    allow_form_target,
    check_permission,
    client_ip,
    flash,
    foreign_post,
    limit,
    require_staff,
)
from kameng.web.i18n import current_locale
from kameng_tenants.console import blueprint
from kameng_tenants.shop.cashier import Cashier, cashier_of, take_proof, usable
from kameng_tenants.shop.device import current_device
from kameng_tenants.shop.forms import amount as units
from kameng_tenants.shop.forms import split_method, whole, yuan
from kameng_tenants.shop.paying import ask_payer, method_choices, next_step, payer_of

HERE = "/console/funds/pay-in"
PURPOSES = {"prepaid": _l("充值预存"), "deposit": _l("缴纳保证金")}
SHOWN_FOR = 1000_0000  # methods are judged by this amount until one is typed
SEE, PAY = "funds.view", "funds.pay"


@blueprint.route("/funds/pay-in", methods=["GET", "POST"])
@require_staff(SEE)
def pay_in() -> Response | BaseResponse:
    """Balances, what they are for, and the form."""
    if request.method == "GET":
        return _page(purpose=request.args.get("purpose", "prepaid"))
    check_permission(PAY)
    limit("pay-in", g.viewer.id, 20, 600)
    purpose = request.form.get("purpose", "")
    amount = yuan(request.form.get("amount"))
    method = request.form.get("method", "")[:120]
    try:
        if purpose not in PURPOSES:
            raise DomainError("purpose_unknown", _("请选预存还是保证金"))
        away = _ask_payer(purpose, amount, method)
        return redirect(away or _start(purpose, amount, method), 303)
    except DomainError as refusal:
        return _page(refusal, purpose=purpose)


def _ask_payer(purpose: str, amount: int, method: str) -> str:
    """The gateway's page that learns who pays; nothing for other ways and unsound amounts."""
    if not payments.takes_amount(purpose, amount):
        return ""
    query = urlencode({"m": method, "amount": amount, "purpose": purpose})
    return ask_payer(_payer_of_what(), method, amount, f"{HERE}/payer?{query}", purpose=purpose)


def _payer_of_what() -> str:
    return f"station:{g.station.id}"


def _start(purpose: str, amount: int, method: str, payer: str = "") -> str:
    """Open an attempt; returns where to go."""
    plugin_id, code = split_method(method)
    started = payments.start_station_payment(
        purpose, amount, plugin_id, code, g.viewer.actor, client_ip(),
        return_url=request.host_url.rstrip("/") + f"{HERE}/back", locale=current_locale(),
        device=current_device(), payer=payer,
    )  # fmt: skip
    waiting = f"{HERE}/{started.attempt_no}"
    return next_step(started, f"{waiting}/go") or waiting


@blueprint.get("/funds/pay-in/payer")
@require_staff(PAY)
def pay_in_payer() -> BaseResponse:
    """Back from the gateway's page that learns who pays: go on with the payment."""
    method, amount = request.args.get("m", "")[:120], units(request.args.get("amount"))
    purpose = request.args.get("purpose", "")
    try:
        limit("payer", g.viewer.id, 20, 600)
        if purpose not in PURPOSES:
            raise DomainError("purpose_unknown", _("请选预存还是保证金"))
        token = payer_of(_payer_of_what(), method, purpose=purpose)
        return redirect(_start(purpose, amount, method, token), 303)
    except DomainError as refusal:
        flash(str(refusal.message), "warn")
        return redirect(HERE, 303)


@blueprint.route("/funds/pay-in/back", methods=["GET", "POST"])
@foreign_post
def pay_in_back() -> BaseResponse:
    """Where a gateway sends the payer afterwards, by GET or by POST."""
    return redirect(HERE, 303)


@blueprint.get("/funds/pay-in/<attempt_no>")
@require_staff(SEE)
def pay_in_wait(attempt_no: str) -> Response:
    """Wait for the money; updates itself."""
    return _waiting(_own(attempt_no))


@blueprint.get("/funds/pay-in/<attempt_no>/go")
@require_staff(PAY)
def pay_in_go(attempt_no: str) -> Response | BaseResponse:
    """Sends the form on to the gateway, or calls WeChat."""
    attempt = _own(attempt_no)
    cashier = cashier_of(attempt)
    if not usable(attempt) or not cashier.goes_on:
        return redirect(f"{HERE}/{attempt.attempt_no}", 303)
    allow_form_target(cashier.redirect_url)
    home = f"{HERE}/{attempt_no}"
    return _private("station_console/pay_in_go.html", cashier=cashier, home=home)


@blueprint.post("/funds/pay-in/<attempt_no>/proof")
@require_staff(PAY)
def pay_in_proof(attempt_no: str) -> Response | BaseResponse:
    """A picture of the transfer."""
    try:
        take_proof(_own(attempt_no))
    except DomainError as refusal:
        return _waiting(_own(attempt_no), str(refusal.message), refusal.status)
    flash(_("截图已收到，主站核对到账后会入账。"), "success")
    return redirect(f"{HERE}/{attempt_no}", 303)


def _own(attempt_no: str) -> Any:
    attempt = payments.attempt(attempt_no[:40].replace("\0", ""))
    if attempt.purpose not in PURPOSES:
        abort(404)
    return attempt


def _waiting(attempt: Any, proof_error: str = "", status: int = 200) -> Response:
    open_ = usable(attempt)
    cashier: Cashier | None = cashier_of(attempt) if open_ else None
    response = _private(
        "station_console/pay_in_wait.html", status, attempt=attempt, cashier=cashier,
        word=PURPOSES[attempt.purpose], done=attempt.state == "succeeded",
        refused=(attempt.cashier or {}).get("refused", ""), proof_error=proof_error,
        proof_url=f"{HERE}/{attempt.attempt_no}/proof", asked=whole(request.args.get("n")),
    )  # fmt: skip
    if request.headers.get("HX-Request") and not open_:
        response.headers["HX-Refresh"] = "true"
    return response


def _page(refusal: DomainError | None = None, *, purpose: str) -> Response:
    methods = [
        item
        for item in method_choices(SHOWN_FOR, wallet=False, purpose="prepaid")
        if item.plugin_id != payments.BALANCE
    ]
    usable_ones = [f"{item.plugin_id}:{item.code}" for item in methods if item.enabled]
    chosen = request.form.get("method", "")
    return _private(
        "station_console/pay_in.html", refusal.status if refusal else 200,
        funds=ledger.station_funds(g.station.id), purposes=PURPOSES,
        purpose=purpose if purpose in PURPOSES else "prepaid",
        amount=request.form.get("amount", "")[:12], methods=methods,
        method=chosen if chosen in usable_ones else (usable_ones[0] if usable_ones else ""),
        error=str(refusal.message) if refusal else "",
        at_amount=refusal is not None and refusal.code == "amount_invalid",
        may_pay=g.viewer.can(PAY), recent=payments.station_payments(g.station.id),
    )  # fmt: skip


def _private(template: str, status: int = 200, **context: Any) -> Response:
    response = make_response(render_template(template, **context), status)
    response.headers["Cache-Control"] = "no-store"
    return response
