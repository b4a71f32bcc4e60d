"""States of a station and rules of its names. Pure."""

from __future__ import annotations

TRANSITIONS: dict[str, frozenset[str]] = {
    "applied": frozenset({"training", "trial", "active", "closed"}),
    "training": frozenset({"trial", "active", "closed"}),
    "trial": frozenset({"active", "restricted", "suspended", "closed"}),
    "active": frozenset({"restricted", "suspended", "closed"}),
    "restricted": frozenset({"active", "suspended", "closed"}),
    "suspended": frozenset({"active", "restricted", "closed"}),
    "closed": frozenset(),
}

# A restricted station loses privileges (withdrawal, promotion), not its shoppers.
SELLING_STATES = frozenset({"trial", "active", "restricted"})
VISIBLE_STATES = SELLING_STATES


def may_become(state: str, new_state: str) -> bool:
    """Whether the state machine has this transition."""
    return new_state in TRANSITIONS.get(state, frozenset())
