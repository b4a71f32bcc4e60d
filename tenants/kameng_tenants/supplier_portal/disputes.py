"""Disputes: read, answer, offer."""

from __future__ import annotations

from io import BytesIO

from flask import redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web import flash, limit
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside

MOST_EVIDENCE = 8 * 1024


@blueprint.get("/disputes")
@inside
def dispute_list() -> str:
    """Open ones first."""
    rows = suppliers.disputes_of(here().supplier_id)
    return render_template("supplier_portal/disputes.html", rows=rows)


@blueprint.get("/disputes/<int:number>")
@inside
def dispute_page(number: int) -> str:
    """One dispute with all that was said."""
    me = here()
    return render_template(
        "supplier_portal/dispute.html",
        one=suppliers.dispute(me.supplier_id, number),
        messages=suppliers.messages_of(me.supplier_id, number),
        own=me.actor,
    )


@blueprint.post("/disputes/<int:number>")
@inside
def answer_dispute(number: int) -> BaseResponse:
    """An answer, with an offer if there is one, and a text file as evidence."""
    me = here()
    try:
        limit("supplier-dispute", me.supplier_id, 60, 600)
        words = "\n".join(filter(None, (request.form.get("words", "").strip(), _evidence())))
        suppliers.answer_dispute(me.supplier_id, number, words, _offer())
        flash(_("已答复"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(f"/supplier/disputes/{number}", 303)


def _offer() -> int | None:
    raw = request.form.get("offer", "").strip().replace(",", "")
    if not raw:
        return None
    amount = suppliers.cost_of(raw)
    if amount is None:
        raise DomainError("offer_invalid", _("愿退金额要是数字，最多四位小数"), 422)
    return amount


def _evidence() -> str:
    upload = request.files.get("evidence")
    content = upload.read(MOST_EVIDENCE + 1) if upload is not None and upload.filename else b""
    if len(content) > MOST_EVIDENCE or b"\0" in content:
        raise DomainError("evidence_invalid", _("证据只收 8 KB 以内的文本文件"), 422)
    text = BytesIO(content).getvalue().decode("utf-8", errors="replace")
    return text.strip()
