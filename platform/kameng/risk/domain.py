"""Many opinions, one decision. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kameng_sdk.risk import CounterNeed, KeyField, RiskDecision, RiskReason, RiskVerdict

Decision = Literal["allow", "review", "block"]

NAMES: Mapping[RiskDecision, Decision] = {
    RiskDecision.ALLOW: "allow",
    RiskDecision.REVIEW: "review",
    RiskDecision.BLOCK: "block",
}


@dataclass(frozen=True, slots=True)
class Opinion:
    """A rule and its verdict."""

    rule: str
    verdict: RiskVerdict


@dataclass(frozen=True, slots=True)
class Assessment:
    """The decision with the reasons of every rule that spoke against the subject."""

    decision: Decision
    score: int = 0
    reasons: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Count:
    """One counter to be read: `name` counts events of `key` in the last `window_s` seconds."""

    name: str
    key: str
    window_s: int


def failed(rule: str) -> Opinion:
    """A rule that gave no verdict does not let anything pass: a person looks at it."""
    reason = RiskReason(code="rule_failed", text=f"规则 {rule} 未能给出结论，转人工审核")
    return Opinion(rule, RiskVerdict(decision=RiskDecision.REVIEW, score=50, reasons=(reason,)))


def combine(opinions: Iterable[Opinion]) -> Assessment:
    """The greatest decision and the highest score count."""
    heard = list(opinions)
    decision = max((one.verdict.decision for one in heard), default=RiskDecision.ALLOW)
    reasons = [
        {"rule": one.rule, "code": reason.code, "text": reason.text}
        for one in heard
        if one.verdict.decision is not RiskDecision.ALLOW
        for reason in one.verdict.reasons
    ]
    score = max((one.verdict.score for one in heard), default=0)
    return Assessment(NAMES[decision], score, reasons)


def counts_wanted(
    needs: Iterable[CounterNeed], kind: str, keys: Mapping[KeyField, str]
) -> Sequence[Count]:
    """The counters for a subject of this kind, each once; none for an empty key."""
    wanted = {
        Count(need.name, keys[need.key_field], need.window_s)
        for need in needs
        if kind in need.applies_to and keys.get(need.key_field)
    }
    return sorted(wanted, key=lambda count: (count.name, count.window_s))
