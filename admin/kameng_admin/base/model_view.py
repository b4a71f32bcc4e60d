"""The one base of all lists: scoped, closed by default, without Flask-Admin's scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import Response, abort, flash, request
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func
from sqlalchemy import inspect as mapping_of

from kameng.db import db
from kameng.errors import DomainError
from kameng.web.formats import dt
from kameng_admin import people
from kameng_admin.base import export as sheets
from kameng_admin.base.actions import error_text
from kameng_admin.base.columns import Column, Filter, Tab
from kameng_admin.base.forms import ConsoleForm
from kameng_admin.base.guard import Guarded

MOST_PAGES = 100_000
MOST_ROWS = 50_000
UNUSED = frozenset({"delete_view", "ajax_lookup", "ajax_update"})


class SecureModelView(Guarded, ModelView):
    """A list of one model. Nothing can be created, changed or deleted unless a view says how."""

    columns: Sequence[Column] = ()
    filters_offered: Sequence[Filter] = ()
    tabs: Sequence[Tab] = ()
    search_in: Sequence[str] = ()
    search_hint: Any = ""
    order: Any = None  # (column name, descending)
    empty: tuple[str, Any, Any] = ("list", _l("还没有记录"), _l("有了会出现在这里。"))
    export_needs: str = ""  # permission for sheets; empty: no export
    note: Any = ""  # one line at the right of the filters
    head_template: str = ""  # actions at the right of the title

    can_create = can_edit = can_delete = can_view_details = can_export = False
    can_set_page_size = True
    page_size = 20
    page_size_options = (20, 50, 100)
    list_template = "admin/model/list.html"
    create_template = "admin/model/create.html"
    edit_template = "admin/model/edit.html"
    details_template = "admin/model/details.html"
    form_base_class = ConsoleForm
    closed = UNUSED
    action_disallowed_list = ("delete",)

    def __init__(self, model: type[Any], endpoint: str, url: str) -> None:
        shown = [column for column in self.columns if column.in_list]
        self.column_list = [column.name for column in shown]
        self.column_labels = {column.name: column.label for column in self.columns}
        self.column_sortable_list = [column.name for column in shown if column.sort]
        self.column_searchable_list = list(self.search_in)
        self.column_default_sort = self.order
        self.by_name = {column.name: column for column in self.columns}
        if not self.can_create:
            self.closed = self.closed | {"create_view"}
        if not self.can_edit:
            self.closed = self.closed | {"edit_view"}
        if not self.can_view_details:
            self.closed = self.closed | {"details_view"}
        super().__init__(model, db, name=str(endpoint), endpoint=endpoint, url=url)

    # ── what may be seen ────────────────────────────────────────────────────────────────
    def restrict(self, query: Any) -> Any:
        """The rows this view is about; applies to the list, the count and every single row."""
        return query

    def get_query(self) -> Any:
        """List query: restricted, then tab and filters of this request."""
        return self._narrow(self.restrict(db.session.query(self.model)))

    def get_count_query(self) -> Any:
        """Count query with the very same conditions."""
        return self._narrow(self.restrict(db.session.query(func.count()).select_from(self.model)))

    def get_one(self, id: Any) -> Any:
        """One row inside the restriction; a foreign, malformed or unknown id is 404."""
        query = self.restrict(db.session.query(self.model))
        for column, value in zip(self._key_columns(), self._key_values(id), strict=True):
            query = query.filter(column == value)
        row = query.one_or_none()
        if row is None:
            abort(404)
        return row

    def _key_columns(self) -> list[Any]:
        mapper: Any = mapping_of(self.model)
        return [
            getattr(self.model, mapper.get_property_by_column(c).key) for c in mapper.primary_key
        ]

    def _key_values(self, id: Any) -> list[Any]:
        parts = str(id if not isinstance(id, list | tuple) else ",".join(map(str, id))).split(",")
        keys = self._key_columns()
        if len(parts) != len(keys):
            abort(404)
        return [_key_value(column, part) for column, part in zip(keys, parts, strict=True)]

    def _narrow(self, query: Any) -> Any:
        tab = self.active_tab()
        if tab is not None and tab.where is not None:
            query = query.filter(tab.where())
        for chosen, value in self.active_filters():
            condition = chosen.where(value)
            if condition is not None:
                query = query.filter(condition)
        return query

    # ── tabs and filters of this request ────────────────────────────────────────────────
    def active_tab(self) -> Tab | None:
        """The saved filter that is open; the first one unless the address says otherwise."""
        asked = request.args.get("tab", "")
        return next((t for t in self.tabs if t.key == asked), self.tabs[0] if self.tabs else None)

    def active_filters(self) -> list[tuple[Filter, str]]:
        """Filters with a value in the address."""
        found = []
        for offered in self.filters_offered:
            value = request.args.get(offered.name, "").replace("\0", "")[:100]
            if value:
                found.append((offered, value))
        return found

    def tab_counts(self) -> dict[str, int]:
        """Rows behind each counted tab, in one round trip."""
        counted = [tab for tab in self.tabs if tab.counted and tab.where is not None]
        if not counted:
            return {}
        query = self.restrict(
            db.session.query(
                *(func.count().filter(tab.where()) for tab in counted if tab.where)
            ).select_from(self.model)
        )
        return dict(zip((tab.key for tab in counted), query.one(), strict=True))

    def prepare(self, rows: Sequence[Any]) -> None:
        """Load what the cells need for all rows at once."""

    def get_list(self, *args: Any, **kwargs: Any) -> tuple[int | None, list[Any]]:
        """Flask-Admin's list, then `prepare` once for the page."""
        count, rows = super().get_list(*args, **kwargs)
        self.prepare(rows)
        return count, rows

    def _get_list_extra_args(self) -> Any:
        # A page of -1 or 10^18 and a NUL in the search are typed by scanners, not by people.
        args = super()._get_list_extra_args()
        args.page = min(max(args.page or 0, 0), MOST_PAGES)
        args.search = (args.search or "").replace("\0", "").strip()[:100] or None
        return args

    def list_url(self, **changes: Any) -> str:
        """Address of this list with some arguments set or (None) dropped; page starts over."""
        args: dict[str, Any] = {k: v for k, v in request.args.items() if k not in ("page",)}
        args.update(changes)
        return str(self.get_url(".index_view", **{k: v for k, v in args.items() if v}))

    # ── cells ───────────────────────────────────────────────────────────────────────────
    def cell(self, row: Any, name: str) -> Any:
        """What stands in a cell of the list."""
        column = self.by_name[name]
        return plain(column.show(row) if column.show else getattr(row, name))

    def row_url(self, row: Any) -> str:
        """Where a row leads to; empty when there is nothing behind it."""
        return ""

    def render(self, template: str, **kwargs: Any) -> Any:
        """Lists get their columns, tabs and filters."""
        if template == self.list_template:
            kwargs["tab_counts"] = self.tab_counts()
            kwargs["shown"] = [self.by_name[name] for name, _label in kwargs["list_columns"]]
        return super().render(template, **kwargs)

    # ── doing something to several rows ─────────────────────────────────────────────────
    action_needs: dict[str, str] = {}  # noqa: RUF012  # action name → permission
    bulk_amount: str = ""  # attribute whose sum the bar of chosen rows shows (scale 4)

    def is_action_allowed(self, name: str) -> bool:
        """Only declared actions, and only with their permission."""
        return name in self.action_needs and people.viewer_can(self.action_needs[name])

    def each(
        self, ids: Sequence[str], deed: Callable[[Any], None], done: Callable[[int], str]
    ) -> None:
        """Do it row by row, so that one refusal does not undo the others; say how it went."""
        good, refusals = 0, Counter[str]()
        for row_id in ids[: self.page_size_options[-1]]:
            try:
                deed(self.get_one(row_id))
                good += 1
            except DomainError as refused:
                db.session.rollback()
                refusals[error_text(refused)] += 1
        if good:
            flash(done(good), "ok")
        for why, times in refusals.items():
            flash(why if times == 1 else f"{why} × {times}", "bad")

    # ── sheets ──────────────────────────────────────────────────────────────────────────
    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> Any:
        """CSV or XLSX of what the filters show, without formulas; written to the audit log."""
        if not self.export_needs or export_type not in ("csv", "xlsx"):
            abort(404)
        if not people.viewer_can(self.export_needs):
            return self.refuse(self.export_needs)
        columns = [column for column in self.columns if column.in_export]
        rows = self._rows_for_sheet()
        header = [column.label for column in columns]
        # Read before the audit event is committed: a commit lets go of the rows.
        lines = [[_sheet_value(column, row) for column in columns] for row in rows]
        people.record("export", f"list:{self.endpoint}", {"rows": len(rows), "type": export_type})
        name = (
            f"{self.endpoint.removeprefix('admin_')}-{datetime.now():%Y%m%d-%H%M%S}.{export_type}"
        )
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        if export_type == "csv":
            body = "".join(sheets.csv_lines(header, lines))
            return Response(body, headers=headers, mimetype=sheets.CSV_TYPE)
        return Response(
            sheets.xlsx_bytes(header, lines), headers=headers, mimetype=sheets.XLSX_TYPE
        )

    def _rows_for_sheet(self) -> list[Any]:
        args = self._get_list_extra_args()
        chosen = self._get_column_by_idx(args.sort)
        _count, rows = self.get_list(
            0, chosen[0] if chosen else None, args.sort_desc, args.search, None, page_size=MOST_ROWS
        )
        return list(rows)

    # ── forms: only what a view declares ────────────────────────────────────────────────
    form_class: type[ConsoleForm] = ConsoleForm

    def get_create_form(self) -> Any:
        """The declared form; columns are never scaffolded into fields."""
        return self.form_class

    def get_edit_form(self) -> Any:
        """As for creation."""
        return self.form_class

    def create_model(self, form: Any) -> Any:
        """Writing goes through a context's api; a view that allows it says how."""
        abort(405)

    def update_model(self, form: Any, model: Any) -> Any:
        """As for creation."""
        abort(405)

    def delete_model(self, model: Any) -> Any:
        """Nothing is deleted by row."""
        abort(405)

    def get_empty_list_message(self) -> str:
        """Flask-Admin asks for a text; the template shows `empty` with icon and way on."""
        return str(self.empty[1])


class ReadOnlyView(SecureModelView):
    """A list of what nobody may change (ledger, audit): its forms do not even exist."""

    closed = UNUSED | {"create_view", "edit_view", "action_view"}


def plain(value: Any) -> Any:
    """Default look of values: times in the shop's zone, a dash for nothing."""
    if isinstance(value, datetime):
        return dt(value, "short")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return "—" if value is None or value == "" else value


def _sheet_value(column: Column, row: Any) -> Any:
    if column.export is not None:
        return column.export(row)
    value = getattr(row, column.name, None)
    return dt(value, "full") if isinstance(value, datetime) else value


def _key_value(column: Any, part: str) -> Any:
    kind: Callable[..., Any] = column.type.python_type
    if kind is int:
        if not (part.isascii() and part.isdecimal() and len(part) < 19):
            abort(404)
        return int(part)
    if len(part) > 80 or "\0" in part:
        abort(404)
    return part
