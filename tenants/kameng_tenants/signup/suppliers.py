"""Become a supplier: the public form on the main host, with the papers that are needed."""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext as _

from kameng.suppliers import api as suppliers
from kameng.web import client_ip, limit
from kameng_tenants.shop.forms import by_field
from kameng_tenants.signup import blueprint
from kameng_tenants.themes import render_page

TEXTS = ("name", "legal_name", "contact_name", "phone", "email", "about")
PAPERS = ("business_licence", "telecom_licence", "brand_authorisation", "identity", "other")


@blueprint.get("/supplier/apply")
def supply_form() -> Response:
    """The application form."""
    return _form({})


@blueprint.post("/supplier/apply")
def supply_apply() -> Response:
    """Hand the application in; the answer comes by mail."""
    limit("supplier-apply", client_ip(), 10, 3600)
    given = {name: request.form.get(name, "").strip()[:1000] for name in TEXTS}
    if request.form.get("website", ""):  # a field that no person sees
        return _done(given)
    if request.form.get("agree") != "1":
        return _form(given, {"agree": _("请先同意供应商协议")}, 422)
    try:
        suppliers.apply(given, _uploads(), client_ip())
    except suppliers.ApplicationRefused as refusal:
        return _form(given, refusal.facts["errors"], 422)
    return _done(given)


def _uploads() -> list[suppliers.Upload]:
    found = []
    for kind in PAPERS:
        for upload in request.files.getlist(kind):
            content = upload.read(suppliers.MAX_FILE + 1) if upload.filename else b""
            if content:
                found.append(suppliers.Upload(kind, "", content))
    return found


def _done(given: dict[str, str]) -> Response:
    return render_page("signup/supply_done.html", page_title=_("申请已提交"), given=given)


def _form(
    given: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    return render_page(
        "signup/supply.html",
        status,
        page_title=_("成为供应商"),
        given={**dict.fromkeys(TEXTS, ""), **given},
        errors=by_field(errors),
        papers=[(kind, suppliers.DOCUMENT_WORDS[kind]) for kind in PAPERS],
    )
