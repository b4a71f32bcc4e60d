"""`kameng ledger verify` names whatever is wrong: one fault at a time, planted and taken back.

The faults are planted by the owner in a transaction that is rolled back; where a constraint or a
foreign key forbids one it is lifted first, for a proof must not rest on what it is to prove.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from kameng.db import main_scope, station_scope
from kameng.ledger.services.checks import checks
from kameng.orders.api import cancel, expire_overdue
from kameng.payments import api as payments
from kameng.risk import api as risk

from . import probe
from .gate import PLUGIN, Gate

JIANGNAN, DEER, PRICE = 2, 3, 98_6100

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
PARTLY = (
    "(SELECT max(id) FROM orders WHERE refunded > 0 AND state = 'delivered' AND collected_by = 1)"
)
OWN = "(SELECT max(id) FROM orders WHERE collected_by = 3 AND state = 'delivered')"
SHORT = "(SELECT max(id) FROM orders WHERE collected_by = 3 AND state = 'paid' AND NOT funded)"
RELEASED = "(SELECT min(id) FROM settlement WHERE station_id = 2 AND state = 'released')"
PENDING_SHARE = "(SELECT max(id) FROM settlement WHERE station_id = 2 AND state = 'pending')"
PAID_OUT = "(SELECT max(id) FROM withdrawal WHERE state = 'succeeded')"
TOPPED = "(SELECT max(attempt_id) FROM bonus_grant WHERE state = 'granted')"
ADJUSTED = "(SELECT max(id) FROM adjustment WHERE state = 'done')"
SEALED = "(SELECT max(id) FROM transfer WHERE xid < (SELECT max(through_xid) FROM ledger_seal) AND kind = 'sale.cost')"
BOUGHT = "(SELECT min(id) FROM purchase WHERE state = 'succeeded' AND refunded > 0)"
WAITING_FOR_REST = "(SELECT max(id) FROM orders WHERE state = 'partially_delivered')"
SHORT_OF_ONE = "(SELECT max(id) FROM orders WHERE short > 0)"
PAID_TO = "(SELECT max(id) FROM supplier_payment WHERE state = 'done')"
UNSOLD = "(SELECT min(id) FROM card WHERE status = 0)"
SOLD = "(SELECT min(id) FROM card WHERE status = 2)"


def account(kind: str) -> str:
    return f"(SELECT min(id) FROM account WHERE kind = '{kind}')"


def at(station: int, kind: str) -> str:
    return f"_account({station}, '{kind}')"


def post(
    debit: str,
    credit: str,
    kind: str,
    order: str = "NULL",
    attempt: str = "NULL",
    amount: int = 10000,
    station: int = 3,
) -> str:
    """A group of transfers as the ledger itself would write it: its fingerprint is right."""
    return f"SELECT _post('forged', {station}, {order}, {attempt}, NULL, ARRAY[{debit}], ARRAY[{credit}], ARRAY[{amount}::bigint], ARRAY['{kind}'])"


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
    "a till takes money for another": ("UPDATE till SET earned = revenue WHERE station_id = 3", "tills_right"),
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
    "an order of a member who is not there": (f"UPDATE orders SET member_id = 987654 WHERE id = {PENDING}", "rows_belong_somewhere"),
    "an order of goods that are not there": (f"UPDATE orders SET sku_id = 987654 WHERE id = {PENDING}", "rows_belong_somewhere"),
    "a settlement of no order": ("UPDATE settlement SET order_id = 987654 WHERE id = (SELECT max(id) FROM settlement)", "rows_belong_somewhere"),
    "a payment of no order": (f"UPDATE payment_attempt SET order_id = 987654 WHERE order_id = {DELIVERED}", "rows_belong_somewhere"),
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
    "a piece of a part delivery is gone": (f"DELETE FROM card WHERE id = (SELECT max(id) FROM card WHERE order_id = {WAITING_FOR_REST})", "cards_match_orders"),
    "a hold for cards that are not in the pool": (f"UPDATE card SET status = 1, station_id = 3, order_id = {WAITING_FOR_REST} WHERE id = {UNSOLD}", "holds_match_orders"),
    # purchases
    "a supplier delivered more than was ordered": (f"ALTER TABLE purchase DROP CONSTRAINT purchase_delivered; UPDATE purchase SET delivered = 9 WHERE order_id = {WAITING_FOR_REST}", "purchases_within_orders"),
    "two purchases of an order are open": (f"DROP INDEX purchase_one_open; UPDATE purchase SET state = 'sent' WHERE order_id = {SHORT_OF_ONE}", "purchases_within_orders"),
    "a piece that nobody brought": (f"UPDATE orders SET short = 0 WHERE id = {SHORT_OF_ONE}", "purchases_match_orders"),
    "delivered by a purchase that was declined": (f"UPDATE purchase SET state = 'declined' WHERE id = {BOUGHT}", "purchases_match_orders"),
    "goods for an order that was paid back": (f"UPDATE purchase SET order_id = {REFUNDED}, attempt = 9 WHERE id = {BOUGHT}", "refunded_orders_got_nothing"),
    "a purchase became cheaper": (f"UPDATE purchase SET cost = cost - 100 WHERE id = {BOUGHT}", "purchases_posted"),
    "what came back from a supplier was forgotten": (f"UPDATE purchase SET refunded = 0 WHERE id = {BOUGHT}", "purchases_posted"),
    "a purchase is owed to another supplier": (f"UPDATE purchase SET supplier_id = (SELECT id FROM supplier WHERE code = 'other') WHERE id = {BOUGHT}", "purchases_posted"),
    "our own people are owed for a purchase": ("UPDATE supplier SET internal = false WHERE code = 'desk'", "purchases_posted"),
    "a supplier is owed more": (post(at(1, "goods_cost"), "_account(1, 'supplier', (SELECT id::text FROM supplier WHERE code = 'ext'))", "purchase.cost"), "suppliers_explained"),
    "a payment to a supplier claims to wait": (f"UPDATE supplier_payment SET state = 'waiting' WHERE id = {PAID_TO}", "suppliers_explained"),
    "a payment to a supplier that did not leave the bank": ("DELETE FROM transfer WHERE kind = 'supplier.payment'", "gateways_explained"),

    "a payment to a supplier that nobody agreed to": (f"DELETE FROM approval WHERE kind = 'supplier_payment' AND subject = {PAID_TO}::text", "two_people_agreed"),
    # given back after delivery
    "a returned share is off by one unit": (f"UPDATE transfer SET amount = amount - 1 WHERE order_id = {PARTLY} AND kind = 'return.cost'; "
        f"UPDATE transfer SET amount = amount + 1 WHERE id = (SELECT min(id) FROM transfer WHERE order_id = {PARTLY} AND kind = 'return.margin')", "splits_explained"),
    "a level gave back less than its share": (f"UPDATE settlement SET returned = returned - 1 WHERE order_station_id = 3 AND order_id = {PARTLY} AND station_id = 2", "settlements_match_orders"),
    "an order claims that less was given back": (f"UPDATE orders SET refunded = refunded - 100 WHERE id = {PARTLY}", "orders_keep_their_price"),
    "the way back of a sale was posted twice": (post(account("goods_cost"), at(3, "order_clearing"), "return.cost", PARTLY), "sales_posted"),
    "a card given back with a refund": (f"UPDATE card SET status = 0, station_id = NULL, order_id = NULL WHERE id = (SELECT max(id) FROM card WHERE order_id = {PARTLY})", "cards_match_orders"),
    # stations that collect themselves
    "goods left before the station had paid": (f"UPDATE orders SET funded = false WHERE id = {OWN}", "fundings_explained"),
    "what a station had paid for an order is gone": (f"DELETE FROM transfer WHERE order_id = {OWN} AND kind = 'fund.order'", "station_gateways_explained"),
    "an order claims to be paid for": (f"UPDATE orders SET funded = true WHERE id = {SHORT}", "fundings_explained"),
    "an order of another collector": (f"UPDATE orders SET collected_by = 2 WHERE id = {OWN}", "fundings_explained"),
    "a prepaid account is overdrawn": ("ALTER TABLE account_balance DROP CONSTRAINT account_balance_check; "
        "UPDATE account_balance SET floor = -1000000000 WHERE account_id = (SELECT id FROM account WHERE station_id = 3 AND kind = 'prepaid')", "balances_recomputed"),
    "money for a prepaid account out of thin air": (post(at(1, "revenue"), at(3, "prepaid"), "payment.collect"), "station_funds_explained"),
    "a deposit was taken": (post(at(2, "deposit"), at(1, "revenue"), "adjust.deposit", station=2), "station_funds_explained"),
    # earnings and payouts
    "released twice": (post(at(2, "margin_pending"), at(2, "available"), "settle.release", station=2), "earnings_explained"),
    "released in the list only": (f"UPDATE settlement SET state = 'released', released_at = now() WHERE id = {PENDING_SHARE}", "earnings_explained"),
    "a service fee below the terms": (f"UPDATE settlement SET fee = fee - 1 WHERE id = {RELEASED}", "settlements_match_orders"),
    "a share without an order": (f"UPDATE settlement SET margin = margin + 1 WHERE id = {PENDING_SHARE}", "settlements_match_orders"),
    "frozen without a withdrawal": (post(at(2, "available"), at(2, "frozen"), "withdraw.hold", station=2), "earnings_explained"),
    "a withdrawal claims to be declined": (f"UPDATE withdrawal SET state = 'declined' WHERE id = {PAID_OUT}", "withdrawals_explained"),
    "paid out for less than was taken": (f"UPDATE withdrawal SET fee = fee + 100 WHERE id = {PAID_OUT}", "withdrawals_explained"),
    "a withdrawal nobody has approved": (f"DELETE FROM approval WHERE kind = 'withdrawal' AND subject = {PAID_OUT}::text", "two_people_agreed"),
    "the one who asked for a withdrawal approved it": ("UPDATE approval_vote SET actor = (SELECT requested_by FROM withdrawal WHERE state = 'succeeded') "
        "WHERE approval_id = (SELECT id FROM approval WHERE kind = 'withdrawal')", "two_people_agreed"),
    # bonuses and adjustments
    "a bonus was given twice": (post(at(1, "bonus"), WALLET, "wallet.bonus", attempt=TOPPED), "bonuses_explained"),
    "a bonus nobody has granted": (f"DELETE FROM bonus_grant WHERE attempt_id = {TOPPED}", "wallets_explained"),
    "an adjustment by one person": ("DELETE FROM approval_vote WHERE approval_id = (SELECT max(id) FROM approval WHERE kind = 'adjustment')", "two_people_agreed"),
    "an adjustment of another amount": (f"UPDATE adjustment SET amount = amount + 1 WHERE id = {ADJUSTED}", "adjustments_posted"),
    "an adjustment without a request": (post(at(1, "adjustment"), at(3, "prepaid"), "adjust.adjustment"), "adjustments_posted"),
    # the main station's own accounts, and gateways by account
    "income out of thin air": (post(at(1, "goods_cost"), at(1, "revenue"), "sale.margin"), "main_accounts_explained"),
    "the fees of a bill were booked twice": ("UPDATE bill SET fee_posted = fee_posted * 2 WHERE fee_posted <> 0", "gateways_explained"),
    "money left through another account": ("UPDATE payment_attempt SET account = 'second' WHERE state = 'succeeded' AND plugin_id = 'payment-gate' AND account_station_id = 1", "gateways_explained"),
    # the seals
    "a sealed transfer was changed, its fingerprint too": (f"UPDATE transfer SET memo = 'x' WHERE id = {SEALED}", "sealed_transfers_unchanged"),
    "a sealed transfer was dated back": (f"UPDATE transfer SET at = at - interval '1 second' WHERE id = {SEALED}", "sealed_transfers_unchanged"),
    "a sealed group was deleted": (f"DELETE FROM transfer WHERE txn = (SELECT txn FROM transfer WHERE id = {SEALED})", "sealed_transfers_unchanged"),
    "a transfer was slipped in under the seal": (post(at(1, "rounding"), at(1, "revenue"), "sale.rounding") + "; UPDATE transfer SET xid = "
        f"(SELECT xid FROM transfer WHERE id = {SEALED}) WHERE txn = 'forged'", "sealed_transfers_unchanged"),
    "two sealed transfers changed places": ("ALTER TABLE transfer ALTER id SET GENERATED BY DEFAULT; "
        f"UPDATE transfer SET id = -1 - id WHERE id = {SEALED}", "sealed_transfers_unchanged"),
    "a seal was changed": ("UPDATE ledger_seal SET hash = sha256('forged') WHERE id = 1", "seals_linked"),
    "a seal was taken out": ("DELETE FROM ledger_seal WHERE id = 1", "seals_linked"),
    "a seal claims to hold more": ("UPDATE ledger_seal SET volume = volume + 1 WHERE id = 2", "sealed_transfers_unchanged"),
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
    new_money(shop, code)
    bought(shop)
    open_one = shop.place(code)
    shop.attempt(DEER, open_one.payable, order=open_one.order_id)
    shop.guarded("roll_up_accounts")
    for limit in (20, 10_000):
        assert shop.guarded("seal_ledger", p_limit=limit)["sealed"] > 0
    return shop


def new_money(shop: Any, code: str) -> None:
    """Part refunds, own accounts, settlement, a withdrawal, bonuses, adjustments, a bill."""
    partly = at_gate(shop, code, quantity=3)
    half = partly.payable // 200 * 100
    assert give_back(shop, partly, half)["code"] == "ok"
    paid_in(shop, JIANGNAN, "deposit", 100_0000)
    paid_in(shop, DEER, "prepaid", 2 * PRICE)
    for quantity in (1, 3):  # the second one is too much for the prepaid account
        own = shop.place(code, quantity=quantity)
        attempt = shop.attempt(DEER, own.payable, order=own.order_id, plugin=PLUGIN)
        shop.plant(
            f"UPDATE payment_attempt SET account_station_id = 3 WHERE attempt_no = '{attempt}'"
        )
        code_ = shop.guarded(
            "apply_payment", p_station=DEER, p_attempt_no=attempt, p_plugin=PLUGIN, p_wait=True,
            p_amount=own.payable, p_currency="CNY", p_provider_ref=f"o{quantity}", p_source="notice", p_holder=DEER,
        )["code"]  # fmt: skip
        assert code_ == ("ok" if quantity == 1 else "awaiting_funds")
        if quantity == 1:
            assert give_back(shop, own, 33_0000)["code"] == "ok"
    shop.plant(
        "INSERT INTO bonus_rule(station_id, minimum, kind, value) VALUES (1, 10000, 'percent', 1000)"
    )
    shop.member(1, balance=PRICE)
    for station, credit in ((1, "wallet"), (DEER, "prepaid")):
        ref = (
            str(shop.one("SELECT max(id) FROM member WHERE station_id = 1")) if station == 1 else ""
        )
        adjust(shop, station, credit, ref)
    settled(shop)
    billed(shop)


def bought(shop: Any) -> None:
    """Top-ups of an outside supplier and of our own people; cards in parts; a payment."""
    shop.plant("INSERT INTO supplier(code, name, state) VALUES ('ext', 'Ext', 'active'), ('other', 'Other', 'active'); "
        "INSERT INTO supply_connection(supplier_id, plugin_id, name) SELECT id, 'supplier-manual', name FROM supplier WHERE code = 'ext'")  # fmt: skip
    service, cards = shop.sku("top_up"), shop.sku()
    shop.plant(f"UPDATE sku SET sourcing = 'supplier' WHERE code = '{cards}'")
    shop.plant(f"INSERT INTO supply_level(sku_id) SELECT id FROM sku WHERE code = '{cards}'")
    number = bring(shop, at_gate(shop, service).order_id, "ext", 1, number="PX1")
    shop.guarded("receive_purchase", **goods(number, 1), p_refunded=10_0000)
    bring(shop, at_gate(shop, service).order_id, "desk", 1, number="PX2")
    for tail in ("3", "4"):
        order = at_gate(shop, cards, quantity=3)
        bring(shop, order.order_id, "ext", 1, number=f"PX{tail}a", most=1, cards=True)
        if tail == "3":
            bring(shop, order.order_id, "ext", 1, number=f"PX{tail}b", most=1, cards=True)
            shop.guarded(
                "end_short", p_station=DEER, p_order=order.order_id, p_reason="x", p_actor="x"
            )
    supplier = shop.one("SELECT id FROM supplier WHERE code = 'ext'")
    asked = shop.guarded("request_supplier_payment", p_supplier=supplier, p_amount=50_0000, p_paid_on="2026-11-24",
        p_method="bank", p_reference="B1", p_note="", p_actor="staff:1", p_key="k")  # fmt: skip
    agree(shop, 1, "supplier_payment", asked["payment_id"])
    paid = shop.guarded("settle_supplier_payment", p_id=asked["payment_id"], p_agreed=True)
    assert paid["code"] == "ok"


def goods(purchase: int, pieces: int, card: str = "") -> dict[str, Any]:
    """What `receive_purchase` is told, but for what came back."""
    return {
        "p_station": DEER, "p_id": purchase, "p_pieces": pieces, "p_cost": 93_2000 * pieces, "p_ref": "", "p_message": "", "p_text": "",
        "p_ciphers": card and "78", "p_digests": card, "p_key": None, "p_expires": [None], "p_actor": "x",
    }  # fmt: skip


def bring(
    shop: Any, order: int, supplier: str, pieces: int, *, number: str, most: int | None = None,
    cards: bool = False,
) -> int:  # fmt: skip
    """A purchase from the intent to the goods; its id."""
    connection = shop.one(
        "SELECT c.id FROM supply_connection c JOIN supplier s ON s.id = c.supplier_id WHERE s.code = %s",
        supplier,
    )
    opened = shop.guarded(
        "open_purchase", p_station=DEER, p_order=order, p_connection=connection, p_offer=None, p_unit_cost=93_2000,
        p_unit_cap=93_2000, p_number=number, p_inputs=None, p_routing=Jsonb([]), p_most=most, p_actor="x",
    )  # fmt: skip
    assert opened["code"] == "ok"
    shop.guarded("take_purchase", p_station=DEER, p_id=opened["purchase_id"])
    told = goods(
        opened["purchase_id"], pieces, hashlib.sha256(number.encode()).hexdigest() if cards else ""
    )
    told["p_key"] = shop.one("SELECT min(id) FROM data_key WHERE purpose = 'card'")
    assert shop.guarded("receive_purchase", **told, p_refunded=None)["code"] in ("ok", "part")
    return int(opened["purchase_id"])


def give_back(shop: Any, order: Any, amount: int) -> Any:
    return shop.guarded(
        "refund_order", p_station=DEER, p_order_no=order.order_no, p_amount=amount, p_note="late",
        p_actor="staff:1", p_key=order.order_no,
    )  # fmt: skip


def paid_in(shop: Any, station: int, purpose: str, amount: int) -> None:
    attempt = shop.attempt(station, amount, purpose=purpose, plugin=PLUGIN)
    assert shop.pay(station, attempt, amount, plugin=PLUGIN)["code"] == "topped_up"


def adjust(shop: Any, station: int, credit: str, ref: str) -> None:
    asked = shop.guarded(
        "request_adjustment", p_station=station, p_debit_kind="adjustment", p_debit_ref="", p_credit_kind=credit,
        p_credit_ref=ref, p_amount=70000, p_reason="goodwill", p_actor="staff:1", p_key=f"k{station}",
    )  # fmt: skip
    agree(shop, station, "adjustment", asked["id"])
    assert shop.guarded("post_adjustment", p_station=station, p_id=asked["id"])["code"] == "ok"


def agree(shop: Any, station: int, kind: str, subject: int) -> None:
    approval = shop.one(
        "SELECT id FROM approval WHERE station_id = %s AND kind = %s AND subject = %s",
        station,
        kind,
        str(subject),
    )
    vote = shop.guarded(
        "vote_approval",
        p_station=station,
        p_id=approval,
        p_actor="staff:2",
        p_agrees=True,
        p_reason="",
    )
    assert vote["code"] == "approved"


def settled(shop: Any) -> None:
    """The first share of station 2 is released, with a fee; some of it is paid out by hand."""
    share = "(SELECT min(id) FROM settlement WHERE station_id = 2)"
    for statement in (
        f"UPDATE settlement SET state = 'released', released_at = now(), fee_bp = 500, fee = _service_fee(margin - returned, 500) WHERE id = {share}",
        f"SELECT _post('settlement:2:' || id || ':release', 2, NULL, NULL, NULL, ARRAY[{at(2, 'margin_pending')}, {at(2, 'available')}], "
        f"ARRAY[{at(2, 'available')}, {at(1, 'revenue')}], ARRAY[margin - returned, fee], ARRAY['settle.release', 'settle.fee']) FROM settlement WHERE id = {share}",
        "INSERT INTO withdrawal(station_id, withdrawal_no, amount, fee, payee_kind, payee, state, approved_at, requested_by, request_key, done_at) "
        "VALUES (2, 'W26110001', 5000, 200, 'bank', '{}', 'succeeded', now(), 'staff:9', 'w', now())",
        "INSERT INTO approval(station_id, kind, subject, title, requested_by, state) SELECT 2, 'withdrawal', id::text, 'w', 'staff:9', 'waiting' FROM withdrawal",
        f"SELECT _post('withdrawal:2:' || id || ':freeze', 2, NULL, NULL, NULL, ARRAY[{at(2, 'available')}], ARRAY[{at(2, 'frozen')}], ARRAY[5000::bigint], ARRAY['withdraw.hold']) FROM withdrawal",
        f"SELECT _post('withdrawal:2:' || id || ':pay', 2, NULL, NULL, NULL, ARRAY[{at(2, 'frozen')}, {at(2, 'frozen')}], "
        f"ARRAY[_account(1, 'gateway_clearing', 'hand'), {at(1, 'revenue')}], ARRAY[4800::bigint, 200], ARRAY['withdraw.pay', 'withdraw.fee']) FROM withdrawal",
    ):  # fmt: skip
        shop.plant(statement)
    agree(shop, JIANGNAN, "withdrawal", shop.one("SELECT max(id) FROM withdrawal"))


def billed(shop: Any) -> None:
    """A day of the gate whose fees were one fen more than expected."""
    shop.plant(
        "INSERT INTO bill(station_id, plugin_id, day, state, fee_posted) VALUES (1, 'payment-gate', '2026-11-24', 'compared', 100); "
        "SELECT _post('bill:1:' || id || ':fee:1', 1, NULL, NULL, NULL, ARRAY[_account(1, 'gateway_fee')], "
        "ARRAY[_account(1, 'gateway_clearing', 'payment-gate')], ARRAY[100::bigint], ARRAY['bill.fee']) FROM bill"
    )


def test_T6_a_shop_with_everything_in_it_is_sound(busy: Any) -> None:
    assert probe.findings(busy.owner) == []
    busy.assert_books_balance()
    states = busy.owner.execute("SELECT DISTINCT state FROM orders").fetchall()
    assert {s for (s,) in states} == {
        "paid", "delivered", "held", "cancelled", "expired", "pending_payment", "refunding", "refunded",
        "partially_delivered",
    }  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_T6_L7_a_planted_fault_is_named(busy: Any, fault: str) -> None:
    statements, check = FAULTS[fault]
    with busy.owner.transaction(force_rollback=True):
        busy.owner.execute("SET LOCAL session_replication_role = replica")  # no foreign keys
        for statement in statements.split("; "):
            cursor = busy.owner.execute(statement.encode())
            assert statement.startswith(("ALTER", "DROP")) or cursor.rowcount > 0, (
                "nothing was planted"
            )
        found = {finding[0] for finding in probe.findings(busy.owner)}
    assert check in found, json.dumps(sorted(found))


SMALL = [
    name for name in FAULTS if FAULTS[name][1] in {c.name for c in checks() if c.scope != "whole"}
]


@pytest.mark.parametrize("fault", SMALL[::4])
def test_T6_a_small_run_that_reaches_far_enough_finds_the_same(busy: Any, fault: str) -> None:
    statements, check = FAULTS[fault]
    sql = next(one.narrowed for one in checks() if one.name == check)
    narrowed = sql.replace(":since", "timestamptz '2020-01-01'").encode()
    late = sql.replace(":since", "now() + interval '3 days'").encode()
    with busy.owner.transaction(force_rollback=True):
        busy.owner.execute("SET LOCAL session_replication_role = replica")
        assert busy.owner.execute(narrowed).fetchall() == []
        for statement in statements.split("; "):
            busy.owner.execute(statement.encode())
        assert busy.owner.execute(narrowed).fetchall() != []
        assert busy.owner.execute(late).fetchall() == []


def test_T6_nothing_is_left_of_the_faults(busy: Any) -> None:
    assert probe.findings(busy.owner) == []


def test_T6_every_check_finds_some_fault() -> None:
    """A check that no fault sets off proves nothing; the total follows from all the others."""
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
