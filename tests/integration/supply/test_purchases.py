"""S6, S7: goods are bought once and at a known cost, whatever a supplier answers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.supply.conftest import ASKS, COST, DEER, answer

from kameng.db import main_scope
from kameng.errors import Conflict, DomainError
from kameng.jobs.api import drain
from kameng.supply import api as supply
from kameng.supply.services import fulfilling, querying
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, SupplierCapability, SupplierRules

STAFF = "staff:1"
YES, NO = answer(Outcome.SUCCEEDED), answer(Outcome.DECLINED)
NOTHING = answer(Outcome.UNKNOWN, empty=True, code="no_answer")
TRUSTED = SupplierRules(number_is_idempotent=True, not_found_means_nothing_s=60)


def cards(*codes: str, **changes: Any) -> Any:
    pieces = tuple(Delivery(number=f"N-{code}", code=Secret(code)) for code in codes)
    return answer(Outcome.SUCCEEDED, deliveries=pieces, **changes)


def card_sku(market: Any) -> str:
    code = market.shop.sku(cards=0)
    market.shop.plant(f"UPDATE sku SET sourcing = 'supplier' WHERE code = '{code}'")
    market.shop.plant(f"INSERT INTO supply_level(sku_id) SELECT id FROM sku WHERE code = '{code}'")
    return str(code)


def seconds_to_next_question(market: Any, placed: Any) -> int:
    """Of an order's open purchase, in whole seconds."""
    (row,) = market.purchases(placed.order_id)
    return round((row[8] - market.shop.one("SELECT now()")).total_seconds())


def test_the_supplier_gets_inputs_quantity_and_cost_cap_and_its_success_delivers(market):
    note = Delivery(number="138****0000", note="到账 100 元")
    sku = market.shop.sku(kind="top_up")
    given = answer(Outcome.SUCCEEDED, deliveries=(note, note), cost=Money(186_0000))
    shop = market.supplier(sku, given)
    placed = market.paid(sku)
    drain()
    (request,) = shop.purchases
    # Cost 93.20 and the main station's own margin 1.80: no piece may cost more.
    assert (request.quantity, request.max_cost) == (2, Money(2 * 95_0000))
    assert len(request.purchase_no) == 18
    (row,) = market.purchases(placed.order_id)
    assert (row.state if hasattr(row, "state") else row[1]) == "succeeded"
    assert row[4:8] == ("up-1", "said so", 186_0000, "system")
    assert request.purchase_no == row[9]
    assert market.state(placed) == "delivered"
    text = market.shop.one("SELECT delivery_text FROM orders WHERE id = %s", placed.order_id)
    assert text == "138****0000 到账 100 元\n138****0000 到账 100 元"
    owed = market.shop.balance(1, "supplier", str(shop.supplier_id))
    assert owed == 186_0000
    market.shop.assert_books_balance()


def test_fields_are_sent_under_the_suppliers_names(market):
    sku = market.shop.sku(kind="top_up")
    shop = market.supplier(sku, YES, input_map={"recharge_account": "phone"})
    placed = market.paid(sku)
    market.shop.plant(
        f'UPDATE orders SET inputs = \'{{"phone": "13800000000"}}\' WHERE id = {placed.order_id}'
    )
    drain()
    assert shop.purchases[0].inputs == {"recharge_account": "13800000000"}


def test_a_sure_refusal_sends_the_order_to_the_next_supplier(market):
    sku = market.shop.sku(kind="top_up")
    first = market.supplier(sku, NO, cost=COST - 1)
    second = market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    assert (len(first.purchases), len(second.purchases)) == (1, 1)
    assert [row[1] for row in market.purchases(placed.order_id)] == ["declined", "succeeded"]
    assert first.purchases[0].purchase_no != second.purchases[0].purchase_no
    why = {one["supplier"]: one["why"] for one in market.purchases(placed.order_id)[1][12]}
    assert why == {"s1": "tried", "s2": "only_one"}
    assert market.state(placed) == "delivered"
    market.shop.assert_books_balance()


def test_when_all_have_refused_the_money_goes_back_once(market):
    sku = market.shop.sku(kind="top_up")
    for _n in range(3):
        market.supplier(sku, NO)
    placed = market.paid(sku)
    drain()
    drain()
    assert [row[1] for row in market.purchases(placed.order_id)] == ["declined"] * 3
    assert market.state(placed) == "refunding"
    assert market.shop.one("SELECT count(*) FROM refund WHERE order_id = %s", placed.order_id) == 1
    market.shop.assert_books_balance()


