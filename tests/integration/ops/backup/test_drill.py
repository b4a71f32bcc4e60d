"""Backups of a real server: made, tried out, brought back to the moment before the damage."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kameng.db import main_scope, station_scope
from kameng.errors import Unavailable
from kameng.ops.backup import commands, scratch, sums, timetable
from kameng.ops.backup.methods import Method, method_of
from kameng.ops.backup.restoring import restore
from kameng.ops.backup.scratch import Target, running
from kameng.ops.errors import OpsError
from kameng.ops.home import Home
from kameng.ops.recovering import asking, reading
from kameng.orders.api import OrderRefused, cancel
from kameng.payments.api import PaymentRefused, apply_payment, start_station_payment
from kameng.stock.api import import_cards, reveal_all, rotate_keys

from .conftest import Yard

DEER = 3


def rows(url: str, query: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_backup_is_made_listed_and_closed_to_others(yard: Yard) -> None:
    with yard.shop() as shop:
        shop.buy(shop.sku(cards=3))
    said = commands.now(yard.settings)
    assert "MB" in said[0]
    assert said[0].split()[0] in commands.listed(yard.settings)[0]
    folder = yard.method.repository.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(f.read_bytes()[:6] == b"KMBK1\n" for f in folder.rglob("*.sealed"))
    found = rows(yard.settings.database_url, "SELECT kind, state, label, bytes > 0 FROM backup_run")
    assert found == [("backup", "succeeded", said[0].split()[0], True)]


def test_the_drill_finds_equal_sums_and_leaves_nothing(
    yard: Yard, capsys: pytest.CaptureFixture[str]
) -> None:
    with yard.shop() as shop:
        shop.buy(shop.sku(cards=3))  # after the backup: it comes from the archive
    began = time.monotonic()
    lines, ok = commands.drill(yard.settings)
    took_s = time.monotonic() - began
    with capsys.disabled():
        print(f"\ndrill: {took_s:.1f} s; {lines[-1]}")
    assert ok, lines
    assert took_s < 120
    assert list(yard.server.folder.glob("scratch-*")) == []
    ((state, detail),) = rows(
        yard.settings.database_url, "SELECT state, detail FROM backup_run WHERE kind = 'drill'"
    )
    assert state == "succeeded"
    assert detail["differences"] == []
    assert set(detail["sums"]) == set(sums.SUMS)


def test_a_copy_that_differs_is_told(yard: Yard) -> None:
    noted = sums.mark(yard.settings.database_url)
    changed = {**noted.sums, "orders": "paid 7 7"}
    assert sums.differences(noted.sums, noted.sums) == []
    assert [text.split(":")[0] for text in sums.differences(noted.sums, changed)] == ["orders"]


def test_a_busy_database_is_marked_at_a_quiet_moment(yard: Yard) -> None:
    """A writer that is in between keeps the mark away; the mark gives up rather than block others."""
    url = yard.settings.database_url
    with psycopg.connect(url) as writer, psycopg.connect(url) as holder:
        writer.execute("UPDATE orders SET updated_at = updated_at")
        with pytest.raises(OpsError, match="without writers"):
            sums.hold(holder, patience_s=0.3)
        writer.rollback()
    assert sums.mark(url).sums["orders"]


def test_before_the_first_backup_everything_says_so(yard: Yard, tmp_path: Path) -> None:
    method = yard.method
    early = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(OpsError, match="no base backup from before"):
        method.repository.newest(early)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OpsError, match="not empty"):
        restore(method, yard.settings, None, tmp_path / "full")


class Outside:
    """The gateway goes on whatever happens to us: what was paid there stays paid."""

    def __init__(self) -> None:
        self.paid: dict[str, int] = {}
        self.away = False

    def __call__(self, question: Any) -> str:
        if self.away:
            return "unavailable"
        if question.number not in self.paid:
            return "pending"
        amount = self.paid[question.number]
        return apply_payment(
            DEER, "payment-epay", question.number, amount, f"gw-{question.number}", "query"
        )


def test_orders_paid_in_the_gap_are_neither_lost_nor_delivered_twice(
    yard: Yard, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = Outside()
    with yard.shop() as shop:
        code = shop.sku(cards=8)
        before, _paid = shop.buy(code)
        gap = [shop.place(code) for _ in range(3)]
        numbers = [shop.attempt(DEER, p.payable, order=p.order_id) for p in gap]
        unpaid = shop.place(code)
        shop.attempt(DEER, unpaid.payable, order=unpaid.order_id)
        noted = sums.mark(yard.settings.database_url)
        held = {p.order_id: _cards(shop, p.order_id) for p in gap}
        # The gap: two are paid and delivered, a third one is paid while we are away.
        for placed, number in list(zip(gap, numbers, strict=True))[:2]:
            assert shop.pay(DEER, number, placed.payable)["code"] == "ok"
        outside.paid = {n: p.payable for p, n in zip(gap, numbers, strict=True)}
        forgotten = shop.place(code)  # placed, paid and delivered in the gap: nothing knows of it
        number = shop.attempt(DEER, forgotten.payable, order=forgotten.order_id)
        assert shop.pay(DEER, number, forgotten.payable)["code"] == "ok"
        gone = [card for (card,) in _cards(shop, forgotten.order_id)]
        shop.owner.execute("DELETE FROM order_event")  # the damage
        yard.method.finish_segment()
        last_id = shop.one("SELECT max(id) FROM orders")
    began = time.monotonic()
    done = restore(yard.method, yard.settings, noted.at, yard.server.folder / "restored")
    with capsys.disabled():
        print(f"\nrestore to the moment before the damage: {time.monotonic() - began:.1f} s")
    assert (done.restored_to, done.cards_aside, done.forgotten_payments) == (noted.at, 1, 1)
    copy = scratch.beside(yard.server, yard.server.folder / "restored")
    with running(copy, {"fsync": "off"}), yard.shop(copy.url()) as shop:
        found = sums.differences(noted.sums, sums.sums_of(copy.url()))
        assert [text.partition(":")[0] for text in found] == ["cards"]  # the one that was set aside
        assert shop.one("SELECT status FROM card WHERE id = ANY(%s)", gone) == 3
        assert (
            shop.one("SELECT detail ->> 'attempt_no' FROM alert WHERE kind = 'recovery_payment'")
            == number
        )
        _asked_and_ended(shop, outside, before, gap, forgotten)
        for placed in gap:
            assert shop.state(DEER, placed.order_id) == "delivered"
            assert _cards(shop, placed.order_id) == held[placed.order_id]
        assert shop.state(DEER, unpaid.order_id) == "pending_payment"
        assert shop.place(code).order_id > last_id + 1_000_000
        shop.assert_books_balance()


def _asked_and_ended(shop: Any, outside: Outside, before: Any, gap: Any, forgotten: Any) -> None:
    """Nothing moves while the mode lasts; then everybody is asked, and it ends by itself."""
    assert shop.one("SELECT count(*) FROM orders WHERE order_no = %s", forgotten.order_no) == 0
    outside.away = True
    with shop.app.app_context():
        assert asking.step(outside) == "asked"
        with main_scope(reason="test"):
            newest = reading.newest()
            assert newest is not None
            assert newest.waiting == len(gap) + 1
        outside.away = False
        shop.guarded("expire_orders", p_limit=10)
        assert asking.step(outside) == "ended"
        asking.resume()
    assert shop.state(DEER, before.order_id) == "delivered"


def _cards(shop: Any, order_id: int) -> list[Any]:
    query = "SELECT id FROM card WHERE station_id = %s AND order_id = %s ORDER BY id"
    return list(shop.owner.execute(query, (DEER, order_id)).fetchall())


def test_a_restored_database_sells_and_delivers_nothing(yard: Yard) -> None:
    with yard.shop() as shop, shop.app.app_context():
        code = shop.sku(cards=4)
        placed = shop.place(code)
        number = shop.attempt(DEER, placed.payable, order=placed.order_id)
        waiting = shop.place(code)
        shop.guarded("begin_recovery", p_restored_to=datetime.now(UTC), p_source="test")
        with pytest.raises(OrderRefused, match="station_closed"):
            shop.place(code)
        assert shop.pay(DEER, number, placed.payable)["code"] == "awaiting_recovery"
        assert shop.state(DEER, placed.order_id) == "paid"
        with pytest.raises(psycopg.errors.DatabaseError, match="no card leaves"):
            shop.owner.execute("SELECT _claim_cards(3, %s, 1, 1)", (placed.order_id,))
        with station_scope(DEER), pytest.raises(PaymentRefused, match="recovering"):
            start_station_payment(
                "prepaid", 100_0000, "payment-epay", "alipay", "staff:1", "192.0.2.1", return_url=""
            )
        with station_scope(DEER), pytest.raises(OrderRefused, match="recovering"):
            cancel(waiting.order_no, "test")
        shop.owner.execute(
            "UPDATE orders SET deadline_at = now() - interval '1 minute' WHERE id = %s",
            (waiting.order_id,),
        )
        assert shop.guarded("expire_orders", p_limit=10)["expired"] == 0
        assert shop.state(DEER, waiting.order_id) == "pending_payment"
        assert shop.guarded("end_recovery", p_actor="t", p_anyway=False)["code"] == "waiting"
        assert asking.end("staff:1", anyway=True) == "ok"
        assert shop.state(DEER, placed.order_id) == "delivered"


def test_restored_without_the_master_key_codes_stay_closed(yard: Yard) -> None:
    """Whoever has the repository and the backup key has the rows, and not the codes in them."""
    with yard.shop() as shop, shop.app.app_context():
        with main_scope(reason="test"):
            rotate_keys()
        code = shop.sku()
        sku = shop.one("SELECT id FROM sku WHERE code = %s", code)
        with main_scope(reason="test"):
            import_cards(sku, b"CARD-NO-1,THE-SECRET-CODE\n", "cards.csv", "staff:1")
        placed, _paid = shop.buy(code)
    yard.method.finish_segment()
    with _another_machine(yard) as method, method.copy(Target()) as copy:
        with yard.shop(copy.url()) as shop:
            assert _codes(shop, placed.order_id) == ["THE-SECRET-CODE"]
        with yard.shop(copy.url(), master_key=base64.b64encode(bytes(32)).decode()) as shop:
            assert _codes(shop, placed.order_id) == "closed"


@contextmanager
def _another_machine(yard: Yard) -> Iterator[Method]:
    """Nothing runs here and nothing has run; only the backup folder was brought."""
    home = Home(Path(tempfile.mkdtemp(prefix="kameng-test-")))
    brought = str(yard.method.repository.folder)
    settings = replace(yard.settings, home=home.root, database_url="", backup_folder=brought)
    try:
        method = method_of(commands.at_rest(settings))
        assert method.newest_wal_at() is None
        yield method
    finally:
        shutil.rmtree(home.root)


def _codes(shop: Any, order_id: int) -> Any:
    with shop.app.app_context(), station_scope(DEER):
        try:
            return [card.secret for card in reveal_all(order_id, "staff:1", "192.0.2.1")]
        except Unavailable:
            return "closed"


def test_what_is_wrong_with_backups_becomes_an_alert_until_it_is_right(yard: Yard) -> None:
    with yard.shop() as shop, shop.app.app_context():
        shop.owner.execute(
            "INSERT INTO job_slot(job, scheduled_for, claimed_at)"
            " VALUES ('test', now() - interval '3 days', now() - interval '3 days')"
        )
        shop.owner.execute(
            "INSERT INTO backup_run(kind, method, state, error)"
            " VALUES ('drill', 'embedded', 'failed', 'orders: noted 1')"
        )
        for file in yard.method.repository.wal.rglob("*.sealed"):
            os.utime(file, (time.time() - 600,) * 2)
        assert set(timetable.watch(yard.settings)) == {"wal", "drill"}
        query = "SELECT subject, detail ->> 'error' FROM alert WHERE kind = 'backup' ORDER BY 1"
        assert shop.owner.execute(query).fetchall() == [("drill", "orders: noted 1"), ("wal", None)]
        shop.owner.execute("DELETE FROM backup_run WHERE state = 'failed'")
        yard.method.finish_segment()
        assert timetable.watch(yard.settings) == []
        assert shop.one("SELECT count(*) FROM alert WHERE kind = 'backup' AND state = 'open'") == 0
        assert timetable.store_wal(yard.settings) == 0
