"""Mutants of the guarded functions, found by pattern: a new function is covered by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.choosing import files_for_function
from tests.mutants.mutant import Mutant

FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)\(.*?\$f\$.*?\$f\$;", re.DOTALL)
IF = r"(?<!\w)IF (?:(?! THEN\b)[^;])+ THEN\s+"
# kind, what stands there, what stands there in the mutant
PATTERNS = (
    ("lock", re.compile(r" FOR (?:NO KEY )?UPDATE(?: OF \w+)?(?: SKIP LOCKED)?"), ""),
    ("lock", re.compile(r" SKIP LOCKED"), ""),
    ("lock", re.compile(r"PERFORM pg_advisory_xact_lock\(.*?\);"), ""),
    ("guard", re.compile(r"PERFORM _(?:enter_station|require_approved)\(.*?\);"), ""),
    ("guard", re.compile(IF + r"(?:RAISE|RETURN|code :=)(?:(?!END IF;|ELSIF|ELSE\n).)*END IF;", re.DOTALL), ""),
    ("guard", re.compile(r"\s+WHEN (?:(?!WHEN |THEN )[^;])+? THEN '\w+'(?=\s+(?:WHEN|END))"), ""),
    ("guard", re.compile(r"\s+ON CONFLICT[^;]*?DO NOTHING"), ""),
    ("guard", re.compile(r" AND b\.balance [-+] \w+ >= b\.floor"), ""),
    ("guard", re.compile(r" AND (?:\w+\.)?(?:state|status) (?:<>|=|IN|NOT IN) (?:'\w+'|\d|p_\w+|\([^()]*\))"), ""),
    ("guard", re.compile(r"(?<=WHERE )(?:\w+\.)?(?:state|status) (?:<>|=|IN|NOT IN) (?:'\w+'|\([^()]*\)) AND "), ""),
    ("guard", re.compile(r"\s+AND NOT EXISTS \((?:[^()]|\([^()]*\))*\)"), ""),
    ("guard", re.compile(r" AND (?:\w+\.)?(?:account_station_id = p_holder|account = p_account|member_id = p_member|key_id = q\.old_key|l\.active|active)\b"), ""),
    ("guard", re.compile(r"(?:(?<=WHERE )|(?<=ON )|(?<=AND ))[le]\.station_id = p_station AND "), ""),
    ("guard", re.compile(r" WHERE p\.station_id = p_owner\b"), ""),
    ("guard", re.compile(r" AND \(\w+\.expires_on IS NULL OR \w+\.expires_on > current_date\)| AND \(expires_on IS NULL OR expires_on > current_date\)"), ""),
    ("guard", re.compile(r" AND p_quantity BETWEEN s\.min_quantity AND s\.max_quantity"), ""),
    ("guard", re.compile(r"\s+AND \(p_max_total IS NULL OR [^\n]*\)(?=\n)"), ""),
    ("guard", re.compile(r"CASE WHEN [^\n;]*? THEN 'repeat' ELSE 'conflict' END"), "'repeat'"),
)  # fmt: skip
# Not a safeguard, or provably without effect when it is gone: (function, removed text) → why.
LEFT_OUT: dict[tuple[str, str], str] = {}


def of_functions(root: Path) -> Iterator[Mutant]:
    """Every mutant of every `platform/kameng/*/sql/*.sql`."""
    for path in sorted(root.glob("platform/kameng/*/sql/*.sql")):
        for found in FUNCTION.finditer(path.read_text(encoding="utf-8")):
            yield from _of(path.relative_to(root).as_posix(), found.group(1), found.group())


def _of(file: str, function: str, text: str) -> Iterator[Mutant]:
    seen: Counter[str] = Counter()
    for kind, pattern, instead in PATTERNS:
        for found in pattern.finditer(text):
            removed = " ".join(found.group().split())
            if (
                _said_only(text, found.start())
                or _goes_on(removed)
                or (function, removed) in LEFT_OUT
            ):
                continue
            seen[removed] += 1
            sql = text[: found.start()] + instead + text[found.end() :]
            yield Mutant(
                kind, file, function, removed, files_for_function(file, function), sql, text,
                number=seen[removed],
            )  # fmt: skip


def _said_only(text: str, at: int) -> bool:
    """Inside a comment."""
    return "--" in text[text.rfind("\n", 0, at) + 1 : at]


def _goes_on(removed: str) -> bool:
    """A branch that leads on to success is the function's work, no safeguard."""
    return removed.startswith("IF") and (
        " 'ok'" in removed or removed.count("IF ") > 2 or "IF FOUND THEN code" in removed
    )
