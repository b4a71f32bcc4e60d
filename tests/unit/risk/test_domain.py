"""Many opinions, one decision."""

from kameng.risk.domain import Count, Opinion, combine, counts_wanted, failed
from kameng_sdk.risk import ALLOWED, CounterNeed, RiskDecision, RiskReason, RiskVerdict


def opinion(decision, score=50, rule="a:one"):
    reason = RiskReason(code="some.code", text="因为")
    return Opinion(rule, RiskVerdict(decision=decision, score=score, reasons=(reason,)))


def need(name="n", key_field="ip", window_s=60, kinds=("top_up",)):
    return CounterNeed(
        name=name, key_field=key_field, window_s=window_s, applies_to=frozenset(kinds)
    )


def test_without_rules_everything_passes():
    assert combine([]).decision == "allow"


def test_the_greatest_decision_and_the_highest_score_count():
    found = combine(
        [
            opinion(RiskDecision.REVIEW, 80),
            Opinion("b:two", ALLOWED),
            opinion(RiskDecision.BLOCK, 60),
        ]
    )
    assert (found.decision, found.score) == ("block", 80)
    assert [reason["rule"] for reason in found.reasons] == ["a:one", "a:one"]


def test_a_rule_without_verdict_means_review():
    found = combine([Opinion("b:two", ALLOWED), failed("a:broken")])
    assert found.decision == "review"
    assert found.reasons[0]["code"] == "rule_failed"


def test_only_counters_for_this_kind_and_with_a_key_are_counted():
    keys = {"ip": "192.0.2.1", "member_ref": "", "station_ref": "2"}
    needs = [need(), need(), need("m", "member_ref"), need("c", kinds=("card",))]
    assert counts_wanted(needs, "top_up", keys) == [Count("n", "192.0.2.1", 60)]
    assert counts_wanted(needs, "manual", keys) == []
