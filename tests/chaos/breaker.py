"""Carries the plan out beside the load: one thread, so that faults begin and end in their order."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from .faults import Act, Step
from .history import History
from .installation import Installation

TRIES, AGAIN_S = 8, 1.5  # a process that is down already is waited for, and then killed


class Breaker:
    """`counts`: faults that hit something; `hits`: how much they hit; `missed`: in vain."""

    def __init__(
        self, shop: Installation, steps: Sequence[Step], source: random.Random, history: History,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._shop, self._source, self._history, self._say = shop, source, history, say
        self.counts: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.missed: list[str] = []
        self._number = itertools.count()
        self._tries: Counter[str] = Counter()
        self._due: list[tuple[float, int, str, Act]] = []
        for step in steps:
            fault, at = step.fault, step.at_s
            self._plan(at, fault.name, fault.begin)
            if fault.lasts_s:
                self._plan(at + fault.lasts_s, f"end of {fault.name}", fault.end)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        """Start the thread; the plan's seconds count from now."""
        self._thread.start()

    def end(self) -> None:
        """Wait for the last fault."""
        self._thread.join()

    def _plan(self, at: float, name: str, act: Act) -> None:
        heapq.heappush(self._due, (at, next(self._number), name, act))

    def _run(self) -> None:
        begun = time.monotonic()
        while self._due:
            at, _number, name, act = heapq.heappop(self._due)
            time.sleep(max(0.0, begun + at - time.monotonic()))
            if self._do(name, act) or name.startswith("end of "):
                self._tries[name] = 0
            elif self._tries[name] < TRIES:
                self._tries[name] += 1
                self._plan(time.monotonic() - begun + AGAIN_S, name, act)

    def _do(self, name: str, act: Act) -> int:
        try:
            hit = act(self._shop, self._source)
        except Exception as error:  # e.g. Valkey is down already: that is no verdict
            self.missed.append(f"{name}: {type(error).__name__}: {error}"[:200])
            hit = 0
        self._history.note("info", "fault", name, hit=hit)
        self._say(f"{name} ({hit} hit)")
        if hit and not name.startswith("end of "):
            self.counts[name] += 1
            self.hits[name] += abs(hit)
        return hit
