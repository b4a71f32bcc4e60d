"""Orders: saved filters, search, and the whole story of one order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_admin import expose
from flask_admin.actions import action
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func

from kameng.db import db, station_scope
from kameng.openapi.models import RefundRequest
from kameng.orders import api as orders
from kameng.orders.models import Order
from kameng.risk import api as risk
from kameng.web.formats import mask_phone, plain_money
from kameng.web.formats import order_no as grouped
from kameng_admin import labels, people, supply_words, texts, words
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.cells import badge, joined_cell
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals, equals_number
from kameng_admin.base.guard import Place, found, needs
from kameng_admin.base.model_view import SecureModelView
from kameng_admin.shell import Crumb
from kameng_admin.stories import order_story

ATTENTION = ("held", "failed", "partially_delivered", "refunding")
BIG = 5_000_000  # 500 yuan


def station_choices() -> Sequence[tuple[str, Any]]:
    """All stations for a filter."""
    return [(str(number), name) for number, name in sorted(texts.station_names().items())]


def choices_of(book: Any) -> Any:
    """Choices of a filter from a map of states or words."""
    return lambda: [(key, getattr(value, "label", value)) for key, value in book.items()]


def _needs_a_person() -> Any:
    manual = (Order.state == "fulfilling") & (Order.kind == "manual")
    return Order.state.in_(ATTENTION) | manual


def _today_big() -> Any:
    return (Order.payable >= BIG) & (
        Order.created_at >= func.now() - func.make_interval(0, 0, 0, 1)
    )


class OrderView(SecureModelView):
    """All orders of all stations."""

    need = "order.view"
    place = Place(_l("交易"), _l("订单"), "receipt")
    export_needs = "order.manage"
    search_in = ("order_no", "contact", "product_name")
    search_hint = _l("订单号、联系方式、商品")
    note = _l("联系方式默认遮盖")
    order = ("created_at", True)
    empty = ("receipt", _l("还没有订单"), _l("有人下单后会立刻出现在这里。"))
    columns = (
        Column(
            "order_no",
            _l("订单号"),
            lambda o: grouped(o.order_no),
            phone="title",
            css="km-nowrap",
            export=lambda o: o.order_no,
        ),
        Column("created_at", _l("时间"), sort=True, css="km-nowrap"),
        Column("station_id", _l("分站"), lambda o: texts.station_name(o.station_id)),
        Column(
            "product_name",
            _l("商品"),
            lambda o: joined_cell(o.product_name, o.sku_name, o.quantity),
            css="is-clip",
            phone="meta",
        ),
        Column(
            "contact",
            _l("买家"),
            lambda o: mask_phone(o.contact) or labels.CHANNEL[o.channel],
            export=lambda o: mask_phone(o.contact),
        ),
        Column(
            "payable",
            _l("实付"),
            lambda o: plain_money(o.payable, 2),
            css="is-num is-strong",
            phone="amount",
            sort=True,
            export=lambda o: plain_money(o.payable, 2).replace(",", ""),
        ),
        Column(
            "state",
            _l("状态"),
            lambda o: badge(labels.order_mark(o.state, o.kind)),
            phone="state",
            export=lambda o: labels.order_mark(o.state, o.kind).label,
        ),
        Column(
            "kind",
            _l("类型"),
            lambda o: labels.KIND.get(o.kind, o.kind),
            export=lambda o: labels.KIND.get(o.kind, o.kind),
        ),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("todo", _l("要处理"), _needs_a_person),
        Tab("held", _l("风控冻结"), lambda: Order.state == "held"),
        Tab("working", _l("发货中"), lambda: Order.state.in_(("paid", "fulfilling"))),
        Tab("unpaid", _l("待付款"), lambda: Order.state == "pending_payment"),
        Tab("big", _l("今日大额"), _today_big),
    )
    filters_offered = (
        Filter(
            "day",
            _l("时间"),
            day_of(Order.created_at),
            "day",
            choices=lambda: [("today", _l("今天")), ("7d", _l("7 天")), ("30d", _l("30 天"))],
        ),
        Filter("state", _l("状态"), equals(Order.state), choices=choices_of(labels.ORDER)),
        Filter("station", _l("分站"), equals_number(Order.station_id), choices=station_choices),
        Filter("kind", _l("类型"), equals(Order.kind), choices=choices_of(labels.KIND)),
    )

    action_needs = {"cancel": "order.manage"}  # noqa: RUF012  # read only
    bulk_amount = "payable"

    @action("cancel", _l("取消未付款的"), _l("取消后库存放回，买家不能再付款。确定取消选中的？"))
    def action_cancel(self, ids: list[str]) -> None:
        """Cancel several unpaid orders; one that has moved on says so and stays."""
        self.each(ids, _cancel, lambda n: str(_("已取消 %(n)s 单，库存已放回", n=n)))

    def row_url(self, row: Any) -> str:
        """The order's own page."""
        return order_url(self, row.station_id, row.order_no)

    @expose("/<int:station_id>/<order_no>")
    def detail_page(self, station_id: int, order_no: str) -> Any:
        """Facts, money, price, story and what may be done now."""
        return self._page(self._find(station_id, order_no))

    def _page(self, order: Order, shown: bool = False) -> Any:
        story = order_story(order)
        return self.render(
            "kameng_admin/order.html",
            shown=shown,
            input_labels=words.input_labels(order.sku_id),
            methods=words.METHODS,
            supply_words=supply_words,
            unmask_label=people.permission_label("member.unmask"),
            cost_label=people.permission_label("cost.view"),
            page_title=grouped(order.order_no),
            crumbs=self.crumbs(Crumb(grouped(order.order_no))),
            order=order,
            state=labels.order_mark(order.state, order.kind),
            story=story,
            refundable=orders.refundable(order),
            asked=_asked_back(order),
            labels=labels,
            texts=texts,
        )

    @expose("/<int:station_id>/<order_no>/unmask", methods=("POST",))
    @needs("member.unmask")
    def unmask(self, station_id: int, order_no: str) -> Any:
        """Show the buyer's contact and inputs on this one page, and write it down."""
        order = self._find(station_id, order_no)
        people.record("order.unmask", f"order:{order.id}", {"station": station_id})
        page = self._page(self._find(station_id, order_no), shown=True)
        return page, 200, {"Cache-Control": "no-store"}

    @expose("/<int:station_id>/<order_no>/cancel", methods=("POST",))
    @needs("order.manage")
    def cancel(self, station_id: int, order_no: str) -> Any:
        """Cancel an unpaid order."""
        order = self._find(station_id, order_no)

        return attempt(lambda: _cancel(order), _l("订单已取消，库存已放回"), self.row_url(order))

    @expose("/<int:station_id>/<order_no>/release", methods=("POST",))
    @needs("risk.decide")
    def release(self, station_id: int, order_no: str) -> Any:
        """Let a held order go on."""
        order = self._find(station_id, order_no)

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            risk.release(station_id, order.id, people.actor(), reason)

        return attempt(deed, _l("已放行，订单继续处理"), self.row_url(order))

    @expose("/<int:station_id>/<order_no>/refuse", methods=("POST",))
    @needs("risk.decide")
    def refuse_held(self, station_id: int, order_no: str) -> Any:
        """Refuse a held order: cards back to the pool, money back to the shopper."""
        order = self._find(station_id, order_no)

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            risk.refuse(station_id, order.id, people.actor(), reason)

        return attempt(deed, _l("已拒绝，款项原路退回"), self.row_url(order))

    def _find(self, station_id: int, order_no: str) -> Order:
        query = self.restrict(db.session.query(Order))
        order: Order | None = query.filter(
            Order.station_id == station_id, Order.order_no == order_no[:40].replace("\0", "")
        ).one_or_none()
        return found(order)  # type: ignore[no-any-return]  # 404 or the very thing given


def _asked_back(order: Order) -> RefundRequest | None:
    query = db.session.query(RefundRequest).filter(
        RefundRequest.station_id == order.station_id,
        RefundRequest.order_id == order.id,
        RefundRequest.state == "open",
    )
    return query.one_or_none()


def _cancel(order: Order) -> None:
    number, actor = order.order_no, people.actor()
    with station_scope(order.station_id):
        orders.cancel(number, actor)


def order_url(view: Any, station_id: int, order_no: str) -> str:
    """Address of an order's page."""
    return str(view.get_url("admin_orders.detail_page", station_id=station_id, order_no=order_no))
