"""Statements of a day or a month, on the page and as a sheet."""

from __future__ import annotations

from datetime import datetime

from flask import Response, g, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from kameng.settlement import api as settlement
from kameng.web import client_ip, limit, require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.shop.browse import page_number


@blueprint.get("/funds/statements")
@require_staff("settlement.view")
def statement_today() -> BaseResponse:
    """The month that is running, or the period that a form asks for."""
    asked = settlement.period(request.args.get("key", "").strip())
    key = asked.key if asked else datetime.now(settlement.CHINA).strftime("%Y-%m")
    return redirect(f"/console/funds/statements/{key}")


@blueprint.get("/funds/statements/<key>")
@require_staff("settlement.view")
def statement(key: str) -> str:
    """Opening, what came and went, closing, and every line behind it."""
    page = page_number()
    whole = settlement.statement(g.station.id, key)
    lines = settlement.statement_lines(g.station.id, key, (page - 1) * settlement.LINES)
    return render_template(
        "station_console/statement.html",
        statement=whole,
        lines=lines,
        page=page,
        pages=-(-whole.lines // settlement.LINES),
        words=settlement.ACCOUNT_WORDS,
        kind_word=settlement.kind_word,
    )


@blueprint.get("/funds/statements/<key>.<any(csv, xlsx):kind>")
@require_staff("settlement.view")
def statement_sheet(key: str, kind: str) -> Response:
    """The same as a sheet, every line in it."""
    limit("statement", client_ip(), 30, 300)
    name, media, body = settlement.statement_sheet(g.station.id, key, kind)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, headers=headers, content_type=media)
