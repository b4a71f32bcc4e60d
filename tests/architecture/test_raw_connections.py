"""House rules that no linter knows: raw connections, floats in money."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "platform/kameng"
# The one wrapper around the hot path, and code that works as the owner or before any scope exists.
RAW_ALLOWED = {"db/guarded.py", "db/migrate.py", "db/roles.py", "db/session.py"}
RAW_ALLOWED_FOLDERS = ("ops/",)


def sources() -> list[Path]:
    roots = (CORE, ROOT / "tenants", ROOT / "admin")
    return [p for root in roots for p in root.rglob("*.py") if "node_modules" not in p.parts]


def test_T12_raw_connections_are_used_in_one_wrapper_only() -> None:
    found = []
    for path in sources():
        name = path.relative_to(CORE).as_posix() if path.is_relative_to(CORE) else str(path)
        if name in RAW_ALLOWED or name.startswith(RAW_ALLOWED_FOLDERS):
            continue
        text = path.read_text(encoding="utf-8")
        found += [
            f"{name}: {word}"
            for word in ("raw_connection(", "psycopg.connect(", "db.engine.", "create_engine(")
            if word in text
        ]
    assert found == []


def test_money_paths_know_no_float() -> None:
    found = []
    for context in ("ledger", "orders", "payments", "pricing"):
        for path in (CORE / context).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"
                divided = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
                # Paths are joined with "/", too; money is not where pathlib is.
                if called or (divided and "Path" not in path.read_text(encoding="utf-8")):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []
