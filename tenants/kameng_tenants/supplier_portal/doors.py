"""In and out: invitation, password and code, binding the second factor, logout."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup
from segno import make as make_qr
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.suppliers import api as suppliers
from kameng.web import client_ip, flash, limit, logout_session, no_store, safe_next
from kameng.web.sessions import current_session
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import HOME, LOGIN, SECOND, present, start_session

LONGEST = 200


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Response | BaseResponse:
    """Login and password; the code once a second factor is bound."""
    target = safe_next(request.values.get("next"), HOME)
    target = target if target.startswith(HOME) else HOME
    if request.method == "GET":
        return redirect(target) if present() else _login_page(target)
    name = request.form.get("login", "").strip()[:80]
    try:
        limit("supplier-login", client_ip(), 30, 300, closed=True)
        person = suppliers.authenticate(
            name, request.form.get("password", "")[:LONGEST],
            request.form.get("totp_code", "").strip()[:10], client_ip(),
        )  # fmt: skip
        start_session(person)
    except DomainError as refusal:
        status = refusal.status if refusal.status in (401, 429, 503) else 422
        return _login_page(target, name, refusal, status)
    return redirect(target if person.has_totp else SECOND, 303)


@blueprint.post("/logout")
def logout() -> BaseResponse:
    """End the session."""
    logout_session()
    return redirect(LOGIN, 303)


@blueprint.route("/invitation/<token>", methods=["GET", "POST"])
def invitation(token: str) -> Response | BaseResponse:
    """The first password, by the link of the mail; it works once."""
    limit("supplier-invitation", client_ip(), 60, 300, closed=True)
    error = ""
    try:
        person = suppliers.invited(token[:200])
    except DomainError as refusal:
        page = render_template(
            "supplier_portal/invitation.html", person=None, error=refusal.message
        )
        return no_store(make_response(page, 410))
    if request.method == "POST":
        password = request.form.get("password", "")[:LONGEST]
        try:
            if password != request.form.get("again", "")[:LONGEST]:
                raise DomainError("not_the_same", _("两次输入的密码不一样"))
            start_session(suppliers.accept_invitation(token, password, client_ip()))
        except DomainError as refusal:
            error = str(refusal.message)
        else:
            return redirect(SECOND, 303)
    page = render_template("supplier_portal/invitation.html", person=person, error=error)
    return no_store(make_response(page, 422 if error else 200))


@blueprint.route("/second-factor", methods=["GET", "POST"])
def second_factor() -> Response | BaseResponse:
    """Bind an authenticator: nothing else is open before."""
    person = present()
    if person is None:
        return redirect(LOGIN)
    if person.has_totp:
        return redirect(HOME)
    current = current_session()
    secret = str(current.get("enrol") or identity.new_second_factor())
    current["enrol"] = secret
    error = ""
    if request.method == "POST":
        try:
            limit("supplier-enrol", f"{person.supplier_id}:{person.id}", 20, 300, closed=True)
            code = request.form.get("totp_code", "")[:10]
            password = request.form.get("password", "")[:LONGEST]
            start_session(suppliers.enrol(person, secret, code, password, client_ip()))
        except DomainError as refusal:
            error = str(refusal.message)
        else:
            flash(_("动态验证码已绑定，以后登录都要用它"), "success")
            return redirect(HOME, 303)
    uri = identity.provisioning_uri(person.login, secret)
    page = render_template(
        "supplier_portal/second_factor.html", person=person, secret=secret, error=error,
        qr=Markup(make_qr(uri, error="m").svg_inline(border=2, omitsize=True)),
    )  # fmt: skip
    return no_store(make_response(page, 422 if error else 200))


def _login_page(
    target: str, name: str = "", refusal: DomainError | None = None, status: int = 200
) -> Response:
    wants_code = bool(refusal and refusal.code.startswith("totp"))
    body = render_template(
        "supplier_portal/login.html", next=target, login=name, wants_code=wants_code,
        error=str(refusal.message) if refusal and refusal.code != "totp_required" else "",
    )  # fmt: skip
    return make_response(body, status)
