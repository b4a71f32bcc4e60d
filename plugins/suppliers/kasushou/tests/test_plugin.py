"""What the plugin says of itself, checks and reports."""

from typing import Any

import pytest

from kameng_sdk.errors import Misconfigured
from kameng_sdk.health import HealthStatus
from kameng_sdk.money import Money
from kameng_sdk.suppliers import SETTLING, SupplierCapability
from kameng_supplier_kasushou import plugin


def test_it_belongs_to_the_main_station_and_can_settle() -> None:
    manifest = plugin.kameng_manifest()
    assert (manifest.id, manifest.restricted, manifest.api_version) == (
        "supplier-kasushou", True, (1, 2),
    )  # fmt: skip
    assert {field.scope for field in manifest.config_fields} == {"main"}
    assert [f.name for f in manifest.config_fields if f.secret] == ["key"]


def test_it_declares_what_it_can(scene: Any) -> None:
    (supplier,) = plugin.kameng_suppliers(scene.config())
    assert supplier.capabilities & SETTLING
    assert SupplierCapability.PARTIAL not in supplier.capabilities
    assert supplier.rules.number_is_idempotent


def test_the_check_finds_a_wrong_key_and_a_wrong_account(scene: Any) -> None:
    assert plugin.kameng_check_config(scene.config(), scene.ctx()) == []
    for change in ({"key": "x"}, {"user_id": "nobody"}, {"key": ""}):
        (problem,) = plugin.kameng_check_config(scene.config(**change), scene.ctx())
        assert problem.message


def test_an_empty_key_is_misconfigured(scene: Any) -> None:
    with pytest.raises(Misconfigured):
        plugin.kameng_suppliers(scene.config(key=""))


def test_the_balance_is_watched(scene: Any) -> None:
    well = plugin.kameng_health(scene.config(low_balance=Money(1)), scene.ctx())
    assert (well.status, set(well.facts)) == (HealthStatus.OK, {"余额"})
    scene.balance_is("9.9999")
    low = plugin.kameng_health(scene.config(low_balance=Money(100_000)), scene.ctx())
    scene.balance_is("100000")
    assert (low.status, low.facts) == (HealthStatus.DEGRADED, {"余额": "9.9999 CNY"})
    lost = plugin.kameng_health(scene.config(key="x"), scene.ctx())
    assert (lost.status, lost.message) == (HealthStatus.DOWN, "auth: 签名错误")
    unset = plugin.kameng_health(scene.config(key=""), scene.ctx())
    assert unset.status is HealthStatus.DOWN


def test_the_simulators_settings_fit_the_form(scene: Any) -> None:
    names = {field.name for field in plugin.kameng_manifest().config_fields}
    assert set(scene.simulator.demo_config()) <= names
