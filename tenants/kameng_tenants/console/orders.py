"""The station's orders, without card secrets."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import lazy_gettext as _l

from kameng.orders import api as orders
from kameng.web import require_staff
from kameng_tenants.console import blueprint
from kameng_tenants.shop.forms import whole

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
def order_list() -> str:
    """Orders by state, newest first."""
    tab = request.args.get("tab", "all")
    tab = tab if tab in TABS else "all"
    page = orders.station_orders(TABS[tab][1], whole(request.args.get("before")) or None)
    return render_template(
        "station_console/orders.html",
        tabs=[(key, word) for key, (word, _states) in TABS.items()],
        tab=tab,
        page=page,
    )


@blueprint.get("/orders/<order_no>")
@require_staff("order.view")
def order_detail(order_no: str) -> str:
    """One order with its price and its steps."""
    order = orders.order_page(order_no)
    return render_template(
        "station_console/order.html", order=order, events=orders.timeline(order.id)
    )
