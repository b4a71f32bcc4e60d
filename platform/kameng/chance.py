"""Secret chance for short numbers and names, asked of the kernel many at a time.

Each question to the kernel lets go of the interpreter's lock, and on a busy server another thread
takes it: five small questions of one request cost more than all that is done with the answers.
A thread's stock is its own, never handed out twice, and does not outlive a fork.
"""

from __future__ import annotations

import os
import threading
from base64 import urlsafe_b64encode

STOCK = 4_096
SPARE = 8  # bytes beside those a number needs: no residue is likelier than others by 2**-64


class _Own(threading.local):
    """What this thread has in stock; taken bytes are gone from it."""

    def __init__(self) -> None:
        self.stock = bytearray()


_own = _Own()


def _forget() -> None:
    global _own
    _own = _Own()  # a child would hand out what its parent does


os.register_at_fork(after_in_child=_forget)


def token_bytes(count: int) -> bytes:
    """So many bytes that nobody can foresee; at most `STOCK`."""
    stock = _own.stock
    if len(stock) < count:
        stock[:] = os.urandom(STOCK)
    taken = bytes(stock[:count])
    del stock[:count]
    if len(taken) != count:
        raise ValueError(f"at most {STOCK} bytes at once")
    return taken


def token_hex(count: int) -> str:
    """So many bytes as hexadecimal text."""
    return token_bytes(count).hex()


def token_urlsafe(count: int) -> str:
    """So many bytes as text for addresses."""
    return urlsafe_b64encode(token_bytes(count)).rstrip(b"=").decode()


def randbelow(limit: int) -> int:
    """A number from 0 to below the limit."""
    return int.from_bytes(token_bytes((limit.bit_length() + 7) // 8 + SPARE)) % limit
