"""The folders say what they hold, and the traps that were hit once stay shut."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_ROOTS = ("platform", "tenants", "admin")
SOURCES = [
    path
    for root in (*SOURCE_ROOTS, "plugins")
    for path in (ROOT / root).rglob("*.py")
    if not {"node_modules", "tests"} & set(path.parts)
]
CONTEXT_FILES = {"domain", "models", "services", "api", "tasks", "views", "hooks", "sql"}
TECHNICAL = {"db", "jobs", "plugins", "web", "ops", "locales", "__pycache__"}
# Median and 95th percentile of well-kept projects, own count: file lines, function lines, tests.
ANCHORS = (
    ("pluggy", 87, 749, 8, 50, 1.9), ("tox", 91, 536, 6, 33, 1.3), ("dramatiq", 83, 641, 7, 38, 0.8),
    ("warehouse", 94, 876, 8, 55, 1.8), ("datasette", 174, 1433, 9, 90, 1.4),
)  # fmt: skip


@pytest.mark.parametrize("root", SOURCE_ROOTS)
def test_a_source_root_is_no_package(root: str) -> None:
    """`platform/__init__.py` would shadow the standard library's `platform`."""
    assert not (ROOT / root / "__init__.py").exists()
    strays = [p for p in (ROOT / root).iterdir() if p.suffix == ".py" or p.name == "tests"]
    assert strays == []
    assert not list((ROOT / root).rglob("conftest.py"))


@pytest.mark.parametrize("folder", [".", "platform"])
def test_the_standard_librarys_platform_is_importable(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.python_version())"],
        cwd=ROOT / folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("3.")


def contexts() -> Iterator[Path]:
    for folder in (ROOT / "platform/kameng").iterdir():
        if folder.is_dir() and folder.name not in TECHNICAL:
            yield folder


@pytest.mark.parametrize("context", sorted(contexts()), ids=lambda p: p.name)
def test_a_context_holds_only_the_known_files(context: Path) -> None:
    names = {p.stem for p in context.iterdir() if p.name not in ("__init__.py", "__pycache__")}
    assert names <= CONTEXT_FILES


def function_lines(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            documented = (first.end_lineno or 0) - first.lineno + 1 if has_doc else 0
            yield (node.end_lineno or node.lineno) - node.lineno + 1 - documented


def percentile(numbers: list[int], share: int) -> int:
    return int(statistics.quantiles(numbers, n=100)[share - 1])


def test_the_shape_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    files = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES}
    functions = [
        n for p in SOURCES for n in function_lines(ast.parse(p.read_text(encoding="utf-8")))
    ]
    tests = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "plugins").glob("*/*/tests/**/*.py")]
    test_lines = sum(len(p.read_text(encoding="utf-8").splitlines()) for p in tests)
    sizes = [n for n in files.values() if n > 3]
    ratio = test_lines / sum(sizes)
    own = (
        "kameng", int(statistics.median(sizes)), percentile(sizes, 95),
        int(statistics.median(functions)), percentile(functions, 95), ratio,
    )  # fmt: skip
    with capsys.disabled():
        print(f"\n{len(files)} source files, {sum(sizes)} lines; tests {test_lines} lines")
        print("project      file median/p95   function median/p95   tests per source line")
        for name, fm, fp, gm, gp, r in (own, *ANCHORS):
            print(f"{name:<12} {fm:>8} / {fp:<8} {gm:>10} / {gp:<8} {r:>12.2f}")
    assert max(files.values()) <= 500, [str(p) for p, n in files.items() if n > 500]
    assert own[2] <= 400
    assert own[4] <= 60


def test_every_ignored_finding_says_why() -> None:
    """`type: ignore[…]` and `noqa` carry a reason on the same line."""
    bare = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for mark in ("# type: ignore", "# noqa"):
                if mark in line and "#" not in line.split(mark, 1)[1]:
                    bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "pragma: no " + "cover")
    left = [
        f"{path.relative_to(ROOT)}: {mark}"
        for path in SOURCES
        for mark in marks
        if mark in path.read_text(encoding="utf-8")
    ]
    assert left == []
