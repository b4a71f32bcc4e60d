"""The usual payment is delivered at once, with the rows of the long way; nothing else goes that way."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from tests.properties.hands import while_held_open

from kameng.db import call

MAIN, JIANGNAN, DEER = 1, 2, 3
PLUGIN = "payment-epay"
AT_ONCE = "SELECT done FROM _deliver_at_once(%s, %s, %s, %s, %s, 'notice', %s, %s)"
# Everything that a payment leaves, without what has a number or a moment of its own.
ROWS = {
    "order": "SELECT to_jsonb(o) - ARRAY['id','order_no','idempotency_key','shopper_key','contact','secret_hash','request_hash','created_at',"
    "'expires_at','paid_at','delivered_at','updated_at'], o.paid_at = o.delivered_at FROM orders o WHERE o.station_id = %s AND o.id = %s",
    "events": "SELECT from_state, to_state, actor, reason, detail FROM order_event WHERE station_id = %s AND order_id = %s AND from_state <> '' ORDER BY id",
    "cards": "SELECT status, held_until, sold_at IS NOT NULL FROM card WHERE station_id = %s AND order_id = %s",
    "attempt": "SELECT to_jsonb(a) - ARRAY['id','attempt_no','order_id','provider_ref','created_at','sent_at','paid_at','closed_at','expires_at'],"
    " a.paid_at = a.closed_at FROM payment_attempt a WHERE station_id = %s AND order_id = %s",
    "postings": "SELECT debit_account, credit_account, amount, kind, attempt_id IS NULL, split_part(txn, ':', 4), leg, params_hash FROM transfer"
    " WHERE station_id = %s AND order_id = %s ORDER BY id",
    "settlement": "SELECT station_id, margin, due_at::date, state FROM settlement WHERE order_station_id = %s AND order_id = %s",
    "outbox": "SELECT topic, payload ? 'order_no' FROM outbox WHERE station_id = %s AND (payload ->> 'order_id')::bigint = %s",
    "notice": "SELECT n.method, n.result, n.times FROM payment_notice n JOIN payment_attempt a USING (station_id, attempt_no)"
    " WHERE n.station_id = %s AND a.order_id = %s",
}  # fmt: skip


@dataclass
class Sale:
    """An order that waits for its money, and the attempt that will bring it."""

    shop: Any
    station: int
    order: int
    number: str
    payable: int

    def told(self, function: str, **changes: Any) -> dict[str, Any]:
        """The gateway's word, as the service hands it on."""
        params: dict[str, Any] = {
            "p_wait": True, "p_plugin": PLUGIN, "p_digest": secrets.token_bytes(32),
            "p_method": "GET", "p_query": "", "p_headers": "{}", "p_body": b"", "p_ip": "",
            "p_holder": 1, "p_account": "", "p_result": "", "p_attempt_no": self.number,
            "p_amount": self.payable, "p_currency": "CNY", "p_provider_ref": f"gw{self.number}",
        }  # fmt: skip
        with self.shop.app.app_context():
            return call(function, as_main=True, **params | changes)

    def rows(self) -> dict[str, Any]:
        return {
            name: self.shop.owner.execute(sql, (self.station, self.order)).fetchall()
            for name, sql in ROWS.items()
        }

    def at_once(self, **changes: Any) -> bool:
        """Whether it would be delivered at once; nothing is kept."""
        told = {
            "number": self.number, "plugin": PLUGIN, "amount": self.payable, "currency": "CNY",
            "ref": f"gw{self.number}", "holder": 1, "account": "",
        } | changes  # fmt: skip
        with self.shop.owner.transaction(force_rollback=True):
            return bool(self.shop.one(AT_ONCE, *told.values()))


def sale(
    shop: Any, station: int = JIANGNAN, fee: int = 0, quantity: int = 1, code: str = ""
) -> Sale:
    code = code or shop.sku(cards=8)
    placed = shop.place(code, station, quantity)
    number = shop.attempt(station, placed.payable, order=placed.order_id, fee=fee)
    return Sale(shop, station, placed.order_id, number, placed.payable)


@pytest.fixture
def used(shop: Any) -> Any:
    """A shop whose accounts are open, as the first sale of each station leaves them."""
    for station in (MAIN, JIANGNAN):
        first = sale(shop, station)
        assert first.told("receive_main_notice")["code"] == "ok"
    return shop


