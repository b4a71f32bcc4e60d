"""What the clients asked and heard, one JSON line per event, and how it reads afterwards.

Events: `invoke` (asked for the first time), `info` (no answer, or one that says nothing: it may have
happened or not), `ok` and `fail` (acknowledged, refused). `t` is monotonic, in seconds. An operation
is asked again under the same name until it is answered or its client gives up.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = Mapping[str, Any]


class History:
    """Written by all clients at once; every line is on its way to the disk when `note` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._begun = time.monotonic()

    def now(self) -> float:
        """Seconds since it was opened."""
        return time.monotonic() - self._begun

    def note(self, event: str, what: str, op: str, **facts: Any) -> None:
        """Add one event of the operation `op`; `what` is buy, pay, read or fault."""
        with self._lock:
            entry = {"t": round(self.now(), 3), "event": event, "what": what, "op": op, **facts}
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """No event follows."""
        self._file.close()


def read_events(path: Path) -> list[Event]:
    """All events of a file, oldest first."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@dataclass
class Operation:
    """One operation with all that was heard of it."""

    op: str
    what: str
    asked: Event
    heard: list[Event] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """`ok`, `fail`, or `info` when it was never answered."""
        answers = [e["event"] for e in self.heard if e["event"] in ("ok", "fail")]
        return str(answers[-1]) if answers else "info"

    def answers(self, event: str) -> list[Event]:
        """Events of that kind, oldest first."""
        return [e for e in self.heard if e["event"] == event]


def operations(events: Iterable[Event], what: str) -> dict[str, Operation]:
    """Operations of one sort by their names."""
    found: dict[str, Operation] = {}
    for event in events:
        if event["what"] != what:
            continue
        if event["op"] not in found:
            found[event["op"]] = Operation(event["op"], what, event)
        if event["event"] != "invoke":
            found[event["op"]].heard.append(event)
    return found
