"""The four ways in which a call to the outside can end."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """What is known after one call. The host stores it; nothing else decides what comes next."""

    SUCCEEDED = "succeeded"
    """Done, for certain, and final."""

    PENDING = "pending"
    """Accepted by the other side and not done yet; a notice or a query will tell."""

    DECLINED = "declined"
    """Not done, for certain, and final; a new attempt with a new number is safe."""

    UNKNOWN = "unknown"
    """It may or may not have been done; only a query with the same number may follow."""
