"""Run one piece of foreign code for at most so long, without letting it take the process along.

A daemon thread per call: a pool would be joined at exit, so one hanging plugin would keep a
worker from stopping. The slots of each plugin are its own, so it cannot starve the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")

SLOTS_PER_PLUGIN = 32


class NotStarted(Exception):
    """All slots were taken until the deadline: the code never ran."""


class TimedOut(Exception):
    """The code ran and did not end in time; nobody knows how far it came."""


class Died(Exception):
    """The code tried to end the process or its thread (SystemExit, KeyboardInterrupt)."""


class _Box(Generic[T]):
    """Where the thread leaves its result."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: T | None = None
        self.error: BaseException | None = None


class Slots:
    """How many calls of one plugin may run at a time."""

    def __init__(self, number: int = SLOTS_PER_PLUGIN) -> None:
        self._free = threading.BoundedSemaphore(number)

    def run(self, code: Callable[[], T], seconds: float, name: str = "plugin") -> T:
        """The result of ``code``, or the `Exception` it raised.

        Raises `NotStarted`, `TimedOut` or `Died` when there is neither.

        It runs in an empty context: no scope, no request, so no database and no session.
        """
        end = time.monotonic() + seconds
        if not self._free.acquire(timeout=seconds):
            raise NotStarted(name)
        box: _Box[T] = _Box()
        thread = threading.Thread(
            target=Context().run, args=(self._work, code, box), name=name, daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._free.release()
            raise NotStarted(name) from None
        if not box.done.wait(max(0.0, end - time.monotonic())):
            raise TimedOut(name)
        if isinstance(box.error, Exception):
            raise box.error
        if box.error is not None:
            raise Died(type(box.error).__name__)
        return box.value  # type: ignore[return-value]  # set when there is no error

    def _work(self, code: Callable[[], T], box: _Box[T]) -> None:
        try:
            box.value = code()
        except BaseException as error:
            box.error = error
        finally:
            self._free.release()
            box.done.set()
