"""Refunds: in parts, once per number, slowly, refused, and those that move no money."""

from collections.abc import Callable
from typing import Any

import pytest

from kameng_sdk.errors import (
    HttpOutcomeUnknown,
    TemporarilyUnavailable,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentEventKind

Wait = Callable[..., Any]


def test_refunds_go_in_parts_once_per_number_and_never_too_much(scene: Any) -> None:
    provider = scene.paid("parts-1")
    for _ in range(3):
        result = provider.refund(scene.ctx(), scene.refund_of("parts-1", "R1-parts", 3000))
        assert result.outcome is Outcome.SUCCEEDED
    assert scene.order("parts-1")["payments"][0]["refunded_fen"] == 3000
    too_much = scene.refund_of("parts-1", "R2-parts", 6551)
    assert provider.refund(scene.ctx(), too_much).outcome is Outcome.DECLINED
    assert provider.query_refund(scene.ctx(), too_much).outcome is Outcome.UNKNOWN
    rest = scene.refund_of("parts-1", "R3-parts", 6550)
    assert provider.refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    # A number that was used for another amount is neither done nor refused.
    other = scene.refund_of("parts-1", "R3-parts", 1)
    assert provider.refund(scene.ctx(), other).outcome is Outcome.UNKNOWN
    # Refunded orders are no longer "paid": a person decides what that means.
    assert provider.query(scene.ctx(), "parts-1", "").outcome is Outcome.UNKNOWN


def test_an_accepted_refund_is_pending_until_the_money_has_moved(scene: Any, until: Wait) -> None:
    scene.settings(refund_seconds=1)
    provider = scene.paid("accepted")
    ref = scene.order("accepted")["payments"][0]["transaction_id"]
    whole = scene.refund_of("accepted", "R-accepted", ref=ref)
    assert provider.refund(scene.ctx(), whole).outcome is Outcome.PENDING
    assert provider.query_refund(scene.ctx(), whole).outcome is Outcome.PENDING
    (notice,) = until(lambda: scene.merchant.of("REFUND.SUCCESS"))
    event = scene.read(provider, notice)
    assert (event.kind, event.refund_no) == (PaymentEventKind.REFUNDED, "R-accepted")
    assert (event.amount, event.provider_ref) == (Money.from_fen(9550), ref)
    assert provider.query_refund(scene.ctx(), whole).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("becomes", "outcome"), [("CLOSED", Outcome.DECLINED), ("ABNORMAL", Outcome.UNKNOWN)]
)
def test_a_refund_that_moves_no_money_is_no_success(
    scene: Any, until: Wait, becomes: str, outcome: Outcome
) -> None:
    scene.settings(refund_answer=becomes)
    number = f"none-{becomes}"
    provider = scene.paid(number)
    request = scene.refund_of(number, f"R-{number}")
    assert provider.refund(scene.ctx(), request).outcome is outcome
    (notice,) = until(lambda: scene.merchant.of(f"REFUND.{becomes}"))
    assert provider.parse_webhook(scene.ctx(), notice).events == ()


def test_a_refund_not_accepted_is_asked_for_again_with_the_same_number(scene: Any) -> None:
    scene.settings(refund_answer="FREQUENCY_LIMITED")
    provider = scene.paid("busy-1")
    with pytest.raises(TemporarilyUnavailable):
        provider.refund(scene.ctx(), scene.refund_of("busy-1", "R-busy"))
    scene.settings(refund_answer="NOT_ENOUGH")
    refused = provider.refund(scene.ctx(), scene.refund_of("busy-1", "R-busy"))
    assert (refused.outcome, refused.message[:10]) == (Outcome.DECLINED, "NOT_ENOUGH")
    scene.settings(refund_answer="SUCCESS")
    done = provider.refund(scene.ctx(), scene.refund_of("busy-1", "R-busy"))
    assert done.outcome is Outcome.SUCCEEDED


def test_an_error_of_wechat_pay_itself_is_no_refusal_although_it_is_signed(scene: Any) -> None:
    scene.settings(refund_answer="SYSTEM_ERROR")
    provider = scene.paid("system-1")
    with pytest.raises(HttpOutcomeUnknown, match="HTTP 500"):
        provider.refund(scene.ctx(), scene.refund_of("system-1", "R-system"))


def test_a_refusal_after_an_earlier_success_is_that_success(scene: Any) -> None:
    provider = scene.paid("earlier")
    request = scene.refund_of("earlier", "R-earlier")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    scene.settings(refund_answer="NOT_ENOUGH")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED


def test_a_refund_of_what_was_never_paid_is_refused(scene: Any) -> None:
    provider = scene.open("unpaid-1")
    result = provider.refund(scene.ctx(), scene.refund_of("unpaid-1", "R-unpaid"))
    assert result.outcome is Outcome.DECLINED


def test_an_unsigned_refusal_of_a_refund_is_not_believed(scene: Any) -> None:
    provider = scene.paid("rumour")
    scene.settings(answer_sign="none", refund_answer="NOT_ENOUGH")
    with pytest.raises(HttpOutcomeUnknown, match="unsigned"):
        provider.refund(scene.ctx(), scene.refund_of("rumour", "R-rumour"))