def test_F4_while_the_outcome_is_unknown_nobody_else_is_asked_and_nothing_is_refunded(market):
    sku = market.shop.sku(kind="top_up")
    first = market.supplier(sku, NOTHING, cost=COST - 1)
    second = market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    for _n in range(3):
        fulfilling.fulfil(DEER, placed.order_id)
    assert (len(first.purchases), len(second.purchases)) == (1, 0)
    (row,) = market.purchases(placed.order_id)
    assert (row[1], row[2], row[3]) == ("unknown", "no_answer", "supplier")
    failed = market.shop.guarded(
        "fail_order", p_station=DEER, p_order_id=placed.order_id, p_reason="x", p_actor="x"
    )
    assert failed["code"] == "purchase_open"

    market.due(placed.order_id)
    first.answer = answer(Outcome.DECLINED, empty=True, code="busy", retry_after_s=5)
    querying.query_due()
    assert market.purchases(placed.order_id)[0][1] == "unknown"  # we could not ask: no refusal

    market.due(placed.order_id)
    first.answer = YES
    querying.query_due()
    assert set(first.queries) == {first.purchases[0].purchase_no}
    assert (market.state(placed), len(second.purchases)) == ("delivered", 0)
    market.shop.assert_books_balance()


def test_not_found_proves_nothing_until_the_suppliers_own_time_is_over(market):
    sku = market.shop.sku(kind="top_up")
    lost = answer(Outcome.UNKNOWN, found=False)
    silent = market.supplier(sku, NOTHING, cost=COST - 1, rules=TRUSTED)
    second = market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    silent.answer = lost
    market.due(placed.order_id, seconds=30)
    querying.query_due()
    assert market.purchases(placed.order_id)[0][1:3] == ("unknown", "not_found")

    market.due(placed.order_id, seconds=60)
    silent.answer = lost
    querying.query_due()  # its time is over: the same number again, since that never buys twice
    assert market.purchases(placed.order_id)[0][1] == "created"
    silent.answer = YES
    market.due(placed.order_id)
    querying.query_due()
    assert [p.purchase_no for p in silent.purchases] == [silent.purchases[0].purchase_no] * 2
    assert (market.state(placed), len(second.purchases)) == ("delivered", 0)
    market.shop.assert_books_balance()


def test_what_is_sent_again_is_asked_about_as_often_as_at_first(market):
    sku = market.shop.sku(kind="top_up")
    supplier = market.supplier(sku, NOTHING, rules=TRUSTED)
    placed = market.paid(sku)
    drain()
    supplier.answer = answer(Outcome.UNKNOWN, found=False)
    for _question in range(8):
        market.due(placed.order_id)
        querying.query_due()
    assert seconds_to_next_question(market, placed) == TRUSTED.query_after_s[-1]
    market.due(placed.order_id, seconds=60)
    querying.query_due()
    supplier.answer = answer(Outcome.PENDING)
    first, then = TRUSTED.query_after_s[:2]
    for pause in (first, first, then):  # after sending it once more, and after each question
        market.due(placed.order_id)
        querying.query_due()
        assert seconds_to_next_question(market, placed) == pause
    assert len(supplier.purchases) == 2


def test_a_supplier_that_takes_its_time_holds_up_nobody_elses_purchases(market):
    def takes_its_time(step: str, _what: Any) -> Any:
        time.sleep(0.1 if step == "query" else 0)
        return NOTHING

    slow_sku, quick_sku = market.shop.sku(kind="top_up"), market.shop.sku(kind="top_up")
    slow = market.supplier(slow_sku, NOTHING, script=takes_its_time, name="slow")
    quick = market.supplier(quick_sku, NOTHING, name="quick")
    waiting = [market.paid(slow_sku) for _n in range(3)]
    placed = market.paid(quick_sku)
    drain()
    quick.answer = YES
    for each in waiting:
        market.due(each.order_id)
    market.due(placed.order_id)
    querying.query_due(slow_s=0.1)
    assert (len(slow.queries), market.state(placed)) == (1, "delivered")


