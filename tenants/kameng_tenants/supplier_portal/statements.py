"""Statements: what the period came to, line by line, confirmed or disputed."""

from __future__ import annotations

from flask import Response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web import flash
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside

PAGE = 50


@blueprint.get("/statements")
@inside
def statement_list() -> str:
    """All statements, what is owed now, and payments."""
    me = here()
    return render_template(
        "supplier_portal/statements.html",
        rows=suppliers.statements_of(me.supplier_id),
        owed=suppliers.owed_to(me.supplier_id),
        payments=suppliers.payments_of(me.supplier_id, 20),
    )


@blueprint.get("/statements/<int:number>")
@inside
def statement_page(number: int) -> str:
    """One statement with its lines."""
    me = here()
    one = suppliers.statement(me.supplier_id, number)
    raw = request.args.get("page", "1")
    page = max(1, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 1
    return render_template(
        "supplier_portal/statement.html", one=one, page=page, pages=-(-one.lines // PAGE),
        lines=suppliers.lines_of(one, (page - 1) * PAGE),
    )  # fmt: skip


@blueprint.get("/statements/<int:number>/sheet.<any(csv, xlsx):kind>")
@inside
def statement_sheet(number: int, kind: str) -> Response:
    """Every line as a file."""
    one = suppliers.statement(here().supplier_id, number)
    name, media, body = suppliers.statement_sheet(one, kind)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store",
    }  # fmt: skip
    return Response(body, headers=headers, content_type=media)


@blueprint.post("/statements/<int:number>")
@inside
def answer_statement(number: int) -> BaseResponse:
    """Agree, or name the own total and what differs."""
    me = here()
    agrees = request.form.get("answer") == "agree"
    try:
        suppliers.answer_statement(
            me.supplier_id, number, agrees=agrees, who=me.name,
            total=suppliers.cost_of(request.form.get("total", "").strip().replace(",", "")),
            comment=request.form.get("comment", ""),
        )  # fmt: skip
        flash(_("已确认") if agrees else _("已提交异议，主站会核对"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(f"/supplier/statements/{number}", 303)
