"""Importing: bad lines by number, duplicates counted, safe to repeat, fast."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from openpyxl import Workbook

from kameng.db import db, main_scope, run
from kameng.errors import Conflict, DomainError, NotFound
from kameng.jobs.discovery import load_tasks
from kameng.jobs.inline import drain
from kameng.stock.api import (
    batch,
    batches,
    import_cards,
    pool_counts,
    run_import,
    start_import,
    stock_levels,
    void_batch,
)
from kameng.stock.services.importing import run_spooled
from kameng.stock.services.spool import spool_path

pytestmark = pytest.mark.usefixtures("sku")


def do_import(app: Flask, sku: int, data: bytes, name: str = "cards.txt", **more: Any) -> Any:
    with app.app_context(), main_scope(reason="test"):
        return batch(import_cards(sku, data, name, "staff:1", **more))


def test_S10_bad_lines_are_named_and_good_lines_are_sold(app: Flask, sku: int) -> None:
    data = "卡号,卡密\nN1,S1\nN2,\nN1,S1\nN3,S\u200b3\nN4,S4\n".encode("gbk", "ignore")
    data = data.replace(b"N3,S3", b"N3,S\x003")
    view = do_import(app, sku, data, "卡.csv", batch_name="十一月")
    assert (view.state, view.name, view.source) == ("done", "十一月", "卡.csv")
    assert (view.total, view.imported, view.duplicated, view.rejected) == (5, 2, 1, 2)
    assert [(error.line, error.code, error.reason) for error in view.errors] == [
        (3, "missing_secret", "缺卡密"), (5, "control_characters", "含控制字符"),
    ]  # fmt: skip
    assert view.cards == {"unsold": 2}
    assert view.percent == 100


def test_S10_the_same_file_twice_adds_nothing(app: Flask, sku: int) -> None:
    data = b"\n".join(b"N%d----S%d" % (n, n) for n in range(50))
    assert do_import(app, sku, data).imported == 50
    again = do_import(app, sku, data)
    assert (again.imported, again.duplicated) == (0, 50)
    with app.app_context(), main_scope(reason="test"):
        assert pool_counts([sku])[sku] == {"unsold": 50, "held": 0, "sold": 0, "void": 0}


def test_S10_an_import_that_broke_off_goes_on_without_counting_twice(
    app: Flask, sku: int, shop: Any
) -> None:
    data = b"\n".join(b"N%d----S%d" % (n, n) for n in range(7_000))

    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the connection broke")
            return super().read(size)

    long_data = data + b"\n" + b"\n".join(b"M%d----S%d" % (n, n) for n in range(30_000))
    with app.app_context(), main_scope(reason="test"), pytest.raises(OSError, match="broke"):
        import_cards(sku, Breaking(long_data), "x.txt", "staff:1")
    batch_id = shop.one("SELECT max(id) FROM card_batch")
    with app.app_context(), main_scope(reason="test"):
        stored = batch(batch_id).imported
        run_import(batch_id, io.BytesIO(long_data))
        view = batch(batch_id)
    assert (view.state, view.imported, view.duplicated) == ("done", 37_000, 0)
    assert stored <= 37_000


def test_a_closed_batch_takes_no_more(app: Flask, sku: int) -> None:
    view = do_import(app, sku, b"N1----S1")
    with app.app_context(), main_scope(reason="test"):
        with pytest.raises(Conflict):
            run_import(view.id, io.BytesIO(b"N2----S2"))
        with pytest.raises(Exception, match="batch_closed"):
            run("insert_cards", p_batch=view.id, p_sku=sku, p_ciphers="00", p_digests="00",
                p_key=1, p_expires=None)  # fmt: skip


def test_an_unreadable_file_fails_with_a_sentence(app: Flask, sku: int) -> None:
    view = do_import(app, sku, b"\xff\xfeN\x001\x00")
    assert (view.state, view.imported) == ("failed", 0)
    assert "UTF-16" in view.message


def test_workbooks_are_imported(app: Flask, sku: int) -> None:
    book = Workbook()
    for row in (["卡号", "卡密"], ["N1", "S1"], [None, None], ["N2", "S2"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    assert do_import(app, sku, out.getvalue(), "cards.xlsx").imported == 2


def test_only_card_goods_take_cards_and_only_fresh_ones(app: Flask, shop: Any, sku: int) -> None:
    other = shop.one("SELECT id FROM sku WHERE code = %s", shop.sku("manual"))
    with pytest.raises(DomainError):
        do_import(app, other, b"N1----S1")
    with pytest.raises(NotFound):
        do_import(app, 10**9, b"N1----S1")
    with pytest.raises(DomainError):
        do_import(app, sku, b"N1----S1", expires_on=date.today() - timedelta(days=1))


def test_S10_a_worker_imports_what_the_console_has_taken(app: Flask, sku: int) -> None:
    load_tasks()
    data = b"\n".join(b"N%d----S%d" % (n, n) for n in range(20_000))
    with app.app_context():
        with main_scope(reason="test"):
            batch_id = start_import(sku, io.BytesIO(data), "../../etc/cards.txt", "staff:1")
            waiting = batch(batch_id)
        assert (waiting.state, waiting.percent, waiting.total) == ("importing", 0, 19_999)
        assert waiting.source == "cards.txt"
        assert spool_path(batch_id).stat().st_mode & 0o777 == 0o600
        drain()
        with main_scope(reason="test"):
            view = batch(batch_id)
            assert (view.state, view.total, view.imported) == ("done", 20_000, 20_000)
            run_spooled(batch_id)
            assert batch(batch_id).imported == 20_000


def test_a_sealed_upload_that_was_touched_fails_the_batch(app: Flask, sku: int) -> None:
    load_tasks()
    for damage in ("cut", "swap", "gone"):
        with app.app_context():
            with main_scope(reason="test"):
                batch_id = start_import(sku, b"N1----S1\n" * 90_000, "cards.txt", "staff:1")
            path = spool_path(batch_id)
            sealed = path.read_bytes()
            if damage == "cut":
                path.write_bytes(sealed[: 16 + 4 + 262_144 + 16])
            elif damage == "swap":
                path.write_bytes(sealed[:16] + sealed[300_000:])
            else:
                path.unlink()
            drain()
            with main_scope(reason="test"):
                view = batch(batch_id)
            assert view.state == "failed"
            assert "重新上传" in view.message
            assert not path.exists()


def test_S10_a_batch_is_withdrawn_but_for_what_is_sold(app: Flask, sku: int, shop: Any) -> None:
    view = do_import(app, sku, b"\n".join(b"N%d----S%d" % (n, n) for n in range(5)))
    code = shop.one("SELECT code FROM sku WHERE id = %s", sku)
    shop.buy(code, 3, 2)
    with app.app_context(), main_scope(reason="test"):
        assert void_batch(view.id, "staff:1", "供应商召回") == 3
        assert batch(view.id).cards == {"sold": 2, "void": 3}
        assert stock_levels([sku]) == {sku: 0}
        assert void_batch(view.id, "staff:1", "again") == 0
        assert view.id in [found.id for found in batches(sku)]
        done = db.session.execute(
            db.text("SELECT actor, detail ->> 'reason' FROM audit_event WHERE subject = :subject"
                    " AND action = 'card.void' ORDER BY id"), {"subject": f"batch:{view.id}"},
        )  # fmt: skip
        assert tuple(done.first()) == ("staff:1", "供应商召回")


def test_S10_two_people_import_one_file_at_the_same_time(app: Flask, sku: int) -> None:
    data = b"\n".join(b"N%d----S%d" % (n, n) for n in range(12_000))
    backwards = b"\n".join(reversed(data.split(b"\n")))
    with ThreadPoolExecutor(2) as pool:
        views = list(pool.map(lambda file: do_import(app, sku, file), (data, backwards)))
    assert sum(view.imported for view in views) == 12_000
    assert sum(view.duplicated for view in views) == 12_000


@pytest.mark.slow
def test_S10_a_hundred_thousand_cards_in_under_thirty_seconds(app: Flask, sku: int) -> None:
    data = b"\n".join(b"XH%012d----%032x" % (n, n * 7919) for n in range(100_000))
    started = time.monotonic()
    view = do_import(app, sku, data)
    took = time.monotonic() - started
    print(f"100 000 cards in {took:.1f} s")
    assert (view.imported, view.rejected) == (100_000, 0)
    assert took < 30
