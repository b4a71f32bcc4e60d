"""Which supplier gets an order, and why. Pure: facts in, a ranked list with reasons out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

TERMS = {"exclusive": 0, "priority": 1, "standard": 2, "": 2}
# A and B, and who is too new for a grade, are asked by price; C and D only after all of them.
CLASSES = {"A": 0, "B": 0, "": 0, "C": 1, "D": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One offer that could serve an order. Costs are of one piece, at scale 4.

    ``funds`` is what may still be spent there (prepaid money or credit), None when nobody knows.
    ``contract_cost`` is the agreed price, None without one. ``tried``: this order was declined or
    cut short there before. ``blocked`` is a reason found outside (paused, papers …), or "".
    """

    supplier_id: int
    supplier: str
    connection_id: int
    offer_id: int
    cost: int
    stock: int | None = None
    on_sale: bool = True
    minimum: int = 1
    maximum: int | None = None
    grade: str = ""
    terms: str = ""
    contract_cost: int | None = None
    funds: int | None = None
    broken: bool = False
    tried: bool = False
    blocked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A choice with its place: "chosen", "next" or "out", and the reason as a code."""

    choice: Choice
    outcome: str
    why: str

    def explained(self) -> dict[str, Any]:
        """As it is kept with the purchase and read on the order."""
        one = self.choice
        return {
            "supplier_id": one.supplier_id, "supplier": one.supplier, "offer_id": one.offer_id,
            "connection_id": one.connection_id, "cost": one.cost, "grade": one.grade,
            "terms": one.terms, "outcome": self.outcome, "why": self.why,
        }  # fmt: skip


def rank(choices: Iterable[Choice], *, quantity: int, unit_cap: int) -> list[Ranked]:
    """The usable choices, best first, then the others with the reason that rules them out.

    Contract terms come first, then the grade's class, then cost, grade and age of the offer.
    """
    usable: list[Choice] = []
    out: list[Ranked] = []
    for choice in choices:
        reason = unusable(choice, quantity=quantity, unit_cap=unit_cap)
        if reason:
            out.append(Ranked(choice=choice, outcome="out", why=reason))
        else:
            usable.append(choice)
    if any(choice.terms == "exclusive" for choice in usable):
        out += [_exclusive(choice) for choice in usable if choice.terms != "exclusive"]
        usable = [choice for choice in usable if choice.terms == "exclusive"]
    usable.sort(key=_order)
    return _placed(usable) + sorted(out, key=lambda ranked: ranked.choice.cost)


def unusable(choice: Choice, *, quantity: int, unit_cap: int) -> str:
    """Why a choice cannot serve so many pieces at this cap, as a code; "" when it can."""
    checks = (
        (bool(choice.blocked), choice.blocked),
        (choice.tried, "tried"),
        (choice.broken, "broken"),
        (not choice.on_sale, "off_sale"),
        (choice.stock is not None and choice.stock < quantity, "no_stock"),
        (quantity < choice.minimum, "below_minimum"),
        (choice.maximum is not None and quantity > choice.maximum, "above_maximum"),
        (choice.contract_cost is not None and choice.cost > choice.contract_cost, "above_contract"),
        (choice.cost > unit_cap, "above_cap"),
        (choice.funds is not None and choice.cost * quantity > choice.funds, "no_funds"),
    )
    return next((reason for wrong, reason in checks if wrong), "")


def _placed(usable: Sequence[Choice]) -> list[Ranked]:
    return [
        Ranked(
            choice=choice,
            outcome="next" if place else "chosen",
            why=_why(choice, usable) if place == 0 else "behind",
        )
        for place, choice in enumerate(usable)
    ]


def _why(best: Choice, usable: Sequence[Choice]) -> str:
    """What decided: the first thing in which the best differs from the others."""
    others = usable[1:]
    if not others:
        return "only_one"
    if TERMS[best.terms] < min(TERMS[other.terms] for other in others):
        return f"terms_{best.terms}"
    if CLASSES[best.grade] < min(CLASSES[other.grade] for other in others):
        return "better_grade"
    if best.cost < min(other.cost for other in others):
        return "cheapest"
    rivals = [other for other in others if _order(other)[:2] == _order(best)[:2]]
    return "cheapest" if rivals and best.cost < min(r.cost for r in rivals) else "first_of_equals"


def _order(choice: Choice) -> tuple[int, int, int, str, int]:
    grade = choice.grade or "B"
    return (
        TERMS[choice.terms], CLASSES[choice.grade], choice.cost, grade, choice.offer_id,
    )  # fmt: skip


def _exclusive(choice: Choice) -> Ranked:
    return Ranked(choice=choice, outcome="out", why="exclusive_elsewhere")
