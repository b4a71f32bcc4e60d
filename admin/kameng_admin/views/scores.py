"""供应商评分: grades of all suppliers, and one supplier's card with what moved it."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.suppliers import api as suppliers
from kameng.web.limits import client_ip
from kameng_admin import charts, labels, people, score_words, texts
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.guard import Guarded, Place, needs
from kameng_admin.shell import Crumb

SCORES = (("admin_scores", _l("评分")), ("admin_score_rules", _l("评分规则")))


class ScoresView(Guarded, BaseView):
    """Every supplier that trades, by grade."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供应商评分"), "star")
    family = SCORES

    @expose("/")
    def index_view(self) -> Any:
        """The list; paused ones first."""
        return self.render(
            "kameng_admin/scores.html",
            lines=suppliers.score_list(),
            rules=suppliers.score_rules(),
            words=score_words,
            labels=labels,
        )

    @expose("/<int:supplier_id>")
    def detail_page(self, supplier_id: int) -> Any:
        """One card: metrics with value, points and weight; the course of the score."""
        line = suppliers.score_line(supplier_id)
        history = suppliers.score_history(supplier_id)
        rules = suppliers.score_rules()
        return self.render(
            "kameng_admin/score.html",
            line=line,
            history=history,
            rules=rules,
            by_metric={rule.metric: rule for rule in rules.rules},
            chart=charts.score_option(history, rules.terms),
            words=score_words,
            labels=labels,
            texts=texts,
            page_title=line.name,
            crumbs=self.crumbs(Crumb(line.name)),
        )

    @expose("/compute", methods=("POST",))
    @needs("supplier.manage")
    def compute_all(self) -> Any:
        """Every card anew, now."""
        return attempt(
            lambda: suppliers.compute_scores(people.actor(), client_ip()),
            lambda changed: _("已重新评分，%(n)s 个等级有变化", n=changed),
            str(self.get_url(".index_view")),
        )

    @expose("/<int:supplier_id>/compute", methods=("POST",))
    @needs("supplier.manage")
    def compute(self, supplier_id: int) -> Any:
        """One card anew, now."""
        return attempt(
            lambda: suppliers.compute_score(supplier_id, people.actor(), client_ip()),
            _l("已重新评分"),
            self._card(supplier_id),
        )

    @expose("/<int:supplier_id>/resume", methods=("POST",))
    @needs("supplier.manage")
    def resume(self, supplier_id: int) -> Any:
        """Let a paused supplier trade again."""

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            suppliers.set_state(supplier_id, "active", reason, people.actor(), client_ip())

        return attempt(deed, _l("已恢复采购，之前的失败不再计入"), self._card(supplier_id))

    def _card(self, supplier_id: int) -> str:
        return str(self.get_url(".detail_page", supplier_id=supplier_id))
