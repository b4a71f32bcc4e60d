"""One Kameng buys from another over the native API: two installations, and HTTP between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kameng.db import main_scope
from kameng.openapi import api as openapi
from kameng.supply import api as supply

from .dock import Dock
from .instances import MAIN, STAFF
from .scenario import COST, STORIES
from .tongues import NATIVE

native = pytest.mark.parametrize("dock", [NATIVE], ids=str, indirect=True)


@native
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_b_docks_to_a(dock: Dock, story: Callable[[Dock], None]) -> None:
    story(dock)


@native
def test_what_b_takes_back_is_decided_by_people_at_a(dock: Dock) -> None:
    a, b = dock.pair.a, dock.pair.b
    mine = dock.sold_on(a.goods("top_up", COST), "top_up")
    had, mine_had = a.wallet(dock.member), b.wallet(dock.buyer)
    bought = dock.buy(mine, phone=dock.phone)
    purchase_id, number, *_ = dock.purchase(bought)
    with b.app.app_context():
        assert supply.take_back(MAIN, purchase_id, "买家不要了", STAFF) == "sent"
    assert dock.state(bought) == "fulfilling", "A has not decided yet"
    ((order_no, *_),) = dock.orders_there(number)
    with a.app.app_context(), main_scope(reason="test"):
        (asked,) = [r for r in openapi.open_refund_requests() if r.order_no == order_no]
        assert (asked.reason, asked.amount) == ("买家不要了", had - a.wallet(dock.member))
        openapi.accept_refund_request(MAIN, asked.id, STAFF, "同意")
    a.work()
    b.work()
    assert dock.purchase(bought)[2] == "declined"
    assert dock.state(bought) == "refunded"
    assert (a.wallet(dock.member), b.wallet(dock.buyer)) == (had, mine_had)
