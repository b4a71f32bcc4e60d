"""The sealed ledger: what is written down outside, nobody inside can take back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.ledger import api as ledger
from kameng.ops.books import as_text, head_text, verify_books
from kameng.ops.errors import OpsError

COLUMNS = (
    "id, debit_account, credit_account, amount, currency, kind, station_id, order_id, attempt_id, "
    "refund_id, txn, leg, encode(params_hash, 'hex'), memo, "
    "(extract(epoch FROM at) * 1000000)::bigint, xid::text"
)


@pytest.fixture
def sealed(shop: Any) -> Any:
    """Three sales, sealed one after the other; every head is exported."""
    if not shop.one("SELECT count(*) FROM ledger_seal"):
        shop.plant('UPDATE station SET contact = \'{"email": "boss@example.com"}\' WHERE id = 1')
        code = shop.sku(cards=9)
        for _ in range(3):
            shop.buy(code)
            with shop.app.app_context(), main_scope(reason="test"):
                assert ledger.export_head() is not None
    return shop


def lines(shop: Any) -> list[str]:
    with shop.app.app_context():
        return ledger.heads_file().read_text().splitlines()


def test_T6_the_hash_is_what_the_manual_says(sealed: Any) -> None:
    """Recomputed in another language, from the format in docs/operators/ledger.md."""
    previous = b""
    seals = sealed.owner.execute(
        "SELECT id, from_xid::text, through_xid::text, transfers, last_transfer, volume, hash "
        "FROM ledger_seal ORDER BY id"
    ).fetchall()
    assert len(seals) == 3
    for number, start, end, count, last, volume, digest in seals:
        rows = sealed.owner.execute(
            f"SELECT {COLUMNS} FROM transfer WHERE xid >= '{start}'::xid8 "
            f"AND xid < '{end}'::xid8 ORDER BY id"
        ).fetchall()
        parts = [[number, start, end, count, last, str(volume)], *map(list, rows)]
        text = "\n".join(json.dumps(part, ensure_ascii=False) for part in parts)
        previous = hashlib.sha256(previous + text.encode()).digest()
        assert previous == digest
        assert len(rows) == count


def test_T6_nothing_new_is_exported_once(sealed: Any) -> None:
    before = lines(sealed)
    with sealed.app.app_context(), main_scope(reason="test"):
        assert ledger.export_head() is None
    assert lines(sealed) == before
    assert json.loads(before[-1])["id"] == 3
    mails = "SELECT count(*) FROM notice WHERE kind = 'ledger.head' AND body LIKE %s"
    assert sealed.one(mails, f"%{json.loads(before[-1])['hash']}%") == 1


def test_T6_the_command_prints_the_head_and_compares_exported_ones(
    sealed: Any, tmp_path: Path
) -> None:
    file = tmp_path / "heads.jsonl"
    with sealed.app.app_context():
        file.write_text("\n".join([*lines(sealed), head_text(), ""]))
        report = verify_books(None, str(file))
    assert report.ok, as_text(report)
    assert report.checks[-1].name == "exported_heads_kept"


def test_T6_a_tail_cut_off_with_its_seals_is_found_by_an_exported_head(
    sealed: Any, tmp_path: Path
) -> None:
    """Orders, money and seals of the last sale vanish together: the books agree with themselves."""
    cut = (
        "DELETE FROM transfer WHERE xid >= (SELECT from_xid FROM ledger_seal WHERE id = 3)",
        "DELETE FROM ledger_seal WHERE id = 3",
    )
    with sealed.app.app_context(), main_scope(reason="test"):
        told = ledger.read_heads(lines(sealed))
        with sealed.owner.transaction(force_rollback=True):
            for statement in cut:
                sealed.owner.execute(statement)
            left = sealed.owner.execute("SELECT id FROM ledger_seal").fetchall()
        assert len(left) == 2
    kept = {
        name: sealed.owner.execute(f"SELECT * FROM {name}").fetchall() for name in ("ledger_seal",)
    }
    sealed.plant("DELETE FROM ledger_seal WHERE id = 3")
    try:
        with sealed.app.app_context(), main_scope(reason="test"):
            assert {c.name for c in ledger.verify().checks if not c.ok} == set()
            found = [c for c in ledger.verify(heads=told).checks if not c.ok]
            assert [(c.name, c.findings[0].subject) for c in found] == [
                ("exported_heads_kept", "seal:3")
            ]
            # Sealed again after the history was changed, the number is there and the hash is not.
            sealed.plant("UPDATE transfer SET memo = 'x' WHERE id = (SELECT max(id) FROM transfer)")
            assert ledger.seal() > 0
            found = [c for c in ledger.verify(heads=told).checks if not c.ok]
            assert [c.name for c in found] == ["exported_heads_kept"]
    finally:
        sealed.plant(
            "UPDATE transfer SET memo = '' WHERE memo = 'x'; DELETE FROM ledger_seal WHERE id >= 3"
        )
        marks = ", ".join(["%s"] * len(kept["ledger_seal"][-1]))
        sealed.owner.execute(f"INSERT INTO ledger_seal VALUES ({marks})", kept["ledger_seal"][-1])


def test_T6_a_transaction_that_is_still_running_is_sealed_later_and_whole(sealed: Any) -> None:
    import psycopg

    post = "SELECT _post('late', 1, NULL, NULL, NULL, ARRAY[_account(1, 'revenue')], ARRAY[_account(1, 'rounding')], ARRAY[5::bigint], ARRAY['adjust'])"
    with psycopg.connect(sealed.owner.info.dsn, password=sealed.owner.info.password) as slow:
        slow.execute(post)
        sealed.buy(sealed.sku(cards=1))  # newer, and over before the slow one
        assert sealed.guarded("seal_ledger", p_limit=100)["sealed"] == 0
        slow.rollback()
    assert sealed.guarded("seal_ledger", p_limit=100)["sealed"] == 6
    with sealed.app.app_context(), main_scope(reason="test"):
        assert ledger.unsealed() == 0
        assert ledger.verify().ok


def test_T6_a_small_run_reads_less_and_still_sees_what_is_new(sealed: Any) -> None:
    from datetime import UTC, datetime, timedelta

    later = datetime.now(UTC) + timedelta(minutes=1)
    with sealed.app.app_context(), main_scope(reason="test"):
        sealed.plant("UPDATE transfer SET memo = 'y' WHERE id = (SELECT min(id) FROM transfer)")
        assert ledger.verify(later).ok
        report = ledger.verify(datetime.now(UTC) - timedelta(hours=1))
        assert [c.name for c in report.checks if not c.ok] == ["sealed_transfers_unchanged"]
        assert any(c.narrowed for c in report.checks)
        assert not all(c.narrowed for c in report.checks)
        sealed.plant("UPDATE transfer SET memo = '' WHERE memo = 'y'")


def test_an_alert_of_an_old_fault_outlives_a_small_run(sealed: Any) -> None:
    from datetime import UTC, datetime, timedelta

    from kameng.ledger.api import watch_books

    later = datetime.now(UTC) + timedelta(minutes=1)
    states = "SELECT state FROM alert WHERE kind = 'ledger' ORDER BY id"
    with sealed.app.app_context(), main_scope(reason="test"):
        sealed.plant("UPDATE transfer SET memo = 'z' WHERE id = (SELECT min(id) FROM transfer)")
        assert not watch_books().ok
        assert watch_books(later).ok
        assert sealed.owner.execute(states).fetchall() == [("open",)]
        sealed.plant("UPDATE transfer SET memo = '' WHERE memo = 'z'")
        watch_books(later)
        assert sealed.owner.execute(states).fetchall() == [("closed",)]


@pytest.mark.parametrize("content", ["", "no json\n", '{"id": 1}\n', '["x"]\n'])
def test_a_file_that_holds_no_heads_is_refused_in_words(
    sealed: Any, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "heads"
    file.write_text(content)
    with sealed.app.app_context(), pytest.raises(OpsError):
        verify_books(None, str(file))
    with sealed.app.app_context(), pytest.raises(OpsError):
        verify_books(None, str(tmp_path / "missing"))
