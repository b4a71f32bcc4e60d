"""Refunds: in parts, once per number, and done only when the fields say so."""

from collections.abc import Callable
from typing import Any

import pytest

from kameng_sdk.errors import HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentEventKind

Wait = Callable[..., Any]


def test_parts_go_back_once_per_number_and_never_too_much(scene: Any) -> None:
    provider, ref = scene.paid("parts")
    for _ in range(3):
        part = scene.refund("parts", ref, "R1", 3000)
        assert provider.refund(scene.ctx(), part).outcome is Outcome.SUCCEEDED
    assert scene.order("parts")["payments"][0]["refunded_fen"] == 3000
    too_much = scene.refund("parts", ref, "R2", 6551)
    result = provider.refund(scene.ctx(), too_much)
    assert (result.outcome, "超限" in result.message) == (Outcome.DECLINED, True)
    assert provider.query_refund(scene.ctx(), too_much).outcome is Outcome.UNKNOWN
    rest = scene.refund("parts", ref, "R3", 6550)
    assert provider.refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    # Repeated after the trade is closed by it: still the first result.
    assert provider.refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    assert (
        provider.refund(scene.ctx(), scene.refund("parts", ref, "R4", 1)).outcome
        is Outcome.DECLINED
    )


def test_a_refund_works_by_our_number_alone(scene: Any) -> None:
    provider, ref = scene.paid("by_number")
    result = provider.refund(scene.ctx(), scene.refund("by_number", "", "R1", 100))
    assert (result.outcome, result.provider_ref) == (Outcome.SUCCEEDED, ref)


def test_the_same_number_with_another_amount_leaves_a_doubt(scene: Any) -> None:
    provider, ref = scene.paid("other")
    provider.refund(scene.ctx(), scene.refund("other", ref, "R1", 100))
    changed = scene.refund("other", ref, "R1", 101)
    assert provider.refund(scene.ctx(), changed).outcome is Outcome.UNKNOWN
    assert provider.query_refund(scene.ctx(), changed).outcome is Outcome.UNKNOWN


def test_what_was_never_paid_is_declined(scene: Any) -> None:
    provider = scene.open("unpaid")
    request = scene.refund("unpaid", "", "R1")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.DECLINED
    assert (
        provider.refund(scene.ctx(), scene.refund("nothing", "", "R1")).outcome is Outcome.DECLINED
    )


def test_after_a_lost_answer_the_same_number_finds_what_was_done(scene: Any) -> None:
    provider, ref = scene.paid("lost")
    request = scene.refund("lost", ref, "R1", 100)
    scene.settings(fail_percent=100, fail_when="after")
    with pytest.raises(HttpOutcomeUnknown):
        provider.refund(scene.ctx(), request)
    scene.settings(fail_percent=0)
    assert provider.refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    assert scene.order("lost")["payments"][0]["refunded_fen"] == 100


def test_notices_of_refunds_say_what_went_back_and_pay_nothing(scene: Any, until: Wait) -> None:
    provider, ref = scene.paid("told")
    until(lambda: len(scene.merchant.notices) == 1)
    for count, (number, fen) in enumerate((("R1", 3000), ("R2", 6550)), start=2):
        provider.refund(scene.ctx(), scene.refund("told", ref, number, fen))
        until(lambda wanted=count: len(scene.merchant.notices) == wanted)
    paid, first, second = scene.events()
    assert paid.kind is PaymentEventKind.PAID
    assert (first.kind, second.kind) == (PaymentEventKind.REFUNDED, PaymentEventKind.REFUNDED)
    assert (first.refund_no, second.refund_no) == ("R1", "R2")
    assert (first.amount, second.amount) == (Money.from_fen(3000), Money.from_fen(9550))
    assert b"TRADE_CLOSED" in scene.merchant.notices[2].body


def test_a_trade_closed_by_its_refund_is_not_called_unpaid(scene: Any) -> None:
    provider, ref = scene.paid("whole")
    provider.refund(scene.ctx(), scene.refund("whole", ref, "R1"))
    result = provider.query(scene.ctx(), "whole", "")
    assert (result.outcome, result.amount) == (Outcome.UNKNOWN, None)
    assert "TRADE_CLOSED" in result.message
