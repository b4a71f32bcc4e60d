"""Risk rules that fail in every way but one."""

import time

from kameng_sdk.hookspecs import hookimpl
from kameng_sdk.manifest import PluginKind, PluginManifest
from kameng_sdk.risk import ALLOWED, RiskReason, RiskStage, RiskVerdict

WHY = RiskReason(code="x", text="x")


class Rule:
    stages = frozenset({RiskStage.ORDER})
    needs = ()

    def __init__(self, name, judge):
        self.name = name
        self.evaluate = judge


def _raise(_subject):
    raise ValueError("what is an IP?")


@hookimpl
def kameng_manifest():
    return PluginManifest(
        id="risk-hostile", kind=PluginKind.RISK, name="Hostile", version="1",
        api_version=(1, 0), description="Misbehaves.", author="Tests", on_by_default=True,
    )  # fmt: skip


@hookimpl
def kameng_risk_rules(config):
    return [
        Rule("raises", _raise),
        Rule("hangs", lambda _subject: time.sleep(3)),
        Rule("truthy", lambda _subject: True),
        Rule("wordy", lambda _subject: RiskVerdict(decision="allow", reasons=[WHY])),
        Rule("fractional", lambda _subject: RiskVerdict(decision=ALLOWED.decision, score=0.5)),
        Rule("fine", lambda _subject: ALLOWED),
    ]