def test_a_killed_worker_leaves_one_question_behind_and_not_for_long(market):
    class Killed(BaseException):
        """In the place of `kill -9`."""

    def dies(step: str, _what: Any) -> Any:
        if step == "query":
            raise Killed
        return NOTHING

    sku = market.shop.sku(kind="top_up")
    supplier = market.supplier(sku, NOTHING, script=dies, name="deadly")
    first, second = market.paid(sku), market.paid(sku)
    drain()
    market.due(first.order_id)
    market.due(second.order_id)
    with pytest.raises(Killed):
        querying.query_due()
    supplier.script, supplier.answer = None, YES
    querying.query_due()
    states = {market.state(first), market.state(second)}
    assert states == {"delivered", "fulfilling"}
    (left,) = (each for each in (first, second) if market.state(each) == "fulfilling")
    assert seconds_to_next_question(market, left) <= 30


def test_not_found_for_good_at_a_supplier_that_may_buy_twice_goes_to_the_next(market):
    sku = market.shop.sku(kind="top_up")
    careful = SupplierRules(not_found_means_nothing_s=60)
    first = market.supplier(sku, NOTHING, cost=COST - 1, rules=careful)
    second = market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    first.answer = answer(Outcome.UNKNOWN, found=False)
    market.due(placed.order_id, seconds=61)
    querying.query_due()
    assert len(first.purchases) == 1
    assert [row[2] for row in market.purchases(placed.order_id)] == ["never_arrived", ""]
    assert (market.state(placed), len(second.purchases)) == ("delivered", 1)


def test_without_a_way_to_ask_a_lost_answer_is_a_persons_matter(market):
    sku = market.shop.sku(kind="top_up")
    blind = SupplierCapability.TOP_UP | SupplierCapability.CALLBACK
    market.supplier(sku, NOTHING, capabilities=blind)
    placed = market.paid(sku)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kameng.plugins.api.hook_path", lambda *_a: "/hooks/x/y")
        drain()
    (row,) = market.purchases(placed.order_id)
    assert (row[1], row[3], row[8]) == ("unknown", "person", None)
    kind = "SELECT kind FROM alert WHERE subject = %s AND state = 'open'"
    assert market.shop.one(kind, f"purchase:{row[9]}") == "purchase_unknown"
    with main_scope(reason="test"):
        with pytest.raises(Conflict, match="would_buy_twice"):
            supply.send_again(DEER, row[0], STAFF)
        assert supply.complete(DEER, row[0], "供货方电话确认已充值", STAFF) == "ok"
    assert market.state(placed) == "delivered"
    market.shop.assert_books_balance()


def test_cards_go_sealed_into_the_vault_and_are_the_orders(market):
    sku = card_sku(market)
    market.supplier(sku, cards("CODE-AAAA-1", "CODE-AAAA-2", cost=Money(180_0000)))
    placed = market.paid(sku)
    drain()
    assert market.state(placed) == "delivered"
    rows = market.shop.owner.execute(
        "SELECT status, cipher, purchase_id FROM card WHERE station_id = 3 AND order_id = %s",
        (placed.order_id,),
    ).fetchall()
    (purchase,) = market.purchases(placed.order_id)
    assert [(row[0], row[2]) for row in rows] == [(2, purchase[0])] * 2
    assert all(b"CODE" not in bytes(row[1]) for row in rows)
    dump = market.shop.one(
        "SELECT string_agg(o::text, '') FROM orders o WHERE o.id = %s", placed.order_id
    ) + market.shop.one("SELECT string_agg(p::text, '') FROM purchase p")
    assert "CODE-AAAA" not in dump
    market.shop.assert_books_balance()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (cards("T-1", "T-2", "T-3"), "too_many"),
        (cards("F-1"), "too_few"),
        (cards("D-1", "D-1").__class__(
            outcome=Outcome.SUCCEEDED,
            value=answer(Outcome.SUCCEEDED, deliveries=(Delivery(number="N", code=Secret("D-1")),) * 2).value,
        ), "duplicate_card"),
        (cards("C-1", "C-2", cost=Money(190_0001)), "above_cap"),
        (cards("bad\x07code", "x-2"), "card_unreadable"),
    ],
)  # fmt: skip
def test_goods_that_cannot_be_right_wait_with_a_reason_until_the_truth_comes(market, given, code):
    sku = card_sku(market)
    shop = market.supplier(sku, given)
    second = market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    (row,) = market.purchases(placed.order_id)
    assert (row[1], row[2]) == ("unknown", code)
    assert (market.state(placed), len(second.purchases)) == ("fulfilling", 0)
    shop.answer = cards(f"{code}-right-1", f"{code}-right-2")
    market.due(placed.order_id)
    querying.query_due()
    assert market.state(placed) == "delivered"
    market.shop.assert_books_balance()


