"""What the plugin says of itself, checks and reports."""

from typing import Any

import pytest

from kameng_sdk.errors import Misconfigured
from kameng_sdk.health import HealthStatus
from kameng_sdk.money import Money
from kameng_sdk.suppliers import SETTLING, SupplierCapability
from kameng_supplier_kayixin import plugin


def test_it_belongs_to_the_main_station_and_can_settle() -> None:
    manifest = plugin.kameng_manifest()
    assert (manifest.id, manifest.restricted, manifest.api_version) == (
        "supplier-kayixin", True, (1, 2),
    )  # fmt: skip
    assert {field.scope for field in manifest.config_fields} == {"main"}
    assert [f.name for f in manifest.config_fields if f.secret] == ["secret"]


def test_it_declares_what_it_can(scene: Any) -> None:
    (supplier,) = plugin.kameng_suppliers(scene.config())
    assert supplier.capabilities & SETTLING
    assert SupplierCapability.PARTIAL not in supplier.capabilities
    assert not supplier.rules.number_is_idempotent, "nobody promises it"


def test_the_check_finds_a_wrong_secret_and_a_wrong_account(scene: Any) -> None:
    assert plugin.kameng_check_config(scene.config(), scene.ctx()) == []
    for change in (
        {"secret": "x"},
        {"app_id": "nobody"},
        {"secret": ""},
        {"timestamp_unit": "h"},
        {"empty_body": "null"},
    ):
        (problem,) = plugin.kameng_check_config(scene.config(**change), scene.ctx())
        assert problem.message


def test_an_empty_secret_is_misconfigured(scene: Any) -> None:
    with pytest.raises(Misconfigured):
        plugin.kameng_suppliers(scene.config(secret=""))


def test_the_balance_is_watched(scene: Any) -> None:
    well = plugin.kameng_health(scene.config(low_balance=Money(1)), scene.ctx())
    assert (well.status, set(well.facts)) == (HealthStatus.OK, {"余额"})
    scene.balance_is("9.9999")
    low = plugin.kameng_health(scene.config(low_balance=Money(100_000)), scene.ctx())
    scene.balance_is("100000")
    assert (low.status, low.facts) == (HealthStatus.DEGRADED, {"余额": "9.9999 CNY"})
    lost = plugin.kameng_health(scene.config(secret="x"), scene.ctx())
    assert (lost.status, lost.message) == (HealthStatus.DOWN, "auth: 签名错误")
    unset = plugin.kameng_health(scene.config(secret=""), scene.ctx())
    assert unset.status is HealthStatus.DOWN


def test_the_simulators_settings_fit_the_form(scene: Any) -> None:
    names = {field.name for field in plugin.kameng_manifest().config_fields}
    assert set(scene.simulator.demo_config()) <= names


@pytest.mark.parametrize("unit", ["s", "ms"])
@pytest.mark.parametrize("empty", ["nothing", "braces"])
def test_the_sites_peculiarities_are_settings(scene: Any, unit: str, empty: str) -> None:
    """The simulator takes both units, and signs whatever body there is."""
    config = scene.config(timestamp_unit=unit, empty_body=empty)
    assert plugin.kameng_check_config(config, scene.ctx()) == []


def test_time_and_empty_body_go_out_as_set(scene: Any) -> None:
    account = scene.account(timestamp_unit="ms", empty_body="braces")
    now = scene.clock.now()
    assert (len(account.timestamp(now)), account.empty_body) == (13, "{}")
    plain = scene.account()
    assert (len(plain.timestamp(now)), plain.empty_body) == (10, "")
