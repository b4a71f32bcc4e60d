"""Rows that no database of ours takes: every CHECK, every policy's rule and every unique key is broken once.

As the guard, who alone writes most of these tables; foreign keys and empty columns are let pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from .rules import ONCE, SOUND, WRONG

REFUSALS = (psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege)
FILLERS = {
    "bigint": "1",
    "integer": "1",
    "smallint": "1",
    "date": "'2026-01-01'",
    "timestamp with time zone": "now()",
}
COLUMNS = """SELECT attname, format_type(atttypid, NULL), attidentity <> '', attnum = ANY (coalesce(conkey, '{}'))
  FROM pg_attribute LEFT JOIN pg_constraint ON conrelid = attrelid AND contype = 'p' WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"""
NAMES = """SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"""
KEYS = """SELECT indrelid::regclass::text, relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indisunique AND NOT indisprimary
  AND relnamespace = 'public'::regnamespace AND indrelid::regclass::text NOT LIKE 'alembic%'"""


class Table:
    """One table whose columns may be empty, for the length of a transaction."""

    def __init__(self, owner: psycopg.Connection[Any], name: str) -> None:
        self._owner, self.name = owner, name
        self._keys: dict[str, str] = {}
        for column, kind, identity, in_key in owner.execute(COLUMNS, (name,)).fetchall():
            if in_key:
                self._keys[column] = FILLERS.get(kind, "'x'")
            if identity:
                self._alter(f"ALTER {column} DROP IDENTITY")
            if not in_key:
                self._alter(f"ALTER {column} DROP NOT NULL, ALTER {column} DROP DEFAULT")
        owner.execute(f"GRANT ALL ON {name} TO kameng_guard".encode())
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute("SET LOCAL ROLE kameng_guard")

    def _alter(self, what: str) -> None:
        self._owner.execute(f"ALTER TABLE {self.name} {what}".encode())

    def add(self, said: str, number: int = 1) -> None:
        """A row with what is said; `number` tells rows apart whose key is not part of it."""
        other = str(1000 + number)  # a migrated database is not empty
        values = {name: other if value == "1" else value for name, value in self._keys.items()}
        values |= pairs(SOUND.get(self.name, "")) | pairs(said)
        words = (
            f"INSERT INTO {self.name} ({', '.join(values)}) VALUES ({', '.join(values.values())})"
        )
        self._owner.execute(words.encode())


def pairs(said: str) -> dict[str, str]:
    """column → value of "a = 1, b = 'x'"."""
    cut = said.replace(", ", ",\n").replace(",\n'", ", '").split(",\n") if said else []
    joined: list[str] = []
    for part in cut:
        if " = " in part:
            joined.append(part)
        else:
            joined[-1] += ", " + part
    return dict(tuple(part.split(" = ", 1)) for part in joined)


@contextmanager
def opened(owner: psycopg.Connection[Any], name: str) -> Iterator[Table]:
    with owner.transaction(force_rollback=True):
        yield Table(owner, name)


def refusal(owner: psycopg.Connection[Any], table: Table, said: str, number: int = 1) -> Any:
    """What the database says to this row; None when it takes it."""
    try:
        with owner.transaction(force_rollback=True):
            table.add(said, number)
    except psycopg.Error as error:
        return error
    return None


@pytest.mark.parametrize("name", WRONG)
def test_a_row_that_breaks_a_rule_is_refused(owner: psycopg.Connection[Any], name: str) -> None:
    with opened(owner, name) as table:
        if name in SOUND:
            assert not isinstance(refusal(owner, table, ""), REFUSALS)
        taken = [
            said for said in WRONG[name] if not isinstance(refusal(owner, table, said), REFUSALS)
        ]
    assert taken == []


@pytest.mark.parametrize("name", ONCE)
def test_a_second_row_with_the_same_key_is_refused(
    owner: psycopg.Connection[Any], name: str
) -> None:
    taken = []
    for said in ONCE[name]:
        with opened(owner, name) as table:
            table.add(said, 1)
            if not isinstance(refusal(owner, table, said, 2), psycopg.errors.UniqueViolation):
                taken.append(said)
    assert taken == []


def test_every_rule_of_the_schema_is_broken_by_a_sample(owner: psycopg.Connection[Any]) -> None:
    broken, met = set(), set()
    for name in WRONG:
        with opened(owner, name) as table:
            errors = [refusal(owner, table, said) for said in WRONG[name]]
            broken |= {(name, error.diag.constraint_name) for error in errors if error}
    for name, keys in ONCE.items():
        for said in keys:
            with opened(owner, name) as table:
                table.add(said, 1)
                met.add((name, refusal(owner, table, said, 2).diag.constraint_name))
    assert set(owner.execute(NAMES).fetchall()) - broken == set()
    assert set(owner.execute(KEYS).fetchall()) - met == set()
