"""Costs follow suppliers at once, and nothing is sold at a cost that eats its price."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from kameng.db import main_scope, station_scope
from kameng.errors import DomainError
from kameng.jobs.api import drain
from kameng.jobs.discovery import load_tasks
from kameng.orders.api import OrderRefused
from kameng.pricing.api import reprice, set_fixed_price
from kameng.suppliers import api as suppliers
from kameng.supply import api as supply
from kameng.supply.services import levels, syncing
from kameng_tenants.supplier_portal.changes import tell_of_changes

from .street import offer

MAIN, DEER = 1, 3
COST = 93_2000
RISE = 150_0000
REF = "x"


@pytest.fixture
def goods(street):
    """Function: a SKU on sale that is served by these offers of one connection each."""
    load_tasks()
    drain()

    def make(*asked: int, **changes):
        code = street.shop.sku(kind=changes.pop("kind", "top_up"))
        with main_scope(reason="test"):
            reprice([street.sku_id(code)])
        ones = []
        for cost in asked:
            one = street.connection(grade=changes.get("grade"))
            street.up(one).sells(offer(REF, cost, **changes.get("offer", {})))
            syncing.sync(one)
            street.map(one, REF, code)
            ones.append(one)
        levels.refresh_now([street.sku_id(code)])
        drain()
        return code, *ones

    return make


def policy(street, code, **values):
    names = ", ".join(values)
    marks = ", ".join(["%s"] * len(values))
    street.shop.owner.execute(
        f"INSERT INTO supply_policy(sku_id, {names}) VALUES (%s, {marks})",
        (street.sku_id(code), *values.values()),
    )


def asks(street, connection, cost, **changes):
    street.up(connection).sells(offer(REF, cost, **changes))
    assert syncing.sync(connection) == ""


def price(street, code, station=DEER):
    wanted = "SELECT price FROM listing WHERE sku_id = %s AND station_id = %s"
    return street.shop.one(wanted, street.sku_id(code), station)


def test_the_cost_is_that_of_the_cheapest_supplier_and_follows_up_and_down(street, goods):
    code, one, other = goods(COST, COST + 1_0000)
    assert street.cost(code) == COST
    asks(street, one, COST + 3_0000)
    assert street.cost(code) == COST + 1_0000, "now the other one is cheaper"
    asks(street, other, COST - 5_0000)
    assert street.cost(code) == COST - 5_0000
    drain()
    assert street.shop.one(
        "SELECT cost FROM price_chain WHERE station_id = 3 AND sku_id = %s", street.sku_id(code)
    ) == (COST - 5_0000), "prices follow by the topic"
    assert street.shop.one(
        "SELECT actor || ': ' || reason FROM cost_change WHERE sku_id = %s ORDER BY id DESC LIMIT 1",
        street.sku_id(code),
    ) == "supply: supplier list"  # fmt: skip


def test_a_better_grade_sets_the_cost_though_it_asks_more(street, goods):
    code, poor = goods(COST, grade="D")
    good = street.connection(grade="A")
    street.up(good).sells(offer(REF, COST + 2_0000))
    syncing.sync(good)
    supply.offer_changed([street.map(good, REF, code)], "staff")
    assert street.cost(code) == COST + 2_0000
    asks(street, good, COST + 2_0000, on_sale=False)
    assert street.cost(code) == COST, poor


def test_the_rule_of_a_sku_adds_and_only_raises(street, goods):
    code, one = goods(COST)
    policy(street, code, add_bp=100, add_amount=1_0000, only_raise=True)
    asks(street, one, COST + 1_0000)
    raised = 96_1420  # 94.2000 × 1.01 + 1
    assert street.cost(code) == raised
    asks(street, one, 10_0000)
    assert street.cost(code) == raised


def test_F21_a_rise_above_every_price_is_sold_at_new_prices_at_once(street, goods):
    code, one = goods(COST)
    old = price(street, code)
    asks(street, one, RISE)
    assert price(street, code) > RISE > old
    with pytest.raises(DomainError, match="price_changed"):
        street.shop.place(code, expected_payable=old)
    placed = street.shop.place(code)
    bound = "SELECT cost FROM order_cost WHERE station_id = 3 AND order_id = %s"
    assert street.shop.one(bound, placed.order_id) == RISE
    assert street.alerts("supply_paused") == []


def test_F21_a_price_that_a_station_holds_fast_stops_the_sale_until_the_cost_falls(street, goods):
    code, one = goods(COST)
    with station_scope(MAIN):
        set_fixed_price(MAIN, street.sku_id(code), 100_0000)
    drain()
    asks(street, one, RISE)
    assert street.level(code) == (0, "cost")
    assert street.alerts("supply_paused") == [f"sku:{street.sku_id(code)}"]
    with pytest.raises(DomainError, match="out_of_stock"):
        street.shop.place(code, MAIN)
    asks(street, one, COST)
    assert street.level(code) == (100, "")
    assert street.alerts("supply_paused") == []
    assert street.shop.place(code, MAIN)


def test_a_sku_may_pause_until_its_prices_have_followed(street, goods):
    code, one = goods(COST)
    policy(street, code, on_rise="pause")
    asks(street, one, RISE)
    assert street.level(code) == (0, "cost")
    drain()
    levels.refresh_all()
    assert street.level(code) == (100, "")
    assert price(street, code) > RISE


def test_a_sku_may_ask_a_person_who_alone_lets_it_go_on(street, goods):
    code, one = goods(COST)
    policy(street, code, on_rise="ask")
    asks(street, one, RISE)
    drain()
    levels.refresh_all()
    assert street.level(code) == (0, "ask")
    with pytest.raises(DomainError, match="out_of_stock"):
        street.shop.place(code)
    supply.confirm_cost(street.sku_id(code), "staff:1")
    assert street.level(code) == (100, "")
    assert street.shop.place(code)


def test_an_allowed_loss_lets_the_sale_go_on(street, goods):
    code, one = goods(COST)
    policy(street, code, loss_bp=1_000)
    with station_scope(MAIN):
        set_fixed_price(MAIN, street.sku_id(code), 100_0000)
    drain()
    asks(street, one, 105_0000)
    assert street.level(code) == (100, "")


def test_cards_of_the_pool_alone_have_their_own_cost(street, goods):
    code, one = goods(COST, kind="card")
    asks(street, one, RISE)
    assert street.cost(code) == COST
    street.shop.plant(f"UPDATE sku SET sourcing = 'supplier' WHERE code = '{code}'")
    levels.refresh_all()
    assert street.cost(code) == RISE


def test_what_can_be_had_is_the_largest_shelf_of_a_usable_offer(street, goods):
    code, one, other = goods(COST, COST)
    assert street.level(code) == (100, "")
    asks(street, one, COST, stock=7)
    assert street.level(code) == (100, "")
    asks(street, other, COST, stock=None)
    assert street.level(code) == (None, "")
    asks(street, other, COST, on_sale=False)
    assert street.level(code) == (7, "")
    street.up(one).sells()
    syncing.sync(one)
    assert street.level(code) == (0, "")
    assert street.alerts("supply_none") == [f"sku:{street.sku_id(code)}"]
    assert street.alerts("supply_gone") == [f"offer:{street.offer_id(one, REF)}"]
    asks(street, one, COST)
    assert (street.alerts("supply_none"), street.alerts("supply_gone")) == ([], [])


@pytest.mark.parametrize(
    "trouble",
    [
        "UPDATE supply_connection SET state = 'paused' WHERE id = {c}",
        "UPDATE supply_connection SET broken_until = now() + interval '1 minute' WHERE id = {c}",
        "UPDATE supply_connection SET balance = 0, balance_at = now() WHERE id = {c}",
        "UPDATE supplier SET state = 'paused' WHERE id = {s}",
        "UPDATE supply_offer SET active = false WHERE connection_id = {c}",
    ],
)
def test_who_cannot_be_asked_has_nothing_to_sell(street, goods, trouble):
    code, one = goods(COST)
    supplier = street.shop.one("SELECT supplier_id FROM supply_connection WHERE id = %s", one)
    street.shop.plant(trouble.format(c=one, s=supplier))
    levels.refresh_all()
    assert street.level(code) == (0, "")
    assert street.cost(code) == COST, "nobody else asks another price"


def test_a_supplier_too_dear_for_every_station_is_not_counted(street, goods):
    code, one, dear = goods(COST, RISE)
    assert street.level(code) == (100, ""), dear
    street.shop.plant(
        f"UPDATE supply_connection SET broken_until = now() + interval '1 hour' WHERE id = {one}"
    )
    levels.refresh_all()
    assert street.level(code) == (0, "")


def test_what_a_supplier_says_at_its_portal_is_followed_at_once(street, goods):
    code, one = goods(COST)
    supplier = street.shop.one("SELECT supplier_id FROM supply_connection WHERE id = %s", one)
    street.shop.owner.execute(
        "INSERT INTO supply_connection(supplier_id, plugin_id, name) "
        "VALUES (%s, 'supplier-manual', '人')",
        (supplier,),
    )
    line = {
        "sku_ref": "own-1", "name": "自营", "category": "", "kind": "top_up", "cost": "90.0000",
        "stock": "5", "on_sale": "1",
    }  # fmt: skip
    good, wrong = suppliers.read_lines([(1, line)])
    assert not wrong
    (number,) = suppliers.save_offers(supplier, good)
    street.shop.plant(f"UPDATE supply_offer SET sku_id = {street.sku_id(code)} WHERE id = {number}")
    tell_of_changes([number])
    assert (street.cost(code), street.level(code)) == (90_0000, (100, ""))
    (dearer,) = [replace(good[0], cost=RISE)]
    tell_of_changes(suppliers.save_offers(supplier, [dearer]))
    assert (street.cost(code), street.level(code)) == (COST, (100, ""))


def test_a_supplier_that_is_stopped_has_nothing_to_sell_within_seconds(street, goods):
    code, one = goods(COST)
    supplier = street.shop.one("SELECT supplier_id FROM supply_connection WHERE id = %s", one)
    street.shop.plant(f"UPDATE supplier SET state = 'paused' WHERE id = {supplier}")
    street.shop.plant(
        "INSERT INTO outbox(station_id, topic, payload) VALUES "
        f"(1, 'supplier.changed', '{{\"supplier_id\": {supplier}}}')"
    )
    drain()
    assert street.level(code) == (0, "")


def test_what_was_bought_since_the_list_is_no_longer_there(street, goods):
    code, one = goods(COST)
    placed, _code = street.shop.buy(code, quantity=3)
    supply.fulfil(DEER, placed.order_id)
    assert street.up(one).purchases[-1].quantity == 3
    levels.refresh_all()
    assert street.level(code) == (97, "")


def test_F21_no_sale_during_a_sync_costs_more_than_it_brings(street, goods):
    code, one = goods(COST, offer={"stock": None})
    over = threading.Event()

    def shopper(number):
        placed = []
        while not over.is_set() and len(placed) < 40:
            with contextlib.suppress(OrderRefused):  # the price has moved, or it is out of stock
                placed.append(street.shop.place(code, (MAIN, 2, DEER)[number % 3]))
        return len(placed)

    with ThreadPoolExecutor(6) as pool:
        sales = [pool.submit(shopper, number) for number in range(6)]
        for cost in (RISE, COST, 2 * RISE, COST + 1, RISE):
            asks(street, one, cost, stock=None)
        over.set()
        assert sum(sale.result() for sale in sales)
    rows = street.shop.owner.execute(
        "SELECT o.unit_price, c.cost FROM orders o JOIN order_cost c "
        "ON c.station_id = o.station_id AND c.order_id = o.id WHERE o.sku_id = %s",
        (street.sku_id(code),),
    ).fetchall()
    assert rows
    assert all(unit > cost for unit, cost in rows)
    assert {cost for _unit, cost in rows} <= {COST, COST + 1, RISE, 2 * RISE}
    assert street.shop.place(code).payable > RISE
