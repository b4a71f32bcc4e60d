"""Flash sales over the open API: who gets a unit, who does not, and what the gate knows."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.openapi.docking import DEER, new_number
from tests.integration.promotions.conftest import Street

from kameng.db import station_scope
from kameng.promotions import api as promotions


def refused(answer: Any, code: str) -> dict[str, Any]:
    assert answer.json.get("code") == code, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_a_unit_costs_the_sales_price_and_the_seller_bears_the_difference(street: Street) -> None:
    sku = street.sku(3)
    sale = street.plan(sku, units=3)
    answer = street.program().buy(sku, flash_sale=sale, max_total="97.00")
    assert (answer.status_code, answer.json["state"]) == (201, "delivered")
    assert answer.json["unit_price"] == answer.json["total"] == "97.00"
    row = street.dock.owner.execute(
        "SELECT c.margins, o.price_explain->-1->>'code' FROM orders o JOIN order_cost c"
        " ON c.station_id = o.station_id AND c.order_id = o.id WHERE o.order_no = %s",
        (answer.json["order_no"],),
    ).fetchone()
    assert row == ([1_8000, 1_5000, 5000], "flash")
    street.assert_units_are_orders(sale)
    assert street.gate(sale) == {"left": 2, "buyers": 1, "flight": 0}


def test_one_for_each_buyer_and_a_repeat_is_the_same_order(street: Street) -> None:
    sku, number = street.sku(5), new_number()
    sale, program = street.plan(sku), street.program()
    first = program.buy(sku, number, flash_sale=sale)
    again = program.buy(sku, number, flash_sale=sale)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    refused(program.buy(sku, flash_sale=sale), "flash_once")
    refused(program.buy(sku, number), "conflict")
    assert program.buy(sku).json["total"] == "98.61"  # as many as one likes at the normal price
    assert street.free(sale) == 4
    street.flush()
    assert program.buy(sku, number, flash_sale=sale).json == first.json
    assert street.gate(sale) == {"left": 4, "buyers": 1, "flight": 0}


def test_what_is_sold_out_is_refused_and_the_number_is_not_burnt(street: Street) -> None:
    sku, number = street.sku(5), new_number()
    sale = street.plan(sku, units=1)
    assert street.program().buy(sku, flash_sale=sale).status_code == 201
    late = street.program()
    refused(late.buy(sku, number, flash_sale=sale), "flash_sold_out")
    assert late.buy(sku, number).status_code == 201
    street.watch()
    assert street.dock.one("SELECT refused FROM flash_sale WHERE sale_no = %s", sale) == 1


def test_nobody_buys_before_after_or_without_a_sale(street: Street) -> None:
    sku, now = street.sku(5), datetime.now(UTC)
    sale = street.plan(sku, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2))
    program, number = street.program(), new_number()
    refused(program.buy(sku, number, flash_sale=sale), "flash_not_running")
    street.dock.owner.execute(
        "UPDATE flash_sale SET starts_at = now() - interval '1 hour' WHERE sale_no = %s", (sale,)
    )
    street.watch()
    bought = program.buy(sku, number, flash_sale=sale)
    assert bought.status_code == 201
    with street.dock.app.app_context(), station_scope(DEER):
        assert promotions.close_sale(sale, "test") == "ended"
    refused(street.program().buy(sku, flash_sale=sale), "flash_not_running")
    assert program.buy(sku, number, flash_sale=sale).json == bought.json
    refused(program.buy(sku, flash_sale="F26110000000001"), "flash_not_running")
    refused(program.buy(street.sku(1), flash_sale=sale), "flash_not_running")
    assert street.free(sale) == 4


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"flash_sale": "nonsense"}, "field_invalid"),
        ({"flash_sale": ""}, "field_invalid"),
        ({"flash_sale": 7}, "field_invalid"),
        ({"flash_sale": "F26110000000001", "quantity": 2}, "quantity_invalid"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    street: Street, changes: dict[str, Any], code: str
) -> None:
    refused(street.program().buy("SKU", **changes), code)


def test_a_refusal_after_the_gate_gives_the_place_back(street: Street) -> None:
    sku = street.sku(1)
    sale = street.plan(sku, units=3)
    poor = street.program(balance=1_0000)
    refused(poor.buy(sku, flash_sale=sale), "insufficient_balance")
    refused(street.program().buy(sku, flash_sale=sale, max_total="96.99"), "max_total_exceeded")
    assert street.gate(sale) == {"left": 3, "buyers": 0, "flight": 0}
    assert street.program().buy(sku, flash_sale=sale).status_code == 201
    refused(street.program().buy(sku, flash_sale=sale), "out_of_stock")
    assert street.gate(sale) == {"left": 2, "buyers": 1, "flight": 0}
    assert street.free(sale) == 2


def test_who_sends_too_much_takes_no_place(street: Street) -> None:
    sku = street.sku(3)
    sale, program = street.plan(sku), street.program()
    street.dock.behind("UPDATE api_key SET per_minute = 1 WHERE key_id = %s", program.key.key_id)
    program.balance()
    refused(program.buy(sku, flash_sale=sale), "too_many")
    assert street.gate(sale) == {"left": 5, "buyers": 0, "flight": 0}


def test_the_sandbox_has_no_flash_sales(street: Street) -> None:
    sku = street.sku(3)
    sale, program = street.plan(sku), street.program()
    program.key = street.dock.key("native", sandbox=True)
    refused(program.buy(sku, flash_sale=sale), "flash_not_running")


def test_sales_are_listed_with_what_is_left_in_a_word(street: Street) -> None:
    sku = street.sku(5)
    sale = street.plan(sku, units=2)
    program = street.program()
    assert program.buy(sku, flash_sale=sale).status_code == 201
    items = program.send("GET", "/api/v1/flash-sales").json["items"]
    (found,) = [one for one in items if one["flash_sale"] == sale]
    assert found["sku"] == sku
    assert (found["price"], found["normal_price"]) == ("97.00", "98.6050")
    assert (found["units"], found["left"], found["state"]) == (2, "some", "running")


def test_two_hundred_at_once_get_twenty_units_one_each(street: Street) -> None:
    sku = street.sku(30)
    sale = street.plan(sku, units=20)
    programs = [street.program() for _n in range(200)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda one: one.buy(sku, flash_sale=sale), programs))
    told = Counter(one.json.get("code", "bought") for one in answers)
    assert told == {"bought": 20, "flash_sold_out": 180}
    codes = {one.json["cards"][0]["code"] for one in answers if one.status_code == 201}
    assert len(codes) == 20
    assert street.free(sale) == 0
    assert street.gate(sale) == {"left": 0, "buyers": 20, "flight": 0}
    street.assert_units_are_orders(sale)


def test_one_buyer_who_asks_many_times_at_once_gets_one_unit(street: Street) -> None:
    sku = street.sku(30)
    sale, program = street.plan(sku, units=20), street.program()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: program.buy(sku, flash_sale=sale), range(24)))
    told = Counter(one.json.get("code", "bought") for one in answers)
    assert told == {"bought": 1, "flash_once": 23}
    assert street.free(sale) == 19
    street.watch()
    assert street.gate(sale) == {"left": 19, "buyers": 1, "flight": 0}


def test_an_emptied_redis_sells_no_unit_twice_and_loses_none(street: Street) -> None:
    sku = street.sku(30)
    sale = street.plan(sku, units=20)
    programs = [street.program() for _n in range(60)]

    def buy(number: int) -> str:
        if number % 15 == 7:
            street.flush()
        while True:
            found = programs[number].buy(sku, flash_sale=sale)
            if found.status_code not in (503, 401):
                return str(found.json.get("code", "bought"))

    with ThreadPoolExecutor(8) as pool:
        told = Counter(pool.map(buy, range(60)))
    assert set(told) <= {"bought", "flash_sold_out"}
    street.watch()
    while street.free(sale):
        assert street.program().buy(sku, flash_sale=sale).status_code == 201
    refused(street.program().buy(sku, flash_sale=sale), "flash_sold_out")
    street.assert_units_are_orders(sale)
    assert street.gate(sale)["left"] == 0


def test_the_price_that_has_fallen_below_the_sales_counts(street: Street) -> None:
    sku = street.sku(3)
    sale = street.plan(sku)
    street.dock.behind(
        "UPDATE listing SET price = 968000 FROM sku s WHERE s.id = sku_id AND station_id = 3"
        " AND s.code = %s", sku,
    )  # fmt: skip
    street.dock.behind(
        "UPDATE price_chain SET margins[3] = 3000 FROM sku s WHERE s.id = sku_id"
        " AND station_id = 3 AND s.code = %s", sku,
    )  # fmt: skip
    assert street.program().buy(sku, flash_sale=sale).json["total"] == "96.80"
    street.dock.behind(
        "UPDATE price_chain SET margins[3] = -100 FROM sku s WHERE s.id = sku_id"
        " AND station_id = 3 AND s.code = %s", sku,
    )  # fmt: skip
    # By now it would cost the station more than it brings.
    refused(street.program().buy(sku, flash_sale=sale), "flash_not_running")


def test_a_failed_order_gives_its_unit_back_and_its_buyer_may_try_again(street: Street) -> None:
    number = street.dock.goods("top_up")
    sku = str(street.dock.one("SELECT code FROM sku WHERE id = %s", number))
    sale, program = street.plan(sku, units=1), street.program()
    order = program.buy(sku, flash_sale=sale).json
    refused(street.program().buy(sku, flash_sale=sale), "flash_sold_out")
    found = street.dock.one("SELECT id FROM orders WHERE order_no = %s", order["order_no"])
    assert street.dock.guarded(
        "fail_order", p_station=DEER, p_order_id=found, p_reason="x", p_actor="test"
    ) == {"code": "ok"}
    assert street.free(sale) == 1
    street.watch()
    assert program.buy(sku, flash_sale=sale).status_code == 201
    street.assert_units_are_orders(sale)
    again = program.buy(sku, order["merchant_order_no"], flash_sale=sale)
    assert (again.status_code, again.json["order_no"]) == (200, order["order_no"])
