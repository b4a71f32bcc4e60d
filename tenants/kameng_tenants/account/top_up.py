"""Fill the wallet."""

from __future__ import annotations

from flask import Response, abort, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.ledger import api as ledger
from kameng.payments import api as payments
from kameng.web import client_ip, limit, require_member
from kameng.web.i18n import current_locale
from kameng_tenants.account import blueprint
from kameng_tenants.shop.forms import split_method, whole, yuan
from kameng_tenants.shop.paying import method_choices, qr_svg
from kameng_tenants.themes import render_page

AMOUNTS = (50, 100, 200, 500, 1000, 2000)
MAXIMUM = 50_000
SHOWN_FOR = 100_0000  # methods are judged by this amount until one is chosen


@blueprint.route("/me/top-up", methods=["GET", "POST"])
@require_member
def top_up() -> Response | BaseResponse:
    """Choose amount and way, then pay at the gateway."""
    if request.method == "GET":
        return _page()
    limit("top-up", g.viewer.id, 20, 600)
    amount = yuan(request.form.get("other") or request.form.get("amount"))
    plugin_id, code = split_method(request.form.get("method"))
    try:
        started = payments.start_top_up(
            g.viewer.id,
            amount,
            plugin_id,
            code,
            client_ip(),
            return_url=request.host_url.rstrip("/") + "/me/wallet",
            locale=current_locale(),
        )
    except DomainError as refusal:
        return _page(str(refusal.message), 422, amount_error=refusal.code == "amount_invalid")
    return redirect(started.redirect_url or f"/me/top-up/{started.attempt_no}", 303)


@blueprint.get("/me/top-up/<attempt_no>")
@require_member
def wait(attempt_no: str) -> Response:
    """Wait for the money; updates itself."""
    attempt = payments.attempt(attempt_no)
    if attempt.member_id != g.viewer.id or attempt.purpose != "top_up":
        abort(404)
    response = render_page(
        "account/top_up_wait.html",
        page_title=_("余额充值"),
        back="/me/wallet",
        attempt=attempt,
        done=attempt.state == "succeeded",
        failed=attempt.state == "declined",
        qr=qr_svg(attempt.qr_content),
        asked=whole(request.args.get("n")),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(error: str = "", status: int = 200, *, amount_error: bool = False) -> Response:
    offered = method_choices(SHOWN_FOR, wallet=False)
    methods = [item for item in offered if item.plugin_id != payments.BALANCE]
    usable = [f"{item.plugin_id}:{item.code}" for item in methods if item.enabled]
    chosen = request.form.get("method", "")
    return render_page(
        "account/top_up.html",
        status,
        page_title=_("余额充值"),
        back="/me",
        balance=ledger.wallet(g.viewer.id),
        amounts=AMOUNTS,
        # An amount typed by hand goes before a tile: two answers to one question would mislead.
        amount="" if request.form.get("other") else request.form.get("amount", "100"),
        amount_error=amount_error,
        other=request.form.get("other", "")[:10],
        maximum=f"{MAXIMUM:,}",
        methods=methods,
        method=chosen if chosen in usable else (usable[0] if usable else ""),
        error=error,
    )
