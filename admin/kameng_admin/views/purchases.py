"""采购单: every order placed with a supplier, why it went there, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import g, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, tuple_

from kameng.db import db
from kameng.errors import DomainError
from kameng.orders.models import Order
from kameng.plugins import api as plugins
from kameng.supply import api as supply
from kameng.supply.models import Purchase
from kameng.web.formats import order_no as grouped
from kameng.web.formats import plain_money
from kameng_admin import labels, people, supply_words, texts, words
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.cells import badge, code, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals, equals_number
from kameng_admin.base.guard import Place, found, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.stories import Step
from kameng_admin.views.orders import choices_of, station_choices
from kameng_admin.views.payments import DAYS
from kameng_admin.views.plugins import guarded

OPEN = ("created", "sent", "unknown")
PEOPLE = ("desk", "person")
AGES = {
    "10": _l("超过 10 分钟"), "60": _l("超过 1 小时"), "1440": _l("超过 1 天"),
}  # fmt: skip


class PurchaseListView(ReadOnlyView):
    """Every purchase of every station."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("采购单"), "shopping-cart")
    export_needs = "supplier.manage"
    search_in = ("purchase_no", "supplier_ref", "title")
    search_hint = _l("采购单号、对方单号、商品")
    order = ("created_at", True)
    empty = ("shopping-cart", _l("还没有采购单"), _l("买家付款后，向供应商下的单会出现在这里。"))
    columns = (
        Column("purchase_no", _l("采购单号"), lambda p: code(p.purchase_no), phone="title",
               export=lambda p: p.purchase_no),
        Column("created_at", _l("时间"), sort=True, css="km-nowrap"),
        Column("supplier_id", _l("供应商"), lambda p: supply_words.supplier_name(p.supplier_id),
               phone="meta", export=lambda p: supply_words.supplier_name(p.supplier_id)),
        Column("title", _l("商品"),
               lambda p: two_lines(f"{p.title} × {p.quantity}", _order_no(p)), css="is-clip",
               export=lambda p: f"{p.title} × {p.quantity}"),
        Column("expected_cost", _l("成本（元）"), lambda p: plain_money(cost_of(p)),
               css="is-num is-strong", phone="amount",
               export=lambda p: plain_money(cost_of(p)).replace(",", "")),
        Column("state", _l("状态"), lambda p: badge(labels.mark(labels.PURCHASE, p.state)),
               phone="state", export=lambda p: labels.mark(labels.PURCHASE, p.state).label),
        Column("waits_for", _l("等什么"), lambda p: waits(p), export=lambda p: waits(p)),
        Column("attempt", _l("第几家"), css="is-num"),
    )  # fmt: skip
    tabs = (
        Tab("open", _l("未结束"), lambda: Purchase.state.in_(OPEN)),
        Tab("people", _l("等人处理"),
            lambda: Purchase.state.in_(OPEN) & Purchase.waits_for.in_(PEOPLE)),
        Tab("late", _l("先失败后发货"), lambda: Purchase.late_success),
        Tab("all", _l("全部"), None, counted=False),
    )  # fmt: skip
    filters_offered = (
        Filter("day", _l("时间"), day_of(Purchase.created_at), "day", choices=lambda: DAYS),
        Filter("state", _l("状态"), equals(Purchase.state), choices=choices_of(labels.PURCHASE)),
        Filter("waits", _l("等什么"), equals(Purchase.waits_for),
               choices=choices_of(supply_words.WAITS)),
        Filter("supplier", _l("供应商"), equals_number(Purchase.supplier_id),
               choices=lambda: supply_words.choices(supply_words.supplier_names())),
        Filter("connection", _l("接口"), equals_number(Purchase.connection_id),
               choices=lambda: supply_words.choices(supply_words.connection_names())),
        Filter("age", _l("等了多久"), lambda value: _older(value), choices=choices_of(AGES)),
        Filter("station", _l("分站"), equals_number(Purchase.station_id), choices=station_choices),
    )  # fmt: skip

    def prepare(self, rows: Sequence[Any]) -> None:
        """Numbers of the orders on the page."""
        keys = {(row.station_id, row.order_id) for row in rows}
        query = select(Order.station_id, Order.id, Order.order_no)
        wanted = query.where(tuple_(Order.station_id, Order.id).in_(keys)) if keys else None
        g.console_purchase_orders = (
            {(row.station_id, row.id): row.order_no for row in db.session.execute(wanted)}
            if wanted is not None
            else {}
        )

    def row_url(self, row: Any) -> str:
        """The purchase's own page."""
        return purchase_url(self, row.station_id, row.id)

    @expose("/<int:station_id>/<int:purchase_id>")
    def detail_page(self, station_id: int, purchase_id: int) -> Any:
        """Its story, why it went there, and what can be done now."""
        return self._page(station_id, purchase_id)

    @expose("/<int:station_id>/<int:purchase_id>/exchanges", methods=("POST",))
    @needs("supplier.manage")
    def show_exchanges(self, station_id: int, purchase_id: int) -> Any:
        """What went over the line, on this one page, and who has looked is written down."""
        row = self.get_one(f"{station_id},{purchase_id}")
        detail = {"purchase_id": purchase_id, "station": station_id}
        people.record("purchase.exchanges", f"order:{row.order_id}", detail)
        page = self._page(station_id, purchase_id, shown=True)
        return page, 200, {"Cache-Control": "no-store"}

    @expose("/<int:station_id>/<int:purchase_id>/ask", methods=("POST",))
    @needs("supplier.manage")
    def ask(self, station_id: int, purchase_id: int) -> Any:
        """Ask the supplier within seconds."""
        return self._do(
            lambda: supply.ask_now(station_id, purchase_id, people.actor()),
            _l("几秒内去查"), station_id, purchase_id,
        )  # fmt: skip

    @expose("/<int:station_id>/<int:purchase_id>/again", methods=("POST",))
    @needs("supplier.manage")
    def send_again(self, station_id: int, purchase_id: int) -> Any:
        """Once more under the same number."""
        return self._do(
            lambda: supply.send_again(station_id, purchase_id, people.actor()),
            _l("几秒内用原单号重发"), station_id, purchase_id,
        )  # fmt: skip

    @expose("/<int:station_id>/<int:purchase_id>/take-back", methods=("POST",))
    @needs("supplier.manage")
    def take_back(self, station_id: int, purchase_id: int) -> Any:
        """Ask the supplier to take it back."""

        def deed() -> str:
            reason = reason_given(request.form.get("reason"))
            db.session.rollback()  # the supplier is asked outside of every transaction
            return supply.take_back(station_id, purchase_id, reason, people.actor())

        return self._do(
            lambda: _guarded(deed), lambda state: _state_words(state), station_id, purchase_id
        )

    @expose("/<int:station_id>/<int:purchase_id>/accept", methods=("POST",))
    @needs("supplier.manage")
    def accept(self, station_id: int, purchase_id: int) -> Any:
        """Take what was delivered as it is."""

        def deed() -> str:
            db.session.rollback()  # the supplier is asked outside of every transaction
            return supply.accept(station_id, purchase_id, people.actor())

        return self._do(
            lambda: _guarded(deed), lambda state: _state_words(state), station_id, purchase_id
        )

    @expose("/<int:station_id>/<int:purchase_id>/complete", methods=("POST",))
    @needs("order.deliver")
    def complete(self, station_id: int, purchase_id: int) -> Any:
        """Hand over by hand: text for the shopper, or one card a line."""
        return self._do(
            lambda: hand_over(station_id, purchase_id),
            _l("已发货，买家现在就能看到"), station_id, purchase_id,
        )  # fmt: skip

    @expose("/<int:station_id>/<int:purchase_id>/fail", methods=("POST",))
    @needs("order.deliver")
    def fail(self, station_id: int, purchase_id: int) -> Any:
        """It came to nothing, for certain: the next supplier, or the money goes back."""
        return self._do(
            lambda: give_up(station_id, purchase_id),
            _l("已判为未成功，换下一家；没有就退款"), station_id, purchase_id,
        )  # fmt: skip

    def _do(self, deed: Any, done: Any, station_id: int, purchase_id: int) -> Any:
        return attempt(deed, done, purchase_url(self, station_id, purchase_id))

    def _page(self, station_id: int, purchase_id: int, shown: bool = False) -> Any:
        row = self.get_one(f"{station_id},{purchase_id}")
        order = found(db.session.get(Order, (station_id, row.order_id)))
        return self.render(
            "kameng_admin/purchase.html",
            page_title=_("采购单 %(no)s", no=row.purchase_no),
            crumbs=self.crumbs(Crumb(row.purchase_no)),
            row=row,
            order=order,
            state=labels.mark(labels.PURCHASE, row.state),
            is_open=row.state in OPEN,
            able=_able(row),
            cost=cost_of(row),
            routing=supply_words.routing_words(row.routing),
            why=supply_words.why_this(row.routing),
            steps=_steps(row),
            said=supply_words.said(row.code, row.message),
            others=_others(row),
            input_labels=words.input_labels(row.sku_id),
            supplier=supply_words.supplier_name(row.supplier_id),
            connection=supply_words.connection_names().get(row.connection_id),
            exchanges=supply.exchanges(station_id, purchase_id) if shown else None,
            words=supply_words,
            labels=labels,
            texts=texts,
        )


