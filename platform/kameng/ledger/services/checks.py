"""Reads checks.sql: the proofs that the books must pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

HEAD = re.compile(r"^-- check: (\w+) \| (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckQuery:
    """One proof: `sql` returns (subject, expected, found) for whatever is wrong."""

    name: str
    title: str
    sql: str


@cache
def checks() -> tuple[CheckQuery, ...]:
    """All proofs in the order of the file."""
    body = resources.files(__package__).joinpath("checks.sql").read_text(encoding="utf-8")
    _intro, *parts = HEAD.split(body)
    return tuple(
        CheckQuery(name, title, sql.strip())
        for name, title, sql in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    )
