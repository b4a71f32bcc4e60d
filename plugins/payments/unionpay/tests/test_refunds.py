"""Refunds over real HTTP: accepted first, done later, once per number."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kameng_sdk.errors import Declined
from kameng_sdk.outcomes import Outcome


def test_a_refund_is_under_way_until_the_query_says_done(scene: Any) -> None:
    provider, query_id = scene.paid("whole0001")
    scene.settings(refund_seconds=3600)
    request = scene.refund_of("whole0001", query_id, "Rwhole0001")
    result = provider.refund(scene.ctx(), request)
    assert result.outcome is Outcome.PENDING
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.PENDING
    with scene.simulator._bank.store.write() as db:  # the hour is over
        db.execute("UPDATE refunds SET due_at = 0")
    done = provider.query_refund(scene.ctx(), request)
    assert (done.outcome, done.provider_ref) == (Outcome.SUCCEEDED, result.provider_ref)


def test_refunds_go_back_in_parts_once_per_number_and_never_too_much(scene: Any) -> None:
    provider, query_id = scene.paid("parts0001")
    first = scene.refund_of("parts0001", query_id, "R1parts001", 3000)
    assert provider.query_refund(scene.ctx(), first).outcome is Outcome.UNKNOWN
    assert provider.refund(scene.ctx(), first).outcome is Outcome.PENDING
    for _ in range(2):  # sent again after a lost answer: taken once
        again = provider.refund(scene.ctx(), first)
        assert (again.outcome, again.message[:2]) == (Outcome.UNKNOWN, "12")
    assert scene.order("parts0001")["payments"][0]["refunded_fen"] == 3000
    assert provider.query_refund(scene.ctx(), first).outcome is Outcome.SUCCEEDED
    too_much = scene.refund_of("parts0001", query_id, "R2parts001", 6551)
    assert provider.refund(scene.ctx(), too_much).outcome is Outcome.DECLINED
    assert provider.query_refund(scene.ctx(), too_much).outcome is Outcome.UNKNOWN
    rest = scene.refund_of("parts0001", query_id, "R3parts001", 6550)
    assert provider.refund(scene.ctx(), rest).outcome is Outcome.PENDING
    assert provider.query_refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    assert provider.query(scene.ctx(), "parts0001", query_id).outcome is Outcome.SUCCEEDED


def test_a_refund_finds_its_payment_by_the_time_of_sending(scene: Any) -> None:
    provider, ref = scene.open("byref0001")
    request = scene.refund_of("byref0001", ref, "Rbyref0001")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.UNKNOWN  # nothing is paid yet
    assert (
        provider.refund(scene.ctx(), scene.refund_of("byref0001", "", "R2")).outcome
        is Outcome.UNKNOWN
    )
    scene.control("byref0001", "pay")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.PENDING
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED


def test_a_refund_that_failed_at_the_bank_is_declined(scene: Any) -> None:
    provider, query_id = scene.paid("failed001")
    scene.settings(refund_result="failed")
    request = scene.refund_of("failed001", query_id, "Rfailed001")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.PENDING
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.DECLINED


def test_a_refund_of_another_amount_under_the_number_is_unknown(scene: Any) -> None:
    provider, query_id = scene.paid("amount002")
    made_at = datetime.now(UTC)
    request = scene.refund_of("amount002", query_id, "Ramount002", 100, made_at=made_at)
    provider.refund(scene.ctx(), request)
    other = scene.refund_of("amount002", query_id, "Ramount002", 101, made_at=made_at)
    assert provider.query_refund(scene.ctx(), other).outcome is Outcome.UNKNOWN


def test_a_refund_needs_its_own_time_and_an_old_one_is_no_clear_no(scene: Any) -> None:
    provider, query_id = scene.paid("old000001")
    with pytest.raises(Declined, match="made_at"):
        provider.refund(scene.ctx(), scene.refund_of("old000001", query_id, "R1", made_at=None))
    with pytest.raises(Declined, match="made_at"):
        provider.query_refund(
            scene.ctx(), scene.refund_of("old000001", query_id, "R1", made_at=None)
        )
    old = datetime.now(UTC) - timedelta(hours=2)
    result = provider.refund(
        scene.ctx(), scene.refund_of("old000001", query_id, "Rold000001", made_at=old)
    )
    assert (result.outcome, "txnTime" in result.message) == (Outcome.UNKNOWN, True)
