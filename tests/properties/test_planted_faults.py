"""`kameng ledger verify` names whatever is wrong: one fault at a time, planted and taken back.

The faults are planted by the owner in a transaction that is rolled back; where a constraint or a
foreign key forbids one it is lifted first, for a proof must not rest on what it is to prove.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from kameng.db import main_scope, station_scope
from kameng.orders.api import cancel, expire_overdue
from kameng.payments import api as payments
from kameng.risk import api as risk

from . import probe
from .gate import PLUGIN, Gate

DEER, PRICE = 3, 98_6100

DELIVERED = (
    "(SELECT max(id) FROM orders WHERE state = 'delivered' AND kind = 'card' AND quantity = 2)"
)
PENDING = "(SELECT max(id) FROM orders WHERE state = 'pending_payment')"
EXPIRED = "(SELECT max(id) FROM orders WHERE state = 'expired')"
HELD = "(SELECT max(id) FROM orders WHERE state = 'held')"
REFUNDING = "(SELECT max(id) FROM orders WHERE state = 'refunding')"
REFUNDED = "(SELECT max(id) FROM orders WHERE state = 'refunded')"
SALE = "(SELECT max(txn) FROM transfer WHERE kind = 'sale.cost')"
COLLECT = "(SELECT max(txn) FROM transfer WHERE kind = 'payment.collect' AND order_id IS NOT NULL)"
WALLET = "(SELECT min(a.id) FROM account a JOIN account_balance b ON b.account_id = a.id WHERE a.kind = 'wallet' AND b.balance > 10000)"
UNSOLD = "(SELECT min(id) FROM card WHERE status = 0)"
SOLD = "(SELECT min(id) FROM card WHERE status = 2)"


def account(kind: str) -> str:
    return f"(SELECT min(id) FROM account WHERE kind = '{kind}')"


def post(debit: str, credit: str, kind: str, order: str = "NULL", attempt: str = "NULL") -> str:
    """A group of transfers as the ledger itself would write it: its fingerprint is right."""
    return f"SELECT _post('forged', 3, {order}, {attempt}, NULL, ARRAY[{debit}], ARRAY[{credit}], ARRAY[10000::bigint], ARRAY['{kind}'])"


FAULTS: dict[str, tuple[str, str]] = {
    # balances
    "a wallet is off by one": (f"UPDATE account_balance SET balance = balance + 1 WHERE account_id = {WALLET}", "balances_recomputed"),
    "a wallet is below its floor": ("ALTER TABLE account_balance DROP CONSTRAINT account_balance_check; "
        f"UPDATE account_balance SET floor = balance + 1 WHERE account_id = {WALLET}", "balances_recomputed"),
    "a balance belongs to another station": (f"UPDATE account_balance SET station_id = 2 WHERE account_id = {WALLET}", "balances_recomputed"),
    "a balance row is missing": (f"DELETE FROM account_balance WHERE account_id = {WALLET}", "balance_rows_present"),
    "a balance row without an account": ("INSERT INTO account_balance(account_id, station_id) VALUES (987654, 3)", "balance_rows_present"),
    "an account without a floor has a balance row": (f"INSERT INTO account_balance(account_id, station_id) VALUES ({account('revenue')}, 1)", "balance_rows_present"),
    "a roll-up is wrong": (f"UPDATE account_rollup SET balance = balance + 1 WHERE account_id = {account('revenue')}", "rollups_recomputed"),
    "a roll-up claims to go further": ("UPDATE account_rollup SET through = '99999999999'::xid8, balance = balance - 1", "rollups_recomputed"),
    # transfers
    "the amount of a transfer was changed": (f"UPDATE transfer SET amount = amount + 1 WHERE txn = {SALE} AND kind = 'sale.cost'", "transfers_unchanged"),
    "debit and credit were swapped": (f"UPDATE transfer SET debit_account = credit_account, credit_account = debit_account WHERE txn = {SALE} AND leg = 1", "transfers_unchanged"),
    "a transfer was renamed": (f"UPDATE transfer SET kind = 'sale.margin' WHERE txn = {SALE} AND kind = 'sale.cost'", "transfers_unchanged"),
    "a transfer is missing": (f"DELETE FROM transfer WHERE txn = {SALE} AND leg = 1", "legs_complete"),
    "the last leg is missing": (f"DELETE FROM transfer t WHERE txn = {SALE} AND leg = (SELECT max(leg) FROM transfer u WHERE u.txn = t.txn)", "transfers_unchanged"),
    "a transfer to itself": ("ALTER TABLE transfer DROP CONSTRAINT transfer_check; "
        f"UPDATE transfer SET credit_account = debit_account WHERE txn = {SALE} AND leg = 1", "transfers_well_formed"),
    "a transfer of nothing": ("ALTER TABLE transfer DROP CONSTRAINT transfer_amount_check; "
        f"UPDATE transfer SET amount = 0 WHERE txn = {SALE} AND leg = 1", "transfers_well_formed"),
    "a transfer in another currency": (f"UPDATE transfer SET currency = 'USD' WHERE txn = {SALE} AND leg = 1", "transfers_well_formed"),
    "an account is missing": (f"DELETE FROM account WHERE id = {account('goods_cost')}", "transfers_well_formed"),
    # money without a reason, posted as the ledger would
    "money for a wallet out of thin air": (post(account("adjustment"), WALLET, "payment.collect"), "wallets_explained"),
    "one wallet pays into another": (post(WALLET, "(SELECT max(id) FROM account WHERE kind = 'wallet')", "wallet.pay"), "wallets_explained"),
    "money lies in clearing without an order": (post(account("revenue"), account("order_clearing"), "adjust"), "clearing_totals_explained"),
    "money is set aside for no refund": (post(account("revenue"), account("refund_payable"), "adjust"), "clearing_totals_explained"),
    "money left through a gateway unasked": (post(account("revenue"), account("gateway_clearing"), "adjust"), "gateways_explained"),
    "a margin without a sale": (post(account("goods_cost"), account("margin_pending"), "sale.margin"), "margins_explained"),
    "collected twice for one attempt": (post(account("gateway_clearing"), account("order_clearing"), "payment.collect", DELIVERED,
        f"(SELECT max(id) FROM payment_attempt WHERE order_id = {DELIVERED})"), "collections_explained"),
    # orders and their money
    "a collection is missing": (f"DELETE FROM transfer WHERE txn = {COLLECT}", "collections_explained"),
    "an attempt claims to be paid": ("UPDATE payment_attempt SET state = 'succeeded' WHERE state = 'sent'", "collections_explained"),
    "a paid attempt claims it is not": (f"UPDATE payment_attempt SET state = 'declined' WHERE order_id = {DELIVERED}", "collections_explained"),
    "delivered without a sale": (f"DELETE FROM transfer WHERE txn = 'order:3:' || {DELIVERED} || ':sale'", "sales_posted"),
    "a sale without delivery": (f"UPDATE orders SET state = 'fulfilling' WHERE id = {DELIVERED}", "sales_posted"),
    "delivered without a payment": (f"UPDATE orders SET state = 'delivered' WHERE id = {PENDING}", "orders_keep_their_price"),
    "paid and then forgotten": (f"UPDATE orders SET state = 'cancelled' WHERE id = {HELD}", "order_clearing_explained"),
    "goods and money both": (f"UPDATE orders SET state = 'delivered' WHERE id = {REFUNDED}", "orders_keep_their_price"),
    "payable was changed": (f"UPDATE orders SET payable = payable + 100 WHERE id = {HELD}", "order_clearing_explained"),
    "the split does not come to the price": (f"UPDATE order_cost SET margins[1] = margins[1] + 1 WHERE order_id = {PENDING}", "snapshots_sum_up"),
    "the split was moved between stations": (f"UPDATE order_cost SET margins = ARRAY[margins[1] + 5, margins[2] - 5, margins[3]] WHERE order_id = {DELIVERED}", "margins_explained"),
    "the snapshot is gone": (f"DELETE FROM order_cost WHERE order_id = {PENDING}", "snapshots_sum_up"),
    # refunds
    "more given back than was paid": (f"UPDATE refund SET amount = amount * 2 WHERE order_id = {REFUNDING}", "refunds_explained"),
    "a refund claims to be done": (f"UPDATE refund SET state = 'succeeded' WHERE order_id = {REFUNDING}", "refunds_explained"),
    "a refund that is done claims it is not": (f"UPDATE refund SET state = 'sent' WHERE order_id = {REFUNDED}", "refunds_explained"),
    "an order waits for a refund that is done": (f"UPDATE orders SET state = 'refunding' WHERE id = {REFUNDED}", "refunding_orders_wait"),
    "an order is closed before its refund": (f"UPDATE orders SET state = 'refunded' WHERE id = {REFUNDING}", "refunding_orders_wait"),
    "a refund was forgotten": (f"DELETE FROM refund WHERE order_id = {REFUNDING}", "orders_keep_their_price"),
    # cards
    "a card sold to an order that is over": (f"UPDATE card SET status = 2, station_id = 3, order_id = {EXPIRED} WHERE id = {UNSOLD}", "cards_match_orders"),
    "one card too many": (f"UPDATE card SET status = 2, station_id = 3, order_id = {DELIVERED} WHERE id = {UNSOLD}", "cards_match_orders"),
    "a sold card is back in the pool": (f"UPDATE card SET status = 0, station_id = NULL, order_id = NULL WHERE id = {SOLD}", "cards_match_orders"),
    "a sold card is gone": (f"DELETE FROM card WHERE id = {SOLD}", "cards_match_orders"),
    "a card of another SKU": (f"UPDATE card SET sku_id = (SELECT min(id) FROM sku WHERE id <> card.sku_id) WHERE id = {SOLD}", "cards_of_right_sku"),
    "a card of an order that is not there": (f"DELETE FROM orders WHERE id = {PENDING}", "cards_of_right_sku"),
    "a card held by an expired order": (f"UPDATE card SET status = 1, station_id = 3, order_id = {EXPIRED} WHERE id = {UNSOLD}", "holds_match_orders"),
    "a hold that was lost": (f"UPDATE card SET status = 0, station_id = NULL, order_id = NULL WHERE order_id = {PENDING}", "holds_match_orders"),
}  # fmt: skip


def at_gate(shop: Any, code: str, **order: Any) -> Any:
    """An order paid at the gate, which keeps a fee."""
    placed = shop.place(code, **order)
    attempt = shop.attempt(
        DEER,
        placed.payable,
        order=placed.order_id,
        plugin=PLUGIN,
        fee=placed.payable // 10000 * 100,
    )
    shop.pay(DEER, attempt, placed.payable, plugin=PLUGIN)
    return placed


@pytest.fixture
def busy(shop: Any, gate: Gate) -> Any:
    """A shop with something in every state; made once for the module."""
    if shop.one("SELECT count(*) FROM orders"):
        return shop
    code, service = shop.sku(cards=30), shop.sku("top_up")
    members = [shop.member(DEER, balance=3 * PRICE) for _ in range(2)]
    with shop.app.app_context(), station_scope(DEER):
        payments.pay_with_balance(shop.place(code, member_id=members[0]).order_no, members[0])
        cancel(shop.place(code).order_no, "guest")
    expired = shop.place(code)
    shop.plant(
        f"UPDATE orders SET deadline_at = now() - interval '1 s' WHERE id = {expired.order_id}"
    )
    at_gate(shop, code, quantity=2)
    at_gate(shop, service)
    for state in ("refunded", "refunding", "held"):
        held = at_gate(shop, code, risk=("review", []))
        if state != "held":
            with shop.app.app_context(), main_scope(reason="test"):
                expire_overdue()
                risk.refuse(DEER, held.order_id, "staff:1", "no")
        if state == "refunded":
            refund = shop.one("SELECT id FROM refund WHERE order_id = %s", held.order_id)
            with shop.app.app_context():
                assert payments.send_refund(DEER, refund) == "succeeded"
    twice = shop.place(code)
    attempt = shop.attempt(DEER, twice.payable, order=twice.order_id, plugin=PLUGIN)
    for ref in ("one", "two"):
        shop.pay(DEER, attempt, twice.payable, ref=ref, plugin=PLUGIN)
    open_one = shop.place(code)
    shop.attempt(DEER, open_one.payable, order=open_one.order_id)
    with shop.owner.transaction():
        shop.one("SELECT _account(1, 'adjustment')")
    shop.guarded("roll_up_accounts")
    return shop


def test_T6_a_shop_with_everything_in_it_is_sound(busy: Any) -> None:
    assert probe.findings(busy.owner) == []
    busy.assert_books_balance()
    states = busy.owner.execute("SELECT DISTINCT state FROM orders").fetchall()
    assert {s for (s,) in states} == {
        "paid", "delivered", "held", "cancelled", "expired", "pending_payment", "refunding", "refunded",
    }  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_T6_L7_a_planted_fault_is_named(busy: Any, fault: str) -> None:
    statements, check = FAULTS[fault]
    before = probe.findings(busy.owner)
    with busy.owner.transaction(force_rollback=True):
        busy.owner.execute("SET LOCAL session_replication_role = replica")  # no foreign keys
        for statement in statements.split("; "):
            cursor = busy.owner.execute(statement.encode())
            assert statement.startswith("ALTER") or cursor.rowcount > 0, "nothing was planted"
        found = {finding[0] for finding in probe.findings(busy.owner)}
    assert check in found, json.dumps(sorted(found))
    assert probe.findings(busy.owner) == before == []


def test_T6_every_check_finds_some_fault() -> None:
    """A check that no fault sets off proves nothing; the total follows from all the others."""
    from kameng.ledger.services.checks import checks

    assert {one.name for one in checks()} - {check for _sql, check in FAULTS.values()} == {
        "total_is_zero"
    }


def test_T6_the_total_is_off_when_an_uncounted_balance_is(busy: Any) -> None:
    with busy.owner.transaction(force_rollback=True):
        busy.owner.execute(
            f"UPDATE account_balance SET balance = balance + 1 WHERE account_id = {WALLET}".encode()
        )
        assert "total_is_zero" in {finding[0] for finding in probe.findings(busy.owner)}


def test_T6_L7_the_job_raises_a_fault_once_and_closes_it_when_it_is_gone(busy: Any) -> None:
    from kameng.ledger.api import watch_books

    alerts = "SELECT subject, state FROM alert WHERE kind = 'ledger' ORDER BY id"
    rollup = (
        f"UPDATE account_rollup SET balance = balance + %s WHERE account_id = {account('revenue')}"
    )
    with busy.app.app_context(), main_scope(reason="test"):
        assert watch_books().ok
        assert busy.owner.execute(alerts).fetchall() == []
        busy.owner.execute(rollup.encode(), (1,))
        assert [watch_books().ok for _ in range(2)] == [False, False]
        assert busy.owner.execute(alerts).fetchall() == [("rollups_recomputed", "open")]
        busy.owner.execute(rollup.encode(), (-1,))
        assert watch_books().ok
    assert busy.owner.execute(alerts).fetchall() == [("rollups_recomputed", "closed")]
