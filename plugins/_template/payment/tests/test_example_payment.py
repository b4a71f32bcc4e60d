"""The provider against its simulator, over HTTP. `kameng-plugin verify` tries much more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from example_payment import plugin
from example_payment.simulator import ExampleSimulator
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import RefundRequest
from kameng_sdk.testing import Scene, simulating, wait_for


class ExampleScene(Scene[ExampleSimulator]):
    """A simulator and a shop that takes its notices."""

    secrets = frozenset({"key"})
    method = "page"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ExampleScene]:
    with (
        simulating(ExampleSimulator, tmp_path) as (simulator, url),
        closing(ExampleScene(simulator, url)) as made,
    ):
        yield made


def provider_of(scene: ExampleScene) -> Any:
    (provider,) = plugin.kameng_payment_providers(scene.config())
    return provider


def test_a_charge_is_paid_and_its_amount_is_told(scene: ExampleScene) -> None:
    provider = provider_of(scene)
    begun = provider.charge(scene.ctx(), scene.request("1"))
    assert begun.outcome is Outcome.PENDING
    assert begun.redirect_url.startswith(scene.url)
    scene.control("1", "pay")
    asked = provider.query(scene.ctx(), "1", begun.provider_ref)
    assert (asked.outcome, asked.amount) == (Outcome.SUCCEEDED, Money.from_fen(9550))


def test_a_refund_with_one_number_moves_money_once(scene: ExampleScene) -> None:
    provider = provider_of(scene)
    provider.charge(scene.ctx(), scene.request("2"))
    scene.control("2", "pay")
    refund = RefundRequest(
        attempt_no="2", provider_ref="", refund_no="r2", amount=Money.from_fen(6000),
        total=Money.from_fen(9550),
    )  # fmt: skip
    for _again in range(2):
        assert provider.refund(scene.ctx(), refund).outcome is Outcome.SUCCEEDED
    assert scene.simulator.bank.bill().count("-6000") == 1


def test_a_closed_charge_cannot_be_paid(scene: ExampleScene) -> None:
    provider = provider_of(scene)
    provider.charge(scene.ctx(), scene.request("3"))
    assert provider.cancel(scene.ctx(), "3", "") is Outcome.SUCCEEDED
    scene.control("3", "pay")
    assert provider.query(scene.ctx(), "3", "").outcome is Outcome.DECLINED


def test_a_notice_is_believed_as_it_was_sent_and_no_other(scene: ExampleScene) -> None:
    provider = provider_of(scene)
    provider.charge(scene.ctx(), scene.request("4"))
    scene.control("4", "pay")
    wait_for(lambda: scene.merchant.notices)
    notice = scene.merchant.notices[0]
    (event,) = provider.parse_webhook(scene.ctx(), notice).events
    assert (event.attempt_no, event.amount) == ("4", Money.from_fen(9550))
    with pytest.raises(WebhookRefused):
        provider.parse_webhook(scene.ctx(), replace(notice, body=notice.body + b" "))
