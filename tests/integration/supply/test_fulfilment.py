"""From a paid top-up to its goods: once, whatever the supplier answers and who clicks when."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.jobs.api import drain
from kameng.plugins import api as plugins
from kameng.plugins.api import Answer
from kameng.supply import api as supply
from kameng.supply import tasks
from kameng.supply.services import fulfilment, querying
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseRequest, PurchaseResult, SupplierCapability

DEER = 3
STAFF = "staff:1"


@dataclass
class Upstream:
    """A supplier at the port: answers as told, remembers what it was asked."""

    answer: Answer[PurchaseResult]
    capabilities: SupplierCapability = SupplierCapability.TOP_UP | SupplierCapability.QUERY
    purchases: list[PurchaseRequest] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def purchase(self, request: PurchaseRequest) -> Answer[PurchaseResult]:
        self.purchases.append(request)
        return self.answer

    def query(self, purchase_no: str, supplier_ref: str = "") -> Answer[PurchaseResult]:
        self.queries.append(purchase_no)
        return self.answer


def answer(outcome: Outcome, *, empty: bool = False, **changes: Any) -> Answer[PurchaseResult]:
    result = {"supplier_ref": "up-1", "message": "said so", "deliveries": (), "cost": None}
    result.update({name: changes.pop(name) for name in list(changes) if name in result})
    value = None if empty else PurchaseResult(outcome=outcome, **result)
    return Answer(outcome=outcome, value=value, message=result["message"], **changes)


@pytest.fixture
def desk(shop):
    """An application context, with the outbox of earlier tests worked off."""
    assert tasks
    with shop.app.app_context():
        drain()
        yield shop


@pytest.fixture
def upstream(monkeypatch):
    """Function that puts a supplier behind the port."""

    def use(given: Answer[PurchaseResult], **changes: Any) -> Upstream:
        made = Upstream(given, **changes)
        monkeypatch.setattr(plugins, "supplier", lambda _plugin_id: made)
        return made

    return use


def paid(shop, kind="top_up", quantity=2):
    placed, code = shop.buy(shop.sku(kind=kind), quantity=quantity)
    assert code == "awaiting_fulfilment"
    return placed


def purchase(shop, order_id):
    row = shop.owner.execute(
        "SELECT id, state, supplier_ref, message, cost, done_by, next_query_at, purchase_no"
        " FROM purchase WHERE station_id = %s AND order_id = %s",
        (DEER, order_id),
    ).fetchall()
    assert len(row) == 1
    return row[0]


def delivery_text(shop, order_id):
    return shop.one("SELECT delivery_text FROM orders WHERE station_id=3 AND id=%s", order_id)


@pytest.mark.parametrize("kind", ["top_up", "manual", "bundle"])
def test_a_paid_order_waits_at_the_desk_and_is_delivered_by_a_person(desk, kind):
    placed = paid(desk, kind)
    drain()
    assert desk.state(DEER, placed.order_id) == "fulfilling"
    with main_scope(reason="test"):
        (mine,) = [p for p in supply.open_purchases() if p.order_id == placed.order_id]
        assert (mine.state, mine.plugin_id, mine.quantity) == ("sent", "supplier-manual", 2)
        assert supply.complete(DEER, mine.id, " 已充值 ", STAFF) == "ok"
        assert supply.complete(DEER, mine.id, "已充值", STAFF) == "repeat"
    assert desk.state(DEER, placed.order_id) == "delivered"
    assert delivery_text(desk, placed.order_id) == "已充值"
    subject = f"order:{placed.order_id}"
    actions = desk.owner.execute(
        "SELECT action FROM audit_event WHERE station_id = 3 AND subject = %s", (subject,)
    ).fetchall()
    assert actions == [("purchase.complete",)]
    desk.assert_books_balance()


def test_a_card_order_has_no_purchase(desk):
    placed, code = desk.buy(desk.sku(cards=1))
    assert code == "ok"
    fulfilment.fulfil(DEER, placed.order_id)
    assert desk.one("SELECT count(*) FROM purchase WHERE order_id = %s", placed.order_id) == 0


def test_a_double_click_from_many_hands_delivers_once(desk):
    placed = paid(desk)
    drain()
    number = purchase(desk, placed.order_id)[0]

    def click(_n):
        with desk.app.app_context(), main_scope(reason="test"):
            return supply.complete(DEER, number, "已充值", STAFF)

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(click, range(16)))
    assert codes.count("ok") == 1
    assert set(codes) == {"ok", "repeat"}
    desk.assert_books_balance()


def test_a_person_who_gives_up_starts_the_refund_once(desk):
    placed = paid(desk)
    drain()
    number = purchase(desk, placed.order_id)[0]
    with main_scope(reason="test"):
        assert supply.fail(DEER, number, "账号不存在", STAFF) == "ok"
        assert supply.fail(DEER, number, "账号不存在", STAFF) == "repeat"
        with pytest.raises(Conflict, match="already_failed"):
            supply.complete(DEER, number, "已充值", STAFF)
    assert desk.state(DEER, placed.order_id) == "refunding"
    assert desk.one("SELECT count(*) FROM refund WHERE order_id = %s", placed.order_id) == 1
    desk.assert_books_balance()


def test_what_the_desk_refuses(desk):
    placed = paid(desk)
    drain()
    number = purchase(desk, placed.order_id)[0]
    with main_scope(reason="test"):
        with pytest.raises(DomainError, match="text_needed"):
            supply.complete(DEER, number, "  ", STAFF)
        with pytest.raises(DomainError, match="reason_needed"):
            supply.fail(DEER, number, "", STAFF)
        with pytest.raises(NotFound):
            supply.complete(2, number, "x", STAFF)
    assert desk.state(DEER, placed.order_id) == "fulfilling"


def test_the_supplier_gets_inputs_quantity_and_cost_cap_and_its_success_delivers(desk, upstream):
    note = Delivery(number="138****0000", note="到账 100 元")
    shop = upstream(answer(Outcome.SUCCEEDED, deliveries=(note,), cost=Money(186_0000)))
    placed = paid(desk)
    drain()
    (request,) = shop.purchases
    assert (request.quantity, request.max_cost) == (2, Money(186_4000))
    row = purchase(desk, placed.order_id)
    assert row[1:6] == ("succeeded", "up-1", "said so", 186_0000, "supplier-manual")
    assert request.purchase_no == row[7]
    assert desk.state(DEER, placed.order_id) == "delivered"
    assert delivery_text(desk, placed.order_id) == "138****0000 到账 100 元"
    desk.assert_books_balance()


def test_a_declined_purchase_is_refunded(desk, upstream):
    upstream(answer(Outcome.DECLINED))
    placed = paid(desk)
    drain()
    assert purchase(desk, placed.order_id)[1] == "declined"
    assert desk.state(DEER, placed.order_id) == "refunding"
    desk.assert_books_balance()


def test_F4_an_unknown_purchase_is_asked_about_with_its_number_and_never_repeated(desk, upstream):
    shop = upstream(answer(Outcome.UNKNOWN, empty=True))
    placed = paid(desk)
    drain()
    fulfilment.fulfil(DEER, placed.order_id)
    fulfilment.fulfil(DEER, placed.order_id)
    assert len(shop.purchases) == 1
    assert purchase(desk, placed.order_id)[1] == "unknown"

    due(desk, placed.order_id)
    shop.answer = answer(Outcome.DECLINED, empty=True, code="busy", retry_after_s=5)
    querying.query_due()
    assert purchase(desk, placed.order_id)[1] == "unknown"  # we could not ask: no refusal

    due(desk, placed.order_id)
    shop.answer = answer(Outcome.SUCCEEDED)
    querying.query_due()
    assert shop.queries == [shop.purchases[0].purchase_no] * 2
    assert desk.state(DEER, placed.order_id) == "delivered"
    desk.assert_books_balance()


def test_what_was_not_sent_is_sent_again_with_the_same_number(desk, upstream):
    shop = upstream(answer(Outcome.DECLINED, empty=True, retry_after_s=5))
    placed = paid(desk)
    drain()
    assert purchase(desk, placed.order_id)[1] == "created"
    due(desk, placed.order_id)
    shop.answer = answer(Outcome.SUCCEEDED)
    querying.query_due()
    assert len({request.purchase_no for request in shop.purchases}) == 1
    assert desk.state(DEER, placed.order_id) == "delivered"


def test_wrong_settings_raise_an_alert_and_refund_nobody(desk, upstream):
    upstream(answer(Outcome.DECLINED, misconfigured=True))
    placed = paid(desk)
    drain()
    assert desk.state(DEER, placed.order_id) == "fulfilling"
    subject = f"order:{placed.order_id}"
    assert desk.one("SELECT kind FROM alert WHERE subject = %s", subject) == "supplier_config"


def test_codes_of_a_supplier_never_become_a_text(desk, upstream):
    upstream(answer(Outcome.SUCCEEDED, deliveries=(Delivery(code=Secret("TOP-SECRET")),)))
    placed = paid(desk)
    drain()
    assert desk.state(DEER, placed.order_id) == "fulfilling"
    assert "TOP-SECRET" not in (delivery_text(desk, placed.order_id) or "")
    assert purchase(desk, placed.order_id)[1] == "unknown"


def test_workers_that_start_at_once_call_the_supplier_once(desk, upstream):
    shop = upstream(answer(Outcome.PENDING))
    placed = paid(desk)
    barrier = threading.Barrier(6)

    def start(_n):
        with desk.app.app_context():
            barrier.wait()
            fulfilment.fulfil(DEER, placed.order_id)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
    assert len(shop.purchases) == 1
    assert purchase(desk, placed.order_id)[1] == "sent"


def test_a_worker_that_died_after_sending_leaves_it_to_a_question_or_a_person(desk):
    placed = paid(desk)
    drain()
    due(desk, placed.order_id)
    querying.query_due()  # the desk cannot be asked
    row = purchase(desk, placed.order_id)
    assert (row[1], row[6]) == ("sent", None)


def test_a_paid_order_whose_message_got_lost_is_found(desk):
    placed = paid(desk)
    desk.plant("DELETE FROM outbox WHERE sent_at IS NULL")
    fulfilment.start_forgotten(after_s=0)
    assert desk.state(DEER, placed.order_id) == "fulfilling"


def test_an_order_past_its_deadline_is_raised_and_closed_again(desk):
    placed = paid(desk)
    drain()
    desk.plant(
        "UPDATE orders SET deadline_at = now() - interval '1 minute'"
        f" WHERE station_id = 3 AND id = {placed.order_id}"
    )
    watch()
    subject = f"order:{placed.order_no}"
    alert = "SELECT state FROM alert WHERE kind = 'fulfil_overdue' AND subject = %s"
    assert desk.one(alert, subject) == "open"
    with main_scope(reason="test"):
        supply.complete(DEER, purchase(desk, placed.order_id)[0], "好了", STAFF)
    watch()
    assert desk.one(alert, subject) == "closed"


def watch():
    with main_scope(reason="test"):
        tasks.watch_deadlines()


def due(shop, order_id):
    shop.plant(
        "UPDATE purchase SET next_query_at = now() - interval '1 second'"
        f" WHERE station_id = 3 AND order_id = {order_id}"
    )
