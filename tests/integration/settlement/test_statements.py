"""T6: a statement is the postings, day by day and as a month, and its sheet is no formula."""

from __future__ import annotations

import io
import random
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from kameng.db import station_scope
from kameng.errors import NotFound

CHINA = ZoneInfo("Asia/Shanghai")
ACCOUNTS = ("available", "margin_pending", "prepaid", "deposit", "frozen")


def read(desk: Any, what: str, *args: Any) -> Any:
    """A use case in the station's own scope, as its console does."""
    from kameng.settlement import api as settlement

    with desk.shop.app.test_request_context(), station_scope(3):
        return getattr(settlement, what)(3, *args)


def posted(desk: Any, until: datetime) -> dict[str, int]:
    """What is in each account by its postings alone."""
    rows = desk.shop.owner.execute(
        "SELECT a.kind, sum(CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END)::bigint"
        " FROM account a JOIN transfer t ON a.id IN (t.debit_account, t.credit_account)"
        " WHERE a.station_id = 3 AND a.ref = '' AND t.at < %s GROUP BY 1", (until,),
    ).fetchall()  # fmt: skip
    return {name: dict(rows).get(name, 0) for name in ACCOUNTS}


@pytest.fixture(scope="module")
def month() -> str:
    return "2026-09"


@pytest.fixture
def history(desk: Any, month: str) -> str:
    """A life of random sales, releases, refunds and withdrawals, spread over a month."""
    chance = random.Random(11)
    desk.terms(fee_bp=250, withdraw_fee=1_0000)
    for number in range(14):
        placed = desk.sold(quantity=chance.randint(1, 3))
        if chance.random() < 0.7:
            desk.release()
        if chance.random() < 0.4:
            desk.shop.guarded(
                "refund_order", p_station=3, p_order_no=placed.order_no, p_amount=chance.randint(1, 90) * 100_00,
                p_note="x", p_actor="staff:1", p_key=f"h{number}",
            )  # fmt: skip
        if chance.random() < 0.3 and desk.money()[0] >= 2_0000:
            withdrawal = desk.ask(2)
            agrees = chance.random() < 0.6
            desk.vote(withdrawal, "staff:2", agrees, "不同意")
            if agrees:
                desk.main("pay_by_hand", 3, withdrawal, "staff:2", f"BANK-{number}")
    start = datetime(2026, 9, 1, tzinfo=CHINA)
    desk.shop.owner.execute(
        "UPDATE transfer SET at = %s::timestamptz + make_interval(secs => (id * 7919 * 41) %% (40 * 86400)) - interval '5 days'",
        (start,),
    )
    return month


def test_T6_a_statement_equals_its_postings(desk: Any, history: str) -> None:
    found = read(desk, "statement", history)
    before, after = posted(desk, found.period.start), posted(desk, found.period.end)
    assert {a.account: a.opening for a in found.accounts} == before
    assert {a.account: a.closing for a in found.accounts} == after
    assert after != before
    lines = read(desk, "statement_lines", history, 0, 10_000)
    assert len(lines) == found.lines > 20
    for one in found.accounts:
        assert (
            sum(line.amount for line in lines if line.account == one.account)
            == one.closing - one.opening
        )
        assert one.came == sum(x.amount for x in lines if x.account == one.account and x.amount > 0)


def test_T6_the_days_of_a_month_come_to_the_month(desk: Any, history: str) -> None:
    whole = read(desk, "statement", history)
    days = [read(desk, "statement", f"{history}-{day:02d}") for day in range(1, 31)]
    for index, one in enumerate(whole.accounts):
        assert days[0].accounts[index].opening == one.opening
        assert days[-1].accounts[index].closing == one.closing
        assert sum(day.accounts[index].came for day in days) == one.came
        assert sum(day.accounts[index].left for day in days) == one.left
    for day, following in pairwise(days):
        assert [a.closing for a in day.accounts] == [a.opening for a in following.accounts]
    assert sum(day.lines for day in days) == whole.lines


def test_T6_a_rolled_up_account_has_the_same_statement(desk: Any, history: str) -> None:
    before = read(desk, "statement", history)
    desk.shop.guarded("roll_up_accounts")
    assert read(desk, "statement", history) == before


def test_the_lines_come_page_by_page(desk: Any, history: str) -> None:
    every = read(desk, "statement_lines", history, 0, 10_000)
    pages = [
        line
        for start in range(0, len(every), 7)
        for line in read(desk, "statement_lines", history, start, 7)
    ]
    assert pages == every
    assert [line.at for line in every] == sorted(line.at for line in every)


def test_T6_sheets_hold_every_line_and_no_formula(desk: Any, history: str) -> None:
    name, media, body = read(desk, "statement_sheet", history, "csv")
    lines = read(desk, "statement_lines", history, 0, 10_000)
    text = body.decode("utf-8-sig").splitlines()
    assert name == "statement-3-2026-09.csv"
    assert media.startswith("text/csv")
    assert len(text) == 1 + len(ACCOUNTS) * 2 + len(lines)
    assert not [cell for row in text for cell in row.split(",") if cell.startswith(("=", "+", "@"))]
    book = load_workbook(io.BytesIO(read(desk, "statement_sheet", history, "xlsx")[2]))
    assert book.worksheets[0].max_row == len(text)


@pytest.mark.parametrize(
    "key", ["", "2026", "2026-13", "2026-02-30", "../etc", "2026-1-1", "²026-01-01"]
)
def test_a_period_that_is_none_is_not_found(desk: Any, key: str) -> None:
    with pytest.raises(NotFound):
        read(desk, "statement", key)


def test_T12_another_stations_statement_is_refused_by_the_database(desk: Any) -> None:
    from sqlalchemy.exc import DBAPIError

    from kameng.settlement import api as settlement

    with desk.shop.app.app_context(), station_scope(2), pytest.raises(DBAPIError):
        settlement.statement(3, "2026-09")


def test_what_a_station_has_is_told_by_account(desk: Any) -> None:
    desk.terms(deposit_required=500_0000)
    desk.sold(days_ago=None)
    desk.earn(80)
    desk.terms(deposit_required=0)
    desk.ask(30)
    desk.terms(deposit_required=500_0000)
    found = read(desk, "funds")
    assert (found.available, found.frozen, found.deposit_missing) == (50_0000, 30_0000, 500_0000)
    assert found.pending == desk.shop.balance(3, "margin_pending")
    assert found.next_release_at > datetime.now(CHINA)
    assert found.next_release_at - datetime.now(CHINA) <= timedelta(days=1)


def test_releases_are_told_by_day(desk: Any) -> None:
    desk.sold()
    desk.release()
    days = read(desk, "settled_days")
    assert days[0].state == "pending" or days[0].day == datetime.now(CHINA).date()
    released = next(day for day in days if day.state == "released")
    assert released.orders >= 1
