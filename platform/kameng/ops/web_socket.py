"""A shopper's connection that asks the kernel for less.

Each call of the kernel lets go of the interpreter's lock; on a busy server another thread takes it,
and both pay for the change. gunicorn sets the time-out of a connection four times for each request,
mostly to what it is, and sends the head of an answer before its body.
"""

from __future__ import annotations

import socket
from typing import Any


class ThriftySocket(socket.socket):
    """Takes a connection over. Its time-out counts when something is read or sent.

    The first piece of an answer waits for the next one, or for `flush`.
    """

    def __init__(self, taken: socket.socket) -> None:
        self._wanted = self._set = taken.gettimeout()
        self._head = b""
        self._answering = True  # the head of this request's answer has been sent, or kept
        super().__init__(taken.family, taken.type, taken.proto, taken.detach())
        super().settimeout(self._set)

    def settimeout(self, value: float | None) -> None:
        """Remembered until it matters."""
        self._wanted = value

    def gettimeout(self) -> float | None:
        """What was wanted last."""
        return self._wanted

    def setblocking(self, flag: bool) -> None:
        """As `settimeout`."""
        self._wanted = None if flag else 0.0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """A request's bytes; its answer has not begun yet."""
        self._ready()
        self._answering = False
        return super().recv(size, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send it, but keep the first piece of an answer."""
        if not self._answering:
            self._answering, self._head = True, bytes(data)
            return
        self._ready()
        head, self._head = self._head, b""
        super().sendall(head + data if head else data, flags)

    def flush(self) -> None:
        """Send what was kept."""
        if self._head:
            self.sendall(b"")

    def send(self, data: Any, flags: int = 0) -> int:
        """In order, behind what was kept."""
        self.flush()
        self._ready()
        return super().send(data, flags)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """In order, behind what was kept."""
        self.flush()
        self._ready()
        return super().sendfile(file, offset, count)

    def _ready(self) -> None:
        if self._wanted != self._set:
            super().settimeout(self._wanted)
            self._set = self._wanted
