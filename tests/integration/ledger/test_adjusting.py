"""X5: one person asks, another one agrees, then the money moves; never past what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kameng.db import main_scope

ASKS, AGREES = "staff:1", "staff:2"


@contextmanager
def main(shop: Any) -> Iterator[None]:
    import kameng.ledger.api  # noqa: F401  # registers what follows on a decision

    with shop.app.app_context(), main_scope(reason="test"):
        yield


def ask(shop: Any, station: int, debit: Any, credit: Any, amount: int, key: str) -> int:
    from kameng.ledger import api as ledger

    with main(shop):
        return ledger.request_adjustment(station, debit, credit, amount, "活动补偿", ASKS, key)


def approval_of(shop: Any, station: int, number: int) -> int:
    return int(
        shop.one(
            "SELECT id FROM approval WHERE station_id = %s AND kind = 'adjustment'"
            " AND subject = %s", station, str(number),
        )
    )  # fmt: skip


def vote(shop: Any, station: int, number: int, actor: str, agrees: bool = True) -> str:
    from kameng.identity import api as identity

    with main(shop):
        found = approval_of(shop, station, number)
        return identity.vote(station, found, actor, agrees, "看过了")


def state(shop: Any, station: int, number: int) -> str:
    query = "SELECT state FROM adjustment WHERE station_id = %s AND id = %s"
    return str(shop.one(query, station, number))


def test_X5_nothing_moves_before_a_second_person_has_agreed(shop: Any) -> None:
    member = shop.member(1)
    wallet = ("wallet", str(member))
    number = ask(shop, 1, ("adjustment", ""), wallet, 30_0000, "key-one-of-adjusting")
    again = ask(shop, 1, ("adjustment", ""), wallet, 30_0000, "key-one-of-adjusting")
    assert again == number
    assert shop.balance(1, "wallet", str(member)) == 0
    from kameng.errors import Forbidden

    with pytest.raises(Forbidden):
        vote(shop, 1, number, ASKS)
    assert state(shop, 1, number) == "waiting"
    assert vote(shop, 1, number, AGREES) == "approved"
    assert state(shop, 1, number) == "done"
    assert shop.balance(1, "wallet", str(member)) == 30_0000
    shop.assert_books_balance()


def test_X5_a_refused_one_is_over(shop: Any) -> None:
    number = ask(
        shop, 1, ("adjustment", ""), ("wallet", str(shop.member(1))), 10_0000, "key-two-adjust"
    )
    assert vote(shop, 1, number, AGREES, agrees=False) == "refused"
    assert state(shop, 1, number) == "refused"


def test_X5_what_is_not_there_cannot_be_taken_and_the_word_does_not_count(shop: Any) -> None:
    from kameng.ledger import api as ledger

    member = str(shop.member(1))
    number = ask(shop, 1, ("wallet", member), ("adjustment", ""), 10_0000, "key-three-adj")
    with pytest.raises(ledger.AdjustmentRefused) as refused:
        vote(shop, 1, number, AGREES)
    assert refused.value.code == "insufficient_funds"
    assert state(shop, 1, number) == "waiting"
    assert shop.one("SELECT count(*) FROM approval_vote WHERE approval_id = %s",
                    approval_of(shop, 1, number)) == 0  # fmt: skip


@pytest.mark.parametrize(
    ("debit", "credit", "amount", "code"),
    [
        (("wallet", "1"), ("prepaid", ""), 1_0000, "pair_invalid"),
        (("adjustment", ""), ("wallet", "999999"), 1_0000, "member_unknown"),
        (("adjustment", ""), ("prepaid", ""), 0, "amount_invalid"),
        (("adjustment", ""), ("prepaid", ""), 10**14, "amount_invalid"),
    ],
)
def test_what_makes_no_sense_is_refused(
    shop: Any, debit: Any, credit: Any, amount: int, code: str
) -> None:
    from kameng.ledger import api as ledger

    with pytest.raises(ledger.AdjustmentRefused) as refused:
        ask(shop, 2, debit, credit, amount, "key-four-of-adjusting")
    assert refused.value.code == code


def test_one_key_is_one_request(shop: Any) -> None:
    from kameng.ledger import api as ledger

    ask(shop, 2, ("adjustment", ""), ("prepaid", ""), 1_0000, "key-five")
    with pytest.raises(ledger.AdjustmentRefused) as refused:
        ask(shop, 2, ("adjustment", ""), ("prepaid", ""), 2_0000, "key-five")
    assert refused.value.code == "conflict"
