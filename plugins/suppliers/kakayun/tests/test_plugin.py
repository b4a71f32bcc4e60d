"""The hooks: settings, the test button, health."""

from typing import Any

from kameng_sdk.health import HealthStatus
from kameng_sdk.money import Money
from kameng_supplier_kakayun import plugin


def test_the_main_station_alone_configures_it() -> None:
    manifest = plugin.kameng_manifest()
    assert manifest.restricted
    assert {field.scope for field in manifest.config_fields} == {"main"}


def test_the_test_button_says_what_is_wrong(scene: Any) -> None:
    assert plugin.kameng_check_config(scene.config(), scene.ctx()) == []
    (problem,) = plugin.kameng_check_config(scene.config(key="wrong"), scene.ctx())
    assert "bad_signature" in problem.message


def test_health_tells_the_balance_and_when_it_is_low(scene: Any) -> None:
    report = plugin.kameng_health(scene.config(low_balance=Money(1_0000)), scene.ctx())
    assert report.status is HealthStatus.OK
    assert report.facts["余额"] == scene.supplier().balance(scene.ctx()).format(4)
    low = plugin.kameng_health(scene.config(low_balance=Money(10**12)), scene.ctx())
    assert (low.status, bool(low.message)) == (HealthStatus.DEGRADED, True)
    down = plugin.kameng_health(scene.config(key="wrong"), scene.ctx())
    assert down.status is HealthStatus.DOWN
