"""Sign in, sign up, sign out."""

from __future__ import annotations

from flask import Response, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.web import client_ip, limit, login_session, logout_session, safe_next
from kameng_tenants.account import blueprint
from kameng_tenants.shop.forms import by_field
from kameng_tenants.themes import render_page


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Response | BaseResponse:
    """Sign in. Wrong login and wrong password get one answer."""
    target = safe_next(request.values.get("next"), "/me")
    if request.method == "GET":
        return redirect(target) if g.viewer.kind == "member" else _login_page(target)
    name = request.form.get("login", "").strip()[:80]
    try:
        limit("login", client_ip(), 30, 300)
        limit("login-name", name.lower(), 10, 300)
        member = identity.authenticate_member(
            name, request.form.get("password", "")[:200], client_ip()
        )
    except DomainError as refusal:
        return _login_page(target, name, str(refusal.message), refusal.status)
    login_session("member", member.id)
    return redirect(target, 303)


def _login_page(target: str, name: str = "", error: str = "", status: int = 200) -> Response:
    return render_page(
        "account/login.html",
        status if status in (200, 401, 429, 503) else 422,
        page_title=_("登录"),
        next=target,
        login=name,
        error=error,
    )


@blueprint.route("/register", methods=["GET", "POST"])
def register() -> Response | BaseResponse:
    """A new account at this station."""
    target = safe_next(request.values.get("next"), "/me")
    if request.method == "GET":
        return _register_page(target)
    form = {key: request.form.get(key, "").strip()[:80] for key in ("login", "name")}
    try:
        limit("register", client_ip(), 20, 3600)
        number = identity.register_member(
            form["login"], request.form.get("password", "")[:200], form["name"], client_ip()
        )
    except DomainError as refusal:
        field = str(refusal.facts.get("field", ""))
        errors = {field: str(refusal.message)} if field in ("login", "password") else {}
        return _register_page(target, form, errors, "" if errors else str(refusal.message), 422)
    login_session("member", number)
    return redirect(target, 303)


def _register_page(
    target: str,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    error: str = "",
    status: int = 200,
) -> Response:
    form = form or {}
    return render_page(
        "account/register.html",
        status,
        page_title=_("注册"),
        next=target,
        login=form.get("login", ""),
        name=form.get("name", ""),
        errors=by_field(errors),
        error=error,
    )


@blueprint.post("/logout")
def logout() -> BaseResponse:
    """End the session here and on the server."""
    logout_session()
    return redirect("/", 303)
