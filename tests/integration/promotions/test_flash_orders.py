"""Orders of a flash sale that wait for their payment: units go back, and money may come late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.openapi.docking import DEER
from tests.integration.promotions.conftest import FLASH, Street, new_key

from kameng.db import station_scope
from kameng.orders import api as orders
from kameng.promotions import api as promotions


@pytest.fixture
def sku(street: Street) -> str:
    return street.sku(6)


def place(street: Street, sku: str, sale: str, contact: str = "") -> Any:
    return street.dock.place(
        sku, flash_sale=sale, expected_payable=FLASH, contact=contact or f"{new_key()}@example.com"
    )


def paid(street: Street, placed: Any) -> str:
    attempt = street.dock.attempt(DEER, FLASH, order=placed.order_id)
    return str(street.dock.pay(DEER, attempt, FLASH)["code"])


def expire(street: Street, placed: Any) -> None:
    street.dock.owner.execute(
        "UPDATE orders SET deadline_at = now() - interval '1 s' WHERE station_id = %s AND id = %s",
        (DEER, placed.order_id),
    )
    assert street.dock.guarded("expire_orders", p_limit=10)["expired"] == 1


def test_an_order_holds_its_unit_until_it_is_cancelled(street: Street, sku: str) -> None:
    sale = street.plan(sku, units=1)
    placed = place(street, sku, sale)
    with pytest.raises(orders.OrderRefused, match="flash_sold_out"):
        place(street, sku, sale)
    with street.dock.app.app_context(), station_scope(DEER):
        orders.cancel(placed.order_no, "test")
    assert street.free(sale) == 1
    assert paid(street, place(street, sku, sale)) == "ok"
    street.assert_units_are_orders(sale)


def test_one_shopper_has_one_unit_and_the_shown_price_counts(street: Street, sku: str) -> None:
    sale = street.plan(sku)
    place(street, sku, sale, "a@example.com")
    with pytest.raises(orders.OrderRefused, match="flash_once"):
        place(street, sku, sale, "a@example.com")
    with pytest.raises(orders.OrderRefused, match="price_changed"):
        street.dock.place(sku, flash_sale=sale)
    with pytest.raises(orders.OrderRefused, match="flash_not_running"):
        street.dock.place(sku, 3, 2, flash_sale=sale)
    assert street.free(sale) == 4


def test_late_money_takes_a_unit_again_or_goes_back(street: Street, sku: str) -> None:
    sale = street.plan(sku, units=1)
    first = place(street, sku, sale)
    expire(street, first)
    assert street.free(sale) == 1
    assert paid(street, first) == "ok"
    assert street.free(sale) == 0
    sale = street.plan(street_sku := street.sku(3), units=1)
    late = place(street, street_sku, sale)
    expire(street, late)
    assert paid(street, place(street, street_sku, sale)) == "ok"
    assert paid(street, late) == "refund_late"
    assert street.dock.state(DEER, late.order_id) in ("refunding", "refunded")
    street.assert_units_are_orders(sale)


def test_late_money_after_the_sale_goes_back(street: Street, sku: str) -> None:
    sale = street.plan(sku, units=2)
    late = place(street, sku, sale)
    expire(street, late)
    with street.dock.app.app_context(), station_scope(DEER):
        promotions.close_sale(sale, "test")
    assert paid(street, late) == "refund_late"
    street.assert_units_are_orders(sale)


def test_a_delivered_order_that_is_given_back_keeps_its_unit(street: Street, sku: str) -> None:
    sale = street.plan(sku, units=2)
    placed = place(street, sku, sale)
    assert paid(street, placed) == "ok"
    row = street.dock.guarded(
        "refund_order", p_station=DEER, p_order_no=placed.order_no, p_amount=FLASH, p_note="x y",
        p_actor="test", p_key="k",
    )  # fmt: skip
    assert row["code"] == "ok"
    assert street.free(sale) == 1
    street.dock.assert_books_balance()


@pytest.mark.parametrize(
    ("price", "changes", "code"),
    [
        (98_6100, {}, "price_above"), (96_4900, {}, "price_below"), (97_0050, {}, "price_above"),
        (FLASH, {"units": 0}, "units_invalid"), (FLASH, {"units": 5001}, "units_invalid"),
        (FLASH, {"ends_at": datetime(2020, 1, 1, tzinfo=UTC)}, "time_invalid"),
        (FLASH, {"ends_at": datetime.now(UTC) + timedelta(days=40)}, "time_invalid"),
    ],
)  # fmt: skip
def test_the_database_itself_refuses_a_sale_that_makes_no_sense(
    street: Street, sku: str, price: int, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(promotions.SaleInvalid, match=code):
        street.plan(sku, price=price, **changes)
    assert street.plan(sku, price=96_5000)  # what the station pays itself
