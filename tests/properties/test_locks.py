"""Every lock of the guarded functions, met on purpose: the second hand comes before the first has committed.

Without the lock both would read the same state. What the second is told, and at once where it is
not to wait, shows that it has read what the first left.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from . import locking as made
from . import states
from .gate import Gate
from .hands import while_held_open

NOTHING = None  # no row: it was not due, or somebody has it
# what they meet over; what the first does, what the second does ("" the same); what they are told
MEETINGS: dict[str, tuple[made.Prepare, str, str, Any, Any]] = {
    "a vote": (made.adjustment, "SELECT code FROM vote_approval(3, {approval}, 'staff:{n}', true, '')", "", "approved", "over"),
    "an adjustment": (made.agreed_adjustment, "SELECT code FROM post_adjustment(3, {id})", "", "ok", "repeat"),
    "an adjustment asked for": (made.limited, "SELECT code FROM request_adjustment(3, 'adjustment', '', 'prepaid', '', 70000, 'goodwill', 's', '{key}')", "", "ok", "repeat"),
    "two moves of what was earned": (made.two_moves, "SELECT code FROM post_adjustment(2, {one})", "SELECT code FROM post_adjustment(2, {two})", "ok", "KM003"),
    "a refused adjustment": (made.refused_adjustment, "SELECT code FROM refuse_adjustment(3, {id})", "", "ok", "repeat"),
    "a request to give back": (made.may_be_asked_back, made.OPEN_REQUEST, made.OPEN_REQUEST, "ok", "refund_request_open"),
    "a request withdrawn": (made.asked_back, "SELECT code FROM withdraw_refund_request(3, {member}, 'r-1')", "", "ok", "repeat"),
    "a request accepted": (made.asked_back, "SELECT code FROM accept_refund_request(3, {request}, 's', 'x')", "", "ok", "repeat"),
    "a request declined and accepted": (made.asked_back, "SELECT code FROM decline_refund_request(3, {request}, 's', 'x')",
        "SELECT code FROM accept_refund_request(3, {request}, 's', 'x')", "ok", "decided"),
    "a request withdrawn and declined": (made.asked_back, "SELECT code FROM withdraw_refund_request(3, {member}, 'r-1')",
        "SELECT code FROM decline_refund_request(3, {request}, 's', 'x')", "ok", "decided"),
    "a cancelled order": (made.unpaid, "SELECT code FROM cancel_order(3, '{number}', 'guest')", "", "ok", "repeat"),
    "a failed order": (made.for_people, "SELECT code FROM fail_order(3, {order}, 'x', 's')", "", "ok", "repeat"),
    "a held order let go": (made.held, "SELECT code FROM release_held(3, {order}, 's', 'x')", "", "ok", "repeat"),
    "a held order refused": (made.held, "SELECT code FROM refuse_held(3, {order}, 's', 'x')", "", "ok", "repeat"),
    "a refund": (made.delivered, "SELECT code FROM refund_order(3, '{number}', 10000, 'x', 's', 'k')", "", "ok", "repeat"),
    "two refunds of all": (made.delivered, "SELECT code FROM refund_order(3, '{number}', {payable}, 'x', 's', 'k{n}')", "", "ok", "bad_state"),
    "an order paid from the wallet": (made.of_member, "SELECT code FROM pay_with_balance(3, '{number}', {member}, 'b-{order}-{n}')", "", "ok", "repeat"),
    "a notice": (made.attempted, "SELECT code FROM apply_payment(3, '{one}', 'payment-gate', {payable}, 'CNY', 'g{order}', 'notice', true)", "", "ok", "repeat"),
    "an order paid twice": (made.attempted, "SELECT code FROM apply_payment(3, '{one}', 'payment-gate', {payable}, 'CNY', 'g{order}', 'notice', true)",
        "SELECT code FROM apply_payment(3, '{two}', 'payment-gate', {payable}, 'CNY', 'h{order}', 'notice', true)", "ok", "refund_surplus"),
    "an order kept for two transfers": (made.attempted, "SELECT code FROM keep_for_transfer(3, '{one}', 24, 60)",
        "SELECT code FROM keep_for_transfer(3, '{two}', 24, 60)", "ok", "repeat"),
    "a refund's end": (made.refund, "SELECT code FROM settle_refund(3, '{refund}', 'succeeded', 'r', '', NULL)", "", "ok", "repeat"),
    "a refund tried again": (made.declined_refund, "SELECT code FROM retry_refund(3, '{refund}', 's')", "", "ok", "bad_state"),
    "a refund by hand": (made.declined_refund, "SELECT code FROM refund_by_hand(3, '{refund}', 's', 'bank', '')", "", "ok", "repeat"),
    "a difference closed": (made.difference, "SELECT code FROM resolve_difference(1, {id}, 'later', '', 's')", "", "ok", "repeat"),
    "a difference asked for": (made.difference, "SELECT code FROM request_difference(1, {id}, 'lost', 's')", "", "ok", "repeat"),
    "a difference posted": (made.agreed_difference, "SELECT code FROM post_difference(1, {id})", "", "ok", "repeat"),
    "all that was earned": (made.earned, "SELECT code FROM request_withdrawal(2, 1000000, 'bank', '{{\"account\": \"622000\", \"name\": \"Wu\", \"bank\": \"ICBC\"}}', 's', '{key}{n}')",
        "", "ok", "above_available"),
    "a withdrawal agreed to": (made.just_agreed, "SELECT code FROM approve_withdrawal(2, {id})", "", "ok", "repeat"),
    "a withdrawal refused": (made.refused, "SELECT code FROM refuse_withdrawal(2, {id}, 's', 'x')", "", "ok", "repeat"),
    "a withdrawal cancelled": (made.waiting, "SELECT code FROM cancel_withdrawal(2, {id}, 's')", "", "ok", "repeat"),
    "a withdrawal called off and started": (made.agreed, "SELECT code FROM refuse_withdrawal(2, {id}, 's', 'x')",
        "SELECT code FROM start_payout(2, {id}, 'payment-gate', '', 's')", "ok", "bad_state"),
    "a withdrawal paid by hand": (made.agreed, "SELECT code FROM pay_withdrawal_by_hand(2, {id}, 's', 'bank-1', '', NULL)", "", "ok", "repeat"),
    "a payout's end": (made.sent, "SELECT code FROM settle_payout(2, {id}, 'succeeded', 'r', '', NULL)", "", "ok", "repeat"),
    "an unclear payout": (made.unknown, "SELECT code FROM decide_payout(2, {id}, true, 'bank-1', '', 's')", "", "ok", "repeat"),
    "a purchase opened": (made.at_desk, made.OPEN, made.OPEN, "ok", "open"),
    "a purchase taken": (made.opened, "SELECT purchase_no FROM take_purchase(3, {purchase})", "", "p-{order}-1", NOTHING),
    "a purchase declined": (made.taken, "SELECT code FROM decline_purchase(3, {purchase}, 'x', 'x', '', 's')", "", "ok", "repeat"),
    "a purchase delivered": (made.taken, "SELECT code FROM receive_purchase(3, {purchase}, 1, NULL, NULL, '', '', 'x', '', '', NULL, '{{}}', 's')", "", "ok", "repeat"),
    "a purchase delivered and declined": (made.taken, "SELECT code FROM receive_purchase(3, {purchase}, 1, NULL, NULL, '', '', 'x', '', '', NULL, '{{}}', 's')",
        "SELECT code FROM decline_purchase(3, {purchase}, 'x', 'x', '', 's')", "ok", "delivered"),
    "a share that is released and given back": (made.due_share, "SELECT released FROM release_settlements(10)",
        "SELECT _return_margin(2, 3, {order}, false, 0) = _account(2, 'available')", 1, True),
    "terms made on first use": (states.planted(made.limited, "DELETE FROM settlement_terms"), "SELECT 1 FROM _terms(3)", "", 1, 1),
    "an account made on first use": (made.limited, "SELECT 1 FROM _account(3, 'wallet', '{key}')", "", 1, 1),
    "two reasons to give back": (states.attempt, "SELECT 1 FROM _refund_attempt(3, {attempt}, 'g', 100, 'failed', '{n}')", "", 1, 1),
    "an order placed twice": (states.for_sale, states.place(key="same"), "", "ok", "repeat"),
    "two orders under one number": (states.for_sale, states.place(key="same", content="{n}"), "", "ok", "conflict"),
    "an order that ends short": (states.short, "SELECT code FROM end_short(3, {order}, 'x', 's')", "", "ok", "bad_state"),
    "a dispute agreed to": (states.dispute, "SELECT code FROM agree_dispute({supplier}, {dispute}, 100, 's')", "", "ok", "repeat"),
    "two disputes over one purchase": (states.dispute, "SELECT code FROM agree_dispute({supplier}, {dispute}, 700000, 's')",
        "SELECT code FROM agree_dispute({supplier}, {another}, 700000, 's')", "ok", "too_much"),
    "a bill": (states.planted(states.billed, "UPDATE payment_attempt SET state = 'succeeded', paid_at = '2026-11-20 12:00+08' WHERE attempt_no = '{one}'"),
        "SELECT fee_moved FROM compare_bill(1, {bill})", "", 30, 0),
    "a request under one number": (made.may_be_asked_back, made.OPEN_REQUEST.replace("{n}", "same"), "", "ok", "repeat"),
    "a request number used for two orders": (states.two_to_ask_back, made.OPEN_REQUEST.replace("{n}", "two"), made.OPEN_REQUEST.replace("{number}", "{other}").replace("{n}", "two"), "ok", "conflict"),
    "a flash sale closed": (states.flash_sale, "SELECT code FROM close_flash_sale(3, '{number}', 't')", "", "ok", "repeat"),
    "a dispute about no purchase": (states.planted(states.dispute, "UPDATE supply_dispute SET purchase_id = NULL, station_id = NULL WHERE id = {dispute}"),
        "SELECT code FROM agree_dispute({supplier}, {dispute}, 0, 's')", "", "ok", "repeat"),
    "the end of a recovery": (states.planted(made.limited, "SELECT begin_recovery(now(), 't')"), "SELECT code FROM end_recovery('s', true)", "", "ok", "repeat"),
    "a seal": (made.delivered, "SELECT least(sealed, 1) FROM seal_ledger(100000)", "", 1, 0),
    "a payment to a supplier": (made.supplier_payment, "SELECT code FROM settle_supplier_payment({id}, true)", "", "ok", "repeat"),
}  # fmt: skip
# The second is not to wait: what the first has taken it leaves alone. As above.
SKIPPED: dict[str, tuple[made.Prepare, str, str, Any, Any]] = {
    "an order that has run out": (made.overdue, "SELECT expired FROM expire_orders(10)", "", 1, 0),
    "an order that is over": (made.long_delivered, "SELECT completed FROM complete_orders(30, 10)", "", 1, 0),
    "an order without funds": (made.short_of_funds, "SELECT refunded FROM fund_waiting_orders(10)", "", 1, 0),
    "a share that is due": (made.due_share, "SELECT released FROM release_settlements(10)", "", 1, NOTHING),
    "a payout that is due": (made.payout, "SELECT was FROM claim_payout(2, {id})", "", "created", NOTHING),
    "the first card": (made.pool, "SELECT 'taken' FROM _take_cards(3, {n}, {sku}, 1, 2::smallint, NULL)", "", "taken", "taken"),
    "the first two cards": (made.pool, "SELECT 'taken' FROM _take_cards(3, {n}, {sku}, 2, 2::smallint, NULL)", "", "taken", "taken"),
    "the first card, over the counter": (states.for_sale, states.place(key="{n}", ip="").replace("s:{key}", "s:{key}{n}"), "", "ok", "ok"),
    "a unit of a flash sale": (states.flash_sale, states.TAKE, "", "taken", "taken"),
    "the last unit of a flash sale": (states.last_unit, states.TAKE, "", "taken", "KM005"),
    "the use of a key": (made.two_buyers, "SELECT code FROM note_api_key_uses(3, ARRAY[{one}]::bigint[], ARRAY[''])", "", "ok", "known"),
    "the first card, over the API": (made.two_buyers, made.BUY, "", "ok", "ok"),
    "a share that somebody holds": (made.two_due_shares, "SELECT 'held' FROM settlement WHERE station_id = 2 AND order_id = {order} FOR NO KEY UPDATE",
        "SELECT released FROM release_settlements(10)", "held", 1),
    "cards that somebody else is taking": (states.planted(made.attempted, "SELECT _release_cards(3, {order})"),
        "SELECT 'held' FROM card c JOIN orders o ON o.sku_id = c.sku_id WHERE o.id = {order} FOR UPDATE OF c",
        "SELECT code FROM apply_payment(3, '{one}', 'payment-gate', {payable}, 'CNY', 'g{order}', 'notice', true)", "held", "KM005"),
    "the last cards": (made.pool, "SELECT 'held' FROM card WHERE sku_id = {sku} FOR UPDATE", "SELECT 1 FROM _take_cards(3, 1, {sku}, 1, 2::smallint, NULL)", "held", "KM005"),
    "an order paid before a recovery's end": (made.paid_in_recovery, "SELECT resumed FROM resume_paid_orders(10)", "", 1, 0),
}  # fmt: skip
# The second waits for the first, whatever they find.
ALONE: dict[str, tuple[made.Prepare, str]] = {
    "room at an account": (made.limited, "SELECT room FROM account_room(3, 1, 'payment-gate', 'tight', 60, true)"),
    "a counted event": (made.limited, "SELECT hits FROM count_risk_hit(3, 'c', 'k', '{key}{n}', 60)"),
    "an import": (made.pool, "SELECT inserted FROM insert_cards({batch}, {sku}, '78', '{digest}0{n}', {key}, NULL)"),
    "a shopper's hold": (states.for_sale, states.place(key="{n}")),
    "cards that a supplier brings": (made.pool, "SELECT 1 FROM _keep_bought(3, 1, 1, {sku}, 'x{n}', '', '', {key}, NULL, true)"),
    "a balance": (made.earned, "SELECT code FROM request_withdrawal(2, 1000000, 'bank', '{{\"account\": \"622000\", \"name\": \"Wu\", \"bank\": \"ICBC\"}}', 's', '{key}{n}')"),
}  # fmt: skip
WAITED = "55P03"


@pytest.mark.parametrize("name", MEETINGS)
def test_who_comes_second_reads_what_the_first_left(
    shop: Any, gate: Gate, database: str, name: str
) -> None:
    prepare, one, two, first_told, second_told = MEETINGS[name]
    names = prepare(shop)
    first = (one.format(**names, n=1 if two else 2), ())
    second = (two or one).format(**names, n=2 if two else 3)
    came_first, came_second = while_held_open(database, first, lambda: made.told(database, second))
    wanted = first_told.format(**names) if isinstance(first_told, str) else first_told
    assert (came_first and came_first[0], came_second) == (wanted, second_told)


@pytest.mark.parametrize("name", SKIPPED)
def test_what_one_has_taken_the_next_leaves_alone_at_once(
    shop: Any, gate: Gate, database: str, name: str
) -> None:
    prepare, one, two, first_told, second_told = SKIPPED[name]
    names = prepare(shop)
    with psycopg.connect(database) as first:
        row = first.execute(one.format(**names, n=1).encode()).fetchone()
        second = made.told(database, (two or one).format(**names, n=2), patience_ms=1000)
        first.rollback()
    assert (row and row[0], second) == (first_told, second_told)


@pytest.mark.parametrize("name", ALONE)
def test_who_comes_second_waits(shop: Any, gate: Gate, database: str, name: str) -> None:
    prepare, call = ALONE[name]
    names = prepare(shop)
    with psycopg.connect(database) as first:
        first.execute(call.format(**names, n=1).encode())
        second = made.told(database, call.format(**names, n=2), patience_ms=300)
        first.rollback()
    assert second == WAITED


def test_two_hands_that_give_back_of_one_share_leave_what_one_after_the_other_would(
    shop: Any, gate: Gate, database: str
) -> None:
    order = made.released_share(shop)["order"]
    share = "FROM settlement WHERE station_id = 2 AND order_id = %s"
    margin, fee = shop.owner.execute(f"SELECT margin, fee {share}", (order,)).fetchone()
    available = shop.balance(2, "available")
    give = f"SELECT 1 FROM _return_margin(2, 3, {order}, false, %s)"
    while_held_open(database, (give, (1000,)), lambda: made.told(database, give % 2000))
    left = shop.one("SELECT _service_fee(%s, 1000)", margin - 3000)
    now = shop.owner.execute(f"SELECT returned, fee {share}", (order,)).fetchone()
    assert now == (3000, left)
    assert shop.balance(2, "available") == available + fee - left


def test_a_refund_beside_the_release_of_its_share_takes_the_money_from_where_it_is_then(
    shop: Any, gate: Gate, database: str
) -> None:
    kinds = ("margin_pending", "available")
    before = [shop.balance(2, kind) for kind in kinds]
    sold = made.due_share(shop)
    refund = "SELECT code FROM refund_order(3, '{number}', {payable}, 'x', 's', 'k')"
    release = "SELECT released FROM release_settlements(10)"
    told = while_held_open(
        database, (release, ()), lambda: made.told(database, refund.format(**sold))
    )
    assert told == ((1,), "ok")
    assert [shop.balance(2, kind) for kind in kinds] == before
    share = "SELECT state, margin - returned, fee FROM settlement WHERE station_id = 2 AND order_id = %s"  # fmt: skip
    assert shop.owner.execute(share, (sold["order"],)).fetchone() == ("released", 0, 0)
