"""Purchase plans: what to buy, how far it has come, and whether it keeps up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

SLACK = 0.1  # a plan is behind only when a tenth of what is due is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a plan has come. Pieces beyond a line's plan do not make up for another line."""

    planned: int
    done: int
    share: float  # done by planned, 0 to 1; an empty plan is done
    due_share: float  # of its days that are over
    days_left: int
    behind: bool


def suggested(wanted: int, in_stock: int) -> int:
    """Pieces to buy so that stock and purchases meet the demand."""
    return max(0, wanted - in_stock)


def progress(
    lines: Iterable[tuple[int, int]], *, started: date, ends: date, today: date
) -> Progress:
    """From (planned, got) of each line. The last day belongs to the plan."""
    pairs = [(planned, min(got, planned)) for planned, got in lines]
    planned = sum(one for one, _got in pairs)
    done = sum(got for _one, got in pairs)
    length = max((ends - started).days + 1, 1)
    due = min(max((today - started).days / length, 0.0), 1.0)
    return Progress(
        planned=planned, done=done, share=done / planned if planned else 1.0, due_share=due,
        days_left=max((ends - today).days + 1, 0), behind=done < planned * due * (1 - SLACK),
    )  # fmt: skip
