"""S1–S5, R9: rules about suppliers that need no database."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.signing import in_time, signature
from kameng.suppliers.domain import applying, bills, contracts, disputes, masking, offers, papers
from kameng.suppliers.domain.bills import Line
from kameng.suppliers.domain.periods import last_period, missing_periods

DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
CYCLES = st.sampled_from(["daily", "weekly", "monthly", "prepaid"])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("专业 比-特 币 矿机", "比特币"), ("ＵＳＤＴ 承兑", "USDT"), ("u.s.d.t", "USDT"), ("BTC/ETH", "BTC"),
        ("trc20 地址收款", "TRC20"), ("加密货币礼品卡", "加密货币"), ("Binance gift card", "BINANCE"),
    ],
)  # fmt: skip
def test_S3_a_word_for_a_crypto_asset_is_found_however_it_is_written(text: str, word: str) -> None:
    assert applying.crypto_word("正常的名字", text) == word


@pytest.mark.parametrize(
    "text", ["method of payment together", "网络游戏点卡批发", "Bethesda, netflix", "eat bnbx", ""]
)
def test_S3_words_that_merely_hold_the_letters_are_left_alone(text: str) -> None:
    assert applying.crypto_word(text) == ""


def test_S1_a_file_is_what_its_first_bytes_say() -> None:
    assert applying.media_type(b"%PDF-1.7") == "application/pdf"
    assert applying.media_type(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert applying.media_type(b"<svg onload=x>") == ""


@given(st.text(max_size=60), st.sets(st.sampled_from(["supplier", "abc", "abc-2"])))
def test_a_code_is_always_one_the_database_takes(name: str, taken: set[str]) -> None:
    code = applying.code_from(name, taken)
    assert code not in taken
    assert 2 <= len(code) <= 40
    assert code[0].isalnum()
    assert all(
        sign.isascii() and (sign.islower() or sign.isdigit() or sign == "-") for sign in code
    )


@given(DAYS, st.integers(-400, 400))
def test_a_paper_is_told_at_the_nearest_mark_that_has_passed(today: date, left: int) -> None:
    mark = papers.mark_of(today + timedelta(days=left), today)
    assert mark == (None if left > 30 else 30 if left > 7 else 7 if left > 0 else 0)
    assert papers.mark_of(None, today) is None


@given(CYCLES, DAYS)
def test_a_period_is_over_and_as_long_as_its_cycle(cycle: str, today: date) -> None:
    first, last = last_period(cycle, today)
    assert first <= last < today
    days = (last - first).days + 1
    assert days in {"daily": {1}, "weekly": {7}}.get(cycle, {28, 29, 30, 31})


@given(CYCLES, DAYS, st.integers(0, 200), st.one_of(st.none(), st.integers(1, 200)))
def test_every_day_stands_on_exactly_one_statement(
    cycle: str, today: date, age: int, drawn: int | None
) -> None:
    first = today - timedelta(days=age)
    until = None if drawn is None else today - timedelta(days=drawn)
    found = missing_periods(cycle, today, first, until)
    for (_a, end), (start, _b) in pairwise(found):
        assert start == end + timedelta(days=1)
    assert len(found) <= 100
    if found:
        assert found[-1][1] < today
        start = found[0][0]
        assert start == until + timedelta(days=1) if until else start <= first


LINES = st.dictionaries(
    st.sampled_from(["A", "B", "C", "D"]),
    st.builds(Line, st.integers(0, 3), st.booleans()), max_size=4,
)  # fmt: skip


@given(LINES, LINES)
def test_R9_two_bills_differ_where_they_do_and_nowhere_else(
    ours: dict[str, Line], theirs: dict[str, Line]
) -> None:
    found = {d.purchase_no: d for d in bills.compare(ours, theirs)}
    nothing = Line(0, False)
    for number in {*ours, *theirs}:
        mine, other = ours.get(number, nothing), theirs.get(number, nothing)
        same = (
            (not mine.delivered and not other.delivered)
            or (mine == other and number in ours and number in theirs)
        )  # fmt: skip
        assert (number not in found) == same
    mirrored = {d.purchase_no: d.kind for d in bills.compare(theirs, ours)}
    swap = {"only_ours": "only_theirs", "only_theirs": "only_ours"}
    assert mirrored == {n: swap.get(d.kind, d.kind) for n, d in found.items()}


@given(st.integers(0, 10**12))
def test_costs_are_written_and_read_without_loss(amount: int) -> None:
    assert offers.cost_of(offers.cost_text(amount)) == amount


@pytest.mark.parametrize(
    "text", ["", "-1", "1.23456", "1e5", "１２", "1,000", "abc", "9" * 12, "."]
)
def test_what_is_no_cost_is_refused(text: str) -> None:
    assert offers.cost_of(text) is None


def test_an_offer_is_read_from_json_and_from_cells_alike() -> None:
    cells = {"sku_ref": "A", "name": "甲", "category": "", "kind": "card", "cost": "1.5", "stock": "3",
             "on_sale": "1"}  # fmt: skip
    json = {**cells, "stock": 3, "on_sale": True}
    assert offers.read_offer(cells) == offers.read_offer(json)
    assert offers.read_offer({**json, "stock": None})[0].stock is None  # type: ignore[union-attr]  # it is sound
    _none, wrong = offers.read_offer({**json, "stock": -1, "on_sale": "perhaps", "kind": "x"})
    assert set(wrong) == {"stock", "on_sale", "kind"}


def test_claims_clash_on_the_same_sku_in_days_that_meet() -> None:
    day = date(2026, 6, 1)
    claim = contracts.Claim("x", "H1", 7, "sku", day, day + timedelta(days=30))
    assert contracts.clashes(day + timedelta(days=30), day + timedelta(days=60), [7], [claim])
    assert not contracts.clashes(day + timedelta(days=31), day + timedelta(days=60), [7], [claim])
    assert not contracts.clashes(day, day, [8], [claim])


@given(st.text(max_size=40))
def test_offers_and_bills_in_messages_come_back_as_they_were(words: str) -> None:
    assert disputes.split_offer(disputes.offer_text("1.0000", words)) == ("1.0000", words)
    assert disputes.split_bill(disputes.bill_text("amount", "P1", "1", "-")) == (
        "amount", "P1", "1", "-",
    )  # fmt: skip
    assert disputes.split_bill(f"x{words}") is None


@given(st.text(min_size=3, max_size=30))
def test_a_masked_account_keeps_at_most_its_ends(value: str) -> None:
    shown = masking.masked(value)
    assert "*" in shown
    if len(set(value)) > 2 and "*" not in value:
        assert value not in shown


def test_a_signature_covers_every_part_of_the_request() -> None:
    base = ("secret", "POST", "/supplier/api/v1/offers", "1", "n", b"[]")
    seen = {signature(*base)}
    for place, other in enumerate(("s", "GET", "/x", "2", "m", b"[1]")):
        seen.add(signature(*[*base[:place], other, *base[place + 1 :]]))
    assert len(seen) == 7
    assert in_time("1000", 1300)
    assert not in_time("1000", 1301)
    assert not in_time("１０００", 1000)
    assert not in_time("", 0)
