"""Rules without a database, for any input at all."""

from __future__ import annotations

import io
import random
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kameng.ledger.domain import split
from kameng.orders.domain import OPEN_STATES, STATES, TRANSITIONS
from kameng.payments.domain import (
    QUERY_EVERY_S,
    attempt_number,
    gateway_fee,
    next_query_delay,
    next_refund_delay,
)
from kameng.sheets import SheetError
from kameng.stations import domain as stations
from kameng.stock.domain.lines import REASONS, SEPARATORS
from kameng.stock.domain.vault import CardText
from kameng.stock.services.reading_file import read_cards
from kameng.web import formats
from kameng_sdk.money import Money

# ── the split of a sale ──


def test_L1_a_hundred_thousand_splits_over_six_levels_lose_nothing() -> None:
    draw = random.Random(20261125)
    for _ in range(100_000):
        weights = [draw.randrange(0, 10_000) for _ in range(draw.randint(1, 6))]
        weights[draw.randrange(len(weights))] += 1
        amount = draw.randrange(0, 10 ** draw.randint(1, 12))
        parts = split(amount, weights)
        assert sum(parts) == amount
        assert min(parts) >= 0
        whole = sum(weights)
        assert all(abs(p * whole - amount * w) < whole for p, w in zip(parts, weights, strict=True))


@given(fen=st.integers(0, 10**10), fee_bp=st.integers(0, 9_999))
def test_a_gateways_fee_is_whole_fen_and_never_more_than_the_amount(fen: int, fee_bp: int) -> None:
    amount = fen * 100
    fee = gateway_fee(amount, fee_bp)
    assert 0 <= fee <= amount
    assert fee % 100 == 0
    assert abs(fee * 10_000 - amount * fee_bp) <= 50 * 10_000


# ── the order's states ──


def reachable(state: str) -> set[str]:
    found: set[str] = set()
    todo = [state]
    while todo:
        fresh = TRANSITIONS[todo.pop()] - found
        found |= fresh
        todo += fresh
    return found


@pytest.mark.parametrize("state", STATES)
def test_T4_no_state_comes_again_except_paying_late(state: str) -> None:
    """So nothing is delivered or refunded twice; only a held order is paid a second time."""
    again = state in reachable(state)
    assert again == (state in ("paid", "held"))


def test_T4_money_and_goods_are_never_both_with_the_shopper() -> None:
    assert reachable("refunded") == set()
    assert reachable("refunding") == {"refunded"}
    assert reachable("delivered") == {"completed", "refunding", "refunded"}
    before_delivery = {s for s in STATES if "delivered" in TRANSITIONS[s]}
    assert before_delivery == {"paid", "fulfilling", "held", "partially_delivered"}
    unpaid = {"pending_payment", "cancelled", "expired"}
    assert all(TRANSITIONS[s] <= unpaid | {"paid"} for s in unpaid)


@pytest.mark.parametrize("state", sorted(OPEN_STATES))
def test_T4_every_open_state_can_still_end_well(state: str) -> None:
    assert reachable(state) & {"delivered", "refunded"}


# ── asking and giving back in time ──


@given(
    count=st.integers(0, 2_000),
    age_s=st.integers(-3_600, 400_000),
)
def test_P7_the_gateway_is_asked_until_it_has_given_up_itself(count: int, age_s: int) -> None:
    expires = datetime(2026, 11, 25, tzinfo=UTC)
    delay = next_query_delay(count, expires + timedelta(seconds=age_s), expires)
    if age_s > 26 * 3600:
        assert delay is None
    else:
        assert delay is not None
        least = QUERY_EVERY_S[0]
        assert timedelta(seconds=least) <= delay <= timedelta(minutes=15)


@given(tries=st.integers(0, 10**6))
def test_P5_a_refund_is_never_given_up_and_ever_more_patient(tries: int) -> None:
    assert timedelta(0) < next_refund_delay(tries) <= next_refund_delay(tries + 1)
    assert next_refund_delay(tries) <= timedelta(hours=1)


@given(number=st.integers(0, 2**80))
def test_an_attempt_number_is_twenty_digits(number: int) -> None:
    found = attempt_number(datetime(2026, 1, 1, tzinfo=UTC), number)
    assert len(found) == 20
    assert found.isdecimal()
    assert found.startswith("2601")


# ── files of cards ──


