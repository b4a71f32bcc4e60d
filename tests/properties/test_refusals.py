"""What guarded functions refuse, in the states and with the numbers that nobody should send them."""

from __future__ import annotations

from typing import Any

import pytest

from . import locking as made
from . import states
from .gate import Gate

ROOM = "SELECT room FROM account_room(3, 1, 'payment-gate', '{account}', {amount}, false)"
FAIL = "SELECT code FROM fail_order(3, {order}, 'x', 's')"
ASK = "SELECT code FROM request_difference(1, {id}, 'lost', 's')"
WITHDRAW = """SELECT code FROM request_withdrawal(2, {amount}, '{kind}', '{{"account": "622000", "name": "Wu"{more}}}', 's', '{{key}}')"""


def withdraw(amount: int = 50000, kind: str = "bank", more: str = ', "bank": "ICBC"') -> str:
    return (
        WITHDRAW.format(amount=amount, kind=kind, more=more)
        .replace("{", "{{")
        .replace("}", "}}")
        .replace("{{key}}", "{key}")
    )


CLOSE = "SELECT code FROM close_flash_sale(3, '{number}', 't')"
TAKE = states.TAKE
ONE = made.BUY.replace("{n}", "1")
REFUSALS: dict[str, tuple[made.Prepare, str, Any]] = {
    "a delivered order does not fail": (made.delivered, FAIL, "bad_state"),
    "an unpaid order does not fail": (made.unpaid, FAIL, "bad_state"),
    "a held order does not fail": (made.held, FAIL, "bad_state"),
    "an order of which something has come does not fail": (states.partly_come, FAIL, "delivered"),
    "a payee at no bank": (made.earned, withdraw(more=""), "payee_invalid"),
    "a payee of an unknown kind": (made.earned, withdraw(kind="cash"), "payee_invalid"),
    "a closed difference is not asked for": (states.closed_difference, ASK, "bad_state"),
    "where nothing differs nothing is asked for": (states.even, ASK, "bad_state"),
    "what is asked for has a reason": (made.difference, ASK.replace("lost", " "), "note_missing"),
    "a station's own account is its own matter": (states.of_station, ASK.replace("(1,", "(2,"), "not_ours"),
    "an account has its own limit": (made.limited, ROOM.format(account="tight", amount=101), False),
    "and room up to it": (made.limited, ROOM.format(account="tight", amount=100), True),
    "another account does not share it": (made.limited, ROOM.format(account="", amount=101), True),
    "an adjustment makes no debt": (states.poor, "SELECT code FROM post_adjustment(2, {id})", "KM003"),
    "votes are no word when the word is refused": (states.planted(made.just_agreed, "UPDATE approval SET state = 'refused' WHERE kind = 'withdrawal' AND subject = '{id}'"),
        "SELECT code FROM approve_withdrawal(2, {id})", "KM403"),
    "an adjustment without a word is not posted": (made.adjustment, "SELECT code FROM post_adjustment(3, {id})", "KM403"),
    "an adjustment that waits for a word is not refused": (made.adjustment, "SELECT code FROM refuse_adjustment(3, {id})", "bad_state"),
    "an adjustment has a reason": (made.limited, "SELECT code FROM request_adjustment(3, 'adjustment', '', 'prepaid', '', 70000, ' ', 's', '{key}')", "reason_missing"),
    "a difference without a word is not posted": (states.asked_difference, "SELECT code FROM post_difference(1, {id})", "KM403"),
    "a closed difference is not posted": (states.planted(made.agreed_difference, "UPDATE bill_difference SET state = 'resolved' WHERE id = {id}"),
        "SELECT code FROM post_difference(1, {id})", "bad_state"),
    "no money leaves without a word": (states.payout_without_word, "SELECT was FROM claim_payout(2, {id})", "KM403"),
    "a payout that was not sent does not end": (made.agreed, "SELECT code FROM settle_payout(2, {id}, 'succeeded', 'r', '', NULL)", "bad_state"),
    "nobody decides a payout that is under way": (made.sent, "SELECT code FROM decide_payout(2, {id}, true, 'bank-1', '', 's')", "bad_state"),
    "a till is opened once": (states.planted(made.limited, "SELECT _open_till(3)"), "SELECT 1 FROM _open_till(3)", 1),
    "no leg of a sale runs the other way": (made.limited, "SELECT 1 FROM _post_wallet_sale(3, 0, NULL, 0, 0, 0, 0, 0, 100, -1, 0, 101)", "KM010"),
    "a wallet pays no more than it has": (made.limited, "SELECT 1 FROM _post_wallet_sale(3, 0, NULL, _account(3, 'wallet', '{key}'), _account(3, 'order_clearing'), _account(1, 'goods_cost'), "
        "_account(1, 'revenue'), _account(3, 'margin_pending'), 100, 50, 30, 20)", "KM003"),
    "an empty wallet buys nothing": (states.broke, made.BUY.replace("{n}", "1"), "KM003"),
    "an order is moved from where it is": (made.unpaid, "SELECT 1 FROM _move_order(3, {order}, 'paid', 'delivered', 's', 'x')", "KM006"),
    "nobody sells what is not there": (states.for_sale, states.place(sku="0"), "sku_unknown"),
    "a repeat is told as such after the sale has ended": (states.planted(states.on_hold, "UPDATE sku SET state = 'off_sale' WHERE id = {sku}"),
        states.place(quantity=5, key="first"), "repeat"),
    "cards that no supplier has are not sold": (states.planted(states.for_sale, "UPDATE sku SET sourcing = 'supplier' WHERE id = {sku}"), states.place(), "KM001"),
    "an address holds so many": (states.on_hold, states.place(cap_ip=5), "hold_limit"),
    "and a shopper so many": (states.on_hold, states.place(cap_shopper=5, ip=""), "hold_limit"),
    "what is paid is not on hold": (states.planted(states.on_hold, "UPDATE orders SET state = 'delivered' WHERE sku_id = {sku}"), states.place(cap_shopper=5, cap_ip=5), "ok"),
    "what is over stays over": (states.planted(made.long_delivered, "UPDATE orders SET state = 'completed' WHERE id = {order}"), "SELECT completed FROM complete_orders(30, 10)", 0),
    "money goes back of the attempt that was paid": (states.with_another_attempt(made.delivered), "SELECT code FROM refund_order(3, '{number}', 10000, 'x', 's', 'k')", "ok"),
    "and not of the one that was paid twice": (states.paid_twice(made.delivered), "SELECT code FROM refund_order(3, '{number}', 10000, 'x', 's', 'k')", "ok"),
    "one reason gives back once": (states.planted(states.attempt, "SELECT _refund_attempt(3, {attempt}, 'g', 100, 'failed')"), "SELECT _refund_attempt(3, {attempt}, 'g', 100, 'failed')", None),
    "another amount twice": (states.planted(made.attempted, "SELECT apply_payment(3, '{one}', 'payment-gate', 100, 'CNY', 'a{order}', 'notice', true)"),
        "SELECT code FROM apply_payment(3, '{one}', 'payment-gate', 100, 'CNY', 'a{order}', 'notice', true)", "amount_mismatch"),
    "a reference used again and again": (states.planted(made.attempted, "SELECT apply_payment(3, '{one}', 'payment-gate', {payable}, 'CNY', 'r{order}', 'notice', true)",
        "SELECT apply_payment(3, '{two}', 'payment-gate', {payable}, 'CNY', 'r{order}', 'notice', true)"),
        "SELECT code FROM apply_payment(3, '{two}', 'payment-gate', {payable}, 'CNY', 'r{order}', 'notice', true)", "reference_taken"),
    "a reference of an attempt that nobody paid": (states.planted(made.attempted, "UPDATE payment_attempt SET provider_ref = 'u{order}' WHERE attempt_no = '{two}'"),
        "SELECT code FROM apply_payment(3, '{one}', 'payment-gate', {payable}, 'CNY', 'u{order}', 'notice', true)", "ok"),
    "another account's notice": (made.attempted, "SELECT code FROM apply_payment(3, '{one}', 'payment-gate', {payable}, 'CNY', 'g{order}', 'notice', true, 1, 'other')", "attempt_unknown"),
    "a wallet pays for no card that is not there": (states.planted(made.of_member, "SELECT _release_cards(3, {order})", "UPDATE card SET status = 3 WHERE status = 0"),
        "SELECT code FROM pay_with_balance(3, '{number}', {member}, 'w-{order}')", "KM001"),
    "a refund declined twice": (states.planted(made.refund, "SELECT settle_refund(3, '{refund}', 'declined', '', 'no', NULL)"),
        "SELECT code FROM settle_refund(3, '{refund}', 'declined', '', 'no', NULL)", "ok"),
    "what was given back waits for no funds": (states.planted(made.short_of_funds, "UPDATE orders SET state = 'refunding' WHERE id = {order}"),
        "SELECT refunded FROM fund_waiting_orders(10)", 0),
    "an attempt that is over keeps nothing": (states.planted(made.attempted, "UPDATE payment_attempt SET state = 'declined' WHERE attempt_no = '{one}'"),
        "SELECT code FROM keep_for_transfer(3, '{one}', 24, 60)", "attempt_unknown"),
    "another account's money takes no room": (states.planted(made.limited, "INSERT INTO payment_attempt(station_id, attempt_no, purpose, member_id, plugin_id, method, amount, state, paid_at, expires_at) "
        "SELECT 3, 'T{key}', 'prepaid', NULL, 'payment-gate', 'cash', 100, 'succeeded', now(), now()"), ROOM.format(account="tight", amount=100), True),
    "a declined transfer takes no room": (states.planted(made.limited,
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, member_id, plugin_id, account, method, amount, state, next_query_at, expires_at) "
        "SELECT 3, 'T{key}', 'prepaid', NULL, 'payment-gate', 'tight', 'cash', 100, 'declined', now(), now() + interval '1 hour'"), ROOM.format(account="tight", amount=100), True),
    "a difference that is there still is not closed": (states.planted(states.billed, "SELECT compare_bill(1, {bill})"), "SELECT closed FROM compare_bill(1, {bill})", 0),
    "nor opened again": (states.planted(states.billed, "SELECT compare_bill(1, {bill})", "UPDATE bill_difference SET state = 'resolved', resolution = 'matched' WHERE bill_id = {bill}",
        "SELECT compare_bill(1, {bill})"), "SELECT opened FROM compare_bill(1, {bill})", 0),
    "no fee of what was not paid": (states.planted(states.billed, "SELECT compare_bill(1, {bill})", "UPDATE bill_difference SET state = 'resolved', resolution = 'ignored' WHERE bill_id = {bill}"),
        "SELECT fee_moved FROM compare_bill(1, {bill})", 0),
    "what the next bill may tell is not missing": (states.paid_before_midnight, "SELECT opened FROM compare_bill(1, {bill})", 0),
    "no fee of an attempt that nobody paid": (states.planted(states.with_another_attempt(made.delivered), "UPDATE payment_attempt SET fee = 700 WHERE attempt_no = '{other}'"),
        "SELECT _gateway_kept(3, {order})", 0),
    "what was not paid out is not said to be": (states.planted(made.earned, "UPDATE withdrawal SET state = 'declined'"), "SELECT withdrawn FROM settlement_funds(2)", 0),
    "what is released is not due": (states.planted(made.due_share, "UPDATE settlement SET state = 'released' WHERE station_id = 2"),
        "SELECT next_release_at FROM settlement_funds(2)", None),
    "a locked member is told so, whatever was bought": (states.locked_buyer, ONE, "member_locked"),
    "what is withdrawn from sale is not bought": (states.planted(made.two_buyers, "UPDATE product SET state = 'off_sale' WHERE id = (SELECT product_id FROM sku WHERE code = '{code}')"), ONE, "not_on_sale"),
    "nor what this station does not offer": (states.planted(made.two_buyers, "UPDATE listing SET active = false WHERE station_id = 3 AND sku_id = (SELECT id FROM sku WHERE code = '{code}')"), ONE, "not_on_sale"),
    "nor is it what a checkout finds": (states.planted(states.for_sale, "DELETE FROM listing WHERE station_id = 3 AND sku_id = {sku}"),
        "SELECT sku_id FROM goods_of(3, (SELECT code FROM sku WHERE id = {sku}))", None),
    "nor is it among its goods": (states.planted(states.for_sale, "DELETE FROM listing WHERE station_id = 3 AND sku_id = {sku}"),
        "SELECT sku_id FROM find_api_goods(3, (SELECT code FROM sku WHERE id = {sku}))", None),
    "nor fewer than are sold at once": (states.planted(made.two_buyers, "UPDATE sku SET min_quantity = 2, max_quantity = 9 WHERE code = '{code}'"), ONE, "quantity_invalid"),
    "nor a card that has run out": (states.planted(made.two_buyers, "UPDATE card SET expires_on = current_date - 1 WHERE sku_id = (SELECT id FROM sku WHERE code = '{code}')"), ONE, "KM001"),
    "nor one over the counter": (states.planted(states.for_sale, "UPDATE card SET expires_on = current_date - 1 WHERE sku_id = {sku}"), states.place(), "KM001"),
    "an answer to a charge comes once": (states.planted(made.attempted, "UPDATE payment_attempt SET state = 'sent' WHERE attempt_no = '{one}'"),
        "SELECT code FROM keep_charge(3, (SELECT id FROM payment_attempt WHERE attempt_no = '{one}'), 'sent', '', '', '', '', '{{}}', true, NULL, NULL)", "late"),
    "no flash sale of what is off sale": (states.planted(states.no_sale, "UPDATE sku SET state = 'off_sale' WHERE id = {sku}"), states.plan(), "not_on_sale"),
    "nor of what is withdrawn": (states.planted(states.no_sale, "UPDATE product SET state = 'off_sale' WHERE id = (SELECT product_id FROM sku WHERE id = {sku})"), states.plan(), "not_on_sale"),
    "nor of what is not sold singly": (states.planted(states.no_sale, "UPDATE sku SET min_quantity = 2, max_quantity = 9 WHERE id = {sku}"), states.plan(), "quantity_invalid"),
    "nor of what nobody knows": (states.no_sale, states.plan(sku="'no such'"), "sku_unknown"),
    "nor a second one of the same": (states.planted(states.flash_sale, "UPDATE flash_sale SET sale_no = 'F' || lpad(id::text, 14, '0') WHERE id = {sale}"), states.plan(), "sale_open"),
    "a sale that nobody planned is not closed": (states.no_sale, CLOSE, "not_found"),
    "nor one that is over": (states.cancelled_sale, CLOSE, "repeat"),
    "a buyer gets one unit": (states.planted(states.flash_sale, TAKE.replace("{n}", "1")), TAKE.replace("{n}", "1"), "KM012"),
    "nor two of them": (states.planted(made.pool, "UPDATE card SET expires_on = current_date - 1 WHERE sku_id = {sku}"), "SELECT 1 FROM _take_cards(3, 1, {sku}, 2, 2::smallint, NULL)", "KM001"),
    "nor what no supplier has": (states.planted(made.two_buyers, "UPDATE sku SET sourcing = 'supplier' WHERE code = '{code}'"), ONE, "KM001"),
    "but what a supplier has is": (states.planted(made.two_buyers, "UPDATE sku SET sourcing = 'supplier' WHERE code = '{code}'",
        "INSERT INTO supply_level(sku_id, available) SELECT id, 5 FROM sku WHERE code = '{code}'"), ONE, "ok"),
    "a declined withdrawal is not agreed to": (states.planted(made.just_agreed, "UPDATE withdrawal SET state = 'declined' WHERE id = {id}"), "SELECT code FROM approve_withdrawal(2, {id})", "bad_state"),
    "nobody pays what is not agreed to": (made.just_agreed, "SELECT code FROM pay_withdrawal_by_hand(2, {id}, 's', 'bank-1', '', NULL)", "not_approved"),
    "nor without the bank's number": (made.agreed, "SELECT code FROM pay_withdrawal_by_hand(2, {id}, 's', 'x', '', NULL)", "ref_missing"),
    "a dispute that is over": (states.planted(states.dispute, "UPDATE supply_dispute SET state = 'closed' WHERE id = {dispute}"),
        "SELECT code FROM agree_dispute({supplier}, {dispute}, 100, 's')", "over"),
    "a dispute about no purchase": (states.planted(states.dispute, "UPDATE supply_dispute SET purchase_id = NULL, station_id = NULL WHERE id = {dispute}"),
        "SELECT code FROM agree_dispute({supplier}, {dispute}, 100, 's')", "no_purchase"),
    "what was declined is not delivered": (states.planted(made.taken, "UPDATE purchase SET state = 'declined', delivered = 1 WHERE id = {purchase}"), "SELECT _delivered(3, {order})", 0),
    "nothing is bought for a held order": (states.planted(made.at_desk, "UPDATE orders SET state = 'held' WHERE id = {order}"), made.OPEN.replace("{n}", "1"), "bad_state"),
    "nor for one that has all": (states.partly_come, made.OPEN.replace("{n}", "9"), "done"),
    "a purchase has its own number": (states.planted(made.taken, "UPDATE purchase SET state = 'declined', purchase_no = 'p-{order}-5' WHERE id = {purchase}"), made.OPEN.replace("{n}", "5"), "number_taken"),
    "no purchase is sent for an order that stopped": (states.planted(made.opened, "UPDATE orders SET state = 'held' WHERE id = {order}"), "SELECT purchase_no FROM take_purchase(3, {purchase})", None),
    "goods for an order that stopped": (states.planted(made.taken, "UPDATE orders SET state = 'refunding' WHERE id = {order}"),
        "SELECT code FROM receive_purchase(3, {purchase}, 1, NULL, NULL, '', '', 'x', '', '', NULL, '{{}}', 's')", "stray"),
    "an event counts once": (states.planted(made.limited, "SELECT count_risk_hit(3, 'c', '{key}', '{key}e', 60)"), "SELECT hits FROM count_risk_hit(3, 'c', '{key}', '{key}e', 60)", 1),
    "what is still being bought does not end short": (states.planted(states.half_there, "UPDATE orders SET state = 'partially_delivered' WHERE id = {order}"),
        "SELECT code FROM end_short(3, {order}, 'x', 's')", "open"),
    "where nothing has come nothing ends short": (states.planted(states.of_person, "UPDATE purchase SET state = 'declined' WHERE id = {purchase}",
        "UPDATE orders SET state = 'partially_delivered' WHERE id = {order}"), "SELECT code FROM end_short(3, {order}, 'x', 's')", "nothing"),
    "what ends short is given back of the attempt that was paid": (states.with_another_attempt(states.short), "SELECT code FROM end_short(3, {order}, 'x', 's')", "ok"),
    "and not of the other one": (states.paid_twice(states.short), "SELECT code FROM end_short(3, {order}, 'x', 's')", "ok"),
    "a purchase that has ended does not stand in the way": (states.ended_outside, "SELECT code FROM accept_refund_request(3, {request}, 's', 'x')", "ok"),
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


def test_a_station_that_is_suspended_sells_nothing_over_the_api(shop: Any, gate: Gate) -> None:
    buy = ONE.format(**made.two_buyers(shop))
    with shop.owner.transaction(force_rollback=True):
        shop.plant("UPDATE station SET state = 'suspended' WHERE id = 3")
        assert shop.one(buy) == "station_closed"
    assert shop.one(buy) == "ok"
