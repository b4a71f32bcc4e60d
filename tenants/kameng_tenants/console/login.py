"""Staff of a station sign in here; the session is of their own and ends with the browser."""

from __future__ import annotations

from flask import Response, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.web import client_ip, limit, login_session, logout_session, safe_next
from kameng_tenants.console import blueprint


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Response | BaseResponse:
    """Login and password, and a code for who has enrolled a second factor."""
    target = safe_next(request.values.get("next"), "/console/")
    target = target if target.startswith("/console") else "/console/"
    if request.method == "GET":
        return redirect(target) if g.viewer.kind == "staff" else _page(target)
    name = request.form.get("login", "").strip()[:80]
    try:
        limit("staff-login", client_ip(), 30, 300, closed=True)
        staff = identity.authenticate_staff(
            name,
            request.form.get("password", "")[:200],
            request.form.get("totp_code", "").strip()[:10],
            client_ip(),
        )
    except DomainError as refusal:
        status = refusal.status if refusal.status in (401, 429, 503) else 422
        return _page(target, name, refusal, status)
    login_session("staff", staff.id)
    return redirect(target, 303)


@blueprint.post("/logout")
def logout() -> BaseResponse:
    """End the session."""
    logout_session()
    return redirect("/console/login", 303)


def _page(
    target: str, name: str = "", refusal: DomainError | None = None, status: int = 200
) -> Response:
    body = render_template(
        "station_console/login.html",
        next=target,
        login=name,
        error=str(refusal.message) if refusal else "",
        wants_code=bool(refusal and refusal.code.startswith("totp")),
    )
    return make_response(body, status)
