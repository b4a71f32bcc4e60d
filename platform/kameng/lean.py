"""What a process that serves does without. Imported first: it decides what is imported after it.

Libraries take in what lies around: colours for terminals that a checkout's tools bring along, a
second client of Redis. That is ten megabytes in each process, used by nobody.
"""

from __future__ import annotations

import ctypes
import gc
import sys

UNWANTED = ("rich", "pygments", "valkey")
# A request or a job leaves few cycles behind: looking for them after each handful is in vain.
SELDOM = (10_000, 20, 20)
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's mallopt
ARENAS = 2

for _name in UNWANTED:
    sys.modules.setdefault(_name, None)  # type: ignore[arg-type]  # Python's word for "there is none"


def settle() -> None:
    """Everything is imported: give back what the importing has left, and keep the rest aside.

    The collector walks over the program no more, so its pages stay shared after a fork.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc: else each thread keeps a heap of its own
        libc.mallopt(_ARENA_MAX, ARENAS)
        libc.malloc_trim(0)
