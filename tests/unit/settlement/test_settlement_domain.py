"""Payees, periods and what an answer to a payout means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kameng.settlement.domain import (
    after_payout,
    after_query,
    clean_payee,
    fee_of,
    period,
    wait_s,
)
from kameng_sdk.outcomes import Outcome


def test_a_day_and_a_month_have_their_bounds_in_china() -> None:
    day, month = period("2026-11-25"), period("2026-12")
    assert day is not None
    assert month is not None
    assert day.start.isoformat() == "2026-11-25T00:00:00+08:00"
    assert day.end - day.start == timedelta(days=1)
    assert (day.previous, day.next) == ("2026-11-24", "2026-11-26")
    assert month.end.isoformat() == "2027-01-01T00:00:00+08:00"
    assert (month.previous, month.next) == ("2026-11", "2027-01")


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-00", "2026-13", "2026-02-30", "20261125", "1999-01-01", "2026-W10-1"]
)
def test_anything_else_is_no_period(text: str) -> None:
    assert period(text) is None


def test_a_payee_is_cleaned_of_spaces() -> None:
    payee, wrong = clean_payee(
        "bank", {"account": "6222 0202 0011 2233", "name": " 沈  一舟 ", "bank": "工商银行"}
    )
    assert payee == {"account": "6222020200112233", "name": "沈 一舟", "bank": "工商银行"}
    assert wrong == {}


def test_what_is_wrong_with_a_payee_is_said_by_field() -> None:
    assert set(clean_payee("bank", {})[1]) == {"account", "name", "bank"}
    assert set(clean_payee("cash", {"account": "abc", "name": "沈一舟"})[1]) == {"payee_kind"}


@pytest.mark.parametrize(
    ("amount", "fixed", "share", "fee"),
    [(100_0000, 0, 0, 0), (100_0000, 1_0000, 50, 1_5000), (1_0100, 0, 50, 100), (9900, 0, 50, 0)],
)
def test_the_fee_is_whole_fen_half_up(amount: int, fixed: int, share: int, fee: int) -> None:
    assert fee_of(amount, fixed, share) == fee


def test_only_a_clear_answer_ends_a_payout() -> None:
    def sent(outcome: Outcome, retry: int | None = None, wrong: bool = False) -> str:
        return after_payout(outcome, retry_after_s=retry, misconfigured=wrong, tries=0).state

    assert sent(Outcome.SUCCEEDED) == "succeeded"
    assert sent(Outcome.DECLINED) == "declined"
    assert sent(Outcome.DECLINED, retry=5) == "created"
    assert sent(Outcome.DECLINED, wrong=True) == "created"
    assert sent(Outcome.PENDING) == "sent"
    assert sent(Outcome.UNKNOWN) == "unknown"
    assert after_query(Outcome.DECLINED, answered=False, tries=1).state == "unknown"
    assert after_query(Outcome.DECLINED, answered=True, tries=1).state == "declined"


def test_questions_come_less_often_and_never_end() -> None:
    waits = [wait_s(tries) for tries in range(20)]
    assert waits == sorted(waits)
    assert waits[-1] == 1800
