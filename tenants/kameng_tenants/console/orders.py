"""The station's orders, without card secrets."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import NotFound
from kameng.orders import api as orders
from kameng.stock import api as stock
from kameng.web import require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.shop.forms import whole
from kameng_tenants.shop.goods_of_order import goods_of

TABS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "all": (_l("全部"), ()),
    "unpaid": (_l("待付款"), ("pending_payment",)),
    "open": (_l("要处理"), ("paid", "fulfilling", "held", "partially_delivered", "failed")),
    "done": (_l("已完成"), ("delivered", "completed")),
    "refund": (_l("退款"), ("refunding", "refunded")),
    "over": (_l("未成交"), ("cancelled", "expired")),
}


@blueprint.get("/orders")
@require_staff("order.view")
def order_list() -> str | BaseResponse:
    """Orders by state, newest first; a full order number leads straight to its order."""
    wanted = "".join(request.args.get("q", "").split())[:40]
    if wanted and _exists(wanted):
        return redirect(f"/console/orders/{wanted}")
    tab = request.args.get("tab", "all")
    tab = tab if tab in TABS else "all"
    page = orders.station_orders(TABS[tab][1], whole(request.args.get("before")) or None)
    return render_template(
        "station_console/orders.html",
        tabs=[(key, word) for key, (word, _states) in TABS.items()],
        tab=tab,
        page=page,
        wanted=wanted,
    )


@blueprint.get("/orders/<order_no>")
@require_staff("order.view")
def order_detail(order_no: str) -> str:
    """One order with its price and its steps."""
    order = orders.order_page(order_no)
    part = order.kind == "card" and order.state == "partially_delivered"
    return render_template(
        "station_console/order.html",
        order=order,
        events=_steps(order),
        came=stock.count_delivered(order.id) if part else 0,
        input_labels=goods_of(order).labels,
    )


def _steps(order: orders.OrderView) -> list[orders.EventView]:
    """Steps of the order alone: what went on at suppliers meanwhile is not a station's."""
    return [event for event in orders.timeline(order.id) if event.from_state != event.to_state]


def _exists(order_no: str) -> bool:
    try:
        orders.order_page(order_no)
    except NotFound:
        return False
    return True
