"""Contract checks of risk rules: pure, quick, and never silent about a missing count."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from kameng_sdk.kit.bench import Bench
from kameng_sdk.kit.calls import Said, Way, call
from kameng_sdk.kit.checks import RISK, NotApplicable, Suite, require
from kameng_sdk.kit.clients import Shut
from kameng_sdk.kit.common import CROWD, answers_fit, uses_the_client
from kameng_sdk.money import Money
from kameng_sdk.risk import (
    CounterNeed,
    FactValue,
    RiskDecision,
    RiskStage,
    RiskSubject,
    RiskVerdict,
)

KINDS = ("card", "top_up", "manual", "bundle", "wallet_top_up")
RULE_S = 1.0
MOST = 30

risk: Suite[Bench] = Suite("contract", RISK)
risk_faults: Suite[Bench] = Suite("fault", RISK)
risk_ends: Suite[Bench] = Suite("e2e", RISK)


@risk.check("build", "It makes its rules from the default settings, without sending anything.")
def _build(bench: Bench) -> None:
    require(not bench.trouble, bench.trouble)
    said = call("build", lambda ctx: bench.build_all(bench.config), Way(http=Shut()))
    require(said.error is None and not said.late, said.words())


@risk.check("declared", "Each rule has a name of its own, stages, and needs of the right types.")
def _declared(bench: Bench) -> None:
    rules = rules_of(bench)
    names = [rule.name for rule in rules]
    require(len(set(names)) == len(names) and all(names), "two rules have one name")
    for rule in rules:
        stages, needs = rule.stages, tuple(rule.needs)
        require(stages and all(type(s) is RiskStage for s in stages), f"{rule.name}: no stages")
        require(all(type(n) is CounterNeed for n in needs), f"{rule.name}: a need is none")


@risk.check("verdict", f"Every subject gets a RiskVerdict within {RULE_S:g} second.")
def _verdict(bench: Bench) -> None:
    for rule in rules_of(bench):
        for subject in subjects_of(rule, 1):
            said = judge(bench, rule, subject)
            require(said.error is None and not said.late, f"{rule.name}: {said.words()}")
            require(type(said.value) is RiskVerdict, f"{rule.name} gives no RiskVerdict")
    answers_fit(bench)


@risk.check("pure", "The same subject gets the same verdict, and nothing is connected to.")
def _pure(bench: Bench) -> None:
    for rule in rules_of(bench):
        for count in (1, MOST):
            for subject in subjects_of(rule, count):
                told = [judge(bench, rule, subject).value for _ in range(3)]
                require(told == [told[0]] * 3, f"{rule.name} judges one subject in two ways")
    uses_the_client(bench)


@risk.check("threads", f"{CROWD} threads get the verdicts that one gets.")
def _threads(bench: Bench) -> None:
    for rule in rules_of(bench):
        cases = [s for count in range(1, MOST, 4) for s in subjects_of(rule, count)]
        alone = [rule.evaluate(subject) for subject in cases]
        found: list[list[Any]] = []

        def work(rule: Any = rule, cases: Any = cases, found: Any = found) -> None:
            found.append([rule.evaluate(subject) for subject in cases])

        threads = [threading.Thread(target=work, daemon=True) for _ in range(CROWD)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        require(found == [alone] * CROWD, f"{rule.name} judges otherwise among threads")


@risk_faults.check("missing_count", "A count that is missing is never a reason to let pass.")
def _missing(bench: Bench) -> None:
    asked = False
    for rule in rules_of(bench):
        wanted = {kind for need in rule.needs for kind in need.applies_to}
        for subject in subjects_of(rule, None):
            if subject.order_kind in wanted:
                asked = True
                said = judge(bench, rule, subject)
                passed = getattr(said.value, "decision", None) is RiskDecision.ALLOW
                require(not passed, f"{rule.name} lets pass what it could not count")
    if not asked:
        raise NotApplicable("its rules ask for no counts")


@risk_ends.check("crowd", f"{MOST} subjects in a row are all judged, and more counts never help.")
def _crowd(bench: Bench) -> None:
    for rule in rules_of(bench):
        for stage in rule.stages:
            for kind in KINDS:
                worst = RiskDecision.ALLOW
                for count in range(1, MOST + 1):
                    subject = subject_for(rule, stage, kind, count)
                    verdict = rule.evaluate(subject)
                    require(verdict.decision >= worst, f"{rule.name}: the {count}th is let pass")
                    worst = verdict.decision


def rules_of(bench: Bench) -> list[Any]:
    """The rules under the default settings."""
    if bench.trouble:
        raise NotApplicable(bench.trouble)
    found: list[Any] = bench.once("rules", lambda: bench.build_all(bench.config))
    if not found:
        raise NotApplicable("it has no rules under its default settings")
    return found


def judge(bench: Bench, rule: Any, subject: RiskSubject) -> Said:
    """One evaluation."""
    return bench.say(
        rule.name, RiskVerdict, lambda ctx: rule.evaluate(subject), Way(http=Shut(), seconds=RULE_S)
    )


def subjects_of(rule: Any, count: int | None) -> Iterator[RiskSubject]:
    """A subject of every kind at every stage of a rule, all its counters at ``count``."""
    for stage in sorted(rule.stages, key=lambda s: str(s.value)):
        for kind in KINDS:
            yield subject_for(rule, stage, kind, count)


def subject_for(rule: Any, stage: RiskStage, kind: str, count: int | None) -> RiskSubject:
    """One subject; counters it needs stand at ``count``, None leaves them out."""
    facts: dict[str, FactValue] = {}
    if count is not None:
        facts = {need.name: count for need in rule.needs if kind in need.applies_to}
    return RiskSubject(
        stage=stage, order_kind=kind, station_ref="2", ip="203.0.113.9", member_ref="7",
        amount=Money.from_fen(9550), facts=facts,
    )  # fmt: skip
