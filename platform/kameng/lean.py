"""What a process that serves does without. Imported first: it decides what is imported after it.

Libraries take in what lies around: colours for terminals that a checkout's tools bring along, a
second client of Redis. That is ten megabytes in each process, used by nobody.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from contextlib import suppress

UNWANTED = ("rich", "pygments", "valkey")
# A request or a job leaves few cycles behind: looking for them after each handful is in vain.
SELDOM = (10_000, 20, 20)
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's mallopt
ARENAS = 2

for _name in UNWANTED:
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type]  # Python's word for "there is none"


def settle() -> None:
    """Everything is imported: give back what the importing has left, and keep the rest aside.

    The collector walks over the program no more, so its pages stay shared after a fork. What the
    process starts from now on, threads and children, is scheduled as it is.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc: else each thread keeps a heap of its own
        libc.mallopt(_ARENA_MAX, ARENAS)
        libc.malloc_trim(0)
    _take_turns()


def _take_turns() -> None:
    """Let nobody be stopped in the middle by being answered: who is woken waits for its turn.

    Threads of a web process, PostgreSQL and Redis wake each other a dozen times for a request. As a
    rule Linux puts the woken one in the place of the waker, who then finds its caches cold.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