@given(data=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@example(b'"')
@example(b'a,"b\nc,d')
@example(b"PK\x03\x04")
@example(b"\xff\xfe")
@example(b"\x00")
def test_S10_any_file_at_all_is_read_line_by_line_or_refused_as_a_whole(data: bytes) -> None:
    try:
        found = list(read_cards(io.BytesIO(data)))
    except SheetError:
        return
    lines = [line for line, _card in found]
    assert lines == sorted(set(lines))
    for _line, card in found:
        assert isinstance(card, CardText) or card in REASONS
        if isinstance(card, CardText):
            assert card.secret == card.secret.strip() != ""
            assert (card.number + card.secret).isprintable()


inner = st.text(
    string.ascii_uppercase + string.digits + "-_.:/+=#@ 卡密码点", min_size=1, max_size=30
)
cell = inner.map(str.strip).filter(
    lambda text: text and "--" not in text and text[0] not in "-'" and text[-1] != "-"
)


@given(
    cards=st.lists(st.tuples(cell, cell), min_size=1, max_size=12),
    separator=st.sampled_from(SEPARATORS),
    end=st.sampled_from(("\n", "\r\n")),
    encoding=st.sampled_from(("utf-8", "utf-8-sig", "gb18030")),
)
def test_S10_good_cards_come_back_as_they_were_written(
    cards: list[tuple[str, str]], separator: str, end: str, encoding: str
) -> None:
    words = {text.lower() for text in cards[0]}
    assume(not words & {"卡密", "密码", "卡密码"})  # that would be a heading
    lines = (f"{number}{separator}{secret}" for number, secret in cards)
    data = end.join(lines).encode(encoding)
    found = [card for _line, card in read_cards(io.BytesIO(data))]
    assert found == [CardText(*card) for card in cards]


# ── slugs ──

slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]", fullmatch=True)
TWINS = {"o": "0", "l": "1i", "z": "2", "e": "3", "a": "4", "s": "5", "b": "68", "t": "7", "g": "9"}


@given(text=st.text(max_size=60))
def test_any_text_as_a_slug_is_judged_and_what_passes_fits_the_database(text: str) -> None:
    slug = stations.normalise_slug(text)
    if not stations.slug_problem(slug):
        assert stations.SLUG.fullmatch(slug)
        assert slug.isascii()
        assert slug not in stations.RESERVED_SLUGS


@given(slug=slugs, data=st.data())
def test_a_slug_disguised_by_look_alikes_is_recognised(slug: str, data: st.DataObject) -> None:
    disguised = "".join(
        data.draw(st.sampled_from([letter, *TWINS.get(letter, "")])) for letter in slug
    )
    for pair, letter in (("rn", "m"), ("vv", "w")):
        if data.draw(st.booleans()):
            disguised = disguised.replace(letter, pair)
    assert stations.look_alike(disguised, [slug]) == slug
    assert stations.look_alike(slug, [disguised]) == disguised


@pytest.mark.parametrize("word", sorted(w for w in stations.RESERVED_SLUGS if len(w) > 2))
def test_no_reserved_word_passes_in_disguise(word: str) -> None:
    disguised = "".join(TWINS.get(letter, letter)[0] for letter in word)
    for attempt in {word, disguised, "-".join(word)}:
        assert stations.slug_problem(attempt) != ""


# ── money as text ──


@given(amount=st.integers(-(10**16), 10**16))
def test_what_is_shown_at_four_places_is_the_amount(amount: int) -> None:
    shown = formats.plain_money(amount, 4).replace(",", "").replace(formats.MINUS, "-")
    assert Money.parse(shown).amount == amount


@given(amount=st.integers(-(10**16), 10**16), places=st.sampled_from((0, 2, 4)))
def test_what_is_shown_is_less_than_half_a_last_place_off(amount: int, places: int) -> None:
    shown = formats.plain_money(amount, places).replace(",", "").replace(formats.MINUS, "-")
    off = abs(Money.parse(shown).amount - amount)
    assert off * 2 <= 10 ** (4 - places)
    assert shown not in ("-0", "-0.00")


@given(fen=st.integers(-(10**14), 10**14))
def test_whole_fen_go_to_text_and_back_at_two_places(fen: int) -> None:
    money = Money.from_fen(fen)
    assert Money.parse(money.format(2)) == money
    assert Money.parse(money.format(2)).to_fen() == fen
