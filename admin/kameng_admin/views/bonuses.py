"""充值赠送 of the main station's own shop; a station keeps its rules in its own console."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.payments import api as payments
from kameng.web.limits import client_ip
from kameng_admin import people
from kameng_admin.base.actions import attempt
from kameng_admin.base.guard import Guarded, Place, needs, whole_number

MAIN_STATION = 1
NEW = {"kind": "fixed", "active": "1"}


class BonusesView(Guarded, BaseView):
    """Rules at the left, the form of a new or a chosen one at the right."""

    need = "price.view"
    place = Place(_l("商品"), _l("充值赠送"), "gift")

    @expose("/")
    def index_view(self) -> Any:
        """All rules of the main station's shop."""
        asked = request.args.get("id", "")
        if not asked:
            return self._page(dict(NEW), 0)
        chosen = payments.get_bonus(MAIN_STATION, whole_number(asked))
        return self._page(payments.written_bonus(chosen), chosen.id)

    @expose("/save", methods=("POST",))
    @needs("price.edit")
    def save(self) -> Any:
        """Make a rule or change one; what is wrong is said at its field."""
        given = {name: value[:100] for name, value in request.form.items()}
        rule_id = whole_number(given["id"]) if given.get("id") else 0
        try:
            terms = payments.read_bonus(given)
            payments.save_bonus(MAIN_STATION, rule_id or None, terms, people.actor(), client_ip())
        except payments.BonusInvalid as refused:
            errors = {str(refused.facts["field"]): str(refused.message)}
            return self._page(given, rule_id, errors, 422)
        flash(_("已保存，买家的充值页马上按它显示"), "ok")
        return redirect(self.get_url(".index_view"), 303)

    @expose("/<int:rule_id>/switch", methods=("POST",))
    @needs("price.edit")
    def switch(self, rule_id: int) -> Any:
        """On or off."""
        active = request.form.get("active") == "1"

        def deed() -> None:
            payments.switch_bonus(MAIN_STATION, rule_id, active, people.actor(), client_ip())

        done = _("规则已启用") if active else _("规则已停用")
        return attempt(deed, done, str(self.get_url(".index_view")))

    @expose("/<int:rule_id>/delete", methods=("POST",))
    @needs("price.edit")
    def delete(self, rule_id: int) -> Any:
        """Remove a rule; what it gave stays."""

        def deed() -> None:
            payments.delete_bonus(MAIN_STATION, rule_id, people.actor(), client_ip())

        return attempt(deed, _l("规则已删除，送过的不受影响"), str(self.get_url(".index_view")))

    def _page(
        self, given: dict[str, str], rule_id: int, errors: dict[str, str] | None = None,
        status: int = 200,
    ) -> Any:  # fmt: skip
        return self.page(
            "kameng_admin/bonuses.html",
            status,
            rules=payments.list_bonuses(MAIN_STATION),
            given=given,
            rule_id=rule_id,
            errors=errors or {},
            bonus_text=payments.bonus_text,
        )
