"""The supplier's goods: list, one by one, or a whole sheet with a look at it before."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng import sheets
from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web import flash, limit, safe_next
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.changes import tell_of_changes
from kameng_tenants.supplier_portal.entry import here, inside
from kameng_tenants.supplier_portal.sealed import open_sealed, seal_for_form

LIST = "/supplier/offers"
MOST_SHEET = 3 * 1024 * 1024
SHEET_WORDS: dict[str, Any] = {
    "utf16": _l("文件是 Unicode 文本，请另存为 CSV（UTF-8）或 XLSX"),
    "csv": _l("不是能读的 CSV 文件"),
    "xlsx": _l("不是能读的 XLSX 文件"),
    "too_big": _l("文件解开后太大"),
}


@blueprint.get("/offers")
@inside
def offer_list() -> str:
    """Goods, 50 to a page."""
    me = here()
    query = request.args.get("q", "").strip()[:60]
    page = _page()
    rows = suppliers.offers_of(me.supplier_id, query, (page - 1) * 50)
    return render_template("supplier_portal/offers.html", rows=rows, query=query, page=page)


@blueprint.post("/offers")
@inside
def save_offer() -> BaseResponse:
    """One offer, new or changed."""
    back = safe_next(request.form.get("back"), LIST)
    given = {name: request.form.get(name, "")[:200] for name in suppliers.OFFER_COLUMNS}
    given["on_sale"] = "1" if request.form.get("on_sale") == "1" else "0"
    good, wrong = suppliers.read_lines([(1, dict(given))])
    try:
        if wrong:
            raise DomainError("offer_invalid", wrong[0].text, 422)
        tell_of_changes(suppliers.save_offers(here().supplier_id, good))
        flash(_("已保存，几秒后生效"), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(back if back.startswith(LIST) else LIST, 303)


@blueprint.get("/offers/sheet.<any(csv, xlsx):kind>")
@inside
def offer_sheet(kind: str) -> Response:
    """All own goods as a file that can be changed and uploaded again."""
    rows = suppliers.sheet_rows(here().supplier_id)
    csv = kind == "csv"
    body = sheets.write_csv(rows) if csv else sheets.write_xlsx(rows, "offers")
    media = (
        "text/csv; charset=utf-8"
        if csv
        else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    headers = {
        "Content-Disposition": f'attachment; filename="offers.{kind}"', "Cache-Control": "no-store",
    }  # fmt: skip
    return Response(body, headers=headers, content_type=media)


@blueprint.post("/offers/preview")
@inside
def preview_sheet() -> Response | BaseResponse:
    """What an uploaded sheet would do; nothing is done yet."""
    me = here()
    limit("supplier-sheet", me.supplier_id, 60, 600)
    upload = request.files.get("sheet")
    content = upload.read(MOST_SHEET + 1) if upload is not None else b""
    try:
        lines = _lines_of(content)
        seen = suppliers.preview(me.supplier_id, lines)
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
        return redirect(LIST, 303)
    return _preview_page(seen, lines)


@blueprint.post("/offers/apply")
@inside
def apply_sheet() -> Response | BaseResponse:
    """Do what was shown: all of its good lines, or nothing."""
    me = here()
    try:
        lines = [(int(number), dict(given)) for number, given in json.loads(_sealed_lines())]
        seen = suppliers.preview(me.supplier_id, lines)
        wanted = [change.line for change in seen.changes if change.what != "same"]
        changed = suppliers.save_offers(me.supplier_id, wanted)
        tell_of_changes(changed)
        flash(_("已生效 %(n)s 条", n=len(changed)), "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(LIST, 303)


def _preview_page(
    seen: suppliers.OfferPreview, lines: list[tuple[int, dict[str, object]]]
) -> Response:
    counts = {what: seen.count(what) for what in ("new", "changed", "same")}
    page = render_template(
        "supplier_portal/offer_preview.html", seen=seen, counts=counts,
        sealed=seal_for_form(json.dumps(lines, ensure_ascii=False)),
    )  # fmt: skip
    return make_response(
        page, 422 if seen.problems and not counts["new"] + counts["changed"] else 200
    )


def _lines_of(content: bytes) -> list[tuple[int, dict[str, object]]]:
    if not content or len(content) > MOST_SHEET:
        raise DomainError("sheet_missing", _("请选择 3 MB 以内的 CSV 或 XLSX 文件"), 422)
    try:
        return suppliers.read_sheet(sheets.read_rows(BytesIO(content)))
    except sheets.SheetError as error:
        raise DomainError("sheet_invalid", SHEET_WORDS[error.reason], 422) from error


def _sealed_lines() -> str:
    opened = open_sealed(request.form.get("lines", ""))
    if opened is None:
        raise DomainError("preview_old", _("预览已过期，请重新上传"), 422)
    return opened


def _page() -> int:
    raw = request.args.get("page", "1")
    return max(1, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 5 else 1
