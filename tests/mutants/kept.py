"""What runs have come to, a line for each mutant: a run of hours may end in the middle, and another one goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Found = dict[str, dict[str, Any]]  # a mutant's id → what its tests came to


def read(path: Path) -> Found:
    """The last word on each mutant."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {one["id"]: one for one in map(json.loads, lines)}


def add(path: Path, mutant_id: str, came_to: dict[str, Any]) -> None:
    """One line more."""
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"id": mutant_id, **came_to}) + "\n")
