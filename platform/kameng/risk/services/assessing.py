"""Before an order or a wallet top-up: gather facts, count, ask every rule, keep the decision."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text

from kameng.db import db
from kameng.plugins import api as plugins
from kameng.plugins.api import BoundRule, RuleFailed
from kameng.risk.domain import Assessment, Decision, Opinion, combine, counts_wanted, failed
from kameng.risk.services.counting import count
from kameng_sdk.money import Money
from kameng_sdk.risk import FactValue, KeyField, RiskStage, RiskSubject

log = logging.getLogger("kameng.risk")

_STORE = text(
    "INSERT INTO risk_decision(station_id, stage, decision, score, reasons, facts)"
    " VALUES (:station_id, :stage, :decision, :score, CAST(:reasons AS jsonb),"
    " CAST(:facts AS jsonb))"
)


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
    """Judge what is about to be bought; ends and commits the open transaction.

    `kind`: card, top_up, manual, bundle, wallet_top_up. `amount` at scale 4. `event_id` is the
    order's idempotency key: the same one is counted once, however often it is sent. Returns the
    decision and its reasons [{rule, code, text}] for `orders.place(risk=…)`. Never raises for a
    broken rule: that is a review.
    """
    db.session.commit()  # rules are plugins: no transaction stays open while they think
    rules, lost = _rules(station_id)
    keys: dict[KeyField, str] = {
        "ip": ip,
        "member_ref": f"{station_id}:{member_id}" if member_id is not None else "",
        "station_ref": str(station_id),
    }
    needs = [need for rule in rules for need in rule.needs]
    counted = count(station_id, event_id, counts_wanted(needs, kind, keys))
    subject = RiskSubject(
        stage=RiskStage.ORDER, order_kind=kind, station_ref=keys["station_ref"], ip=ip,
        member_ref=keys["member_ref"], amount=Money(amount),
        facts={**(facts or {}), "contact": contact, **counted},
    )  # fmt: skip
    found = combine([*(_ask(rule, subject) for rule in rules), *lost])
    _store(station_id, subject, counted, event_id, found)
    return found.decision, found.reasons


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


def _store(
    station_id: int,
    subject: RiskSubject,
    counted: Mapping[str, int],
    event_id: str,
    found: Assessment,
) -> None:
    facts: dict[str, Any] = {
        "event_id": event_id, "kind": subject.order_kind, "ip": subject.ip,
        "member": subject.member_ref, "amount": subject.amount.amount if subject.amount else 0,
        "counts": dict(counted),
    }  # fmt: skip
    db.session.execute(
        _STORE,
        {
            "station_id": station_id, "stage": subject.stage.value, "decision": found.decision,
            "score": found.score, "reasons": json.dumps(found.reasons, ensure_ascii=False),
            "facts": json.dumps(facts),
        },
    )  # fmt: skip
    db.session.commit()
