"""Fill the wallet."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.ledger import api as ledger
from kameng.payments import api as payments
from kameng.web import client_ip, flash, foreign_post, limit, require_member
from kameng.web.i18n import current_locale
from kameng_tenants.account import blueprint
from kameng_tenants.shop.cashier import cashier_of, go_page, take_proof, usable
from kameng_tenants.shop.device import current_device
from kameng_tenants.shop.forms import amount as units
from kameng_tenants.shop.forms import split_method, whole, yuan
from kameng_tenants.shop.paying import ask_payer, method_choices, next_step, payer_of
from kameng_tenants.themes import render_page

AMOUNTS = (50, 100, 200, 500, 1000, 2000)
MAXIMUM = 50_000
PURPOSE = "top_up"
SHOWN_FOR = 100_0000  # methods are judged by this amount until one is chosen


@blueprint.route("/me/top-up", methods=["GET", "POST"])
@require_member
def top_up() -> Response | BaseResponse:
    """Choose amount and way, then pay at the gateway."""
    if request.method == "GET":
        return _page()
    if "count" in request.form:  # without script: only what the typed amount would earn
        return _page()
    limit("top-up", g.viewer.id, 20, 600)
    amount = yuan(request.form.get("other") or request.form.get("amount"))
    method = request.form.get("method", "")[:120]
    try:
        return redirect(_ask_payer(amount, method) or _start(amount, method), 303)
    except DomainError as refusal:
        return _page(str(refusal.message), 422, amount_error=refusal.code == "amount_invalid")


def _ask_payer(amount: int, method: str) -> str:
    """The gateway's page that learns who pays; nothing for other ways and unsound amounts."""
    if not payments.takes_amount(PURPOSE, amount):
        return ""
    back = f"/me/top-up/payer?{urlencode({'m': method, 'amount': amount})}"
    return ask_payer(f"member:{g.viewer.id}", method, amount, back, purpose=PURPOSE)


def _start(amount: int, method: str, payer: str = "") -> str:
    """Open an attempt; returns where to go."""
    plugin_id, code = split_method(method)
    started = payments.start_top_up(
        g.viewer.id, amount, plugin_id, code, client_ip(),
        return_url=request.host_url.rstrip("/") + "/me/top-up/back", locale=current_locale(),
        device=current_device(), payer=payer,
    )  # fmt: skip
    waiting = f"/me/top-up/{started.attempt_no}"
    return next_step(started, f"{waiting}/go") or waiting


@blueprint.get("/me/top-up/payer")
@require_member
def payer() -> BaseResponse:
    """Back from the gateway's page that learns who pays: go on with the top-up."""
    method, amount = request.args.get("m", "")[:120], units(request.args.get("amount"))
    try:
        limit("payer", g.viewer.id, 20, 600)
        token = payer_of(f"member:{g.viewer.id}", method, purpose=PURPOSE)
        return redirect(_start(amount, method, token), 303)
    except DomainError as refusal:
        flash(str(refusal.message), "warn")
        return redirect("/me/top-up", 303)


@blueprint.get("/me/top-up/bonus")
@require_member
def bonus() -> Response:
    """What a typed amount would earn, for the line below the field."""
    amount = yuan(request.args.get("other") or request.args.get("amount"))
    return render_page("account/bonus.html", **_earned(amount))


@blueprint.route("/me/top-up/back", methods=["GET", "POST"])
@foreign_post
def back_from_gateway() -> BaseResponse:
    """Where a gateway sends the member afterwards, by GET or by POST."""
    return redirect("/me/wallet", 303)


@blueprint.get("/me/top-up/<attempt_no>")
@require_member
def wait(attempt_no: str) -> Response:
    """Wait for the money; updates itself."""
    return _waiting(_own(attempt_no))


@blueprint.get("/me/top-up/<attempt_no>/go")
@require_member
def go(attempt_no: str) -> Response | BaseResponse:
    """Between shop and gateway, for ways to pay that a plain link cannot reach."""
    attempt = _own(attempt_no)
    home = f"/me/top-up/{attempt_no}"
    if not usable(attempt) or not cashier_of(attempt).goes_on:
        return redirect(home, 303)
    return go_page(attempt, home, "/me/top-up")


@blueprint.post("/me/top-up/<attempt_no>/proof")
@require_member
def proof(attempt_no: str) -> Response | BaseResponse:
    """A picture of the transfer; a person looks at it and at the bank account."""
    attempt = _own(attempt_no)
    try:
        take_proof(attempt)
    except DomainError as refusal:
        return _waiting(_own(attempt_no), str(refusal.message), refusal.status)
    flash(_("截图已收到，工作人员核对到账后会入账。"), "success")
    return redirect(f"/me/top-up/{attempt_no}", 303)


def _own(attempt_no: str) -> Any:
    attempt = payments.attempt(attempt_no[:40].replace("\0", ""))
    if attempt.member_id != g.viewer.id or attempt.purpose != "top_up":
        abort(404)
    return attempt


def _waiting(attempt: Any, proof_error: str = "", status: int = 200) -> Response:
    done, open_ = attempt.state == "succeeded", usable(attempt)
    response = render_page(
        "account/top_up_wait.html",
        status,
        page_title=_("余额充值"),
        back="/me/wallet",
        attempt=attempt,
        done=done,
        bonus=payments.granted_bonus(attempt.id) if done else 0,
        failed=attempt.state == "declined",
        over=not done and not open_ and attempt.state != "declined",
        refused=(attempt.cashier or {}).get("refused", ""),
        cashier=cashier_of(attempt) if open_ else None,
        proof_error=proof_error,
        proof_url=f"/me/top-up/{attempt.attempt_no}/proof",
        asked=whole(request.args.get("n")),
    )
    response.headers["Cache-Control"] = "no-store"
    if request.headers.get("HX-Request") and not open_:
        response.headers["HX-Refresh"] = "true"  # what is shown below the status goes too
    return response


def _earned(amount: int) -> dict[str, Any]:
    bonus = payments.bonus_for(g.station.id, amount, g.viewer.id) if amount > 0 else 0
    return {"typed": amount, "typed_bonus": bonus}


def _page(error: str = "", status: int = 200, *, amount_error: bool = False) -> Response:
    offered = method_choices(SHOWN_FOR, wallet=False, purpose="top_up")
    methods = [item for item in offered if item.plugin_id != payments.BALANCE]
    usable_ones = [f"{item.plugin_id}:{item.code}" for item in methods if item.enabled]
    chosen = request.form.get("method", "")
    other = request.form.get("other", "")[:10]
    units = [whole_yuan * 10_000 for whole_yuan in AMOUNTS]
    bonuses = payments.bonuses_for(g.station.id, units, g.viewer.id)
    return render_page(
        "account/top_up.html",
        status,
        page_title=_("余额充值"),
        back="/me",
        balance=ledger.wallet(g.viewer.id),
        amounts=[(n, bonuses[n * 10_000]) for n in AMOUNTS],
        rules=[rule for rule in payments.list_bonuses(g.station.id) if rule.live],
        # An amount typed by hand goes before a tile: two answers to one question would mislead.
        amount="" if other else request.form.get("amount", "100"),
        amount_error=amount_error,
        other=other,
        bonus_text=payments.bonus_text,
        maximum=f"{MAXIMUM:,}",
        methods=methods,
        method=chosen if chosen in usable_ones else (usable_ones[0] if usable_ones else ""),
        error=error,
        **_earned(yuan(other)),
    )
