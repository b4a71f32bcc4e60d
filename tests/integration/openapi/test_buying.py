"""Buying over the native interface: one number, one order, whatever happens at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.integration.openapi.docking import DEER, PRICE, Dock, new_number
from tests.integration.openapi.programs import Program
from tests.integration.openapi.test_native_door import refused, sku_of

from kameng.db import main_scope
from kameng.plugins import api as plugins


@pytest.fixture
def program(dock: Dock) -> Program:
    return Program(dock, dock.key("native"))


def test_the_answer_holds_the_card_and_the_books_balance(dock: Dock, program: Program) -> None:
    sku = sku_of(dock)
    answer = program.buy(sku, quantity=2, max_total="197.21")
    assert answer.status_code == 201
    order = answer.json
    assert (order["state"], order["delivered"], order["total"]) == ("delivered", 2, "197.21")
    assert order["unit_price"] == "98.605"[:7] + "0"
    assert [card["code"] for card in order["cards"]] == [
        f"SECRET-{sku}-0", f"SECRET-{sku}-1"
    ]  # fmt: skip
    assert program.balance() == "802.79"
    shown = program.send("GET", f"/api/v1/orders/{order['order_no']}").json
    assert shown == order
    assert program.send("GET", "/api/v1/orders").json["items"][0]["cards"] == []
    dock.assert_books_balance()


def test_F2_200_posts_of_one_number_at_once_make_one_order_and_equal_answers(dock: Dock) -> None:
    program = Program(dock, dock.key("native"))
    sku, number = sku_of(dock, 5), new_number()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _n: program.buy(sku, number), range(200)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 199}
    assert len({answer.data for answer in answers}) == 1
    assert dock.orders(program.key.member) == 1
    assert program.balance() == "901.39"
    for changed in ({"quantity": 2}, {"max_total": "500.00"}, {"inputs": {"a": "b"}}):
        refused(program.buy(sku, number, **changed), "conflict")
    assert dock.one("SELECT count(*) FROM card WHERE sku_id ="
                    " (SELECT id FROM sku WHERE code = %s) AND status = 2", sku) == 1  # fmt: skip
    dock.assert_books_balance()


def test_F1_more_buyers_than_cards_each_card_is_sold_once(dock: Dock) -> None:
    buyers = [Program(dock, dock.key("native")) for _n in range(8)]
    sku = sku_of(dock, 20)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: buyers[n % 8].buy(sku), range(40)))
    codes = [
        card["code"] for one in answers if one.status_code == 201 for card in one.json["cards"]
    ]
    assert len(codes) == len(set(codes)) == 20
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, "out_of_stock")
    dock.assert_books_balance()


def test_a_balance_is_never_overdrawn_by_requests_at_once(dock: Dock) -> None:
    program = Program(dock, dock.key("native", balance=5 * 98_6100))
    sku = sku_of(dock, 20)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: program.buy(sku), range(12)))
    assert Counter(answer.status_code for answer in answers) == {201: 5, 402: 7}
    assert program.balance() == "0.00"
    dock.assert_books_balance()


def test_a_refusal_burns_no_number(dock: Dock) -> None:
    program = Program(dock, dock.key("native", balance=100_0000))
    sku, number = sku_of(dock), new_number()
    told = refused(program.buy(sku, number, max_total="98.60"), "max_total_exceeded")
    assert told["total"] == "98.61"
    refused(program.buy(sku, number, quantity=2), "insufficient_balance")
    assert program.buy(sku, number).status_code == 201


def test_a_served_number_keeps_its_answer_when_the_goods_are_gone(
    dock: Dock, program: Program, owner: Any
) -> None:
    sku, number = sku_of(dock, 1), new_number()
    first = program.buy(sku, number)
    assert first.status_code == 201
    refused(program.buy(sku), "out_of_stock")
    owner.execute("UPDATE sku SET state = 'off_sale' WHERE code = %s", (sku,))
    refused(program.buy(sku), "not_on_sale")
    again = program.buy(sku, number)
    assert (again.status_code, again.data) == (200, first.data)


def test_a_top_up_is_paid_and_waits_for_its_supplier(dock: Dock, program: Program) -> None:
    number = dock.goods("top_up")
    dock.asks_for(number, "phone", "手机号")
    sku = str(dock.one("SELECT code FROM sku WHERE id = %s", number))
    errors = refused(program.buy(sku), "inputs_invalid")["errors"]
    assert list(errors) == ["phone"]
    refused(program.buy(sku, inputs={"phone": "13800138000", "x": "y"}), "inputs_invalid")
    answer = program.buy(sku, inputs={"phone": "13800138000"})
    assert (answer.status_code, answer.json["state"]) == (201, "paid")
    assert answer.json["inputs"] == {"phone": "13800138000"}
    assert dock.one("SELECT topic FROM outbox WHERE payload->>'order_no' = %s",
                    answer.json["order_no"]) == "order.paid"  # fmt: skip
    dock.assert_books_balance()


def test_what_risk_rules_suspect_is_paid_and_held(dock: Dock) -> None:
    program = Program(dock, dock.key("native", balance=2000_0000))
    sku = sku_of(dock, 20)
    program.address = "198.51.100.7"  # counted by no other test
    with dock.app.app_context():
        before = plugins.config_form("risk-velocity", 1)
        plugins.set_enabled(1, "risk-velocity", True, "test")
    try:
        number = dock.goods("top_up")
        code = str(dock.one("SELECT code FROM sku WHERE id = %s", number))
        answers = [program.buy(code, quantity=1) for _n in range(10)]
        assert [one.json["state"] for one in answers[:9]] == ["paid"] * 9
        assert answers[9].json["state"] == "held"
        kept = dock.one("SELECT risk_reasons FROM orders WHERE order_no = %s",
                        answers[9].json["order_no"])  # fmt: skip
        assert kept
        assert program.buy(sku).json["state"] == "delivered"  # cards are another matter
        decisions = "SELECT count(*) FROM risk_decision d JOIN orders o ON o.id = d.order_id"
        assert dock.one(decisions + " WHERE o.member_id = %s", program.key.member) == 11
    finally:
        with dock.app.app_context():
            plugins.set_enabled(1, "risk-velocity", before.enabled, "test")
    dock.assert_books_balance()


def test_prices_and_margins_are_those_of_the_station(dock: Dock, program: Program) -> None:
    order = program.buy(sku_of(dock)).json
    row = dock.owner.execute(
        "SELECT o.unit_price, c.cost + (SELECT sum(x) FROM unnest(c.margins) x) FROM orders o"
        " JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id"
        " WHERE o.order_no = %s", (order["order_no"],),
    ).fetchone()  # fmt: skip
    assert row == (PRICE, PRICE)
    with dock.app.app_context(), main_scope(reason="test"):
        events = dock.owner.execute(
            "SELECT from_state, to_state, actor FROM order_event e JOIN orders o"
            " ON o.station_id = e.station_id AND o.id = e.order_id WHERE o.order_no = %s",
            (order["order_no"],),
        ).fetchall()
    assert events == [("", "delivered", f"key:{program.key.key_id}")]
    assert program.station == DEER


def test_after_a_restore_programs_buy_nothing_until_everybody_was_asked(
    dock: Dock, program: Program
) -> None:
    sku, number = sku_of(dock, 2), new_number()
    before = program.buy(sku, number)
    dock.owner.execute("INSERT INTO recovery(restored_to) VALUES (now())")
    try:
        refused(program.buy(sku), "station_closed")
        assert program.buy(sku, number).json == before.json
    finally:
        dock.owner.execute("DELETE FROM recovery")
    assert program.buy(sku).status_code == 201