def hand_over(station_id: int, purchase_id: int) -> str:
    """What was typed into a form of goods: a text, or cards, one a line as `number code`."""
    cards = [card_of(line) for line in request.form.get("cards", "").splitlines() if line.strip()]
    return supply.complete(
        station_id, purchase_id, request.form.get("text", ""), people.actor(), cards
    )


def give_up(station_id: int, purchase_id: int) -> str:
    """It cannot be done, with a reason."""
    reason = reason_given(request.form.get("reason"))
    return supply.fail(station_id, purchase_id, reason, people.actor())


def card_of(line: str) -> tuple[str, str]:
    """`number code` or `number,code`; a line with one word is a code without a number."""
    parts = line.replace("，", " ").replace(",", " ").replace("\t", " ").split()
    if len(parts) > 2:
        raise DomainError("card_line", _("每行一张卡：卡号和卡密之间用空格或逗号隔开"))
    return ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def purchase_url(view: Any, station_id: int, purchase_id: int) -> str:
    """Address of a purchase's page."""
    return str(
        view.get_url(
            "admin_purchase_list.detail_page", station_id=station_id, purchase_id=purchase_id
        )
    )


def cost_of(row: Purchase) -> int:
    """What it has really cost, else what was expected."""
    return row.cost if row.cost is not None else row.expected_cost


