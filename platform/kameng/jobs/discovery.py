"""Find the background work of every context."""

from __future__ import annotations

import importlib
from importlib.util import find_spec

CONTEXTS = (
    "identity", "stations", "catalog", "pricing", "stock", "orders", "payments", "supply", "risk",
    "ledger", "plugins", "jobs",
)  # fmt: skip


def load_tasks() -> list[str]:
    """Import every context's tasks module, which declares its work; returns their names."""
    loaded = []
    for context in CONTEXTS:
        name = f"kameng.{context}.tasks"
        if find_spec(name) is not None:
            importlib.import_module(name)
            loaded.append(name)
    return loaded
