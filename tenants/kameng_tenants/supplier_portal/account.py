"""The people of a supplier: one's own password; who else is there."""

from __future__ import annotations

from flask import redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web import client_ip, flash, limit
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import SECOND, here, inside, start_session

LONGEST = 200


@blueprint.get("/account")
@inside
def account() -> str:
    """Who has an account, and the own password."""
    people = suppliers.people_of(here().supplier_id)
    return render_template("supplier_portal/account.html", people=people)


@blueprint.post("/account/password")
@inside
def change_password() -> BaseResponse:
    """A new password; every other session of this account ends."""
    me = here()
    new = request.form.get("password", "")[:LONGEST]
    try:
        limit("supplier-password", f"{me.supplier_id}:{me.id}", 10, 600, closed=True)
        if new != request.form.get("again", "")[:LONGEST]:
            raise DomainError("not_the_same", _("两次输入的密码不一样"))
        old = request.form.get("old", "")[:LONGEST]
        start_session(suppliers.change_password(me, old, new, client_ip()))
        flash(_("密码已修改，其他设备上的登录已失效"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect("/supplier/account", 303)


@blueprint.post("/account/second-factor")
@inside
def new_second_factor() -> BaseResponse:
    """A new phone: the old authenticator is let go, and the next page binds the new one."""
    me = here()
    try:
        limit("supplier-password", f"{me.supplier_id}:{me.id}", 10, 600, closed=True)
        password, code = (
            request.form.get("password", "")[:LONGEST],
            request.form.get("totp_code", ""),
        )
        start_session(suppliers.release_second_factor(me, password, code[:10], client_ip()))
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
        return redirect("/supplier/account", 303)
    return redirect(SECOND, 303)
