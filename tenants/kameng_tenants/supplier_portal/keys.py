"""API keys: made here after the password was asked again, shown once."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web import client_ip, flash, limit, no_store
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside


@blueprint.get("/keys")
@inside
def key_list() -> Response:
    """All keys, without their secrets."""
    return _page()


@blueprint.post("/keys")
@inside
def make_key() -> Response | BaseResponse:
    """A new key; its secret stands on this one page and nowhere else."""
    me = here()
    try:
        limit("supplier-key", me.supplier_id, 10, 600, closed=True)
        suppliers.confirm(me, request.form.get("password", "")[:200], client_ip())
        made = suppliers.make_key(me.supplier_id, me.name)
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
        return redirect("/supplier/keys", 303)
    return no_store(_page(made))


@blueprint.post("/keys/<int:number>/revoke")
@inside
def revoke_key(number: int) -> BaseResponse:
    """Stop a key at once."""
    me = here()
    try:
        suppliers.revoke_key(me.supplier_id, number)
        flash(_("密钥已停用"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect("/supplier/keys", 303)


def _page(made: tuple[str, str] | None = None) -> Response:
    rows = suppliers.keys_of(here().supplier_id)
    return make_response(render_template("supplier_portal/keys.html", rows=rows, made=made))
