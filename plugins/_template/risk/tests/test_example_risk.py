"""The rule compares what the host has counted."""

from __future__ import annotations

import pytest

from example_risk.plugin import kameng_risk_rules
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured
from kameng_sdk.risk import RiskDecision, RiskStage, RiskSubject


def decision(count: int | None, kind: str = "top_up", limit: int = 5) -> RiskDecision:
    (rule,) = kameng_risk_rules(PluginConfig({"limit": limit, "window_s": 600}))
    facts = {} if count is None else {rule.needs[0].name: count}
    subject = RiskSubject(
        stage=RiskStage.ORDER, order_kind=kind, station_ref="2", ip="203.0.113.9",
        member_ref="7", facts=facts,
    )  # fmt: skip
    return rule.evaluate(subject).decision


def test_the_fifth_top_up_is_held_and_the_fourth_is_not() -> None:
    assert [decision(4), decision(5)] == [RiskDecision.ALLOW, RiskDecision.REVIEW]


def test_cards_do_not_count() -> None:
    assert decision(50, kind="card") is RiskDecision.ALLOW


def test_what_was_not_counted_is_not_let_pass() -> None:
    with pytest.raises(LookupError):
        decision(None)


def test_settings_that_hold_everything_are_refused() -> None:
    with pytest.raises(Misconfigured):
        decision(1, limit=1)
