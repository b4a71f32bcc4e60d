"""Mutants that change nothing anybody could see: another safeguard does the same. Each with its reason.

They are tried like all others. One that survives is not counted as killed and not as a hole; one
that a test kills is no equivalent: the run says so and ends in failure.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.mutants.mutant import Mutant

# (function, or file without one; what the removed text begins with) → why nothing changes.
EQUIVALENT: dict[tuple[str, str], str] = {}


def reason(mutant: Mutant) -> str:
    """Why it is an equivalent, "" when it is none that is known."""
    for (name, removed), why in EQUIVALENT.items():
        if name in (mutant.name, mutant.place) and mutant.removed.startswith(removed):
            return why
    return ""


def unknown(mutants: Iterable[Mutant]) -> list[tuple[str, str]]:
    """Entries that name no mutant any more."""
    left = dict.fromkeys(EQUIVALENT)
    for mutant in mutants:
        for name, removed in list(left):
            if name in (mutant.name, mutant.place) and mutant.removed.startswith(removed):
                del left[name, removed]
    return list(left)
