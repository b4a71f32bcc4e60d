"""Run one piece of foreign code for at most so long, without letting it take the process along.

In daemon threads of our own: a pool would be joined at exit, so one hanging plugin would keep a
worker from stopping. A thread that has answered in time waits a while for the next call, one that
has not is left to itself. The slots of each plugin are its own, so it cannot starve the others.
"""

from __future__ import annotations

import os
import threading
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from kameng.places import Places

T = TypeVar("T")

SLOTS_PER_PLUGIN = 32
IDLE_S = 10.0  # then a thread ends; a busy shop keeps a few


class NotStarted(Exception):
    """All slots were taken until the deadline: the code never ran."""


class TimedOut(Exception):
    """The code ran and did not end in time; nobody knows how far it came."""


class Died(Exception):
    """The code tried to end the process or its thread (SystemExit, KeyboardInterrupt)."""


class _Task(Generic[T]):
    """One call, and where its thread leaves the result."""

    __slots__ = ("code", "done", "error", "free", "value")

    def __init__(self, code: Callable[[], T], free: Places) -> None:
        self.code = code
        self.free = free
        # A bare lock, taken until the code has ended: an Event makes a second one for each wait,
        # and all its steps are Python's.
        self.done = allocate_lock()
        self.done.acquire()
        self.value: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """In an empty context: no scope, no request, so no database and no session."""
        try:
            self.value = Context().run(self.code)
        except BaseException as error:
            self.error = error
        finally:
            self.free.give()


class _Hands:
    """Threads that wait for work, last come first served, so that the others may end."""

    def __init__(self) -> None:
        self._idle: deque[SimpleQueue[_Task[Any]]] = deque()

    def give(self, task: _Task[Any], name: str) -> None:
        """Hand a call to a waiting thread, else to a new one; raises `RuntimeError` without any."""
        try:
            self._idle.pop().put(task)
        except IndexError:
            threading.Thread(target=self._work, args=(task,), name=name, daemon=True).start()

    def forget(self) -> None:
        """Nobody is waiting any more."""
        self._idle.clear()

    def _work(self, task: _Task[Any]) -> None:
        inbox: SimpleQueue[_Task[Any]] = SimpleQueue()
        while True:
            task.run()
            # Waiting before the caller hears of it: its next call finds this thread.
            self._idle.append(inbox)
            task.done.release()
            try:
                task = inbox.get(timeout=IDLE_S)
            except Empty:
                try:
                    self._idle.remove(inbox)
                except ValueError:  # somebody has just taken it and is about to put a call in
                    task = inbox.get()
                else:
                    return


_hands = _Hands()
# A forked process has the list and none of the threads.
os.register_at_fork(after_in_child=_hands.forget)


class Slots:
    """How many calls of one plugin may run at a time."""

    def __init__(self, number: int = SLOTS_PER_PLUGIN) -> None:
        self._free = Places(number)

    def run(self, code: Callable[[], T], seconds: float, name: str = "plugin") -> T:
        """The result of ``code``, or the `Exception` it raised.

        Raises `NotStarted`, `TimedOut` or `Died` when there is neither.

        It runs in an empty context: no scope, no request, so no database and no session.
        """
        end = time.monotonic() + seconds
        if not self._free.take(seconds):
            raise NotStarted(name)
        task = _Task(code, self._free)
        try:
            _hands.give(task, name)
        except RuntimeError:
            self._free.give()
            raise NotStarted(name) from None
        if not task.done.acquire(timeout=max(0.0, end - time.monotonic())):
            raise TimedOut(name)
        if isinstance(task.error, Exception):
            raise task.error
        if task.error is not None:
            raise Died(type(task.error).__name__)
        return task.value  # type: ignore[return-value]  # set when there is no error
