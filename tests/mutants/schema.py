"""Mutants of the schema: every CHECK, every unique key and every policy, told by the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
from tests.mutants.choosing import WALLS, rules_of
from tests.mutants.mutant import Mutant

MACHINERY = "('alembic_version', 'applied_functions')"
CHECKS = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'c' AND connamespace = 'public'::regnamespace ORDER BY 1, 2"
)
UNIQUE = f"""SELECT x.indrelid::regclass::text, i.relname, pg_get_indexdef(i.oid), k.conname
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('u', 'p')
 WHERE x.indisunique AND NOT x.indisprimary AND i.relnamespace = 'public'::regnamespace
   AND x.indrelid::regclass::text NOT IN {MACHINERY} ORDER BY 1, 2"""
POLICIES = (
    "SELECT tablename, policyname, coalesce(qual, ''), coalesce(with_check, ''), permissive = 'RESTRICTIVE'"
    " FROM pg_policies WHERE schemaname = 'public' ORDER BY 1, 2"
)


def of_schema(connection: psycopg.Connection) -> Iterator[Mutant]:
    """Every mutant of a migrated database's schema."""
    for table, name, text in connection.execute(CHECKS).fetchall():
        sql = f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'
        yield Mutant("check", table, name, text, rules_of(table), sql)
    for table, name, text, constraint in connection.execute(UNIQUE.encode()).fetchall():
        sql = f'DROP INDEX "{name}"'
        if constraint:
            sql = f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}" CASCADE'
        yield Mutant("unique", table, name, text, rules_of(table), sql)
    for table, name, using, check, restrictive in connection.execute(POLICIES).fetchall():
        yield Mutant(
            "policy", table, name, using or check, WALLS, f'DROP POLICY "{name}" ON {table}'
        )
        terms = _terms(check) if restrictive else []
        for term in terms:
            rest = " AND ".join(f"({other})" for other in terms if other != term)
            yield Mutant(
                "check",
                table,
                name,
                term,
                rules_of(table),
                f'ALTER POLICY "{name}" ON {table} WITH CHECK ({rest or "true"})',
            )


def _terms(rule: str) -> list[str]:
    """What a rule's outermost ANDs join."""
    inner, depth, terms = rule[1:-1], 0, [""]
    for word in re.split(r"([()]|\bAND\b)", inner):
        depth += (word == "(") - (word == ")")
        if word == "AND" and depth == 0:
            terms.append("")
        else:
            terms[-1] += word
    return [term.strip() for term in terms] if len(terms) > 1 else [rule]
