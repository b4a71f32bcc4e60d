"""A risk rule bound to one station."""

from __future__ import annotations

from dataclasses import dataclass

from kameng.plugins.bound import (
    Bound,
    CodeFailed,
    expect,
    expect_list,
    expect_text,
    run_quietly,
)
from kameng.plugins.deadline import Slots
from kameng.plugins.invoke import Line, refuse_transaction
from kameng_sdk.risk import (
    CounterNeed,
    RiskDecision,
    RiskReason,
    RiskRule,
    RiskStage,
    RiskSubject,
    RiskVerdict,
)

RULE_S = 1.0
MOST_REASONS = 20


class RuleFailed(Exception):
    """A rule gave no verdict (raised, late, wrong type). The stage decides what that means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundRule(Bound):
    """``name`` is ``<plugin id>:<rule>``; counters in ``needs`` are for the caller to count."""

    stages: frozenset[RiskStage]
    needs: tuple[CounterNeed, ...]
    rule: RiskRule
    order_kinds: frozenset[str] | None = None  # None: all

    def concerns(self, order_kind: str) -> bool:
        """Whether it wants to be asked about such an order."""
        return self.order_kinds is None or order_kind in self.order_kinds

    def evaluate(self, subject: RiskSubject) -> RiskVerdict:
        """The verdict; raises `RuleFailed`, never what the rule raised."""
        refuse_transaction(self.plugin_id, "evaluate")

        def judge() -> RiskVerdict:
            verdict = self.rule.evaluate(subject)
            expect(verdict, RiskVerdict)
            expect(verdict.decision, RiskDecision)
            expect(verdict.score, int)
            expect_list(verdict.reasons, RiskReason, MOST_REASONS)
            for reason in verdict.reasons:
                expect_text(reason.code, 60)
                expect_text(reason.text, 500)
            return verdict

        try:
            return run_quietly(self.line, "evaluate", judge, RULE_S)
        except CodeFailed as error:
            raise RuleFailed(f"{self.name}: {error}") from None


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """Stands in for a rule that is switched on and cannot be built: it fails, it never allows."""

    reason: str
    name: str = "broken"
    stages: frozenset[RiskStage] = frozenset(RiskStage)
    needs: tuple[CounterNeed, ...] = ()

    def evaluate(self, subject: RiskSubject) -> RiskVerdict:
        """Fails."""
        raise CodeFailed(self.reason)


def broken_rule(plugin_id: str, station_id: int, reason: str) -> BoundRule:
    """A rule for all stages that raises `RuleFailed`: a broken guard is not a missing one."""
    rule = BrokenRule(reason)
    return BoundRule(
        plugin_id=plugin_id, name=f"{plugin_id}:{rule.name}", station_id=station_id,
        account_station_id=station_id, config_version=0, stages=rule.stages, needs=rule.needs,
        line=Line(plugin_id=plugin_id, slots=Slots()), rule=rule,
    )  # fmt: skip
