"""What must be true of B docked to A, in whatever tongue: each function is one story."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kameng.db import main_scope
from kameng.plugins.api import Answer
from kameng.supply import api as supply
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import PurchaseRequest, PurchaseResult, SupplierCapability

from .dock import PLENTY, Dock
from .instances import MAIN, STAFF

COST = 40_0000


def the_catalogue_is_the_members(dock: Dock) -> None:
    """Prices, stock and kinds as A shows them; what is sold out cannot be bought."""
    a = dock.pair.a
    card, top_up = a.goods("card", COST, cards=3), a.goods("top_up", COST)
    gone = a.goods("card", COST)
    dock.sync()
    _id, _ref, kind, cost, stock, on_sale = dock.offer(card)
    assert (kind, cost, on_sale) == ("card", a.price(card), True)
    assert stock == 3 or not dock.can(SupplierCapability.STOCK)
    assert dock.offer(top_up)[2:4] == ("top_up", a.price(top_up))
    empty = dock.offer(gone)
    assert empty is None or empty[4] == 0 or not empty[5]


def cards_are_bought_once_and_shown_as_they_were_sold(dock: Dock) -> None:
    """The codes on B's page are those that left A's pool, and both sides count the same money."""
    a, b = dock.pair.a, dock.pair.b
    code = a.goods("card", COST, cards=5)
    mine = dock.sold_on(code, "card")
    before = a.wallet(dock.member)
    bought = dock.buy(mine, 2)
    dock.asked_until(bought, "delivered")
    _id, number, state, _code, cost, refunded, _ref = dock.purchase(bought)
    ((order_no, there, payable, _back),) = dock.orders_there(number)
    assert (state, there, cost, refunded) == ("succeeded", "delivered", payable, 0)
    assert before - a.wallet(dock.member) == payable == a.price(code) * 2
    codes, came = a.cards_of(order_no), b.cards_of(bought.order_no)
    assert len(codes) == 2
    assert came == codes
    shown = b.market.post(dock.browser, f"/o/{bought.order_no}/reveal", {"index": "all"})
    assert all(each in shown.text for each in codes)


def a_notice_brings_what_a_person_has_done(dock: Dock) -> None:
    """B is told by A, and asks nobody before."""
    if not dock.can(SupplierCapability.CALLBACK):
        pytest.skip("it sends no notices")
    mine = dock.sold_on(dock.pair.a.goods("top_up", COST), "top_up")
    bought = dock.buy(mine, phone=dock.phone)
    assert dock.state(bought) == "fulfilling"
    number = dock.purchase(bought)[1]
    dock.fulfil_by_hand(number, "已充值到账")
    assert dock.state(bought) == "fulfilling"
    dock.pair.a.work()  # the notice travels
    dock.pair.b.work()  # and what follows from it
    assert dock.state(bought) == "delivered"
    assert "已发货" in dock.page(bought)
    assert (
        dock.pair.a.one(
            "SELECT inputs ->> 'phone' FROM orders WHERE order_no = %s",
            dock.orders_there(number)[0][0],
        )
        == dock.phone
    )


def a_question_is_enough(dock: Dock) -> None:
    """No notice ever comes; the job that asks brings it."""
    if not dock.can(SupplierCapability.QUERY):
        pytest.skip("it cannot be asked")
    mine = dock.sold_on(dock.pair.a.goods("top_up", COST), "top_up")
    bought = dock.buy(mine, phone=dock.phone)
    dock.pair.b.ask_suppliers()
    assert dock.state(bought) == "fulfilling"
    dock.fulfil_by_hand(dock.purchase(bought)[1], "已充值到账")
    dock.asked_until(bought, "delivered")
    dock.pair.a.work()  # the notice comes late, and changes nothing
    dock.pair.b.work()
    assert dock.state(bought) == "delivered"
    assert dock.purchase(bought)[2] == "succeeded"


def the_same_number_buys_once(dock: Dock) -> None:
    """B sends a purchase again, as after a lost answer: A has one order, and tells of it."""
    a, number = dock.pair.a, "261126000000000001"
    code = a.goods("card", COST, cards=5)
    dock.sync()
    before = a.wallet(dock.member)
    first, again = (_buy_there(dock, code, number) for _n in range(2))
    assert first.outcome in (Outcome.SUCCEEDED, Outcome.PENDING)
    assert again.outcome is not Outcome.DECLINED
    assert len(dock.orders_there(number)) == 1
    assert before - a.wallet(dock.member) == a.price(code)


def a_lost_answer_does_not_buy_twice(dock: Dock) -> None:
    """A has sold and the line was cut: the card is found by our number, or a person is asked."""
    a = dock.pair.a
    code = a.goods("card", COST, cards=5)
    mine = dock.sold_on(code, "card")
    before = a.wallet(dock.member)
    with a.gate.losing(lambda: int(a.one("SELECT count(*) FROM orders"))):
        bought = dock.buy(mine)
    assert dock.purchase(bought)[2] == "unknown"
    if dock.tongue.finds_by_number:
        dock.asked_until(bought, "delivered")
    else:
        dock.pair.b.ask_suppliers()
        assert dock.state(bought) == "fulfilling"
    ((order_no, *_),) = dock.orders_there(dock.purchase(bought)[1])
    assert before - a.wallet(dock.member) == a.price(code)
    if dock.tongue.finds_by_number:
        assert dock.pair.b.cards_of(bought.order_no) == a.cards_of(order_no)


def _buy_there(dock: Dock, code: str, number: str, **inputs: str) -> Answer[PurchaseResult]:
    """One call to A as B's engine makes it, without an order of B."""
    request = PurchaseRequest(
        purchase_no=number, sku_ref=dock.offer(code)[1], quantity=1, inputs=inputs,
        max_cost=Money(dock.pair.a.price(code)),
    )  # fmt: skip
    with dock.pair.b.app.app_context():
        return dock.bound.purchase(request)


