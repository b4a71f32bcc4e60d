"""`make mutants` takes hours: what it names must be there before it begins."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.mutants import equivalents
from tests.mutants.functions import of_functions
from tests.mutants.mutant import Mutant
from tests.mutants.python import of_python
from tests.mutants.schema import WALLS, rules_of

ROOT = Path(__file__).resolve().parents[2]


def mutants() -> Iterator[Mutant]:
    """All but those that only a database can tell."""
    yield from of_functions(ROOT)
    yield from of_python(ROOT)


def has(test: str) -> bool:
    """Whether the file, the folder or the test of a file is there."""
    file, _, name = test.partition("::")
    path = ROOT / file
    if not name:
        return path.exists()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return name.partition("[")[0] in names


def test_the_tests_that_are_to_notice_are_there() -> None:
    named = {test for mutant in mutants() for test in mutant.tests} | {*WALLS, *rules_of("orders")}
    assert [test for test in sorted(named) if not has(test)] == []


def test_no_two_mutants_are_one() -> None:
    found = [mutant.id for mutant in mutants()]
    assert len(found) > 600
    assert len(set(found)) == len(found)


def test_an_equivalent_is_the_name_of_a_mutant_and_has_a_reason() -> None:
    unknown = equivalents.unknown(mutants())
    assert [entry for entry in unknown if "INDEX" not in entry[1]] == []
    assert all(len(why) > 20 for why in equivalents.EQUIVALENT.values())
