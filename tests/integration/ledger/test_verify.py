"""`verify` finds every planted corruption, and nothing in clean books."""

from typing import Any

import pytest

DEER = 3

PLANTED = {
    "wallet balance off by one": ("UPDATE account_balance SET balance = balance + 1", "balances_recomputed"),
    "transfer amount changed": ("UPDATE transfer SET amount = amount + 1 WHERE id = (SELECT max(id) FROM transfer WHERE kind = 'sale.cost')", "transfers_unchanged"),
    "transfer redirected": ("UPDATE transfer SET credit_account = (SELECT id FROM account WHERE kind = 'rounding') WHERE id = (SELECT max(id) FROM transfer WHERE kind = 'sale.margin')", "transfers_unchanged"),
    "leg deleted": ("DELETE FROM transfer WHERE id = (SELECT max(id) FROM transfer WHERE kind = 'sale.cost')", "legs_complete"),
    "whole sale deleted": ("DELETE FROM transfer WHERE txn = (SELECT max(txn) FROM transfer WHERE kind = 'sale.cost')", "sales_posted"),
    "collection deleted": ("DELETE FROM transfer WHERE txn = (SELECT max(txn) FROM transfer WHERE kind = 'payment.collect' AND order_id IS NOT NULL)", "collections_explained"),
    "account missing": ("UPDATE transfer SET debit_account = 999999 WHERE id = (SELECT max(id) FROM transfer)", "transfers_well_formed"),
    "foreign currency": ("UPDATE transfer SET currency = 'USD' WHERE id = (SELECT max(id) FROM transfer)", "transfers_well_formed"),
    "balance row missing": ("DELETE FROM account_balance", "balance_rows_present"),
    "order delivered without money": ("UPDATE orders SET state = 'delivered' WHERE state = 'pending_payment'", "sales_posted"),
    "card taken out of an order": ("UPDATE card SET status = 0, order_id = NULL, station_id = NULL WHERE id = (SELECT max(id) FROM card WHERE status = 2)", "cards_match_orders"),
    "attempt marked paid": ("UPDATE payment_attempt SET state = 'succeeded' WHERE state = 'sent'", "collections_explained"),
    "margins of a snapshot changed": ("UPDATE order_cost SET margins[1] = margins[1] + 5 WHERE order_id = (SELECT max(id) FROM orders WHERE state = 'delivered')", "margins_explained"),
    "roll-up changed": ("UPDATE account_rollup SET balance = balance - 1", "rollups_recomputed"),
    "refund marked done": ("UPDATE refund SET state = 'succeeded'", "refunds_explained"),
    "hold of a finished order": ("UPDATE card SET status = 1 WHERE id = (SELECT max(id) FROM card WHERE status = 2)", "holds_match_orders"),
}  # fmt: skip


@pytest.fixture
def busy_shop(shop: Any) -> Any:
    """Books with a bit of everything in them."""
    if shop.one("SELECT count(*) FROM refund"):
        return shop
    code = shop.sku(cards=10)
    shop.member(DEER, balance=50_0000)
    shop.buy(code)
    shop.buy(code, quantity=2)
    open_order = shop.place(code)
    shop.attempt(DEER, open_order.payable, order=open_order.order_id)
    paid_twice = shop.place(code)
    for _ in range(2):
        attempt = shop.attempt(DEER, paid_twice.payable, order=paid_twice.order_id)
        shop.pay(DEER, attempt, paid_twice.payable)
    shop.guarded("roll_up_accounts")
    return shop


def test_T6_clean_books_raise_no_finding(busy_shop: Any) -> None:
    busy_shop.assert_books_balance()


@pytest.mark.parametrize("kind", PLANTED)
def test_T6_planted_corruption_is_found(busy_shop: Any, kind: str) -> None:
    statement, check = PLANTED[kind]
    changed = {
        name: busy_shop.owner.execute(f"SELECT * FROM {name}").fetchall()
        for name in _tables(statement)
    }
    busy_shop.plant(statement)
    try:
        found = {c.name for c in busy_shop.verify().checks if not c.ok}
    finally:
        _restore(busy_shop, changed)
    assert check in found
    busy_shop.assert_books_balance()


def _tables(statement: str) -> set[str]:
    words = statement.split()
    return {words[2] if words[0] == "DELETE" else words[1]}


def _restore(shop: Any, tables: dict[str, list[Any]]) -> None:
    """Put the rows back exactly: the owner may, triggers of foreign keys are switched off."""
    with shop.owner.transaction():
        shop.owner.execute("SET LOCAL session_replication_role = replica")
        for name, rows in tables.items():
            shop.owner.execute(f"DELETE FROM {name}")
            if rows:
                cursor = shop.owner.cursor()
                columns = cursor.execute(f"SELECT * FROM {name} LIMIT 0").description
                marks = ", ".join(["%s"] * len(columns))
                cursor.executemany(
                    f"INSERT INTO {name} OVERRIDING SYSTEM VALUE VALUES ({marks})",
                    [[_plain(value) for value in row] for row in rows],
                )


def _plain(value: Any) -> Any:
    from psycopg.types.json import Jsonb

    return Jsonb(value) if isinstance(value, dict) else value


def test_roll_up_agrees_with_a_plain_sum(busy_shop: Any) -> None:
    from kameng.db import main_scope
    from kameng.ledger.api import accounts

    with busy_shop.app.app_context(), main_scope(reason="test"):
        for account in accounts():
            assert account.balance == busy_shop.balance(
                account.station_id, account.kind, account.ref
            )
    assert (
        sum(
            busy_shop.balance(*row)
            for row in busy_shop.owner.execute(
                "SELECT station_id, kind, ref FROM account"
            ).fetchall()
        )
        == 0
    )


def test_a_txn_cannot_be_posted_again_with_other_legs(busy_shop: Any) -> None:
    import psycopg

    first, second = busy_shop.owner.execute("SELECT id FROM account ORDER BY id LIMIT 2").fetchall()
    post = "SELECT _post('same', 1, NULL, NULL, NULL, ARRAY[%s], ARRAY[%s], ARRAY[%s], ARRAY['adjust'])"
    with busy_shop.owner.transaction(force_rollback=True):
        assert busy_shop.one(post, first[0], second[0], 5) is True
        assert busy_shop.one(post, first[0], second[0], 5) is False
        with pytest.raises(psycopg.Error) as refusal, busy_shop.owner.transaction():
            busy_shop.one(post, first[0], second[0], 6)
        assert refusal.value.sqlstate == "KM409"
