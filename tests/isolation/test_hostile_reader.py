"""T12: a page of one station tries every form of access to another station's rows."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from kameng.db import NoScope, db, main_scope, station_scope
from kameng.orders.models import Order, OrderEvent

JIANGNAN, DEER = 2, 3


@pytest.fixture
def two_orders(shop: Any) -> Any:
    """An order at each of two stations; the shop keeps their numbers."""
    code = shop.sku(cards=4)
    shop.mine = shop.buy(code, JIANGNAN)[0]
    shop.theirs = shop.buy(code, DEER)[0]
    return shop


def _names(result: Any) -> set[str]:
    return {str(row[0]) for row in result}


READERS: dict[str, Callable[[Any], set[str]]] = {
    "entities": lambda s: {o.order_no for o in db.session.scalars(sa.select(Order))},
    "columns": lambda s: _names(db.session.execute(sa.select(Order.order_no))),
    "core table": lambda s: _names(db.session.execute(sa.select(Order.__table__.c.order_no))),
    "text": lambda s: _names(db.session.execute(sa.text("SELECT order_no FROM orders"))),
    "where by id": lambda s: _names(
        db.session.execute(sa.select(Order.order_no).where(Order.id == s.theirs.order_id))
    ),
    "alias": lambda s: _names(db.session.execute(sa.select(aliased(Order).order_no))),
    "cte": lambda s: _names(
        db.session.execute(sa.select(sa.select(Order.order_no).cte("c").c.order_no))
    ),
    "union": lambda s: _names(
        db.session.execute(
            sa.union(
                sa.select(Order.order_no), sa.select(Order.order_no).where(Order.station_id == 3)
            )
        )
    ),
    "scalar subquery": lambda s: _names(
        db.session.execute(sa.select(sa.select(sa.func.max(Order.order_no)).scalar_subquery()))
    ),
    "global table joined": lambda s: _names(
        db.session.execute(sa.text("SELECT o.order_no FROM sku s JOIN orders o ON o.sku_id = s.id"))
    ),
    "exists": lambda s: _names(
        db.session.execute(
            sa.text(
                "SELECT 'leak' FROM sku WHERE EXISTS (SELECT 1 FROM orders WHERE order_no = :no)"
            ),
            {"no": s.theirs.order_no},
        )
    ),
    "lateral": lambda s: _names(
        db.session.execute(
            sa.text("SELECT x.order_no FROM station st, LATERAL (SELECT order_no FROM orders) x")
        )
    ),
}


@pytest.mark.parametrize("form", READERS)
def test_T12_no_form_of_reading_shows_anothers_rows(two_orders: Any, form: str) -> None:
    with two_orders.app.app_context(), station_scope(JIANGNAN):
        seen = READERS[form](two_orders)
    assert two_orders.theirs.order_no not in seen
    assert "leak" not in seen


def test_T12_counts_and_primary_keys_show_own_rows_only(two_orders: Any) -> None:
    with two_orders.app.app_context():
        with station_scope(JIANGNAN):
            own = db.session.scalar(sa.select(sa.func.count()).select_from(Order))
            assert db.session.get(Order, (DEER, two_orders.theirs.order_id)) is None
        with main_scope(reason="test"):
            everything = db.session.scalar(sa.select(sa.func.count()).select_from(Order))
    assert own < everything


def test_T12_an_object_of_one_scope_is_not_met_in_the_next(two_orders: Any) -> None:
    """The identity map: one session per scope, so nothing is remembered across."""
    with two_orders.app.app_context():
        with station_scope(DEER):
            kept = db.session.get(Order, (DEER, two_orders.theirs.order_id))
            assert kept is not None
        with station_scope(JIANGNAN):
            assert db.session.get(Order, (DEER, two_orders.theirs.order_id)) is None


def test_T12_the_scope_survives_commit_rollback_and_savepoints(two_orders: Any) -> None:
    with two_orders.app.app_context(), station_scope(JIANGNAN):
        for end in (db.session.commit, db.session.rollback):
            assert _names(db.session.execute(sa.select(Order.station_id))) == {"2"}
            end()
        with db.session.begin_nested():
            db.session.execute(sa.text("SELECT 1"))
        assert _names(db.session.execute(sa.select(Order.station_id))) == {"2"}


def test_T12_a_pooled_connection_does_not_remember_the_last_station(two_orders: Any) -> None:
    with two_orders.app.app_context():
        for station in (JIANGNAN, DEER) * 10:
            with station_scope(station):
                seen = _names(db.session.execute(sa.select(Order.station_id)))
                assert seen == {str(station)}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_event(station_id, actor, action) VALUES (3, 'x', 'x')",
        "INSERT INTO outbox(station_id, topic) VALUES (3, 'x')",
        "INSERT INTO member(station_id, login, password_hash) VALUES (3, 'x', 'x')",
        "UPDATE orders SET state = 'paid'",
        "DELETE FROM orders",
        "TRUNCATE orders",
        "UPDATE account_balance SET balance = balance + 1",
        "INSERT INTO transfer(debit_account, credit_account, amount, kind, station_id, txn, leg, params_hash) VALUES (1, 2, 1, 'x', 2, 'x', 1, '')",
        "SELECT cost FROM sku_cost",
        "SELECT * FROM price_chain",
        "SELECT * FROM transfer",
        "UPDATE card SET status = 0",
        "SELECT _account(3, 'wallet')",
        "SELECT expire_orders(1)",
        "UPDATE listing SET price = 1",
        "UPDATE payment_attempt SET state = 'succeeded'",
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method, amount, state, expires_at)"
        " SELECT 2, 'x', 'order', id, 'payment-balance', 'x', 100, 'succeeded', now() FROM orders LIMIT 1",
        "INSERT INTO payment_notice(station_id, plugin_id, digest, method, result) VALUES (2, 'x', '', 'x', 'ok')",
        "UPDATE payment_notice SET result = 'ok'",
        "INSERT INTO risk_hit(station_id, counter, key, event_id) VALUES (2, 'x', 'x', 'x')",
        "SET ROLE kameng_main",
        "SET ROLE kameng_guard",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE mine (x int)",
    ],
)
def test_T12_writing_elsewhere_or_past_the_functions_is_refused(
    two_orders: Any, statement: str
) -> None:
    with two_orders.app.app_context(), station_scope(JIANGNAN), pytest.raises(DBAPIError):
        db.session.execute(sa.text(statement))


def test_T12_updates_of_foreign_rows_touch_nothing(two_orders: Any) -> None:
    with two_orders.app.app_context(), station_scope(JIANGNAN):
        for statement in (
            "UPDATE listing SET active = false WHERE station_id = 3",
            "UPDATE payment_attempt SET message = 'x' WHERE station_id = 3",
            "UPDATE station SET name = 'x' WHERE id = 3",
        ):
            assert db.session.execute(sa.text(statement)).rowcount == 0


def test_T12_unsold_cards_cannot_be_read_sold_ones_only_by_their_station(two_orders: Any) -> None:
    count = sa.text("SELECT count(*), count(*) FILTER (WHERE status <> 2) FROM card")
    with two_orders.app.app_context():
        with station_scope(JIANGNAN):
            total, unsold = db.session.execute(count).one()
            own = db.session.scalar(sa.text("SELECT count(*) FROM card WHERE station_id = 2"))
            assert (total, unsold) == (own, 0)
        with main_scope(reason="test"), pytest.raises(DBAPIError, match="permission denied"):
            db.session.execute(sa.text("SELECT cipher FROM card"))


# Each way of a page to act for another station: all that role app may run with a station's number.
ELSEWHERE = {
    "shop_front": "SELECT * FROM shop_front(3, 'hot', 20, 10, '{}', '{}', '{}', 'deer.localhost')",
    "sold_pieces": "SELECT * FROM sold_pieces(3)",
    "find_api_key": "SELECT * FROM find_api_key(3, 'KMaaaaaaaaaaaaaaaa')",
    "find_api_goods": "SELECT * FROM find_api_goods(3, 'S1')",
    "note_api_key_uses": "SELECT * FROM note_api_key_uses(3, '{1}', '{\"\"}')",
    "place_order": "SELECT * FROM place_order(3, 'web', 'k', '', NULL, 'g', 'c', '', '', '1', 1, 1,"
    " 1, '{}', 'allow', '[]', 15, 20, 60, 20)",
    "place_and_open": "SELECT * FROM place_and_open(3, 'web', 'k', '', NULL, 'g', 'c', '', '', '1', 1,"
    " 1, 1, '{}', 'allow', '[]', 15, 20, 60, 20, 0, '{}', '1', 'p', 'm', '', 0, '')",
    "goods_of": "SELECT * FROM goods_of(3, 's')",
    "keep_charge": "SELECT * FROM keep_charge(3, 1, 'sent', '', '', '', '', '{}', true, NULL, NULL)",
    "buy_with_balance": "SELECT * FROM buy_with_balance(3, 1, 'n', '', 's', 1, NULL, '{}', '', '1',"
    " '1', '', 'allow', '[]', '{}', '')",
    "cancel_order": "SELECT * FROM cancel_order(3, :order_no, 'x')",
    "pay_with_balance": "SELECT * FROM pay_with_balance(3, :order_no, 1, 'x')",
    "keep_for_transfer": "SELECT * FROM keep_for_transfer(3, 'x', 24, 120)",
    "account_room": "SELECT * FROM account_room(3, 3, 'p', '', 1, false)",
    "prepaid_covers": "SELECT * FROM prepaid_covers(3, :order_no, '', 1)",
    "wallet_entries": "SELECT * FROM wallet_entries(3, 1, NULL, 10)",
    "station_earnings": "SELECT * FROM station_earnings(3, now())",
    "outbox_mark": "SELECT * FROM outbox_mark(3, 1, 'x')",
    "count_risk_hit": "SELECT * FROM count_risk_hit(3, 'c', 'k', 'e', 60)",
    "raise_alert": "SELECT * FROM raise_alert(3, 'k', 's', 't', '{}')",
    "close_alert": "SELECT * FROM close_alert(3, 'k', 's')",
    "station_terms": "SELECT * FROM station_terms(3)",
    "settlement_funds": "SELECT * FROM settlement_funds(3)",
    "statement_sums": "SELECT * FROM statement_sums(3, now(), now())",
    "statement_lines": "SELECT * FROM statement_lines(3, now(), now(), 0, 10)",
    "request_withdrawal": "SELECT * FROM request_withdrawal(3, 10000, 'alipay', '{}', 'x', 'k')",
    "cancel_withdrawal": "SELECT * FROM cancel_withdrawal(3, 1, 'x')",
    "open_refund_request": "SELECT * FROM open_refund_request(3, 1, NULL, :order_no, NULL, 'x', 'x',"
    " '', 'x')",
    "withdraw_refund_request": "SELECT * FROM withdraw_refund_request(3, 1, 'x')",
    "plan_flash_sale": "SELECT * FROM plan_flash_sale(3, 'F26110000000001', 's', 100, 1, now(), now(),"
    " 'x')",
    "close_flash_sale": "SELECT * FROM close_flash_sale(3, 'F26110000000001', 'x')",
    "wallet_span": "SELECT * FROM wallet_span(3, 1, now(), now())",
    "nobody's station": "SELECT * FROM cancel_order(NULL, :order_no, 'x')",
}


@pytest.mark.parametrize("function", ELSEWHERE)
def test_T12_a_guarded_function_refuses_to_act_for_another_station(
    two_orders: Any, function: str
) -> None:
    """Nor does the refused call move the scope: what follows still sees its own rows only."""
    wanted = {"order_no": two_orders.theirs.order_no}
    with two_orders.app.app_context(), station_scope(JIANGNAN):
        db.session.execute(sa.text("SAVEPOINT before"))
        with pytest.raises(DBAPIError) as refused:
            db.session.execute(sa.text(ELSEWHERE[function]), wanted)
        assert refused.value.orig.sqlstate == "KM403"  # type: ignore[union-attr]
        db.session.execute(sa.text("ROLLBACK TO before"))
        assert db.session.scalar(sa.text("SELECT current_setting('app.station_id')")) == "2"
        assert _names(db.session.execute(sa.select(Order.station_id))) == {"2"}


def test_T12_every_function_of_pages_that_takes_a_station_is_in_the_list_above(
    owner: Any, two_orders: Any
) -> None:
    found = owner.execute(
        "SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p"
        " WHERE p.pronamespace = 'public'::regnamespace AND 'p_station' = ANY (p.proargnames)"
        " AND has_function_privilege('kameng_app', p.oid, 'EXECUTE')"
    ).fetchall()
    assert {name for name, _text in found} == set(ELSEWHERE) - {"nobody's station"}
    assert [name for name, text in found if "PERFORM _enter_station(p_station)" not in text] == []


def test_T12_role_main_goes_from_station_to_station_in_one_transaction(two_orders: Any) -> None:
    with two_orders.app.app_context(), main_scope(reason="test"):
        for station in (JIANGNAN, DEER, JIANGNAN, 1):
            db.session.execute(sa.text("SELECT * FROM station_earnings(:s, now())"), {"s": station})


def test_T12_without_a_scope_there_is_no_query(two_orders: Any) -> None:
    with two_orders.app.app_context(), pytest.raises(NoScope):
        db.session.execute(sa.select(Order))


def test_T12_a_foreign_scope_cannot_be_opened_inside_a_scope(two_orders: Any) -> None:
    with (
        two_orders.app.app_context(),
        station_scope(JIANGNAN),
        pytest.raises(NoScope),
        station_scope(DEER),
    ):
        db.session.execute(sa.select(OrderEvent))
