"""The hard end of a request: a peer that sends a byte now and then would never time out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self


class Cutter:
    """Shuts the connection down after ``seconds``, whatever it is busy with by then.

    It holds a duplicate of the socket: the original changes hands when TLS begins.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._line: socket.socket | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """A ``trace`` extension of httpx: notes the connection once it is there."""
        if event == "connection.connect_tcp.complete":
            made = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._line = made.dup()

    def _cut(self) -> None:
        with self._lock, suppress(OSError):
            if self._line is not None:
                self._line.shutdown(socket.SHUT_RDWR)
