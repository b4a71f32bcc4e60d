"""需求预测: what each SKU will sell, where the number comes from, and how good it has been."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.planning import api as planning
from kameng_admin import charts, planning_words, texts
from kameng_admin.base.actions import error_text
from kameng_admin.base.guard import Guarded, Place, found
from kameng_admin.shell import Crumb
from kameng_admin.views.plans import PLANNING

SPANS = (7, 30, 60, 90)
SHOWN_BACK = 84
DAY = timedelta(days=1)
MOST_ROWS = 200


class ForecastsView(Guarded, BaseView):
    """All SKUs over the coming days; one SKU with its course; the back-test."""

    need = "supply.plan"
    place = Place(_l("供应链"), _l("备货计划"), "chart-line")
    family = PLANNING
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """SKUs by how much they will sell."""
        span = _span()
        seen = planning.outlook(planning.today(), planning.today() + (span - 1) * DAY)
        asked = request.args.get("search", "").strip()[:80].lower()
        rows = [
            one for one in seen.by_sku.values()
            if one.sku.on_sale and asked in f"{one.sku.name} {one.sku.code}".lower()
        ]  # fmt: skip
        rows.sort(key=lambda one: -one.forecast.p50)
        return self.render(
            "kameng_admin/forecasts.html",
            rows=rows[:MOST_ROWS],
            count=len(rows),
            windows=seen.windows,
            span=span,
            spans=SPANS,
            search=asked,
            words=planning_words,
            page_title=_("需求预测"),
        )

    @expose("/<int:sku_id>")
    def sku_page(self, sku_id: int) -> Any:
        """One SKU: sold, expected, and the seasons behind both."""
        span, now = _span(), planning.today()
        seen = planning.outlook(now, now + (span - 1) * DAY)
        one = found(seen.by_sku.get(sku_id))
        sold = seen.history.of(sku_id)
        past = [
            (day, sold.get(day, 0)) for day in (now - n * DAY for n in range(SHOWN_BACK, 0, -1))
        ]
        bands = [
            (window.first, window.last, str(planning.season_word(window.kind)))
            for window in planning.windows_between(past[0][0], seen.last)
        ]
        return self.render(
            "kameng_admin/forecast.html",
            one=one,
            seen=seen,
            past=past,
            chart=charts.forecast_option(past, one.forecast.days, bands),
            span=span,
            spans=SPANS,
            words=planning_words,
            page_title=one.sku.name,
            crumbs=self.crumbs(Crumb(one.sku.name)),
        )

    @expose("/backtest")
    def backtest(self) -> Any:
        """A past window, forecast as it would have been, against what was sold."""
        now = planning.today()
        first = _asked_day("first", now - 14 * DAY)
        last = _asked_day("last", now - DAY)
        made, error = None, ""
        try:
            made = planning.backtest(first, last)
        except DomainError as refused:
            error = error_text(refused)
        return self.page(
            "kameng_admin/backtest.html",
            422 if error else 200,
            made=made,
            error=error,
            first=first,
            last=last,
            most=MOST_ROWS,
            words=planning_words,
            texts=texts,
            page_title=_("预测回测"),
            crumbs=self.crumbs(Crumb(_("预测回测"))),
        )


def _span() -> int:
    raw = request.args.get("days", "")
    return int(raw) if raw in {str(span) for span in SPANS} else 30


def _asked_day(name: str, usual: date) -> date:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return usual
