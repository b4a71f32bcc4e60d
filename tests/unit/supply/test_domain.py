"""What an answer of a supplier means."""

import pytest

from kameng.supply.domain import PERSON, after_purchase, after_query, purchase_no
from kameng_sdk.outcomes import Outcome


def first(outcome, retry_after_s=None, misconfigured=False, can_query=True):
    return after_purchase(
        outcome, retry_after_s=retry_after_s, misconfigured=misconfigured, can_query=can_query
    )


def test_numbers_are_the_same_for_the_same_attempt_and_differ_otherwise():
    number = purchase_no(2, 7, 1, "2611")
    assert number == purchase_no(2, 7, 1, "2611")
    assert len(number) == 20
    assert number.startswith("2611")
    assert number.isdigit()
    others = {purchase_no(s, o, a, "2611") for s in (1, 2) for o in (7, 8) for a in (1, 2)}
    assert len(others) == 8


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.SUCCEEDED, "succeeded"),
        (Outcome.PENDING, "sent"),
        (Outcome.DECLINED, "declined"),
        (Outcome.UNKNOWN, "unknown"),
    ],
)
def test_each_outcome_has_its_state(outcome, state):
    assert first(outcome).state == state


def test_what_was_surely_not_sent_may_be_sent_again():
    assert first(Outcome.DECLINED, retry_after_s=7) == first(Outcome.DECLINED, retry_after_s=7)
    assert (first(Outcome.DECLINED, retry_after_s=7).state) == "created"
    assert first(Outcome.DECLINED, retry_after_s=7).query_in_s == 7


def test_wrong_settings_refund_nobody():
    assert first(Outcome.DECLINED, misconfigured=True).state == "created"


def test_F4_unknown_is_asked_about_and_left_to_a_person_where_nobody_can_be_asked():
    assert first(Outcome.UNKNOWN).query_in_s > 0
    assert first(Outcome.UNKNOWN, can_query=False).query_in_s == PERSON


@pytest.mark.parametrize("outcome", list(Outcome))
def test_F4_a_question_that_was_not_answered_decides_nothing(outcome):
    step = after_query(outcome, answered=False, waited_s=40)
    assert step.state == "unknown"
    assert step.query_in_s == 20


@pytest.mark.parametrize(("waited_s", "wait"), [(0, 15), (100, 50), (100_000, 600)])
def test_questions_become_rarer(waited_s, wait):
    assert after_query(Outcome.PENDING, answered=True, waited_s=waited_s).query_in_s == wait
