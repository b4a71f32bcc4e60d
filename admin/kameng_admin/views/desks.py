"""Two desks where a person decides: manual purchases and held orders; and the log of decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.db import db
from kameng.orders.models import Order
from kameng.risk import api as risk
from kameng.risk.models import RiskDecisionRow
from kameng.supply import api as supply
from kameng_admin import labels, people, supply_words, texts, words
from kameng_admin.base.actions import attempt, forget_typed, reason_given
from kameng_admin.base.cells import badge, code
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals, equals_number
from kameng_admin.base.guard import Guarded, Place, found, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.stories import order_story
from kameng_admin.views.orders import choices_of, station_choices
from kameng_admin.views.payments import DAYS
from kameng_admin.views.purchases import PEOPLE, give_up, hand_over


class PurchasesView(Guarded, BaseView):
    """人工台: purchases that only a person brings on, oldest first."""

    need = "order.deliver"
    place = Place(_l("交易"), _l("人工台"), "headset")

    @expose("/")
    def index_view(self) -> Any:
        """The queue at the left, the chosen purchase at the right."""
        waiting = [one for one in supply.open_purchases() if one.waits_for in PEOPLE]
        asked = request.args.get("id", "")
        chosen = next((p for p in waiting if f"{p.station_id}-{p.id}" == asked), None)
        if chosen is None and waiting:
            forget_typed()
            chosen = waiting[0]
        return self.render(
            "kameng_admin/purchases.html",
            waiting=waiting,
            chosen=chosen,
            input_labels=_labels_of(chosen),
            now=datetime.now(UTC),
            labels=labels,
            texts=texts,
            words=supply_words,
        )

    @expose("/<int:station_id>/<int:purchase_id>/complete", methods=("POST",))
    def complete(self, station_id: int, purchase_id: int) -> Any:
        """Hand over: a text for the shopper, or cards."""

        return attempt(
            lambda: hand_over(station_id, purchase_id),
            _l("已发货，买家现在就能看到"),
            str(self.get_url(".index_view")),
            again=self._same(station_id, purchase_id),
        )

    @expose("/<int:station_id>/<int:purchase_id>/fail", methods=("POST",))
    def fail(self, station_id: int, purchase_id: int) -> Any:
        """It cannot be done: the next supplier, or the whole payment goes back."""

        return attempt(
            lambda: give_up(station_id, purchase_id),
            _l("已判为未成功，换下一家；没有就退款"),
            str(self.get_url(".index_view")),
            again=self._same(station_id, purchase_id),
        )

    def _same(self, station_id: int, purchase_id: int) -> str:
        return str(self.get_url(".index_view", id=f"{station_id}-{purchase_id}"))


def _labels_of(purchase: Any) -> dict[str, str]:
    order = db.session.get(Order, (purchase.station_id, purchase.order_id)) if purchase else None
    return words.input_labels(order.sku_id) if order is not None else {}


class RiskView(Guarded, BaseView):
    """审核台: orders that a rule has held."""

    need = "risk.view"
    place = Place(_l("风控"), _l("审核台"), "shield-lock")

    @expose("/")
    def index_view(self) -> Any:
        """Queue, case and decision side by side."""
        held = risk.held_orders()
        asked = request.args.get("id", "")
        chosen = next((h for h in held if f"{h.station_id}-{h.order_id}" == asked), None)
        if chosen is None and held:
            forget_typed()
            chosen = held[0]
        order = db.session.get(Order, (chosen.station_id, chosen.order_id)) if chosen else None
        same = [h for h in held if chosen is not None and h is not chosen and _related(h, chosen)]
        return self.render(
            "kameng_admin/risk.html",
            held=held,
            chosen=chosen,
            order=order,
            same=same,
            story=order_story(order) if order is not None else None,
            labels=labels,
            texts=texts,
        )

    @expose("/<int:station_id>/<int:order_id>/decide", methods=("POST",))
    @needs("risk.decide")
    def decide(self, station_id: int, order_id: int) -> Any:
        """Release or refuse, with a reason."""
        found(db.session.get(Order, (station_id, order_id)))
        release = request.form.get("decision") == "release"

        def deed() -> None:
            if request.form.get("decision") not in ("release", "refuse"):
                reason_given("")  # nothing chosen: the same complaint as for a missing reason
            reason = reason_given(request.form.get("reason"))
            act = risk.release if release else risk.refuse
            act(station_id, order_id, people.actor(), reason)

        done = _("已放行，订单继续处理") if release else _("已拒绝，款项原路退回")
        again = self.get_url(".index_view", id=f"{station_id}-{order_id}")
        return attempt(deed, done, str(self.get_url(".index_view")), again=str(again))


class DecisionsView(ReadOnlyView):
    """Every evaluation with its reasons."""

    need = "risk.view"
    place = Place(_l("风控"), _l("决策记录"), "history")
    order = ("at", True)
    empty = ("shield", _l("还没有决策"), _l("每次下单都会留下一条，包括放行的。"))
    columns = (
        Column("id", _l("编号"), lambda d: code(f"D-{d.id}"), phone="title"),
        Column("at", _l("时间"), css="km-nowrap", phone="amount"),
        Column("station_id", _l("分站"), lambda d: texts.station_name(d.station_id)),
        Column("stage", _l("环节")),
        Column(
            "decision",
            _l("决定"),
            lambda d: badge(labels.mark(labels.RISK, d.decision)),
            phone="state",
        ),
        Column("score", _l("得分"), css="is-num"),
        Column(
            "reasons",
            _l("原因"),
            lambda d: reasons_text(d.reasons),
            css="is-clip",
            phone="meta",
            export=lambda d: reasons_text(d.reasons),
        ),
        Column("order_id", _l("订单"), css="is-num"),
    )
    tabs = (
        Tab("stopped", _l("拦下的"), lambda: RiskDecisionRow.decision != "allow"),
        Tab("all", _l("全部"), None, counted=False),
    )
    filters_offered = (
        Filter("day", _l("时间"), day_of(RiskDecisionRow.at), "day", choices=lambda: DAYS),
        Filter(
            "decision",
            _l("决定"),
            equals(RiskDecisionRow.decision),
            choices=choices_of(labels.RISK),
        ),
        Filter(
            "station",
            _l("分站"),
            equals_number(RiskDecisionRow.station_id),
            choices=station_choices,
        ),
    )


def reasons_text(reasons: list[Any]) -> str:
    """Reasons of a decision in one line."""
    return "；".join(str(_reason(reason)) for reason in reasons)


def _reason(reason: Any) -> Any:
    if isinstance(reason, dict):
        return reason.get("text") or reason.get("message") or reason.get("code") or ""
    return reason


def _related(one: Any, other: Any) -> bool:
    same_member = one.member_id is not None and one.member_id == other.member_id
    return bool(one.ip and one.ip == other.ip) or same_member or one.contact == other.contact
