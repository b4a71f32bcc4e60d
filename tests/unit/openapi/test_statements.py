"""A day's statement: it adds up or there is none, and its file holds no formula."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.openapi.domain.amounts import decimal
from kameng.openapi.domain.statements import (
    COLUMNS,
    Moved,
    OrderLine,
    Statement,
    StatementBroken,
    make_statement,
    word_of,
)
from kameng.sheets import plain_cell

DAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
amounts = st.integers(-(10**12), 10**12).filter(bool)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
kinds = st.sampled_from(["wallet.pay", "refund.wallet", "payment.collect", "adjust.wallet", "new"])


def moved(amount: int, kind: str = "wallet.pay", number: str = "m-1") -> Moved:
    return Moved(
        at=NOON, kind=kind, order_no="2611000000000001", merchant_order_no=number, amount=amount
    )


def bought(number: str = "m-1", product: str = "点券 100") -> OrderLine:
    return OrderLine(
        at=NOON, order_no="2611000000000001", merchant_order_no=number, product=product, quantity=2,
        total=197_2100, state="delivered",
    )  # fmt: skip


def table(made: Statement) -> list[dict[str, str]]:
    text = made.csv.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@given(opening=st.integers(0, 10**12), rows=st.lists(st.tuples(amounts, kinds, texts), max_size=30))
def test_every_balance_is_the_one_before_and_the_movement(
    opening: int, rows: list[tuple[int, str, str]]
) -> None:
    closing = opening + sum(amount for amount, _kind, _number in rows)
    made = make_statement(DAY, opening, closing, [moved(*row) for row in rows], [])
    lines = table(made)
    assert [line["type"] for line in lines] == [
        "opening", *(word_of(kind) for _a, kind, _n in rows), "closing",
    ]  # fmt: skip
    balance = Decimal(lines[0]["balance"])
    for line in lines[1:-1]:
        balance += Decimal(line["amount"])
        assert Decimal(line["balance"]) == balance
    assert balance == Decimal(lines[-1]["balance"])
    assert int(balance * 10_000) == closing == made.closing_balance


@given(opening=st.integers(0, 10**12), rows=st.lists(amounts, max_size=20), off=amounts)
def test_what_does_not_add_up_is_no_statement(opening: int, rows: list[int], off: int) -> None:
    with pytest.raises(StatementBroken):
        make_statement(DAY, opening, opening + sum(rows) + off, [moved(a) for a in rows], [])


@given(number=texts, product=texts)
def test_no_cell_of_other_peoples_text_begins_like_a_formula(number: str, product: str) -> None:
    made = make_statement(
        DAY, 0, -1_0000, [moved(-1_0000, number=number)], [bought(number, product)]
    )
    lines = table(made)
    assert len(lines) == 4  # line breaks inside a cell stay inside
    for line in lines:
        for name in ("merchant_order_no", "product"):
            assert not line[name].startswith(("=", "+", "-", "@", "\t", "\r"))
    assert plain_cell(lines[-1]["product"]) == product


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1"])
def test_a_formula_is_shown_and_not_run(text: str) -> None:
    assert table(make_statement(DAY, 0, 0, [], [bought(text, text)]))[-1]["product"] == f"'{text}"


def test_the_file_is_read_by_spreadsheets_and_by_programs() -> None:
    rows = [moved(-98_6100), moved(1)]
    made = make_statement(DAY, 100_0000, 1_3901, rows, [bought()])
    assert made.csv == make_statement(DAY, 100_0000, 1_3901, rows, [bought()]).csv
    assert made.csv.startswith("\ufeff".encode() + ",".join(COLUMNS).encode() + b"\r\n")
    assert made.csv.decode("utf-8-sig").splitlines()[2] == (
        "2026-11-25 12:00:00,purchase,2611000000000001,m-1,-98.61,1.39,,,,"
    )
    assert [line["state"] for line in table(made)] == ["", "", "", "", "delivered"]


def test_programs_get_decimal_strings_and_times_with_their_offset() -> None:
    made = make_statement(DAY, 100_0000, 1_3900, [moved(-98_6100)], [bought("")])
    told = made.as_json()
    assert (told["date"], told["timezone"]) == ("2026-11-25", "Asia/Shanghai")
    assert (told["opening_balance"], told["closing_balance"]) == ("100.00", "1.39")
    assert told["movements"] == [
        {
            "time": "2026-11-25T12:00:00.000+08:00", "type": "purchase", "amount": "-98.61",
            "order_no": "2611000000000001", "merchant_order_no": "m-1", "balance": "1.39",
        }
    ]  # fmt: skip
    assert (told["orders"][0]["total"], told["orders"][0]["merchant_order_no"]) == ("197.21", None)
    assert made.rows == (*made.movements, *made.orders)


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0.00"), (-50, "-0.0050"), (1_0000, "1.00"), (12_3401, "12.3401")]
)
def test_two_places_unless_they_would_hide_a_rest(amount: int, text: str) -> None:
    assert decimal(amount) == text


def test_time_does_not_turn_the_order_of_rows() -> None:
    later = [
        Moved(at=NOON + timedelta(seconds=s), kind="wallet.pay", order_no="", merchant_order_no="",
              amount=-s)
        for s in (1, 2, 3)
    ]  # fmt: skip
    made = make_statement(DAY, 10, 4, later, [])
    assert [row.amount for row in made.movements] == [-1, -2, -3]
