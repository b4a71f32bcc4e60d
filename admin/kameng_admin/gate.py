"""The door: password, then a code of the authenticator; logout; colour scheme."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kameng.errors import DomainError, TooMany
from kameng.identity import api as identity
from kameng.runtime import current_settings
from kameng.web.headers import no_store
from kameng.web.limits import client_ip, limit
from kameng.web.viewer import current_viewer, login_session, logout_session, safe_next, to_login
from kameng_admin.base.actions import error_text
from kameng_admin.base.guard import is_staff
from kameng_admin.shell import back_or, other_language_url
from kameng_admin.theme import COOKIE, SCHEMES, YEAR_S, current_scheme

blueprint = Blueprint("admin_gate", __name__, url_prefix="/admin")
PASSED_S = 300  # the code must follow the password within five minutes
LONGEST = 200


@blueprint.get("/login")
def login_page() -> Any:
    """The form; staff who are in already go on."""
    if is_staff(current_viewer()):
        return redirect(_next())
    return _form("password")


@blueprint.post("/login")
def login() -> Any:
    """First step: login and password."""
    name = request.form.get("login", "")[:LONGEST]
    return _try(name, request.form.get("password", "")[:LONGEST], "")


@blueprint.post("/login/code")
def login_code() -> Any:
    """Second step: the code. What was typed before comes back sealed, for five minutes."""
    try:
        opened = _seal().decrypt(request.form.get("passed", "").encode(), ttl=PASSED_S)
        name, password = json.loads(opened)
    except (InvalidToken, ValueError):
        return _form("password", message=_("停留太久，请重新输入密码"), status=401)
    return _try(name, password, request.form.get("totp_code", "")[:20] or "-")


@blueprint.post("/logout")
def logout() -> Response:
    """End the session."""
    logout_session()
    return redirect(url_for("admin_gate.login_page"), 303)


@blueprint.post("/scheme")
def set_scheme() -> Response:
    """Light or dark, remembered in a cookie."""
    if not is_staff(current_viewer()):
        return to_login()
    chosen = request.form.get("scheme", "")
    came_from = (request.referrer or "").removeprefix(request.host_url.rstrip("/"))
    target = safe_next(came_from, url_for("admin.index_view"))
    response = redirect(target if target.startswith("/admin") else back_or("/admin/"), 303)
    if chosen in SCHEMES:
        response.set_cookie(
            COOKIE, chosen, max_age=YEAR_S, path="/admin", samesite="Lax", secure=request.is_secure
        )
    return response


def _try(name: str, password: str, code: str) -> Any:
    step = "code" if code else "password"
    try:
        limit("console-login", client_ip(), 30, 60, closed=True)
        limit("console-login-name", name.strip().lower(), 10, 60, closed=True)
        staff = identity.authenticate_staff(name, password, code, client_ip())
    except TooMany as refused:
        return _form(step, name, password, error_text(refused), 429)
    except DomainError as refused:
        if refused.status >= 500:
            raise
        if refused.code == "totp_required":
            return _form("code", name, password)
        step = "code" if refused.code == "totp_failed" else "password"
        return _form(step, name, password, error_text(refused), 401)
    login_session("staff", staff.id)
    return redirect(_next(), 303)


def _form(
    step: str, name: str = "", password: str = "", message: str = "", status: int = 200
) -> Any:
    passed = (
        _seal().encrypt(json.dumps([name, password]).encode()).decode() if step == "code" else ""
    )
    page = render_template(
        "kameng_admin/login.html",
        step=step,
        login=name,
        passed=passed,
        message=message,
        next=_next(),
        scheme=current_scheme(),
        demo=current_settings().demo,
        language_url=other_language_url(url_for("admin_gate.login_page")),
    )
    return no_store(make_response(page, status))


def _next() -> str:
    asked = request.form.get("next") or request.args.get("next")
    target = safe_next(asked, url_for("admin.index_view"))
    if not target.startswith("/admin") or target.startswith("/admin/log"):
        return url_for("admin.index_view")
    return target


def _seal() -> Fernet:
    key = hashlib.sha256(b"kameng console door " + current_settings().secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
