"""Before an order or a wallet top-up: gather facts, count, ask every rule, keep the decision."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from kameng.db import db, in_transaction
from kameng.plugins import api as plugins
from kameng.plugins.api import BoundRule, RuleFailed
from kameng.risk.domain import (
    Assessment,
    Count,
    Decision,
    Opinion,
    combine,
    counts_wanted,
    failed,
)
from kameng.risk.services.counting import count
from kameng_sdk.money import Money
from kameng_sdk.risk import FactValue, KeyField, RiskStage, RiskSubject

log = logging.getLogger("kameng.risk")

_STORE = text(
    "INSERT INTO risk_decision(station_id, stage, decision, score, reasons, facts)"
    " VALUES (:station_id, :stage, :decision, :score, CAST(:reasons AS jsonb),"
    " CAST(:facts AS jsonb))"
)


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The rules of one station that speak at an order; `lost`: verdicts of those that cannot."""

    station_id: int
    rules: tuple[BoundRule, ...]
    lost: tuple[Opinion, ...]

    def counters(self, kind: str, ip: str, member_id: int | None) -> Sequence[Count]:
        """What must be counted before they are asked."""
        needs = [need for rule in self.rules for need in rule.needs]
        return counts_wanted(needs, kind, self._keys(ip, member_id))

    def judge(self, subject: RiskSubject) -> Assessment:
        """Ask them all. Never raises for a broken rule: that is a review."""
        asked = [rule for rule in self.rules if rule.concerns(subject.order_kind)]
        return combine([*(_ask(rule, subject) for rule in asked), *self.lost])

    def subject(
        self, kind: str, ip: str, member_id: int | None, amount: int | None,
        facts: Mapping[str, FactValue],
    ) -> RiskSubject:  # fmt: skip
        """What they are shown."""
        keys = self._keys(ip, member_id)
        return RiskSubject(
            stage=RiskStage.ORDER, order_kind=kind, station_ref=keys["station_ref"], ip=ip,
            member_ref=keys["member_ref"], facts=facts,
            amount=None if amount is None else Money(amount),
        )  # fmt: skip

    def _keys(self, ip: str, member_id: int | None) -> dict[KeyField, str]:
        return {
            "ip": ip,
            "member_ref": f"{self.station_id}:{member_id}" if member_id is not None else "",
            "station_ref": str(self.station_id),
        }


def order_rules(station_id: int) -> OrderRules:
    """The rules as they are switched on now; commits the open transaction."""
    if in_transaction():
        db.session.commit()
    rules, lost = _rules(station_id)
    return OrderRules(station_id, tuple(rules), tuple(lost))


def stored_facts(subject: RiskSubject, counted: Mapping[str, int], event_id: str) -> str:
    """What is kept of a decision, as JSON."""
    facts: dict[str, Any] = {
        "event_id": event_id, "kind": subject.order_kind, "ip": subject.ip,
        "member": subject.member_ref, "amount": subject.amount.amount if subject.amount else 0,
        "counts": dict(counted),
    }  # fmt: skip
    return json.dumps(facts)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules have decided about an order, not yet kept."""

    subject: RiskSubject
    counted: Mapping[str, int]
    event_id: str
    found: Assessment

    @property
    def facts(self) -> str:
        """What is kept of it, as JSON."""
        return stored_facts(self.subject, self.counted, self.event_id)


def assess_order(
    station_id: int,
    kind: str,
    ip: str,
    member_id: int | None,
    contact: str,
    amount: int,
    facts: Mapping[str, FactValue] | None,
    event_id: str,
) -> tuple[Decision, list[dict[str, str]]]:
    """Judge what is about to be bought and keep the decision: `judge_order`, `keep_decision`.

    Returns the decision and its reasons [{rule, code, text}] for `orders.place(risk=…)`.
    """
    judged = judge_order(station_id, kind, ip, member_id, contact, amount, facts, event_id)
    keep_decision(station_id, judged)
    return judged.found.decision, judged.found.reasons


def judge_order(
    station_id: int,
    kind: str,
    ip: str,
    member_id: int | None,
    contact: str,
    amount: int,
    facts: Mapping[str, FactValue] | None,
    event_id: str,
) -> Judged:
    """Judge what is about to be bought; ends and commits the open transaction.

    `kind`: card, top_up, manual, bundle, wallet_top_up. `amount` at scale 4. `event_id` is the
    order's idempotency key: the same one is counted once, however often it is sent. Never raises
    for a broken rule: that is a review.
    """
    asked = order_rules(station_id)  # plugins: no transaction stays open while they think
    counted = count(station_id, event_id, asked.counters(kind, ip, member_id))
    told = {**(facts or {}), "contact": contact, **counted}
    subject = asked.subject(kind, ip, member_id, amount, told)
    return Judged(subject, counted, event_id, asked.judge(subject))


def keep_decision(station_id: int, judged: Judged) -> None:
    """Keep a decision in a transaction of its own; commits."""
    store_decision(station_id, judged.subject, judged.counted, judged.event_id, judged.found)


def _rules(station_id: int) -> tuple[Sequence[BoundRule], list[Opinion]]:
    try:
        rules = plugins.risk_rules(station_id)
    except Exception:
        log.exception("risk rules of station %d", station_id)
        return [], [failed("*")]
    return [rule for rule in rules if RiskStage.ORDER in rule.stages], []


def _ask(rule: BoundRule, subject: RiskSubject) -> Opinion:
    try:
        return Opinion(rule.name, rule.evaluate(subject))
    except RuleFailed as error:
        log.warning("risk rule failed: %s", error)
        return failed(rule.name)


def store_decision(
    station_id: int,
    subject: RiskSubject,
    counted: Mapping[str, int],
    event_id: str,
    found: Assessment,
) -> None:
    """Keep what was decided; commits."""
    db.session.execute(
        _STORE,
        {
            "station_id": station_id, "stage": subject.stage.value, "decision": found.decision,
            "score": found.score, "reasons": json.dumps(found.reasons, ensure_ascii=False),
            "facts": stored_facts(subject, counted, event_id),
        },
    )  # fmt: skip
    db.session.commit()
