"""Which test calls which guarded function: found by running the tests once on functions that say so in the log."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from tests.mutants.bench import Bench
from tests.mutants.functions import FUNCTION

MARK = "kameng mutants trace: "
TRACE = f"""CREATE FUNCTION _trace(p_name text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN RAISE LOG '{MARK}%', p_name; END $f$; ALTER FUNCTION _trace(text) OWNER TO kameng_guard;"""
# Processes of their own, and servers of their own, do not run on the traced database.
ELSEWHERE = (
    "tests/integration/jobs/test_processes.py",
    "tests/integration/ops/",
    "tests/integration/db/",
)
# Long histories: no mutant asks them.
LONG = re.compile(
    r"_machine\.py|test_(?:interleavings|planted_faults|vault_under_load|pure_rules)\.py"
)
Calls = dict[str, dict[str, float]]  # function → test → its seconds


def traced(root: Path, functions: Collection[str] = ()) -> str:
    """SQL that makes these guarded functions, else every one, say its name when it is called."""
    statements = [TRACE]
    for path in sorted(root.glob("platform/kameng/*/sql/*.sql")):
        for found in FUNCTION.finditer(path.read_text(encoding="utf-8")):
            if functions and found.group(1) not in functions:
                continue
            call = f"SELECT _trace('{found.group(1)}');\n"
            if "LANGUAGE plpgsql" in found.group():
                call = "\nBEGIN\n  " + call.replace("SELECT", "PERFORM")
                statements.append(found.group().replace("\nBEGIN\n", call, 1))
            else:
                statements.append(found.group().replace("AS $f$\n", "AS $f$\n" + call, 1))
    return "\n".join(statements)


def every_file(root: Path) -> list[str]:
    """Of all tests with a database."""
    return [
        p.relative_to(root).as_posix()
        for name in ("tests/integration", "tests/properties")
        for p in sorted((root / name).rglob("test_*.py"))
    ]


def trace(
    bench: Bench, root: Path, files: Collection[str], functions: Collection[str] = ()
) -> Calls:
    """Run the test files once; a file that fails is left out, with a word. `functions`: as in `traced`."""
    calls: Calls = defaultdict(dict)
    with bench.template(traced(root, functions)) as template:
        for file in files:
            if file.startswith(ELSEWHERE) or LONG.search(file):
                continue
            found = bench.run([file], [], template, 400, all=True)
            print(
                f"traced {file}: {found.get('ran')} tests, {found.get('seconds', 0):.0f} s {found.get('test', found.get('why', ''))}",
                flush=True,
            )
            for test, (start, end) in found.get("spots", {}).items():
                for function in _names(bench.log, start, end):
                    calls[function][test] = round(found["times"].get(test, 0), 2)
    return dict(calls)


def _names(log: Path, start: int, end: int) -> set[str]:
    with log.open("rb") as text:
        text.seek(start)
        said = text.read(end - start).decode(errors="replace")
    return set(re.findall(MARK + r"(\w+)", said))


def keep(calls: Calls, path: Path) -> None:
    """The map for the next run, cheapest tests first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = {
        name: dict(sorted(tests.items(), key=lambda one: one[1]))
        for name, tests in sorted(calls.items())
    }
    path.write_text(json.dumps(ordered, indent=0), encoding="utf-8")
