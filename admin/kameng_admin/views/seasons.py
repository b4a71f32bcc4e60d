"""时令日历: festivals of the public calendar, sales, and seasons that staff write down."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import flash, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.planning import api as planning
from kameng.web.limits import client_ip
from kameng_admin import people, planning_words
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.guard import Guarded, Place
from kameng_admin.views.plans import PLANNING

LONGEST = 60


class SeasonsView(Guarded, BaseView):
    """This year, the next and the one after; and own seasons."""

    need = "supply.plan"
    place = Place(_l("供应链"), _l("备货计划"), "calendar")
    family = PLANNING
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """The years, and the form; a missing festival fills in its name."""
        return self._page({"name": request.args.get("name", "")[:LONGEST]})

    @expose("/add", methods=("POST",))
    def add(self) -> Any:
        """Write down a season."""
        given = {name: value.strip()[:LONGEST] for name, value in request.form.items()}
        try:
            first, last = _day(given, "first"), _day(given, "last")
            planning.add_season(given.get("name", ""), first, last, people.actor(), client_ip())
        except DomainError as refused:
            return self._page(given, {str(refused.facts.get("field")): error_text(refused)}, 422)
        flash(_("时令已保存，预测马上按它算"), "ok")
        return redirect(self.get_url(".index_view"), 303)

    @expose("/<int:season_id>/drop", methods=("POST",))
    def drop(self, season_id: int) -> Any:
        """Forget an own season."""
        return attempt(
            lambda: planning.drop_season(season_id, people.actor(), client_ip()),
            _l("时令已删除"),
            str(self.get_url(".index_view")),
        )

    def _page(
        self, given: dict[str, str], errors: dict[str, str] | None = None, status: int = 200
    ) -> Any:
        now = planning.today()
        return self.page(
            "kameng_admin/seasons.html",
            status,
            years=planning.season_years(range(now.year, now.year + 3)),
            own=planning.own_seasons(),
            last_year=planning.last_year(),
            today=now,
            given=given,
            errors=errors or {},
            words=planning_words,
            season_word=planning.season_word,
            page_title=_("时令日历"),
        )


def _day(given: dict[str, str], name: str) -> date:
    try:
        return date.fromisoformat(given.get(name, ""))
    except ValueError:
        raise DomainError("season_invalid", _("请填写日期"), field=name) from None
