"""Exact at the boundary, blind to cards, never taking a missing count for permission."""

import pytest

from kameng_risk_velocity.plugin import kameng_manifest, kameng_risk_rules
from kameng_risk_velocity.rule import TOP_UPS
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.risk import RiskDecision, RiskStage, RiskSubject

DEFAULTS = {field.name: field.default for field in kameng_manifest().config_fields}


def rule(**changes):
    (made,) = kameng_risk_rules(PluginConfig({**DEFAULTS, **changes}))
    return made


def subject(count, kind="top_up", ip="203.0.113.7", counter=None):
    facts = {} if count is None else {counter or rule().needs[0].name: count}
    return RiskSubject(stage=RiskStage.ORDER, order_kind=kind, station_ref="2", ip=ip, facts=facts)


@pytest.mark.parametrize("kind", sorted(TOP_UPS))
def test_S6_nine_pass_and_the_tenth_is_held(kind):
    assert rule().evaluate(subject(9, kind)).decision is RiskDecision.ALLOW
    verdict = rule().evaluate(subject(10, kind))
    assert verdict.decision is RiskDecision.REVIEW
    assert verdict.reasons[0].code == "velocity.top_up.ip"
    assert "10" in verdict.reasons[0].text


@pytest.mark.parametrize("kind", ["card", "manual", "bundle"])
def test_R1_other_orders_are_not_judged(kind):
    assert rule().evaluate(subject(50, kind)).decision is RiskDecision.ALLOW


def test_R1_card_orders_are_not_counted():
    (need,) = rule().needs
    assert need.applies_to == {"top_up", "wallet_top_up"}
    assert (need.key_field, need.window_s) == ("ip", 60)


def test_a_missing_count_is_no_permission():
    with pytest.raises(LookupError):
        rule().evaluate(subject(None))


def test_threshold_window_and_decision_come_from_the_settings():
    changed = rule(threshold=3, window_s=30, decision="block")
    (need,) = changed.needs
    assert need.window_s == 30
    verdict = changed.evaluate(subject(3, counter=need.name))
    assert (verdict.decision, verdict.score) == (RiskDecision.BLOCK, 100)


@pytest.mark.parametrize(
    "changes", [{"threshold": 1}, {"threshold": 0}, {"window_s": 0}, {"window_s": 3601}]
)
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(Misconfigured):
        rule(**changes)


def test_a_station_cannot_switch_its_guard_off():
    assert kameng_manifest().restricted
