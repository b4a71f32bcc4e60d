"""The hooks: settings are asked for, tried and watched."""

from typing import Any

import pytest

from kameng_sdk.errors import Misconfigured
from kameng_sdk.health import HealthStatus
from kameng_sdk.manifest import ConfigField
from kameng_sdk.money import Money
from kameng_sdk.suppliers import SETTLING
from kameng_supplier_acg_shared.plugin import (
    kameng_check_config,
    kameng_health,
    kameng_manifest,
    kameng_suppliers,
)


def field(name: str) -> ConfigField:
    found = kameng_manifest().field(name)
    assert found is not None
    return found


def test_the_main_station_alone_configures_it_and_the_key_is_sealed() -> None:
    manifest = kameng_manifest()
    assert (manifest.id, manifest.restricted) == ("supplier-acg-shared", True)
    assert {f.scope for f in manifest.config_fields} == {"main"}
    assert [f.name for f in manifest.config_fields if f.secret] == ["app_key"]


def test_the_help_warns_of_the_open_key() -> None:
    assert "明文" in field("flavour").help
    assert "https" in field("base_url").help


def test_a_good_configuration_has_no_problem_and_a_wrong_key_has_one(scene: Any) -> None:
    assert kameng_check_config(scene.config(flavour="shared"), scene.ctx()) == []
    (problem,) = kameng_check_config(scene.config(flavour="shared", app_key="wrong"), scene.ctx())
    assert problem.message


def test_the_balance_is_watched(scene: Any) -> None:
    config = scene.config(flavour="shared")
    assert kameng_health(config, scene.ctx()).facts == {"余额": scene.facts()["balance"]}
    low = scene.config(flavour="shared")
    low = type(low)({**low, "low_balance": Money.parse("10000000")})
    assert kameng_health(low, scene.ctx()).status is HealthStatus.DEGRADED
    scene.settings(lie_html=100)
    assert kameng_health(config, scene.ctx()).status is HealthStatus.DOWN


@pytest.mark.parametrize("changes", [{"app_key": ""}, {"app_id": ""}, {"flavour": "v9"}])
def test_what_cannot_work_is_refused_before_anything_is_sent(scene: Any, changes: Any) -> None:
    with pytest.raises(Misconfigured):
        kameng_suppliers(scene.config(**changes))


def test_an_unknown_outcome_can_be_settled(scene: Any) -> None:
    (supplier,) = kameng_suppliers(scene.config())
    assert supplier.capabilities & SETTLING
