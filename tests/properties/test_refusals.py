"""What guarded functions refuse, in the states and with the numbers that nobody should send them."""

from __future__ import annotations

from typing import Any

import pytest

from . import locking as made
from .gate import Gate

ROOM = "SELECT room FROM account_room(3, 1, 'payment-gate', '{account}', {amount}, false)"
FAIL = "SELECT code FROM fail_order(3, {order}, 'x', 's')"
ASK = "SELECT code FROM request_difference(1, {id}, 'lost', 's')"
WITHDRAW = """SELECT code FROM request_withdrawal(2, {amount}, '{kind}', '{{"account": "622000", "name": "Wu"{more}}}', 's', '{{key}}')"""


def closed(shop: Any) -> made.Names:
    found = made.difference(shop)
    shop.plant(f"UPDATE bill_difference SET state = 'resolved' WHERE id = {found['id']}")
    return found


def even(shop: Any) -> made.Names:
    found = made.difference(shop)
    shop.plant(f"UPDATE bill_difference SET theirs = ours WHERE id = {found['id']}")
    return found


def of_station(shop: Any) -> made.Names:
    return made.difference(shop, 2)


def partly_come(shop: Any) -> made.Names:
    """An order whose purchase has brought a piece; nobody has said so to the order yet."""
    found = made.taken(shop)
    shop.plant(
        f"UPDATE purchase SET state = 'succeeded', delivered = 1 WHERE id = {found['purchase']}"
    )
    return found


def withdraw(amount: int = 50000, kind: str = "bank", more: str = ', "bank": "ICBC"') -> str:
    return (
        WITHDRAW.format(amount=amount, kind=kind, more=more)
        .replace("{", "{{")
        .replace("}", "}}")
        .replace("{{key}}", "{key}")
    )


def poor(shop: Any) -> made.Names:
    """An agreed move of more than a station has earned, which its floor alone would let through."""
    made.earned(shop)
    return {"id": made.agreed_move(shop, 1500100)}


