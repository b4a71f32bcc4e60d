"""The order's state machine and numbers, without any database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.orders.domain import (
    OPEN_STATES,
    STATES,
    TONES,
    TRANSITIONS,
    PlaceRequest,
    lookup_secret,
    may_move,
    order_number,
    secret_digest,
    shopper_key,
)

SQL = Path(__file__).parents[3] / "platform/kameng"


def test_T4_every_state_is_reachable_and_named() -> None:
    reached, todo = {"pending_payment"}, ["pending_payment"]
    while todo:
        for state in TRANSITIONS[todo.pop()] - reached:
            reached.add(state)
            todo.append(state)
    assert reached == set(STATES) == set(TONES)


def test_T4_only_finished_states_have_no_owner() -> None:
    assert not TRANSITIONS["refunded"]
    waiting = {"pending_payment", "paid", "fulfilling", "held", "partially_delivered"}
    assert waiting | {"refunding"} == OPEN_STATES


def test_T4_the_database_knows_the_same_states() -> None:
    tables = (SQL / "db/migrations/sql/0001_tables.sql").read_text(encoding="utf-8")
    start = tables.index("state text NOT NULL CHECK (state IN ('pending_payment'")
    names = tables[start : tables.index("))", start)].split("IN (")[1]
    assert {name.strip(" '") for name in names.split(",")} == set(STATES)


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [("pending_payment", "paid", True), ("pending_payment", "delivered", False),
     ("expired", "paid", True), ("delivered", "paid", False), ("refunded", "paid", False),
     ("nonsense", "paid", False)],
)  # fmt: skip
def test_T4_steps(source: str, target: str, allowed: bool) -> None:
    assert may_move(source, target) is allowed


def test_an_order_number_tells_the_month_and_nothing_else() -> None:
    number = order_number(datetime(2026, 11, 22, tzinfo=UTC), 42)
    assert number == "2611000000000042"


@given(key=st.text(max_size=40), station=st.integers(1, 10**6))
def test_the_secret_is_the_same_for_the_same_key_and_fits_its_digest(
    key: str, station: int
) -> None:
    secret = lookup_secret("k" * 32, station, key)
    assert secret == lookup_secret("k" * 32, station, key)
    assert len(secret) == 20
    spaced = f"{secret[:5]} {secret[5:10].lower()}-{secret[10:]}"
    assert secret_digest(spaced) == secret_digest(secret)


def test_secrets_differ_between_stations_and_keys() -> None:
    secrets = {lookup_secret("k" * 32, s, key) for s in (1, 2) for key in ("a", "b")}
    assert len(secrets) == 4


def test_shoppers_are_told_apart_by_membership_or_contact() -> None:
    assert shopper_key(2, 7, "x") == "m:2:7"
    assert shopper_key(2, None, " A@b.c ") == shopper_key(3, None, "a@B.C")


@given(quantity=st.integers(1, 99), account=st.text(max_size=8), other=st.text(max_size=8))
def test_the_content_hash_tells_requests_apart(quantity: int, account: str, other: str) -> None:
    def request(inputs: dict[str, str]) -> bytes:
        return PlaceRequest("S", quantity, inputs, "c", 100, "k", "ip").content_hash()

    same = request({"account": account}) == request({"account": other})
    assert same == (account == other)


@given(contact=st.text(max_size=8), other=st.text(max_size=8))
def test_a_corrected_contact_is_another_request(contact: str, other: str) -> None:
    """Or the guest's mail and look-up would silently go to the address first typed."""

    def request(to: str) -> bytes:
        return PlaceRequest("S", 1, {}, to, 100, "k", "ip").content_hash()

    assert (request(contact) == request(other)) == (contact == other)
