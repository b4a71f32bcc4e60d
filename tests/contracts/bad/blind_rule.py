"""Lets pass whom it could not count."""

from example_risk.plugin import kameng_manifest
from example_risk.rule import TopUpsPerMember
from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.risk import ALLOWED

__all__ = ["kameng_manifest"]


class Bad(TopUpsPerMember):
    def evaluate(self, subject):
        if self.counter not in subject.facts:
            return ALLOWED
        return super().evaluate(subject)


@hookimpl
def kameng_risk_rules(config):
    return (Bad(limit=config.number("limit"), window_s=config.number("window_s")),)
