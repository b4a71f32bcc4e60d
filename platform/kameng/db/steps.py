"""The newest step of the schema, without Alembic: servers ask for it, only `migrate` takes it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

STEPS = Path(__file__).parent / "migrations" / "versions"


@cache
def newest_step() -> str:
    """Its revision, which the file's name begins with."""
    return max(path.name for path in STEPS.glob("[0-9]*.py")).partition("_")[0]
