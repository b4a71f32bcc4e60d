"""The console's page of backups and of the time after a restore."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

PAGE = "/admin/backups/"
BASE = {
    "label": "20261126T030000Z-ab12", "finished_at": "2026-11-26T03:00:10+00:00", "size": 12 * 2**20,
    "database_size": 150 * 2**20,
}  # fmt: skip


@pytest.fixture
def plant(console: Any) -> Iterator[Any]:
    """Rows by the owner; none are left."""
    yield console.market.owner.execute
    for table in ("recovery_question", "recovery", "backup_run", "backup_status"):
        console.market.owner.execute(f"DELETE FROM {table}".encode())


def test_without_backups_the_page_says_how_to_get_some(console: Any, plant: Any) -> None:
    assert "KAMENG_BACKUP_STANZA" in console.get(PAGE)
    plant("INSERT INTO backup_status(id, method) VALUES (1, 'embedded')")
    page = console.get(PAGE)
    assert "每天凌晨会自动备份一次" in page
    assert "还没有演练过" in page
    assert "归档落后" in page


def test_backups_and_the_last_drill_are_shown(console: Any, plant: Any) -> None:
    now = datetime.now(UTC)
    plant(
        "INSERT INTO backup_status(id, method, newest_wal_at, bases, seen_at)"
        " VALUES (1, 'embedded', %s, %s, %s)",
        (now - timedelta(seconds=42), json.dumps([BASE]), now),
    )
    plant(
        "INSERT INTO backup_run(kind, method, label, state, started_at, finished_at, bytes, detail,"
        " error) VALUES ('drill', 'embedded', 'A', 'succeeded', now() - interval '9.5 s', now(), 0,"
        ' \'{"sums": {"orders": "1", "cards": "2"}, "ready_s": 4.2}\', \'\'),'
        " ('drill', 'embedded', 'B', 'failed', now(), now(), 0, '{}', 'orders: noted 1'),"
        " ('backup', 'embedded', 'C', 'running', now(), NULL, 0, '{}', '')"
    )
    page = console.get(PAGE)
    for shown in (BASE["label"], "12.0 MB", "150.0 MB", "42 秒", "2 项合计一致", "orders: noted 1"):
        assert str(shown) in page
    assert "没有通过" in page  # the newest drill


def test_a_recovery_is_shown_and_orders_go_on_by_a_persons_word(console: Any, plant: Any) -> None:
    plant("INSERT INTO recovery(restored_to) VALUES (now())")
    plant(
        "INSERT INTO recovery_question(recovery_id, kind, station_id, subject_id, number) SELECT"
        " id, 'payment', 1, 7, 'ATTEMPT-7' FROM recovery"
    )
    page = console.get(PAGE)
    assert "不下单、不发货" in page
    assert "ATTEMPT-7" in page
    assert console.post(f"{PAGE}end", role="operations").status_code == 403
    assert "恢复模式已结束" in console.done(f"{PAGE}end")
    assert "恢复已结束" in console.get(PAGE)
    again = console.post(f"{PAGE}orders/1/999999")
    assert "已经处理过了" in console.get(again.location)
    assert console.market.count(
        "SELECT count(*) FROM audit_event WHERE action = 'recovery.end'"
    ) == 1  # fmt: skip


def test_a_backup_is_begun_by_whoever_may(console: Any, plant: Any) -> None:
    plant("INSERT INTO backup_status(id, method) VALUES (1, 'embedded')")
    assert "已开始" in console.done(f"{PAGE}start", what="drill")
    assert console.post(f"{PAGE}start", role="operations", what="now").status_code == 403
    console.get(PAGE, role="support", expected=403)
