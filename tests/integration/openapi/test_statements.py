"""A member's day out of the real books."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from kameng.errors import DomainError
from kameng.openapi.domain.statements import CHINA, StatementBroken
from kameng.openapi.services.statements import SETTLED, statement

DEER, JIANGNAN = 3, 2
PAID, MONEY = 98_6100, 500_0000

pytestmark = pytest.mark.skipif(
    (datetime.now(UTC) - SETTLED).astimezone(CHINA).date() != datetime.now(CHINA).date(),
    reason="in the first minutes of a day yesterday has no statement yet",
)


def day_ago(days: int) -> date:
    """1 is the newest day that has a statement."""
    return (datetime.now(UTC) - SETTLED).astimezone(CHINA).date() - timedelta(days=days)


def shift(programs: Any, member: int, days: int) -> None:
    """All that happened to a member so far happened `days` earlier."""
    back = f"- interval '{days} days'"
    wallet = f"(SELECT id FROM account WHERE kind = 'wallet' AND ref = '{member}')"
    programs.shop.plant(
        f"UPDATE transfer SET at = at {back} WHERE debit_account IN {wallet}"
        f" OR credit_account IN {wallet};"
        f"UPDATE order_event SET at = at {back} WHERE order_id IN"
        f" (SELECT id FROM orders WHERE member_id = {member});"
        f"UPDATE orders SET created_at = created_at {back} WHERE member_id = {member};"
        f"UPDATE member SET created_at = created_at {back} WHERE id = {member}"
    )


def give_back(programs: Any, order_no: str) -> None:
    from kameng.payments.api import request_refund

    with programs.shop.app.app_context():
        request_refund(DEER, order_no, PAID, "all", "staff:1", f"k-{order_no}")


@pytest.fixture
def three_days(programs: Any) -> Any:
    """Topped up and bought three days ago, given back two days ago, bought again yesterday."""
    caller = programs.caller(balance=MONEY)
    first = programs.bought(caller, idempotency_key=f"api:{caller.member_id}:=m-1", channel="api")
    shift(programs, caller.member_id, 1)
    give_back(programs, first.order_no)
    shift(programs, caller.member_id, 1)
    programs.bought(caller)
    shift(programs, caller.member_id, 1)
    return caller


def told(made: Any) -> list[tuple[str, int, int]]:
    return [(row.word, row.amount, row.balance) for row in made.movements]


def test_days_follow_on_each_other_to_the_unit(programs: Any, three_days: Any) -> None:
    first, second, third = (
        programs.inside(three_days, statement, day_ago(back)) for back in (3, 2, 1)
    )
    assert told(first) == [("top_up", MONEY, MONEY), ("purchase", -PAID, MONEY - PAID)]
    assert told(second) == [("refund", PAID, MONEY)]
    assert told(third) == [("purchase", -PAID, MONEY - PAID)]
    assert (first.opening_balance, first.closing_balance) == (0, MONEY - PAID)
    assert (second.opening_balance, second.closing_balance) == (MONEY - PAID, MONEY)
    assert (third.opening_balance, third.closing_balance) == (MONEY, MONEY - PAID)
    programs.shop.assert_books_balance()


def test_an_order_has_the_state_of_its_days_end_for_ever(programs: Any, three_days: Any) -> None:
    first = programs.inside(three_days, statement, day_ago(3))
    (line,) = first.orders
    assert (line.state, line.total, line.merchant_order_no) == ("delivered", PAID, "=m-1")
    now = "SELECT state FROM orders WHERE order_no = %s"
    assert programs.shop.one(now, line.order_no) == "refunded"
    assert b",'=m-1," in first.csv
    again = programs.inside(three_days, statement, day_ago(3))
    assert (again.csv, again.as_json()) == (first.csv, first.as_json())


def test_a_day_without_movement_stands_still(programs: Any, three_days: Any) -> None:
    shift(programs, three_days.member_id, 1)
    quiet = programs.inside(three_days, statement, day_ago(1))
    assert quiet.rows == ()
    assert quiet.opening_balance == quiet.closing_balance == MONEY - PAID
    assert len(quiet.csv.splitlines()) == 3


def test_a_member_who_never_had_money_has_a_statement_too(programs: Any) -> None:
    caller = programs.caller()
    shift(programs, caller.member_id, 1)
    made = programs.inside(caller, statement, day_ago(1))
    assert (made.rows, made.opening_balance, made.closing_balance) == ((), 0, 0)


@pytest.mark.parametrize("back", [4, 0, -1, 100_000])
def test_only_days_of_the_member_that_are_over_have_a_statement(
    programs: Any, three_days: Any, back: int
) -> None:
    with pytest.raises(DomainError) as refusal:
        programs.inside(three_days, statement, day_ago(back))
    assert refusal.value.code == "date_invalid"
    assert refusal.value.facts == {
        "first": day_ago(3).isoformat(), "last": day_ago(1).isoformat()
    }  # fmt: skip


def test_the_days_are_those_of_china(programs: Any) -> None:
    caller = programs.caller(balance=MONEY)
    shift(programs, caller.member_id, 3)
    wallet = f"(SELECT id FROM account WHERE kind = 'wallet' AND ref = '{caller.member_id}')"
    midnight = datetime.combine(day_ago(2), datetime.min.time(), CHINA)
    for moment, days in ((midnight, (0, 1)), (midnight - timedelta(microseconds=1), (1, 0))):
        programs.shop.plant(f"UPDATE transfer SET at = '{moment}' WHERE credit_account IN {wallet}")
        made = [programs.inside(caller, statement, day_ago(back)) for back in (3, 2)]
        assert tuple(len(one.movements) for one in made) == days


def test_nobody_elses_money_is_in_it(programs: Any, three_days: Any) -> None:
    other, elsewhere = programs.caller(), programs.caller(station=JIANGNAN)
    for stranger in (other, elsewhere):
        shift(programs, stranger.member_id, 3)
        for back in (3, 2, 1):
            assert programs.inside(stranger, statement, day_ago(back)).rows == ()


def test_books_that_do_not_add_up_give_no_statement(programs: Any, three_days: Any) -> None:
    row = (
        "UPDATE account_balance SET balance = balance %s 1 WHERE account_id = (SELECT id FROM"
        f" account WHERE kind = 'wallet' AND ref = '{three_days.member_id}')"
    )
    programs.shop.plant(row % "+")
    with pytest.raises(StatementBroken):
        programs.inside(three_days, statement, day_ago(2))
    programs.shop.plant(row % "-")
    assert programs.inside(three_days, statement, day_ago(2)).movements
