"""评分规则: weights and limits, with who would get which grade before they are saved."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from flask import flash, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.web.limits import client_ip
from kameng_admin import people, score_words, texts
from kameng_admin.base.actions import error_text
from kameng_admin.base.guard import Guarded, Place, needs
from kameng_admin.views.scores import SCORES

LONGEST = 12
TERMS: tuple[tuple[str, Any, Any], ...] = (
    ("a_from", _l("A 级从多少分起"), _l("满分 1000")),
    ("b_from", _l("B 级从多少分起"), ""),
    ("c_from", _l("C 级从多少分起"), _l("更低为 D")),
    ("window_days", _l("看最近多少天"), _l("1 到 365")),
    ("least_purchases", _l("至少多少次采购才评级"), ""),
    ("on_time_s", _l("多少秒内算按时"), ""),
    ("recent_minutes", _l("近期：最近多少分钟"), _l("1 到 1440")),
    ("recent_purchases", _l("近期：最近多少次采购"), _l("不足时缺的按成功算")),
    ("demote_below_bp", _l("近期成功率低于百分之几时降级"), _l("立即降到最高 C")),
    ("pause_below_bp", _l("近期成功率低于百分之几时暂停"), _l("要由员工恢复")),
)
PERCENT = frozenset({"demote_below_bp", "pause_below_bp"})


class ScoreRulesView(Guarded, BaseView):
    """One form for all; a preview first, then saving."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供应商评分"), "adjustments")
    family = SCORES
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """What counts now."""
        return self._page(_shown(suppliers.score_rules()))

    @expose("/", methods=("POST",))
    @needs("supplier.manage")
    def save(self) -> Any:
        """Preview or save; what is wrong is said at its field."""
        given = {name: value.strip()[:LONGEST] for name, value in request.form.items()}
        errors, rules, terms = _read(given)
        if not errors and terms is not None:
            try:
                suppliers.check_score_rules(rules, terms)
            except DomainError as refused:
                errors = {str(refused.facts["field"]): error_text(refused)}
        if errors or terms is None:
            return self._page(given, errors, status=422)
        if given.get("do") != "save":
            return self._page(given, preview=suppliers.preview_grades(rules, terms))
        suppliers.save_score_rules(rules, terms, people.actor(), client_ip())
        flash(_("评分规则已保存，下一次评分起生效"), "ok")
        return redirect(self.get_url(".index_view"), 303)

    def _page(
        self,
        given: dict[str, str],
        errors: dict[str, str] | None = None,
        preview: Any = None,
        status: int = 200,
    ) -> Any:
        return self.page(
            "kameng_admin/score_rules.html",
            status,
            given=given,
            errors=errors or {},
            preview=preview,
            now=suppliers.score_rules(),
            terms=TERMS,
            metrics=suppliers.METRICS,
            words=score_words,
            texts=texts,
            page_title=_("评分规则"),
        )


def _shown(found: suppliers.ScoreRules) -> dict[str, str]:
    shown: dict[str, str] = {}
    for rule in found.rules:
        shown[f"{rule.metric}.weight"] = str(rule.weight)
        shown[f"{rule.metric}.full"] = f"{float(rule.full_at * 100):g}"
        shown[f"{rule.metric}.zero"] = f"{float(rule.zero_at * 100):g}"
    for name, value in asdict(found.terms).items():
        shown[name] = f"{value / 100:g}" if name in PERCENT else str(value)
    return shown


def _read(
    given: dict[str, str],
) -> tuple[dict[str, str], list[suppliers.Rule], suppliers.ScoreTerms | None]:
    """Errors by field, and the rules and terms where all fields are numbers."""
    errors: dict[str, str] = {}
    numbers: dict[str, Fraction] = {}
    whole = [f"{metric}.weight" for metric in suppliers.METRICS]
    whole += [name for name, _label, _help in TERMS if name not in PERCENT]
    shares = [f"{m}.{end}" for m in suppliers.METRICS for end in ("full", "zero")]
    for name in (*whole, *shares, *PERCENT):
        number = _number(given.get(name, ""))
        if number is None or (name in whole and number.denominator != 1):
            errors[name] = _("请填写数字")
        elif not 0 <= number <= (10**6 if name in whole else 100):
            errors[name] = _("这个数超出范围")
        else:
            numbers[name] = number
    if errors:
        return errors, [], None
    rules = [
        suppliers.Rule(
            metric=metric, weight=int(numbers[f"{metric}.weight"]),
            full_at=numbers[f"{metric}.full"] / 100, zero_at=numbers[f"{metric}.zero"] / 100,
        )
        for metric in suppliers.METRICS
    ]  # fmt: skip
    values = {
        name: int(numbers[name] * (100 if name in PERCENT else 1)) for name, _label, _help in TERMS
    }
    return {}, rules, suppliers.ScoreTerms(**values)


def _number(raw: str) -> Fraction | None:
    """A plain decimal number; fractions and exponents are typing errors here."""
    if not raw or not set(raw) <= set("0123456789.") or raw.count(".") > 1 or raw == ".":
        return None
    return Fraction(raw)
