"""What suppliers say is read whole or not at all, and written down with its history."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from kameng.supply.services import syncing

from .street import offer

A, B, C = "a", "b", "c"


def shelf(street, connection):
    rows = street.shop.owner.execute(
        "SELECT sku_ref, cost, stock, on_sale, gone_at IS NOT NULL FROM supply_offer "
        "WHERE connection_id = %s ORDER BY sku_ref",
        (connection,),
    )
    return rows.fetchall()


def history(street, connection, ref):
    return street.shop.owner.execute(
        "SELECT h.old_cost, h.new_cost, h.old_on_sale, h.new_on_sale, h.source "
        "FROM supply_offer_change h JOIN supply_offer f ON f.id = h.offer_id "
        "WHERE f.connection_id = %s AND f.sku_ref = %s ORDER BY h.id",
        (connection, ref),
    ).fetchall()


def noted(street, connection):
    return street.shop.owner.execute(
        "SELECT sync_error, sync_counts, synced_at IS NOT NULL, balance FROM supply_connection "
        "WHERE id = %s",
        (connection,),
    ).fetchone()


def test_offers_of_all_pages_are_kept_with_balance_and_counts(street):
    one = street.connection()
    street.up(one).pages = [[offer(A, 900_0000), offer(B, 10)], [offer(C, 5, stock=None)]]
    assert syncing.sync(one) == ""
    assert shelf(street, one) == [
        (A, 900_0000, 100, True, False), (B, 10, 100, True, False), (C, 5, None, True, False),
    ]  # fmt: skip
    error, counts, synced, balance = noted(street, one)
    assert (error, synced, balance) == ("", True, 1_000_000_0000)
    assert counts == {"offers": 3, "new": 3, "changed": 0, "gone": 0, "left_out": 0}
    assert history(street, one, A) == [(None, 900_0000, None, True, "sync")]


def test_changes_are_history_and_what_is_missing_is_gone_until_it_is_back(street):
    one = street.connection()
    up = street.up(one)
    up.sells(offer(A, 100), offer(B, 200))
    syncing.sync(one)
    up.sells(offer(A, 120), offer(C, 5))
    syncing.sync(one)
    assert noted(street, one)[1] | {"left_out": 0} == {
        "offers": 2, "new": 1, "changed": 1, "gone": 1, "left_out": 0,
    }  # fmt: skip
    assert shelf(street, one)[1] == (B, 200, 100, True, True)
    up.sells(offer(A, 120, stock=7), offer(B, 200), offer(C, 5))
    syncing.sync(one)
    assert history(street, one, A)[1:] == [(100, 120, True, True, "sync")], "stock is no history"
    assert history(street, one, B)[1:] == [
        (200, 200, True, False, "sync"), (200, 200, False, True, "sync"),
    ]  # fmt: skip
    assert shelf(street, one)[1][4] is False


def test_an_empty_list_is_a_complete_one(street):
    one = street.connection()
    street.up(one).sells(offer(A, 100))
    syncing.sync(one)
    street.up(one).sells()
    assert syncing.sync(one) == ""
    assert shelf(street, one)[0][4] is True


@pytest.mark.parametrize("trouble", ["silence", "endless"])
def test_a_broken_list_changes_nothing_and_is_told_after_three_times(street, trouble):
    one = street.connection()
    up = street.up(one)
    up.pages = [[offer(A, 100)], [offer(B, 100)]]
    syncing.sync(one)
    before = shelf(street, one)
    up.pages = None if trouble == "silence" else [[offer(A, 999)]]
    up.endless = trouble == "endless"
    for _round in range(3):
        assert street.alerts("supply_sync") == []
        assert syncing.sync(one)
    assert shelf(street, one) == before
    assert noted(street, one)[0].startswith("no_answer" if trouble == "silence" else "endless")
    assert street.alerts("supply_sync") == [f"connection:{one}"]
    up.pages, up.endless = [[offer(A, 100), offer(B, 100)]], False
    assert syncing.sync(one) == ""
    assert (noted(street, one)[0], street.alerts("supply_sync")) == ("", [])


def cancel_who_waits(database):
    waiting = (
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
        "WHERE wait_event = 'advisory' AND datname = current_database()"
    )
    with psycopg.connect(database, autocommit=True) as owner:
        give_up = time.monotonic() + 5
        while owner.execute(waiting).fetchone() is None and time.monotonic() < give_up:
            time.sleep(0.01)


def test_a_database_that_is_busy_too_long_is_an_error_of_the_sync(street, database):
    one = street.connection()
    street.up(one).sells(offer(A, 100))
    syncing.sync(one)
    number = street.offer_id(one, A)
    code = street.shop.sku(kind="top_up")
    street.shop.plant(f"UPDATE supply_offer SET sku_id = {street.sku_id(code)} WHERE id = {number}")
    street.up(one).sells(offer(A, 200))
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('kameng.supply.levels'))")
        other.commit()
        with ThreadPoolExecutor(1) as pool:  # as the database does itself after a while
            pool.submit(cancel_who_waits, database)
            assert syncing.sync(one) == "not_written"
    assert shelf(street, one)[0][1] == 100
    assert noted(street, one)[0].startswith("not_written")
    assert syncing.sync(one) == ""
    assert street.cost(code) == 200


def test_a_list_that_was_asked_for_earlier_does_not_overwrite_a_later_one(street):
    one = street.connection()
    up = street.up(one)
    up.sells(offer(A, 100))
    syncing.sync(one)

    def meanwhile():
        up.between = lambda: None
        up.sells(offer(A, 300), offer(B, 1))
        with street.shop.app.app_context():
            syncing.sync(one)
        up.sells(offer(A, 200))

    up.between = lambda: ThreadPoolExecutor(1).submit(meanwhile).result()
    syncing.sync(one)
    assert shelf(street, one) == [(A, 300, 100, True, False), (B, 1, 100, True, False)]


def test_a_foreign_currency_and_a_number_given_twice_are_left_out(street):
    one = street.connection()
    dollars = offer(B, 100)
    dollars = replace(dollars, cost=replace(dollars.cost, currency="USD"))
    street.up(one).sells(offer(A, 100), dollars, offer(A, 1))
    syncing.sync(one)
    assert [row[:2] for row in shelf(street, one)] == [(A, 100)]
    assert noted(street, one)[1]["left_out"] == 2


def test_each_due_connection_is_given_to_one_caller_and_a_paused_one_to_nobody(street):
    ones = {street.connection() for _n in range(6)}
    paused = street.connection()
    street.shop.plant(f"UPDATE supply_connection SET state = 'paused' WHERE id = {paused}")

    def claim(_n):
        with street.shop.app.app_context():
            return syncing.claim_due(limit=2)

    with ThreadPoolExecutor(4) as pool:
        given = [number for claimed in pool.map(claim, range(12)) for number in claimed]
    assert len(given) == len(set(given))
    assert ones <= set(given)
    assert paused not in given


def test_a_low_balance_is_told_once_until_it_is_filled_up(street):
    one = street.connection()
    street.shop.plant(f"UPDATE supply_connection SET low_balance = 500000 WHERE id = {one}")
    for money, told in ((499_999, 1), (400_000, 1), (500_000, 0)):
        street.up(one).money = money
        syncing.sync(one)
        assert len(street.alerts("supply_balance")) == told
    street.up(one).money = None
    assert syncing.sync(one) == "", "that the balance is unknown breaks no list"
    assert noted(street, one)[3] == 500_000


def test_a_plugin_that_is_off_is_an_error_of_the_sync(street):
    from kameng.plugins import api as plugins

    one = street.connection()
    account = street.shop.one("SELECT account FROM supply_connection WHERE id = %s", one)
    plugins.set_enabled(1, "supplier-upstream", False, "staff:1", account)
    assert syncing.sync(one).startswith("plugin_off")
    assert noted(street, one)[0].startswith("plugin_off")