def without_money_at_a_nothing_is_bought_and_the_shopper_is_paid_back(dock: Dock) -> None:
    """B believes in a balance that A no longer has: A says no, and nobody else sells it."""
    a, b = dock.pair.a, dock.pair.b
    code = a.goods("top_up", PLENTY * 2)
    dock.fill(a, dock.member, a.price(code))
    dock.fill(b, dock.buyer, PLENTY * 9)
    mine = dock.sold_on(code, "top_up")
    _buy_there(dock, code, "261126000000000002", phone=dock.phone)  # somebody else spends it
    had, mine_had = a.wallet(dock.member), b.wallet(dock.buyer)
    assert had < a.price(code)
    bought = dock.buy(mine, phone=dock.phone)
    _id, number, state, _code, cost, _refunded, _ref = dock.purchase(bought)
    assert (state, cost) == ("declined", None)
    assert dock.orders_there(number) == []
    assert a.wallet(dock.member) == had
    assert dock.state(bought) == "refunded"
    assert b.wallet(dock.buyer) == mine_had


def what_a_gives_back_is_seen_at_b(dock: Dock) -> None:
    """A part is found by asking; the rest is told by a notice where there are any."""
    if not dock.tongue.shows_refunds:
        pytest.skip("its orders do not show it")
    a, b = dock.pair.a, dock.pair.b
    code = a.goods("card", COST, cards=2)
    bought = dock.buy(dock.sold_on(code, "card"))
    dock.asked_until(bought, "delivered")
    purchase_id, number, *_ = dock.purchase(bought)
    dock.refund_there(number, 10_0000)
    _ask(dock, purchase_id)
    assert dock.purchase(bought)[5] == 10_0000
    dock.refund_there(number, a.price(code) - 10_0000)
    a.work()
    b.work()
    if dock.purchase(bought)[5] == 10_0000:
        _ask(dock, purchase_id)
    assert dock.purchase(bought)[4:6] == (a.price(code), a.price(code))
    assert dock.state(bought) == "delivered", "what B gives back to its shopper is B's to decide"


def _ask(dock: Dock, purchase_id: int) -> None:
    with dock.pair.b.app.app_context(), main_scope(reason="test"):
        supply.ask_now(MAIN, purchase_id, STAFF)
    dock.pair.b.work()


STORIES: tuple[Callable[[Dock], None], ...] = (
    the_catalogue_is_the_members,
    cards_are_bought_once_and_shown_as_they_were_sold,
    a_notice_brings_what_a_person_has_done,
    a_question_is_enough,
    the_same_number_buys_once,
    a_lost_answer_does_not_buy_twice,
    without_money_at_a_nothing_is_bought_and_the_shopper_is_paid_back,
    what_a_gives_back_is_seen_at_b,
)
