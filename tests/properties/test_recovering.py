"""After a restore: what is asked outside and what is not, and what stands still until it is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import locking as made
from . import states
from .gate import Gate

BEGIN = "SELECT code FROM begin_recovery(now(), 't')"
END = "SELECT code FROM end_recovery('staff:1', true)"
OF_ORDER = "SELECT count(*) FROM recovery_question WHERE kind = 'order' AND subject_id = {order}"
# what there is before the restore
BEFORE: dict[str, tuple[made.Prepare, str, Any]] = {
    "an order that has its goods is not asked about": (states.planted(made.at_desk, "UPDATE orders SET state = 'delivered' WHERE id = {order}"), OF_ORDER, 0),
    "an order that was not bought for is asked about": (made.at_desk, OF_ORDER, 1),
    "one that was bought for in vain, too": (states.planted(made.taken, "UPDATE purchase SET state = 'declined' WHERE id = {purchase}"), OF_ORDER, 1),
    "where a purchase is open, that is asked about": (made.taken, OF_ORDER, 0),
    "a payout that ended is not asked about": (states.planted(made.sent, "UPDATE withdrawal SET state = 'succeeded' WHERE id = {id}"),
        "SELECT state FROM withdrawal WHERE id = {id}", "succeeded"),
    "one that was not sent may have been": (made.payout, "SELECT state FROM withdrawal WHERE id = {id}", "unknown"),
}  # fmt: skip
# what is said while a recovery is active
DURING: dict[str, tuple[made.Prepare, str, Any]] = {
    "it begins once": (made.limited, BEGIN, "repeat"),
    "an unpaid order is not cancelled": (made.unpaid, "SELECT code FROM cancel_order(3, '{number}', 'guest')", "recovering"),
    "an order that has run out does not expire": (made.overdue, "SELECT expired FROM expire_orders(10)", 0),
    "a paid order is not delivered": (made.paid_in_recovery, "SELECT resumed FROM resume_paid_orders(10)", 0),
    "an order without funds is not given back": (made.short_of_funds, "SELECT funded + refunded FROM fund_waiting_orders(10)", 0),
    "no payout leaves": (made.payout, "SELECT was FROM claim_payout(2, {id})", None),
    "no card leaves": (made.unpaid, "SELECT 1 FROM _claim_cards(3, {order}, (SELECT sku_id FROM orders WHERE id = {order}), 1)", "KM007"),
    "no order is taken": (states.for_sale, states.place(), "station_closed"),
    "no purchase is sent": (made.opened, "SELECT purchase_no FROM take_purchase(3, {purchase})", None),
    "nor one that was opened meanwhile": (states.planted(made.opened, BEGIN, "UPDATE purchase SET state = 'created' WHERE id = {purchase}"),
        "SELECT purchase_no FROM take_purchase(3, {purchase})", None),
    "an order is asked about once": (states.planted(made.at_desk, BEGIN, "SELECT _ask_person(3, {order})"), "SELECT 1 FROM _ask_person(3, {order})", 1),
}  # fmt: skip


@pytest.fixture(autouse=True)
def over(database: str) -> Iterator[None]:
    """The recovery ends with the test."""
    yield
    made.told(database, END)


@pytest.mark.parametrize("name", BEFORE)
def test_what_may_have_happened_since_is_asked(shop: Any, gate: Gate, database: str, name: str) -> None:  # fmt: skip
    prepare, look, seen = BEFORE[name]
    names = prepare(shop)
    assert made.told(database, BEGIN) == "ok"
    assert made.told(database, look.format(**names)) == seen


@pytest.mark.parametrize("name", DURING)
def test_what_may_have_left_does_not_leave(shop: Any, gate: Gate, database: str, name: str) -> None:
    prepare, call, told = DURING[name]
    names = prepare(shop)
    made.told(database, BEGIN)
    assert made.told(database, call.format(**names)) == told


def test_questions_belong_to_the_recovery_that_is_active(shop: Any, gate: Gate, database: str) -> None:  # fmt: skip
    found = made.at_desk(shop)
    for word in (BEGIN, END, "DELETE FROM recovery_question RETURNING 1", BEGIN):
        made.told(database, word)
    made.told(database, "DELETE FROM recovery_question RETURNING 1")
    made.told(database, "SELECT 1 FROM _ask_person(3, {order})".format(**found))
    assert made.told(database, OF_ORDER.format(**found)) == 1


def test_what_is_over_does_not_end_again(shop: Any, database: str) -> None:
    assert [made.told(database, word) for word in (BEGIN, END, END)] == ["ok", "ok", "repeat"]
