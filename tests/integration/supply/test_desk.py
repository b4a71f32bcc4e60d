"""The desk: people hand over what no supplier sells, once, whoever clicks how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.jobs.api import drain
from kameng.supply import api as supply
from kameng.supply import tasks
from kameng.supply.services import fulfilling, querying

DEER = 3
STAFF = "staff:1"


def paid(shop: Any, kind: str = "top_up", quantity: int = 2) -> Any:
    placed, code = shop.buy(shop.sku(kind=kind), quantity=quantity)
    assert code == "awaiting_fulfilment"
    drain()
    return placed


def waiting(shop: Any, placed: Any) -> int:
    return int(
        shop.one(
            "SELECT id FROM purchase WHERE station_id = 3 AND order_id = %s"
            " ORDER BY attempt DESC LIMIT 1", placed.order_id,
        )
    )  # fmt: skip


def text_of(shop: Any, placed: Any) -> Any:
    return shop.one(
        "SELECT delivery_text FROM orders WHERE station_id=3 AND id=%s", placed.order_id
    )


@pytest.mark.parametrize("kind", ["top_up", "manual", "bundle"])
def test_a_paid_order_without_offers_waits_at_the_desk_and_is_delivered_by_a_person(desk, kind):
    placed = paid(desk, kind)
    assert desk.state(DEER, placed.order_id) == "fulfilling"
    with main_scope(reason="test"):
        (mine,) = [p for p in supply.open_purchases() if p.order_id == placed.order_id]
        assert (mine.state, mine.plugin_id, mine.quantity) == ("sent", "supplier-manual", 2)
        assert (mine.waits_for, mine.supplier) == ("desk", "主站人工")
        assert supply.complete(DEER, mine.id, " 已充值 ", STAFF) == "ok"
        assert supply.complete(DEER, mine.id, "已充值", STAFF) == "repeat"
    assert desk.state(DEER, placed.order_id) == "delivered"
    assert text_of(desk, placed) == "已充值"
    subject = f"order:{placed.order_id}"
    actions = desk.owner.execute(
        "SELECT action FROM audit_event WHERE station_id = 3 AND subject = %s", (subject,)
    ).fetchall()
    assert actions == [("purchase.complete",)]
    desk.assert_books_balance()


def test_a_card_order_of_the_pool_has_no_purchase(desk):
    placed, code = desk.buy(desk.sku(cards=1))
    assert code == "ok"
    fulfilling.fulfil(DEER, placed.order_id)
    assert desk.one("SELECT count(*) FROM purchase WHERE order_id = %s", placed.order_id) == 0


def test_a_double_click_from_many_hands_delivers_once(desk):
    placed = paid(desk)
    number = waiting(desk, placed)

    def click(_n: int) -> str:
        with desk.app.app_context(), main_scope(reason="test"):
            return supply.complete(DEER, number, "已充值", STAFF)

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(click, range(16)))
    assert set(codes) <= {"ok", "repeat"}
    assert desk.state(DEER, placed.order_id) == "delivered"
    delivered = "SELECT count(*) FROM order_event WHERE order_id = %s AND to_state = 'delivered'"
    assert desk.one(delivered, placed.order_id) == 1
    desk.assert_books_balance()


def test_a_person_who_gives_up_starts_the_refund_once(desk):
    placed = paid(desk)
    number = waiting(desk, placed)
    with main_scope(reason="test"):
        assert supply.fail(DEER, number, "账号不存在", STAFF) == "ok"
        assert supply.fail(DEER, number, "账号不存在", STAFF) == "repeat"
        with pytest.raises(Conflict, match="already_failed"):
            supply.complete(DEER, number, "已充值", STAFF)
    drain()
    assert desk.state(DEER, placed.order_id) == "refunding"
    assert desk.one("SELECT count(*) FROM refund WHERE order_id = %s", placed.order_id) == 1
    desk.assert_books_balance()


def test_what_the_desk_refuses(desk):
    placed = paid(desk)
    number = waiting(desk, placed)
    with main_scope(reason="test"):
        with pytest.raises(DomainError, match="text_needed"):
            supply.complete(DEER, number, "  ", STAFF)
        with pytest.raises(DomainError, match="reason_needed"):
            supply.fail(DEER, number, "", STAFF)
        with pytest.raises(NotFound):
            supply.complete(2, number, "x", STAFF)
        with pytest.raises(DomainError, match="cards_needed"):
            supply.complete(DEER, number, "", STAFF, cards=[("A", "code-1")])
    assert desk.state(DEER, placed.order_id) == "fulfilling"


def test_a_worker_that_died_after_sending_leaves_it_to_a_person(desk):
    placed = paid(desk)
    desk.plant(
        "UPDATE purchase SET next_query_at = now() - interval '1 second', waits_for = 'answer'"
        f" WHERE station_id = 3 AND order_id = {placed.order_id}"
    )
    querying.query_due()  # the desk cannot be asked
    row = desk.owner.execute(
        "SELECT state, waits_for, next_query_at FROM purchase WHERE order_id = %s",
        (placed.order_id,),
    ).fetchone()
    assert row == ("sent", "desk", None)


def test_a_paid_order_whose_message_got_lost_is_found(desk):
    placed, _code = desk.buy(desk.sku(kind="top_up"), quantity=2)
    desk.plant("DELETE FROM outbox WHERE sent_at IS NULL")
    fulfilling.continue_unfinished(after_s=0)
    assert desk.state(DEER, placed.order_id) == "fulfilling"


def test_an_order_past_its_deadline_is_raised_and_closed_again(desk):
    placed = paid(desk)
    desk.plant(
        "UPDATE orders SET deadline_at = now() - interval '1 minute'"
        f" WHERE station_id = 3 AND id = {placed.order_id}"
    )
    watch()
    subject = f"order:{placed.order_no}"
    alert = "SELECT state FROM alert WHERE kind = 'fulfil_overdue' AND subject = %s"
    assert desk.one(alert, subject) == "open"
    with main_scope(reason="test"):
        supply.complete(DEER, waiting(desk, placed), "好了", STAFF)
    watch()
    assert desk.one(alert, subject) == "closed"


def watch() -> None:
    with main_scope(reason="test"):
        tasks.watch_deadlines()