def waits(row: Purchase) -> str:
    """What an open purchase waits for, or what the last word about an ended one was."""
    if row.state in OPEN:
        word = str(supply_words.WAITS.get(row.waits_for, row.waits_for))
        return "：".join(part for part in (word, supply_words.said(row.code)) if part)
    return supply_words.said(row.code)


def _order_no(row: Purchase) -> str:
    number = g.console_purchase_orders.get((row.station_id, row.order_id), "")
    return grouped(number) if number else ""


def _older(value: str) -> Any:
    if value not in AGES:
        return None
    return Purchase.created_at < func.now() - timedelta(minutes=int(value))


def _able(row: Purchase) -> frozenset[str]:
    """What can be done about it by machine, as capabilities in lower case."""
    try:
        bound = plugins.supplier(row.plugin_id, row.account)
    except plugins.PluginUnavailable:
        return frozenset()
    names = {str(one.name).lower() for one in bound.capabilities}
    return frozenset(names | ({"idempotent"} if bound.rules.number_is_idempotent else set()))


def _others(row: Purchase) -> list[Purchase]:
    """The order's other purchases, the first one first."""
    query = db.session.query(Purchase).filter(
        Purchase.station_id == row.station_id, Purchase.order_id == row.order_id,
        Purchase.id != row.id,
    )  # fmt: skip
    return list(query.order_by(Purchase.attempt))


def _steps(row: Purchase) -> list[Step]:
    """Opened, sent, ended."""
    marks = labels.PURCHASE
    found = [
        _step(row.created_at, marks["created"], _("已创建"), supply_words.why_this(row.routing))
    ]
    if row.sent_at is not None:
        note = _("提交 %(n)s 次", n=row.sends) if row.sends > 1 else ""
        found.append(_step(row.sent_at, marks["sent"], _("已提交给供应商"), note))
    if row.cancel_asked_at is not None:
        found.append(_step(row.cancel_asked_at, marks["unknown"], _("请求撤单"), ""))
    if row.done_at is not None:
        who = str(texts.actor_text(row.done_by, row.station_id)) if row.done_by else ""
        note = " · ".join(p for p in (who, supply_words.said(row.code, row.message)) if p)
        found.append(_step(row.done_at, marks[row.state], marks[row.state].label, note))
    elif row.state != "created":
        note = supply_words.said(row.code, row.message)
        asked = _("查过 %(n)s 次", n=row.queries) if row.queries else ""
        moment = row.sent_at or row.created_at
        text = " · ".join(p for p in (note, asked) if p)
        found.append(_step(moment, marks[row.state], waits(row) or marks[row.state].label, text))
    return found


def _step(at: datetime, mark: labels.Mark, text: Any, note: str) -> Step:
    return Step(at, mark.icon, mark.tone, text, note)


def _guarded(deed: Any) -> Any:
    answer: list[Any] = []
    guarded(lambda: answer.append(deed()))
    return answer[0]


def _state_words(state: str) -> str:
    return str(_("采购单现在：%(state)s", state=labels.mark(labels.PURCHASE, state).label))