def test_a_card_that_was_sold_before_is_never_sold_again(market):
    sku = card_sku(market)
    market.supplier(sku, cards("ONCE-1", "ONCE-2"))
    first = market.paid(sku)
    drain()
    again = market.paid(sku)
    drain()
    assert (market.state(first), market.state(again)) == ("delivered", "fulfilling")
    (row,) = market.purchases(again.order_id)
    assert (row[1], row[2], row[3]) == ("unknown", "duplicate_card", "person")
    assert market.shop.one("SELECT count(*) FROM card WHERE order_id = %s", again.order_id) == 0
    market.shop.assert_books_balance()


def test_a_card_that_was_sold_as_other_goods_is_not_sold_again(market):
    for sku in (card_sku(market), card_sku(market)):
        market.supplier(sku, cards("OTHER-1", "OTHER-2"))
        placed = market.paid(sku)
        drain()
    assert market.state(placed) == "fulfilling"
    (row,) = market.purchases(placed.order_id)
    assert (row[1], row[2], row[3]) == ("unknown", "duplicate_card", "person")
    market.shop.assert_books_balance()


def test_a_person_cannot_accept_a_receipt_for_cards(market):
    sku = card_sku(market)
    receipt = answer(Outcome.SUCCEEDED, deliveries=(Delivery(note="order 7 done"),))
    shop = market.supplier(sku, receipt)
    placed = market.paid(sku)
    drain()
    (row,) = market.purchases(placed.order_id)
    assert (row[1], row[2]) == ("unknown", "no_codes")
    with pytest.raises(DomainError, match="nothing_delivered"):
        supply.accept(DEER, row[0], STAFF)
    shop.answer = cards("ACCEPT-1")
    assert supply.accept(DEER, row[0], STAFF) == "succeeded"  # one of two: the rest is paid back
    drain()
    assert market.state(placed) == "delivered"
    short = market.shop.one("SELECT short FROM orders WHERE id = %s", placed.order_id)
    assert short == 1
    market.shop.assert_books_balance()


def test_a_partial_delivery_is_kept_and_the_rest_bought_elsewhere(market):
    sku = card_sku(market)
    partly = ASKS | SupplierCapability.PARTIAL
    market.supplier(sku, cards("P-1", cost=Money(90_0000)), capabilities=partly, cost=COST - 1)
    second = market.supplier(sku, cards("P-2", "P-3", cost=Money(186_0000)))
    placed = market.paid(sku, quantity=3)
    drain()
    assert [(r[1], r[10]) for r in market.purchases(placed.order_id)] == [
        ("succeeded", 1), ("succeeded", 2),
    ]  # fmt: skip
    assert second.purchases[0].quantity == 2
    assert market.state(placed) == "delivered"
    states = market.shop.owner.execute(
        "SELECT to_state FROM order_event WHERE order_id = %s ORDER BY id", (placed.order_id,)
    ).fetchall()
    assert ("partially_delivered",) in states
    market.shop.assert_books_balance()