def odd_prices(shop: Any, code: str, by: int) -> None:
    """A price that is not whole fen, so that something is left over for rounding."""
    shop.owner.execute(
        "UPDATE listing l SET price = price + %s FROM sku s WHERE s.id = l.sku_id AND s.code = %s",
        (by, code),
    )
    shop.owner.execute(
        "UPDATE price_chain c SET margins[cardinality(margins)] = margins[cardinality(margins)] + %s"
        " FROM sku s WHERE s.id = c.sku_id AND s.code = %s",
        (by, code),
    )


@pytest.mark.parametrize("station", [MAIN, JIANGNAN])
@pytest.mark.parametrize(
    ("fee", "quantity", "odd"),
    [(0, 1, 0), (6000, 1, 0), (0, 3, 0), (0, 1, 30), (0, 1, 70)],
    ids=["plain", "with a fee", "three cards", "rounded down", "rounded up"],
)
def test_it_leaves_the_rows_of_the_long_way(
    used: Any, station: int, fee: int, quantity: int, odd: int
) -> None:
    code = used.sku(cards=8)
    odd_prices(used, code, odd)
    short, long = (sale(used, station, fee, quantity, code) for _n in range(2))
    assert short.at_once()
    assert short.told("receive_main_notice")["code"] == "ok"
    assert long.told("receive_notice", p_station=station)["code"] == "ok"
    assert short.rows() == long.rows()
    used.assert_books_balance()


def test_a_station_without_terms_gets_the_usual_ones(used: Any) -> None:
    used.owner.execute("DELETE FROM settlement_terms")
    one = sale(used)
    assert one.told("receive_main_notice")["code"] == "ok"
    assert len(one.rows()["settlement"]) == 1


def changed(sql: str) -> Callable[[Sale], None]:
    """Change something of the sale behind the product's back; %(s)s station, %(o)s order, %(n)s attempt."""

    def change(one: Sale) -> None:
        one.shop.owner.execute(sql, {"s": one.station, "o": one.order, "n": one.number})

    return change