REFUSALS: dict[str, tuple[made.Prepare, str, Any]] = {
    "a delivered order does not fail": (made.delivered, FAIL, "bad_state"),
    "an unpaid order does not fail": (made.unpaid, FAIL, "bad_state"),
    "a held order does not fail": (made.held, FAIL, "bad_state"),
    "an order of which something has come does not fail": (partly_come, FAIL, "delivered"),
    "a payee at no bank": (made.earned, withdraw(more=""), "payee_invalid"),
    "a payee of an unknown kind": (made.earned, withdraw(kind="cash"), "payee_invalid"),
    "a closed difference is not asked for": (closed, ASK, "bad_state"),
    "where nothing differs nothing is asked for": (even, ASK, "bad_state"),
    "what is asked for has a reason": (made.difference, ASK.replace("lost", " "), "note_missing"),
    "a station's own account is its own matter": (of_station, ASK.replace("(1,", "(2,"), "not_ours"),
    "an account has its own limit": (made.limited, ROOM.format(account="tight", amount=101), False),
    "and room up to it": (made.limited, ROOM.format(account="tight", amount=100), True),
    "another account does not share it": (made.limited, ROOM.format(account="", amount=101), True),
    "an adjustment makes no debt": (poor, "SELECT code FROM post_adjustment(2, {id})", "KM003"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_function_keeps_to_its_rules(shop: Any, gate: Gate, database: str, name: str) -> None:
    prepare, call, code = REFUSALS[name]
    assert made.told(database, call.format(**prepare(shop))) == code


# What nobody has made: the function, and what it tells.
NOT_THERE: dict[str, tuple[str, Any]] = {
    "a vote": ("SELECT code FROM vote_approval(3, 0, 'staff:2', true, '')", "not_found"),
    "an adjustment": ("SELECT code FROM post_adjustment(3, 0)", "not_found"),
    "an adjustment to refuse": ("SELECT code FROM refuse_adjustment(3, 0)", "not_found"),
    "a request to withdraw": ("SELECT code FROM withdraw_refund_request(3, 0, 'r')", "not_found"),
    "a request to accept": ("SELECT code FROM accept_refund_request(3, 0, 's', 'x')", "not_found"),
    "a request to decline": ("SELECT code FROM decline_refund_request(3, 0, 's', 'x')", "not_found"),
    "an order to let go on": ("SELECT code FROM let_order_go_on(3, 0, 's')", "repeat"),
    "an order to cancel": ("SELECT code FROM cancel_order(3, 'none', 'guest')", "not_found"),
    "an order to fail": ("SELECT code FROM fail_order(3, 0, 'x', 's')", "bad_state"),
    "an order to give back": ("SELECT code FROM refund_order(3, 'none', 100, 'x', 's', 'k')", "not_found"),
    "an order to pay": ("SELECT code FROM pay_with_balance(3, 'none', 1, 'b-none')", "not_found"),
    "an order to keep": ("SELECT code FROM keep_for_transfer(3, 'none', 24, 60)", "attempt_unknown"),
    "a held order to let go": ("SELECT code FROM release_held(3, 0, 's', 'x')", "bad_state"),
    "a held order to refuse": ("SELECT code FROM refuse_held(3, 0, 's', 'x')", "bad_state"),
    "a partly delivered order": ("SELECT code FROM end_short(3, 0, 'x', 's')", "bad_state"),
    "a payment": ("SELECT code FROM apply_payment(3, 'none', 'payment-gate', 100, 'CNY', 'g', 'notice', true)", "attempt_unknown"),
    "a refund": ("SELECT code FROM settle_refund(3, 'none', 'succeeded', 'r', '', NULL)", "not_found"),
    "a refund to try again": ("SELECT code FROM retry_refund(3, 'none', 's')", "not_found"),
    "a refund by hand": ("SELECT code FROM refund_by_hand(3, 'none', 's', 'bank', '')", "not_found"),
    "a bill": ("SELECT code FROM compare_bill(1, 0)", "not_found"),
    "a difference": ("SELECT code FROM resolve_difference(1, 0, 'later', '', 's')", "not_found"),
    "a difference to ask for": ("SELECT code FROM request_difference(1, 0, 'lost', 's')", "not_found"),
    "a difference to post": ("SELECT code FROM post_difference(1, 0)", "not_found"),
    "a withdrawal": ("SELECT code FROM approve_withdrawal(2, 0)", "not_found"),
    "a withdrawal to refuse": ("SELECT code FROM refuse_withdrawal(2, 0, 's', 'x')", "not_found"),
    "a withdrawal to cancel": ("SELECT code FROM cancel_withdrawal(2, 0, 's')", "not_found"),
    "a withdrawal by hand": ("SELECT code FROM pay_withdrawal_by_hand(2, 0, 's', 'bank-1', '', NULL)", "not_found"),
    "a payout": ("SELECT code FROM start_payout(2, 0, 'payment-gate', '', 's')", "not_found"),
    "a payout to send": ("SELECT was FROM claim_payout(2, 0)", None),
    "a payout that ended": ("SELECT code FROM settle_payout(2, 0, 'succeeded', 'r', '', NULL)", "not_found"),
    "a payout nobody knows of": ("SELECT code FROM decide_payout(2, 0, true, 'bank-1', '', 's')", "not_found"),
    "a purchase to send": ("SELECT purchase_no FROM take_purchase(3, 0)", None),
    "a supplier to pay": ("SELECT code FROM request_supplier_payment(0, 5000, '2026-11-24', 'bank', 'B1', '', 's', 'k')", "supplier_unknown"),
    "a supplier's payment": ("SELECT code FROM settle_supplier_payment(0, true)", "not_found"),
    "a supplier's payment to book": ("SELECT code FROM book_supplier_payment(1, 0, true)", "not_found"),
    "a dispute": ("SELECT code FROM agree_dispute(1, 0, 100, 's')", "not_found"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_THERE)
def test_what_is_not_there_is_said_to_be_not_there(shop: Any, database: str, name: str) -> None:
    call, told = NOT_THERE[name]
    assert made.told(database, call) == told
