"""A supplier's own bill beside our purchases: matched by number, four classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

CLASSES = ("only_ours", "only_theirs", "amount", "state")
GOOD, BAD = (
    ("succeeded", "success", "ok", "成功", "已完成", "完成"),
    ("failed", "declined", "失败", "已退款", "退款"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One purchase in a bill: what it cost, less what came back, and whether it was delivered."""

    amount: int
    delivered: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """One purchase that the two sides see differently; amounts at scale 4, None: not there."""

    kind: str
    purchase_no: str
    ours: int | None
    theirs: int | None


def compare(ours: Mapping[str, Line], theirs: Mapping[str, Line]) -> list[Difference]:
    """Differences by number. A purchase that neither side says was delivered is none."""
    found = []
    for number in sorted({*ours, *theirs}):
        mine, other = ours.get(number), theirs.get(number)
        kind = _class(mine, other)
        if kind:
            found.append(
                Difference(
                    kind, number, mine.amount if mine else None, other.amount if other else None
                )
            )
    return found


def _class(mine: Line | None, other: Line | None) -> str:
    if mine is None or other is None:
        there = mine or other
        if there is None or not there.delivered:
            return ""
        return "only_theirs" if mine is None else "only_ours"
    if mine.delivered != other.delivered:
        return "state"
    return "amount" if mine.delivered and mine.amount != other.amount else ""


def delivered_word(word: str) -> bool | None:
    """Whether a bill's word for a state means delivered; None for a word nobody knows."""
    plain = word.strip().lower()
    if not plain or plain in GOOD:
        return True
    return False if plain in BAD else None
