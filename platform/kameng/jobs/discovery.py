"""Find the background work of every context."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.util import find_spec

import kameng


def _has(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a plain module has no modules inside
        return False


def load_tasks() -> list[str]:
    """Import every context's tasks module, which declares its work; returns their names.

    Found by their place, not listed: work that nobody loads would never run, and nothing would say.
    """
    loaded = []
    for context in sorted(
        found.name for found in pkgutil.iter_modules(kameng.__path__) if found.ispkg
    ):
        name = f"kameng.{context}.tasks"
        if _has(name):
            importlib.import_module(name)
            loaded.append(name)
    return loaded
