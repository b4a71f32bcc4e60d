"""Documents: what was handed in, what became of it, and new ones."""

from __future__ import annotations

from flask import redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web import flash, limit
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside


@blueprint.get("/documents")
@inside
def document_list() -> str:
    """Newest first; the files themselves are shown to reviewers only."""
    rows = suppliers.documents_of(here().supplier_id)
    return render_template("supplier_portal/documents.html", rows=rows)


@blueprint.post("/documents")
@inside
def hand_in() -> BaseResponse:
    """One more document."""
    me = here()
    upload = request.files.get("file")
    try:
        limit("supplier-document", me.supplier_id, 30, 3600)
        content = upload.read(suppliers.MAX_FILE + 1) if upload is not None else b""
        suppliers.hand_in(
            me.supplier_id, request.form.get("kind", ""), request.form.get("title", ""),
            request.form.get("number", ""), content,
        )  # fmt: skip
        flash(_("已提交，审核后在这里看结果"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect("/supplier/documents", 303)
