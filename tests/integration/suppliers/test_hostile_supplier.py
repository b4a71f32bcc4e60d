"""S5, T12: a supplier's page tries every way to another supplier's rows, and to what no supplier may see."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from kameng.db import NoScope, db, main_scope, station_scope, supplier_scope
from kameng.suppliers import api as suppliers

from .test_contracts import TERMS, signed
from .test_disputes import opened
from .test_money import back_dated
from .test_portal_goods import LINE

# Every table with rows of suppliers that their role may read, and the column that says whose.
READABLE = {
    "supplier": "id", "supplier_user": "supplier_id", "supplier_document": "supplier_id",
    "supplier_contract": "supplier_id", "contract_cost": "supplier_id",
    "supply_offer": "supplier_id", "supply_offer_change": "supplier_id",
    "supplier_statement": "supplier_id", "supply_dispute": "supplier_id",
    "supply_dispute_message": "supplier_id", "supplier_score": "supplier_id",
    "supplier_payment": "supplier_id", "supplier_key": "supplier_id",
    "supply_connection": "supplier_id", "purchase": "supplier_id",
}  # fmt: skip


def furnished(trade: Any) -> int:
    """A supplier with a row in every one of these tables."""
    supplier = trade.active()
    code = trade.shop.sku("top_up")
    with main_scope(reason="test"):
        signed(supplier, TERMS, {code: 1_0000})
    suppliers.save_offers(supplier, [LINE])
    suppliers.make_key(supplier, "x")
    trade.paid(supplier, 1_0000, "k")
    opened(trade, supplier)
    back_dated(trade, supplier, 40)
    trade.shop.plant(f"INSERT INTO supplier_score(supplier_id, purchases) VALUES ({supplier}, 1)")
    with main_scope(reason="test"):
        suppliers.draw_up_due()
    return int(supplier)


@pytest.fixture
def pair(trade: Any) -> Any:
    trade.mine, trade.theirs = furnished(trade), furnished(trade)
    return trade


def test_T12_no_table_shows_anothers_rows(pair: Any) -> None:
    for table, column in READABLE.items():
        total = pair.shop.one(f"SELECT count(*) FROM {table} WHERE {column} = %s", pair.theirs)
        assert total > 0, table
        with supplier_scope(pair.mine):
            seen = db.session.execute(sa.text(f"SELECT DISTINCT {column} FROM {table}"))
            assert {row[0] for row in seen} == {pair.mine}, table


@pytest.mark.parametrize(
    "statement",
    [
        # who buys, for how much, where
        "SELECT * FROM orders", "SELECT * FROM order_cost", "SELECT * FROM listing",
        "SELECT * FROM price_chain", "SELECT name FROM station", "SELECT * FROM member",
        "SELECT order_id FROM purchase", "SELECT max_cost FROM purchase",
        "SELECT routing FROM purchase", "SELECT * FROM purchase", "SELECT code FROM purchase",
        "SELECT * FROM purchase_exchange", "SELECT * FROM supply_notice",
        "SELECT cost FROM sku_cost", "SELECT * FROM card", "SELECT * FROM transfer",
        "SELECT * FROM supply_policy", "SELECT * FROM score_rule", "SELECT * FROM audit_event",
        "SELECT account FROM supply_connection", "SELECT sealed FROM supplier_key",
        "SELECT grade_fixed FROM supplier", "SELECT * FROM staff",
        # writing past what is granted
        "UPDATE supplier SET grade = 'A'", "UPDATE supplier SET state = 'active'",
        "UPDATE supply_offer SET sku_id = 1", "UPDATE supply_offer SET active = true",
        "UPDATE purchase SET state = 'succeeded'", "UPDATE supplier_statement SET closing = 0",
        "UPDATE supplier_document SET state = 'approved'", "UPDATE supply_dispute SET agreed = 0",
        "UPDATE supplier_contract SET credit_limit = 1", "UPDATE contract_cost SET cost = 1",
        "UPDATE supplier_payment SET state = 'done'", "DELETE FROM supply_offer",
        "DELETE FROM supplier_document", "DELETE FROM supply_dispute_message",
        "INSERT INTO supplier_score(supplier_id, purchases, grade) VALUES (:mine, 99, 'A')",
        "INSERT INTO supplier(code, name) VALUES ('x1', 'x')",
        "INSERT INTO supplier_document(supplier_id, kind, title, media_type, sealed, state) VALUES (:mine, 'other', 'x', 'x', '', 'approved')",
        # rows in another's name
        "INSERT INTO supply_dispute_message(supplier_id, dispute_id, actor, body) SELECT :theirs, id, 'x', 'x' FROM supply_dispute LIMIT 1",
        "INSERT INTO supplier_key(supplier_id, key_id, sealed, created_by) VALUES (:theirs, 'KSx', '', 'x')",
        "INSERT INTO supplier_document(supplier_id, kind, title, media_type, sealed) VALUES (:theirs, 'other', 'x', 'x', '')",
        "INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, kind, cost) SELECT :theirs, id, 'x', 'x', 'card', 1 FROM supply_connection",
        # functions of others, and other roles
        "SELECT * FROM supplier_balance(:theirs)",
        "SELECT * FROM supplier_lines(:theirs, now(), now(), 0, 1)",
        "SELECT * FROM supplier_balance(NULL)",
        "SELECT * FROM request_supplier_payment(:mine, 10000, now()::date, '', '', '', 'x', 'x')",
        "SELECT * FROM agree_dispute(:mine, 1, 0, 'x')",
        "SELECT * FROM receive_purchase(1, 1, 1, 1, 0, '', '', '', '', '', NULL, NULL, 'x')",
        "SET ROLE kameng_main", "SET ROLE kameng_guard", "CREATE TABLE mine (x int)",
        "ALTER TABLE supplier DISABLE ROW LEVEL SECURITY",
    ],
)  # fmt: skip
def test_T12_what_no_supplier_may_do_is_refused_by_the_database(trade: Any, statement: str) -> None:
    supplier, other = _two(trade)
    with supplier_scope(supplier), pytest.raises(DBAPIError):
        db.session.execute(sa.text(statement), {"mine": supplier, "theirs": other})


_PAIR: list[int] = []


def _two(trade: Any) -> tuple[int, int]:
    """Two suppliers of this module, the first with a dispute and an offer; made once."""
    if not _PAIR:
        _PAIR.extend((furnished(trade), trade.active()))
    return _PAIR[0], _PAIR[1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE supplier SET phone = '1' WHERE id = :theirs",
        "UPDATE supplier_user SET password_hash = 'x' WHERE supplier_id = :theirs",
        "UPDATE supply_offer SET cost = 1 WHERE supplier_id = :theirs",
        "UPDATE supplier_statement SET state = 'confirmed' WHERE supplier_id = :theirs",
        "UPDATE supply_dispute SET state = 'answered' WHERE supplier_id = :theirs",
        "UPDATE supplier_key SET state = 'revoked' WHERE supplier_id = :theirs",
    ],
)
def test_T12_updates_of_anothers_rows_touch_nothing(pair: Any, statement: str) -> None:
    given = {"theirs": pair.theirs}
    with supplier_scope(pair.mine):
        assert db.session.execute(sa.text(statement), given).rowcount == 0
    with supplier_scope(pair.theirs):
        assert db.session.execute(sa.text(statement), given).rowcount > 0


def test_T12_a_supplier_scope_opens_no_other_ones(pair: Any) -> None:
    for inner in (supplier_scope(pair.theirs), station_scope(3)):
        with supplier_scope(pair.mine), pytest.raises(NoScope), inner:
            pass
    with supplier_scope(pair.mine):
        owed = db.session.scalar(sa.text("SELECT owed FROM supplier_balance(:s)"), {"s": pair.mine})
        assert owed == 92_2000
        assert db.session.scalar(sa.text("SELECT count(*) FROM supplier_user")) == 1
