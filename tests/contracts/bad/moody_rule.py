"""Judges the same subject now this way, now that."""

import itertools

from example_risk.plugin import kameng_manifest
from example_risk.rule import TopUpsPerMember
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.risk import RiskDecision, RiskReason, RiskVerdict

__all__ = ["kameng_manifest"]

MOODS = itertools.count()


class Bad(TopUpsPerMember):
    def evaluate(self, subject):
        sober = super().evaluate(subject)
        if sober.decision is RiskDecision.ALLOW:
            return sober
        reason = RiskReason(code="mood", text=str(next(MOODS)))
        return RiskVerdict(decision=sober.decision, score=sober.score, reasons=(reason,))


@hookimpl
def kameng_risk_rules(config):
    return (Bad(limit=config.number("limit"), window_s=config.number("window_s")),)
