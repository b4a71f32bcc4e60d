"""One Kameng buys from another over the native API: two installations, and HTTP between them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kameng.db import db, main_scope
from kameng.openapi import api as openapi
from kameng.supply import api as supply
from kameng.supply.services import placing, settling
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult

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


@native
def test_a_busy_door_delays_a_purchase_and_does_not_end_it(dock: Dock) -> None:
    a, b = dock.pair.a, dock.pair.b
    code = a.goods("card", COST, cards=2)
    mine = dock.sold_on(code, "card")
    limit_the_key(dock, 1)
    bought = dock.buy(mine)
    assert dock.purchase(bought)[2] == "unknown"
    assert dock.orders_there(dock.purchase(bought)[1]) == []
    limit_the_key(dock, 600)
    b.ask_suppliers()
    assert dock.purchase(bought)[3] == "not_found", "too early to prove anything"
    b.market.owner.execute("UPDATE purchase SET sent_at = sent_at - interval '1 minute'")
    dock.asked_until(bought, "delivered")
    ((order_no, *_),) = dock.orders_there(dock.purchase(bought)[1])
    assert b.cards_of(bought.order_no) == a.cards_of(order_no)


def limit_the_key(dock: Dock, per_minute: int) -> None:
    key_id = dock.pair.a.one("SELECT id FROM api_key WHERE key_id = %s", dock.values["key_id"])
    with dock.pair.a.app.app_context(), main_scope(reason="test"):
        openapi.set_limit(MAIN, key_id, per_minute, STAFF)


@native
def test_what_a_ends_short_is_a_part_at_b_and_the_rest_is_paid_back(dock: Dock) -> None:
    a, b = dock.pair.a, dock.pair.b
    code = a.goods("card", COST)
    there = a.market.skus[code]
    with a.app.app_context(), main_scope(reason="test"):
        supply.set_sourcing(there, "supplier", STAFF)
    a.market.owner.execute("INSERT INTO supply_level(sku_id) VALUES (%s)", (there,))
    mine = dock.sold_on(code, "card")
    mine_had = b.wallet(dock.buyer)
    bought = dock.buy(mine, 3)
    paid = mine_had - b.wallet(dock.buyer)
    ((order_no, *_),) = dock.orders_there(dock.purchase(bought)[1])
    come_short_there(dock, order_no, "SHORT-1", "SHORT-2")
    b.work()
    dock.asked_until(bought, "delivered")
    _id, _number, state, _code, cost, refunded, _ref = dock.purchase(bought)
    assert (state, cost, refunded) == ("succeeded", a.price(code) * 3, a.price(code))
    assert b.cards_of(bought.order_no) == ["SHORT-1", "SHORT-2"]
    assert mine_had - b.wallet(dock.buyer) == paid // 3 * 2


def come_short_there(dock: Dock, order_no: str, *codes: str) -> None:
    """Somebody who serves A has fewer cards than were ordered, and nobody has the rest."""
    a = dock.pair.a
    a.work()
    cards = tuple(Delivery(number=f"N{code}", code=Secret(code)) for code in codes)
    with a.app.app_context():
        with main_scope(reason="test"):
            (mine,) = [p for p in supply.open_purchases() if p.order_no == order_no]
        row = placing.read(MAIN, mine.id)
        assert row is not None
        with main_scope(reason="test"):
            result = PurchaseResult(outcome=Outcome.SUCCEEDED, deliveries=cards)
            assert settling.receive(row, result, STAFF) == "part"
            db.session.commit()
    a.work()
