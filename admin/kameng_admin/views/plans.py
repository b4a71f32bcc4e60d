"""备货计划: made from a forecast, edited, started, followed, closed; a sheet for each supplier."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Response, abort, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.planning import api as planning
from kameng.web.limits import client_ip
from kameng_admin import labels, people, planning_words, texts
from kameng_admin.base import export as sheets
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.guard import Guarded, Place, whole_number
from kameng_admin.shell import Crumb

PLANNING = (
    ("admin_plans", _l("备货计划")),
    ("admin_forecasts", _l("需求预测")),
    ("admin_seasons", _l("时令日历")),
)
AHEAD = timedelta(days=400)
LONGEST = 500


class PlansView(Guarded, BaseView):
    """Plans, the active ones first."""

    need = "supply.plan"
    place = Place(_l("供应链"), _l("备货计划"), "clipboard")
    family = PLANNING

    @expose("/")
    def index_view(self) -> Any:
        """The list."""
        return self.render(
            "kameng_admin/plans.html", plans=planning.plans(), words=planning_words, labels=labels
        )

    @expose("/new")
    def new_page(self) -> Any:
        """The form: a season or own dates."""
        given = {"season": request.args.get("season", "")[:60], "cover": "p90"}
        return self._form(given)

    @expose("/new", methods=("POST",))
    def make(self) -> Any:
        """Draw up a draft from the forecast."""
        given = {name: value.strip()[:LONGEST] for name, value in request.form.items()}
        try:
            season, first, last = _days(given)
            plan_id = planning.make_plan(
                given.get("name", ""), first, last, people.actor(), season=season,
                cover=given.get("cover", "p90"), note=given.get("note", ""), ip=client_ip(),
            )  # fmt: skip
        except DomainError as refused:
            field = str(refused.facts.get("field", "first"))
            return self._form(given, {field: error_text(refused)}, 422)
        return redirect(self._url(plan_id), 303)

    @expose("/<int:plan_id>")
    def detail_page(self, plan_id: int) -> Any:
        """Lines with forecast, stock, plan and what has come."""
        view = planning.plan(plan_id)
        lines = planning.plan_lines(view)
        return self.render(
            "kameng_admin/plan.html",
            plan=view,
            lines=lines,
            suppliers=planning.supplier_choices(),
            to_order=_by_supplier(lines),
            words=planning_words,
            labels=labels,
            texts=texts,
            page_title=view.name,
            crumbs=self.crumbs(Crumb(view.name)),
        )

    @expose("/<int:plan_id>/lines", methods=("POST",))
    def save(self, plan_id: int) -> Any:
        """Planned pieces and suppliers of all lines."""
        return attempt(
            lambda: planning.save_lines(plan_id, _edits(), people.actor(), client_ip()),
            lambda changed: _("已保存，改动 %(n)s 行", n=changed),
            self._url(plan_id),
        )

    @expose("/<int:plan_id>/add", methods=("POST",))
    def add(self, plan_id: int) -> Any:
        """One SKU more, by its code."""
        code = request.form.get("code", "")[:80]
        return attempt(
            lambda: planning.add_line(plan_id, code, people.actor(), client_ip()),
            _l("规格已加进计划"),
            self._url(plan_id),
        )

    @expose("/<int:plan_id>/remove/<int:sku_id>", methods=("POST",))
    def remove(self, plan_id: int, sku_id: int) -> Any:
        """One SKU less."""
        return attempt(
            lambda: planning.drop_line(plan_id, sku_id, people.actor(), client_ip()),
            _l("规格已移出计划"),
            self._url(plan_id),
        )

    @expose("/<int:plan_id>/<any(start, close, drop):step>", methods=("POST",))
    def move(self, plan_id: int, step: str) -> Any:
        """Start it, close it, or throw a draft away."""
        deeds = {
            "start": (planning.start_plan, _l("计划已开始，当前库存已记下")),
            "close": (planning.close_plan, _l("计划已结束")),
            "drop": (planning.drop_plan, _l("草稿已删除")),
        }
        deed, done = deeds[step]
        gone = step == "drop"
        return attempt(
            lambda: deed(plan_id, people.actor(), client_ip()),
            done,
            str(self.get_url(".index_view")) if gone else self._url(plan_id),
            again=self._url(plan_id) if gone else "",
        )

    @expose("/<int:plan_id>/sheet/<any(csv, xlsx):kind>")
    def sheet(self, plan_id: int, kind: str) -> Any:
        """What one supplier is to deliver; written to the audit log."""
        raw = request.args.get("supplier", "")
        supplier = whole_number(raw) if raw else None
        lines = planning.sheet_of(planning.plan_lines(planning.plan(plan_id)), supplier)
        if not lines:
            abort(404)
        header = [_("规格编号"), _("商品"), _("分类"), _("数量"), _("备注")]
        rows = [[one.code, one.name, one.category, one.planned, one.note] for one in lines]
        people.record("export", f"plan:{plan_id}", {"rows": len(rows), "type": kind})
        name = f"plan-{plan_id}-{supplier or 'none'}.{kind}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store",
        }  # fmt: skip
        if kind == "csv":
            body = "".join(sheets.csv_lines(header, rows))
            return Response(body, headers=headers, mimetype=sheets.CSV_TYPE)
        return Response(sheets.xlsx_bytes(header, rows), headers=headers, mimetype=sheets.XLSX_TYPE)

    def _form(
        self, given: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
    ) -> Any:
        now = planning.today()
        return self.page(
            "kameng_admin/plan_new.html",
            status,
            given=given,
            errors=errors or {},
            windows=planning.windows_between(now, now + AHEAD),
            words=planning_words,
            page_title=_("新建备货计划"),
            crumbs=self.crumbs(Crumb(_("新建备货计划"))),
        )

    def _url(self, plan_id: int) -> str:
        return str(self.get_url(".detail_page", plan_id=plan_id))


def _days(given: dict[str, str]) -> tuple[str, date, date]:
    """Season code, first and last day: own dates win over those of the season."""
    code, _at, year = given.get("season", "").partition("@")
    first, last = _day(given, "first"), _day(given, "last")
    if code and year.isdecimal() and len(year) == 4:
        window = planning.window_of(code, int(year))
        name = f"own:{window.name}" if window.name else window.code
        return name, first or max(window.first, planning.today()), last or window.last
    if first is None or last is None:
        raise DomainError("plan_invalid", _("请选时令，或填开始和结束日期"), field="season")
    return "", first, last


def _day(given: dict[str, str], name: str) -> date | None:
    raw = given.get(name, "")
    try:
        return date.fromisoformat(raw) if raw else None
    except ValueError:
        raise DomainError("plan_invalid", _("日期要写成 2027-01-31"), field=name) from None


def _edits() -> dict[int, planning.Edit]:
    found: dict[int, planning.Edit] = {}
    for name, raw in request.form.items():
        kind, _dash, number = name.partition("-")
        if kind != "planned" or not number.isdecimal() or len(number) > 18:
            continue
        if not raw.strip().isdecimal() or len(raw.strip()) > 9:
            raise DomainError("plan_invalid", _("计划数量要填整数"), field=number)
        supplier = request.form.get(f"supplier-{number}", "")
        found[int(number)] = planning.Edit(
            planned=int(raw),
            supplier_id=int(supplier) if supplier.isdecimal() and len(supplier) < 19 else None,
            note=request.form.get(f"note-{number}", "").strip(),
        )
    return found


def _by_supplier(lines: list[planning.LineView]) -> list[tuple[int | None, str, int, int]]:
    """(supplier, name, SKUs, pieces) of what is to be ordered."""
    found: dict[tuple[int | None, str], list[int]] = {}
    for line in lines:
        if line.planned:
            found.setdefault((line.supplier_id, line.supplier), []).append(line.planned)
    return [(number, name, len(n), sum(n)) for (number, name), n in found.items()]
