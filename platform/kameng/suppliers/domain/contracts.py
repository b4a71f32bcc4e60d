"""Contracts: what may follow what, and when two exclude each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

TERMS = ("standard", "priority", "exclusive")
CYCLES = ("prepaid", "daily", "weekly", "monthly")
TRANSITIONS = {"draft": ("active", "ended"), "active": ("ended",), "ended": ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """What is agreed; `credit_limit` at scale 4, how much may be owed (0: prepaid)."""

    terms: str
    valid_from: date
    valid_until: date
    credit_limit: int
    settlement_cycle: str
    duty_contact: str
    duty_phone: str
    duty_minutes: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """Another supplier's running exclusive contract for a SKU."""

    supplier: str
    contract_no: str
    sku_id: int
    sku: str
    valid_from: date
    valid_until: date


def term_problems(given: ContractTerms) -> dict[str, str]:
    """Field → code of what cannot be."""
    wrong = {}
    if given.terms not in TERMS:
        wrong["terms"] = "unknown"
    if given.settlement_cycle not in CYCLES:
        wrong["settlement_cycle"] = "unknown"
    if given.valid_until < given.valid_from:
        wrong["valid_until"] = "before_start"
    if given.credit_limit < 0:
        wrong["credit_limit"] = "negative"
    if not 1 <= given.duty_minutes <= 10_080:
        wrong["duty_minutes"] = "out_of_range"
    return wrong


def clashes(
    valid_from: date, valid_until: date, sku_ids: Iterable[int], claims: Iterable[Claim]
) -> list[Claim]:
    """Claims of others on the same SKUs in days that both contracts cover."""
    wanted = set(sku_ids)
    return [
        claim
        for claim in claims
        if claim.sku_id in wanted
        and claim.valid_from <= valid_until
        and valid_from <= claim.valid_until
    ]
