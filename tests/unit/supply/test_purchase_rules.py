"""S6: what an answer of a supplier means. Nothing but a sure word ends a purchase."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.supply.domain.numbers import BITS, purchase_no
from kameng.supply.domain.purchases import (
    DEAF_AFTER_S,
    MOST_SENDS,
    PERSON_AFTER_S,
    Asked,
    Said,
    after_cancel,
    after_purchase,
    after_query,
    quarrel,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Delivery, PurchaseResult, SupplierCapability, SupplierRules

ABLE = SupplierCapability.QUERY | SupplierCapability.CODES
BLIND = SupplierCapability.CALLBACK | SupplierCapability.CODES
DESK = SupplierCapability.MANUAL
ASKED = Asked(quantity=2, max_cost=100, cards=True)
TOP_UP = Asked(quantity=2, max_cost=100)
RULES = SupplierRules()
HOST_CODES = ("busy", "not_sent", "not_supported", "misconfigured", "timed_out", "no_answer", "")

results = st.builds(
    PurchaseResult,
    outcome=st.sampled_from(Outcome), message=st.just(""),
    cost=st.none() | st.builds(Money, st.integers(0, 200)),
    deliveries=st.lists(
        st.builds(Delivery, code=st.none() | st.sampled_from("abc").map(Secret)), max_size=4
    ).map(tuple),
)  # fmt: skip
abilities = st.sampled_from([ABLE, BLIND, DESK, ABLE | SupplierCapability.PARTIAL])
rules = st.builds(
    SupplierRules,
    number_is_idempotent=st.booleans(),
    not_found_means_nothing_s=st.none() | st.integers(0, 1_000),
)
asked = st.builds(
    Asked, cards=st.booleans(), quantity=st.integers(1, 4), max_cost=st.integers(0, 200), sends=st.integers(1, 5),
    queries=st.integers(0, 20), waited_s=st.integers(0, 10_000), age_s=st.integers(0, 10_000),
)  # fmt: skip


def said(outcome, value=None, **changes):
    return Said(outcome=outcome, value=value, **changes)


def pieces(*codes):
    return tuple(Delivery(number=f"n{n}", code=Secret(code)) for n, code in enumerate(codes))


@given(st.integers(0, 2**BITS - 1))
def test_numbers_have_eighteen_digits_and_tell_the_month(bits):
    number = purchase_no("2611", bits)
    assert len(number) == 18
    assert number.startswith("2611")
    assert number.isdigit()


@given(st.sampled_from(Outcome), st.sampled_from(HOST_CODES), asked, rules, abilities)
def test_without_an_answer_nothing_is_received_and_only_what_never_left_is_declined(
    outcome, code, order, rule, able
):
    for retry, wrong in ((None, False), (5, False), (None, True)):
        judged = after_purchase(
            said(outcome, code=code, retry_after_s=retry, misconfigured=wrong), order, rule, able
        )
        assert judged.step != "receive"
        if judged.step == "decline":
            assert outcome is Outcome.DECLINED


@given(st.sampled_from(HOST_CODES), asked, rules, abilities)
def test_that_we_could_not_ask_is_no_refusal(code, order, rule, able):
    for retry, wrong in ((5, False), (None, True)):
        given_up = said(Outcome.DECLINED, code=code, retry_after_s=retry, misconfigured=wrong)
        assert after_query(given_up, order, rule, able).step == "wait"


def test_a_refused_question_is_no_refused_purchase():
    refused = said(Outcome.DECLINED, code="wrong_key")
    assert after_query(refused, ASKED, RULES, ABLE).step == "wait"
    no = said(Outcome.DECLINED, PurchaseResult(outcome=Outcome.DECLINED))
    assert after_query(no, ASKED, RULES, ABLE).step == "decline"


@given(results, asked, rules, abilities)
def test_goods_are_received_only_when_nothing_is_wrong_with_them(result, order, rule, able):
    judged = after_query(said(result.outcome, result), order, rule, able)
    if judged.step == "receive":
        assert result.outcome is Outcome.SUCCEEDED
        assert quarrel(result, order, able) == ""
        assert len(result.deliveries) <= order.quantity
        assert result.cost is None or result.cost.amount <= order.max_cost
    if judged.step == "decline":
        assert result.outcome is Outcome.DECLINED


@given(asked, rules, abilities)
def test_not_found_is_a_refusal_only_by_the_suppliers_own_rule(order, rule, able):
    lost = PurchaseResult(outcome=Outcome.UNKNOWN, found=False)
    judged = after_query(said(Outcome.UNKNOWN, lost), order, rule, able)
    silence = rule.not_found_means_nothing_s
    early = silence is None or order.waited_s < silence
    if early:
        assert judged.step == "wait"
    elif not rule.number_is_idempotent:
        assert (judged.step, judged.code) == ("decline", "never_arrived")
    elif order.sends < MOST_SENDS:
        assert judged.step == "resend"
    else:  # sent several times and still unknown there: it contradicts itself
        assert (judged.step, judged.waits_for) in (("wait", "person"), ("wait", "desk"))


@given(asked, rules, abilities)
def test_what_was_to_be_taken_back_is_never_sent_again(order, rule, able):
    lost = PurchaseResult(outcome=Outcome.UNKNOWN, found=False)
    assert after_cancel(said(Outcome.UNKNOWN, lost), order, rule, able).step != "resend"


@given(results, asked, rules)
def test_an_open_purchase_always_says_what_it_waits_for(result, order, rule):
    for able in (ABLE, BLIND, DESK):
        judged = after_query(said(result.outcome, result), order, rule, able)
        if judged.step == "wait":
            assert judged.waits_for
            assert judged.code
            assert (judged.in_s is None) == (able is not ABLE)


@pytest.mark.parametrize(
    ("deliveries", "cost", "able", "wrong"),
    [
        (pieces("a", "b"), 100, ABLE, ""),
        ((), None, ABLE, "no_codes"),
        (pieces("a", "b", "c"), None, ABLE, "too_many"),
        (pieces("a"), None, ABLE, "too_few"),
        (pieces("a"), None, ABLE | SupplierCapability.PARTIAL, ""),
        ((Delivery(code=Secret("a")), Delivery(note="?")), None, ABLE, "card_without_code"),
        ((Delivery(number="n", code=Secret("a")),) * 2, None, ABLE, "duplicate_card"),
        (pieces("a", "b"), 101, ABLE, "above_cap"),
    ],
)
def test_what_is_wrong_with_goods(deliveries, cost, able, wrong):
    money = None if cost is None else Money(cost)
    result = PurchaseResult(outcome=Outcome.SUCCEEDED, deliveries=deliveries, cost=money)
    assert quarrel(result, ASKED, able) == wrong


def test_a_top_up_wants_a_receipt_at_most_and_no_codes():
    note = PurchaseResult(outcome=Outcome.SUCCEEDED, deliveries=(Delivery(note="ok"),))
    assert quarrel(note, TOP_UP, ABLE) == ""
    assert quarrel(PurchaseResult(outcome=Outcome.SUCCEEDED), TOP_UP, ABLE) == ""
    codes = PurchaseResult(outcome=Outcome.SUCCEEDED, deliveries=pieces("a"))
    assert quarrel(codes, TOP_UP, ABLE) == "unexpected_codes"


def test_what_cannot_be_sent_goes_to_the_next_supplier_in_the_end():
    unsent = said(Outcome.DECLINED, code="not_sent", retry_after_s=7)
    first = after_purchase(unsent, ASKED, RULES, ABLE)
    assert (first.step, first.state, first.in_s) == ("wait", "created", 7)
    old = Asked(quantity=2, max_cost=100, age_s=DEAF_AFTER_S)
    assert after_purchase(unsent, old, RULES, ABLE).step == "decline"


def test_questions_become_rarer_and_end_at_a_person_beside_the_machine():
    pending = PurchaseResult(outcome=Outcome.PENDING)
    waits = [
        after_query(
            said(Outcome.PENDING, pending), Asked(quantity=1, max_cost=1, queries=n), RULES, ABLE
        ).in_s
        for n in range(9)
    ]
    assert waits == [10, 20, 30, 60, 120, 300, 600, 600, 600]
    late = Asked(quantity=1, max_cost=1, waited_s=PERSON_AFTER_S)
    judged = after_query(said(Outcome.UNKNOWN, code="no_answer"), late, RULES, ABLE)
    assert (judged.waits_for, judged.in_s) == ("person", 10)
