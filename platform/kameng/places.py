"""A few places, taken and given back by threads that want to do something at a time."""

from __future__ import annotations

from queue import Empty, SimpleQueue


class Places:
    """So many at a time. A queue of C: the library's semaphore is Python around three locks."""

    def __init__(self, number: int) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        for _place in range(number):
            self._free.put(None)

    def take(self, patience_s: float) -> bool:
        """Whether one became free in time."""
        try:
            self._free.get(timeout=patience_s)
        except Empty:
            return False
        return True

    def give(self) -> None:
        """Give one back."""
        self._free.put(None)