def test_what_nobody_can_deliver_of_a_partial_order_is_paid_back(market):
    sku = card_sku(market)
    partly = ASKS | SupplierCapability.PARTIAL
    market.supplier(sku, cards("Q-1", "Q-2"), capabilities=partly)
    placed = market.paid(sku, quantity=3)
    drain()
    assert market.state(placed) == "delivered"
    row = market.shop.owner.execute(
        "SELECT short, refunded, payable FROM orders WHERE id = %s", (placed.order_id,)
    ).fetchone()
    assert row[0] == 1
    assert row[1] == -(-row[2] // 3 // 100) * 100
    market.shop.assert_books_balance()


def test_success_after_a_refusal_is_told_to_people_and_delivers_nothing_twice(market):
    sku = market.shop.sku(kind="top_up")
    first = market.supplier(sku, NO, cost=COST - 1)
    market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    row = market.purchases(placed.order_id)[0]
    done = market.shop.guarded(
        "receive_purchase", p_station=DEER, p_id=row[0], p_pieces=2, p_cost=None, p_refunded=None,
        p_ref="", p_message="", p_text="late", p_ciphers="", p_digests="", p_key=None,
        p_expires=[], p_actor="test",
    )  # fmt: skip
    assert done["code"] == "late"
    assert market.shop.one("SELECT late_success FROM purchase WHERE id = %s", row[0]) is True
    assert market.shop.balance(1, "supplier", str(first.supplier_id)) == 0
    market.shop.assert_books_balance()


@pytest.mark.parametrize("pieces", [0, 3])
def test_success_after_a_refusal_is_found_by_asking_though_its_goods_are_wrong(market, pieces):
    """As after a notice that only says that something has happened."""
    sku = market.shop.sku(kind="top_up")
    first = market.supplier(sku, NO, cost=COST - 1)
    market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    row = market.purchases(placed.order_id)[0]
    first.answer = answer(Outcome.SUCCEEDED, deliveries=(Delivery(note="done"),) * pieces)
    assert querying.ask(DEER, row[0]) == "wait"
    assert market.shop.one("SELECT late_success FROM purchase WHERE id = %s", row[0]) is True
    alert = "SELECT kind FROM alert WHERE subject = %s AND state = 'open'"
    assert market.shop.one(alert, f"purchase:{row[9]}") == "purchase_late"
    market.shop.assert_books_balance()


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.DECLINED])
def test_money_that_came_back_is_booked_when_a_person_has_the_supplier_asked(market, outcome):
    sku = market.shop.sku(kind="top_up")
    shop = market.supplier(sku, answer(Outcome.SUCCEEDED, cost=Money(180_0000)))
    placed = market.paid(sku)
    drain()
    (row,) = market.purchases(placed.order_id)
    shop.answer = answer(outcome, cost=Money(180_0000), refunded=Money(180_0000))
    for _again in range(2):
        with main_scope(reason="test"):
            supply.ask_now(DEER, row[0], STAFF)
        drain()
    (row,) = market.purchases(placed.order_id)
    assert (row[1], row[8], row[11]) == ("succeeded", None, 180_0000)
    assert market.shop.balance(1, "supplier", str(shop.supplier_id)) == 0
    assert market.state(placed) == "delivered"
    market.shop.assert_books_balance()


def test_a_closed_purchase_that_nobody_can_tell_of_warns_nobody(market):
    sku = market.shop.sku(kind="top_up")
    shop = market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    (row,) = market.purchases(placed.order_id)
    market.shop.plant(
        f"UPDATE purchase SET sent_at = now() - interval '2 hours' WHERE id = {row[0]}"
    )
    shop.answer = NOTHING
    querying.ask(DEER, row[0])
    assert market.purchases(placed.order_id)[0][1] == "succeeded"
    alert = "SELECT count(*) FROM alert WHERE subject = %s"
    assert market.shop.one(alert, f"purchase:{row[9]}") == 0


def test_money_that_a_supplier_gives_back_later_is_owed_no_longer(market):
    sku = market.shop.sku(kind="top_up")
    shop = market.supplier(sku, answer(Outcome.SUCCEEDED, cost=Money(180_0000)))
    placed = market.paid(sku)
    drain()
    (row,) = market.purchases(placed.order_id)
    back = {"p_station": DEER, "p_id": row[0], "p_pieces": 2, "p_cost": None, "p_ref": "",
            "p_message": "", "p_text": "", "p_ciphers": "", "p_digests": "", "p_key": None,
            "p_expires": [], "p_actor": "test"}  # fmt: skip
    for refunded, code in ((50_0000, "refunded"), (50_0000, "repeat"), (999_0000, "refunded")):
        assert market.shop.guarded("receive_purchase", p_refunded=refunded, **back)["code"] == code
    assert market.purchases(placed.order_id)[0][11] == 180_0000
    assert market.shop.balance(1, "supplier", str(shop.supplier_id)) == 0
    market.shop.assert_books_balance()


