"""A purchase waits for a person; everything else is refused as undeclared."""

from typing import Any

import pytest

from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import CapabilityNotSupported
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import SETTLING, PurchaseRequest, SupplierCapability
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_manual.plugin import DEFAULT_NOTE, kameng_suppliers

CONTEXT: Any = None  # nothing is sent
REQUEST = PurchaseRequest(
    purchase_no="P1", sku_ref="5", quantity=2, inputs={"account": "13800000000"},
    max_cost=Money(500_000),
)  # fmt: skip


def desk(**settings):
    (supplier,) = kameng_suppliers(PluginConfig(settings))
    return supplier


def test_a_purchase_waits_for_a_person():
    result = desk().purchase(CONTEXT, REQUEST)
    assert result.outcome is Outcome.PENDING
    assert (result.deliveries, result.cost) == ((), None)
    assert result.message == DEFAULT_NOTE


def test_the_same_number_twice_is_the_same_purchase():
    supplier = desk()
    assert supplier.purchase(CONTEXT, REQUEST) == supplier.purchase(CONTEXT, REQUEST)


def test_the_note_comes_from_the_settings():
    assert desk(note="联系上游").purchase(CONTEXT, REQUEST).message == "联系上游"


def test_S6_a_person_settles_what_is_open():
    assert desk().capabilities & SETTLING == SupplierCapability.MANUAL


def test_every_other_call_is_refused_as_undeclared():
    supplier = desk()
    notice = WebhookRequest(method="GET", path="/", query="", headers={}, body=b"")
    for call in (
        lambda: supplier.list_offers(CONTEXT, ""),
        lambda: supplier.query(CONTEXT, "P1", ""),
        lambda: supplier.balance(CONTEXT),
        lambda: supplier.parse_callback(CONTEXT, notice),
    ):
        with pytest.raises(CapabilityNotSupported):
            call()
