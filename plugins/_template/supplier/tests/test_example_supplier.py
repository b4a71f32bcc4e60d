"""The supplier against its simulator, over HTTP. `kameng-plugin verify` tries much more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from example_supplier import plugin
from example_supplier.simulator import ExampleSimulator
from kameng_sdk.errors import Declined, WebhookRefused
from kameng_sdk.outcomes import Outcome
from kameng_sdk.testing import SupplyScene, simulating, wait_for


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[SupplyScene[ExampleSimulator]]:
    """A simulator and a shop that takes its notices."""
    with (
        simulating(ExampleSimulator, tmp_path) as (simulator, url),
        closing(SupplyScene(simulator, url)) as made,
    ):
        made.secrets = {"key"}  # type: ignore[misc]  # of this plugin's form
        yield made


def supplier_of(scene: SupplyScene[ExampleSimulator], **changes: Any) -> Any:
    (supplier,) = plugin.kameng_suppliers(scene.config(**changes))
    return supplier


def test_cards_are_bought_and_delivered(scene: SupplyScene[ExampleSimulator]) -> None:
    supplier = supplier_of(scene)
    placed = supplier.purchase(scene.ctx(), scene.purchase_request("1", "c-50", 2))
    assert placed.outcome in (Outcome.SUCCEEDED, Outcome.PENDING)
    settled = scene.settled(supplier, "1", placed.supplier_ref)
    assert settled.outcome is Outcome.SUCCEEDED
    assert len({delivery.code.reveal() for delivery in settled.deliveries}) == 2


def test_the_same_number_is_bought_once(scene: SupplyScene[ExampleSimulator]) -> None:
    supplier, request = supplier_of(scene), scene.purchase_request("2", "c-50")
    supplier.purchase(scene.ctx(), request)
    with pytest.raises(Exception, match="decides nothing"):
        supplier.purchase(scene.ctx(), request)
    assert len(scene.sales("2")) == 1


def test_an_unknown_number_is_not_found(scene: SupplyScene[ExampleSimulator]) -> None:
    asked = supplier_of(scene).query(scene.ctx(), "3", "")
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, False)


def test_a_wrong_key_is_refused(scene: SupplyScene[ExampleSimulator]) -> None:
    with pytest.raises(Declined, match="bad_signature"):
        supplier_of(scene, key="wrong").balance(scene.ctx())


def test_a_notice_is_believed_as_it_was_sent_and_no_other(
    scene: SupplyScene[ExampleSimulator],
) -> None:
    supplier = supplier_of(scene)
    supplier.purchase(scene.ctx(), scene.purchase_request("4", "c-50"))
    wait_for(lambda: scene.merchant.notices)
    notice = scene.merchant.notices[0]
    (event,) = supplier.parse_callback(scene.ctx(), notice).events
    assert event.purchase_no == "4"
    with pytest.raises(WebhookRefused):
        supplier.parse_callback(scene.ctx(), replace(notice, body=notice.body + b" "))