def test_no_purchase_is_made_at_a_loss(market):
    sku = market.shop.sku(kind="top_up")
    dear = market.supplier(sku, YES, cost=95_0001)
    placed = market.paid(sku)
    drain()
    assert dear.purchases == []
    assert market.state(placed) == "refunding"
    market.shop.plant(
        f"INSERT INTO supply_policy(sku_id, loss_bp) SELECT id, 100 FROM sku WHERE code = '{sku}'"
    )
    placed = market.paid(sku)
    drain()
    assert (len(dear.purchases), market.state(placed)) == (1, "delivered")


def test_what_was_not_sent_is_sent_again_with_the_same_number(market):
    sku = market.shop.sku(kind="top_up")
    shop = market.supplier(sku, answer(Outcome.DECLINED, empty=True, retry_after_s=5))
    placed = market.paid(sku)
    drain()
    assert market.purchases(placed.order_id)[0][1] == "created"
    market.due(placed.order_id)
    shop.answer = YES
    querying.query_due()
    assert len({request.purchase_no for request in shop.purchases}) == 1
    assert market.state(placed) == "delivered"


def test_wrong_settings_raise_an_alert_and_refund_nobody_at_once(market):
    sku = market.shop.sku(kind="top_up")
    market.supplier(sku, answer(Outcome.DECLINED, empty=True, misconfigured=True))
    placed = market.paid(sku)
    drain()
    assert market.state(placed) == "fulfilling"
    subject = f"purchase:{market.purchases(placed.order_id)[0][9]}"
    assert market.shop.one("SELECT kind FROM alert WHERE subject = %s", subject) == (
        "supplier_config"
    )
    fulfilling.continue_unfinished(after_s=0)
    assert len(market.purchases(placed.order_id)) == 1  # it rests for a minute
    assert market.state(placed) == "fulfilling"


def test_a_connection_that_fails_five_times_rests_and_the_next_supplier_serves(market):
    sku = market.shop.sku(kind="top_up")
    first = market.supplier(sku, NOTHING, cost=COST - 1)
    second = market.supplier(sku, YES)
    for _n in range(5):
        market.paid(sku)
        drain()
    assert len(first.purchases) == 5
    placed = market.paid(sku)
    drain()
    assert (len(first.purchases), len(second.purchases)) == (5, 1)
    assert market.state(placed) == "delivered"
    why = {one["supplier"]: one["why"] for one in market.purchases(placed.order_id)[0][12]}
    assert why["s1"] == "broken"


def test_workers_that_start_at_once_call_the_supplier_once(market):
    sku = market.shop.sku(kind="top_up")
    shop = market.supplier(sku, answer(Outcome.PENDING))
    placed = market.paid(sku)
    barrier = threading.Barrier(6)

    def start(_n: int) -> None:
        with market.shop.app.app_context():
            barrier.wait()
            fulfilling.fulfil(DEER, placed.order_id)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
    assert len(shop.purchases) == 1
    assert market.purchases(placed.order_id)[0][1] == "sent"


def test_a_person_may_take_a_purchase_back_and_the_next_supplier_serves(market):
    sku = market.shop.sku(kind="top_up")
    able = ASKS | SupplierCapability.CANCEL
    slow = market.supplier(sku, answer(Outcome.PENDING), cost=COST - 1, capabilities=able)
    market.supplier(sku, YES)
    placed = market.paid(sku)
    drain()
    slow.answer = NO
    (row,) = market.purchases(placed.order_id)
    assert supply.take_back(DEER, row[0], "等太久", STAFF) == "declined"
    drain()
    assert market.state(placed) == "delivered"


def test_exchanges_are_kept_sealed_and_open_for_staff(market):
    from kameng.plugins.http import Exchange

    line = Exchange(
        method="POST", url="https://s.test/buy", request='{"n": 1}', status=200,
        answer='{"card": "NOT-UNDERSTOOD"}', elapsed_ms=12,
    )  # fmt: skip
    sku = market.shop.sku(kind="top_up")
    market.supplier(sku, answer(Outcome.UNKNOWN, empty=True, code="no_answer", exchanges=(line,)))
    placed = market.paid(sku)
    drain()
    (row,) = market.purchases(placed.order_id)
    sealed = market.shop.one("SELECT sealed FROM purchase_exchange WHERE purchase_id = %s", row[0])
    assert b"NOT-UNDERSTOOD" not in bytes(sealed)
    with main_scope(reason="test"):
        (shown,) = supply.exchanges(DEER, row[0])
    assert shown.lines[0]["answer"] == line.answer
    assert shown.at <= datetime.now(UTC)