ORDER = "WHERE station_id = %(s)s AND id = %(o)s"
COST = "WHERE station_id = %(s)s AND order_id = %(o)s"
ATTEMPT = "WHERE attempt_no = %(n)s"
UNUSUAL: dict[str, Callable[[Sale], None]] = {
    "paid already": changed(f"UPDATE payment_attempt SET state = 'succeeded' {ATTEMPT}"),
    "it fills a wallet": changed(
        f"UPDATE payment_attempt SET purpose = 'top_up', order_id = NULL, member_id = 1 {ATTEMPT}"),
    "the order is over": changed(f"UPDATE orders SET state = 'expired' {ORDER}"),
    "the order is paid": changed(f"UPDATE orders SET state = 'paid' {ORDER}"),
    "a person must look": changed(f"UPDATE orders SET risk = 'review' {ORDER}"),
    "a supplier has it": changed(f"UPDATE orders SET source = 'supplier' {ORDER}"),
    "sold below cost": changed(f"UPDATE order_cost SET margins = '{{100,-100}}' {COST}"),
    "a cost below nothing": changed(f"UPDATE order_cost SET cost = -1 {COST}"),
    "three levels": changed(f"UPDATE order_cost SET parties = '{{1,9,2}}', margins = '{{0,0,0}}' {COST}"),
    "a card is gone": changed(
        f"UPDATE card SET status = 0, station_id = NULL, order_id = NULL {COST}"),
    "a card is sold already": changed(
        f"UPDATE card SET status = 2 WHERE id = (SELECT min(id) FROM card {COST})"),
    "a card too many": changed(
        "UPDATE card SET status = 1, station_id = %(s)s, order_id = %(o)s WHERE id ="
        " (SELECT max(id) FROM card WHERE status = 0)"),
    "the station has never sold": changed("DELETE FROM till WHERE station_id = %(s)s"),
    "the reference has paid another": changed(
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, member_id, plugin_id, method,"
        " amount, state, provider_ref, expires_at) VALUES (%(s)s, 'X' || %(n)s, 'top_up', 1,"
        " 'payment-epay', 'alipay', 100, 'succeeded', 'gw' || %(n)s, now())"),
    "a restore is looked into": changed(
        "INSERT INTO recovery(restored_to, source, state) VALUES (now(), 'test', 'active')"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNUSUAL)
def test_nothing_unusual_goes_this_way(used: Any, what: str) -> None:
    one = sale(used, quantity=2)
    assert one.at_once()
    with used.owner.transaction(force_rollback=True):
        UNUSUAL[what](one)
        assert not one.at_once()


USUAL_YET: dict[str, Callable[[Sale], None]] = {
    "beside a card that was sold before": changed(
        "UPDATE card SET status = 2, station_id = %(s)s, order_id = %(o)s WHERE id ="
        " (SELECT max(id) FROM card WHERE status = 0)"),
    "an attempt that nobody has paid has the reference": changed(
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, member_id, plugin_id, method,"
        " amount, state, provider_ref, expires_at) VALUES (%(s)s, 'X' || %(n)s, 'top_up', 1,"
        " 'payment-epay', 'alipay', 100, 'sent', 'gw' || %(n)s, now())"),
    "another station's attempt has its number, at another account": changed(
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, member_id, plugin_id, method,"
        " amount, account, expires_at) VALUES (1, %(n)s, 'top_up', 1, 'payment-epay', 'alipay', 100,"
        " 'second', now())"),
}  # fmt: skip


@pytest.mark.parametrize("what", USUAL_YET)
def test_what_is_not_of_this_payment_does_not_hinder_it(used: Any, what: str) -> None:
    one = sale(used, quantity=2)
    with used.owner.transaction(force_rollback=True):
        USUAL_YET[what](one)
        assert one.at_once()


OTHERS: dict[str, dict[str, Any]] = {
    "one fen less": {"amount": 1}, "no amount": {"amount": None}, "another currency": {"currency": "USD"},
    "another gateway": {"plugin": "payment-stripe"}, "a station's own account": {"holder": JIANGNAN},
    "another account": {"account": "second"}, "an unknown number": {"number": "T0"},
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_a_word_that_does_not_fit_changes_nothing(used: Any, what: str) -> None:
    one = sale(used)
    assert not one.at_once(**OTHERS[what])


def test_an_attempt_at_the_stations_own_account_goes_the_long_way(used: Any) -> None:
    one = sale(used)
    used.owner.execute(
        "UPDATE payment_attempt SET account_station_id = 2 WHERE attempt_no = %s", (one.number,)
    )
    assert not one.at_once()
    assert not one.at_once(holder=JIANGNAN)


def test_the_first_sale_of_a_station_opens_its_accounts(shop: Any) -> None:
    shop.owner.execute("DELETE FROM till WHERE station_id = 2")
    assert not sale(shop).at_once()
    assert sale(shop).told("receive_main_notice")["code"] == "ok"
    assert sale(shop).at_once()


def test_copies_and_a_question_at_the_same_moment_have_one_effect(used: Any) -> None:
    one = sale(used)
    digest = secrets.token_bytes(32)

    def word(n: int) -> str:
        if n % 2:
            return str(one.told("receive_notice", p_station=JIANGNAN, p_digest=digest)["code"])
        return str(one.told("receive_main_notice", p_digest=digest)["code"])

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(word, range(16)))
    assert sorted(codes) == ["ok"] + ["repeat"] * 15
    assert [row[6] for row in one.rows()["postings"]] == [1, 1, 2, 3]
    assert one.rows()["notice"] == [("GET", "ok", 16)]
    used.assert_books_balance()


MEANWHILE = {
    "it is cancelled": "UPDATE orders SET state = 'cancelled' WHERE station_id = 2 AND id = %s",
    "its card goes": "UPDATE card SET status = 0, station_id = NULL, order_id = NULL, held_until = NULL"
    " WHERE station_id = 2 AND order_id = %s",
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_an_order_that_changes_in_this_moment_is_asked_for_again(
    used: Any, database: str, what: str
) -> None:
    """The notice waits for whoever changes it: the statement is undone, not half done."""
    one = sale(used)

    def hear() -> str:
        try:
            return str(one.told("receive_main_notice")["code"])
        except psycopg.errors.SerializationFailure:
            return "ask again"

    assert while_held_open(database, (f"{MEANWHILE[what]} RETURNING 1", (one.order,)), hear) == ((1,), "ask again")  # fmt: skip
    assert one.rows()["postings"] == []
    assert one.rows()["attempt"][0][0]["state"] == "sent"
    assert hear() == "ok"  # late, and there is a card for it


def test_postings_of_a_sale_refuse_parts_below_nothing(used: Any) -> None:
    for at in range(4):
        fee, cost, main, own = (-1 if n == at else 0 for n in range(4))
        with pytest.raises(psycopg.Error) as refused:
            used.owner.execute(
                "SELECT _post_gateway_sale(2, 1, 1, 'x', 1, 2, 3, 4, 5, 100, %s, 100, %s, %s, %s)",
                (fee, cost, main, own),
            )
        assert refused.value.sqlstate == "KM010"
