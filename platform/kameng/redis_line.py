"""A thread's own line to Redis, for the one script that every request of a program asks.

The shortest way there is: the words are written here, hiredis reads the answer, and the kernel
watches the clock, so that no look at the socket is paid for before each word and each answer.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

import hiredis
import redis as redis_client

QUIET_S = 1.0  # after so long without a word, look whether the server has hung up
_TIMEVAL = struct.Struct("ll")


class Line:
    """One connection, made by the client's pool (its address, password and database)."""

    def __init__(self, connection: Any, timeout_s: float) -> None:
        self._connection = connection
        self._timeout = _TIMEVAL.pack(int(timeout_s), int(timeout_s % 1 * 1e6))
        self._socket: socket.socket | None = None
        self._reader = hiredis.Reader()
        self._used = 0.0
        self._unheard = 0  # answers to what was told

    def ask(self, words: Sequence[Any] | bytes) -> Any:
        """Say a command, `packed` or not, and hear its answer. Raises redis-py's errors.

        Nothing is said twice.
        """
        answer = self._say(words, heard=True)
        if isinstance(answer, hiredis.ReplyError):
            raise _as_of_redis(str(answer))
        return answer

    def tell(self, words: Sequence[Any]) -> None:
        """Say a command and do not wait: it is done before the next one on this line.

        What Redis answers is heard then and not looked at, so tell only what may be lost. Raises
        as `ask` when there is no connection.
        """
        self._say(words, heard=False)

    def close(self) -> None:
        """Hang up; the next word connects anew."""
        self._socket, self._unheard = None, 0
        self._connection.disconnect()

    def _say(self, words: Sequence[Any] | bytes, *, heard: bool) -> Any:
        line = self._open()
        try:
            line.sendall(words if isinstance(words, bytes) else packed(words))
            answer = self._hear(line) if heard else None
        except BlockingIOError as error:
            self.close()
            raise redis_client.TimeoutError("Redis does not answer") from error
        except OSError as error:
            self.close()
            raise redis_client.ConnectionError(str(error)) from error
        self._unheard += not heard
        self._used = time.monotonic()
        return answer

    def _open(self) -> socket.socket:
        found = self._socket
        quiet = time.monotonic() - self._used > QUIET_S
        if found is not None and quiet and self._hung_up(found):
            self.close()
            found = None
        return found or self._connect()

    def _hung_up(self, line: socket.socket) -> bool:
        """Nothing is left to be answered, so what can be read is a farewell."""
        try:
            self._catch_up(line)
        except OSError:
            return True
        return bool(select.select([line], [], [], 0)[0])

    def _connect(self) -> socket.socket:
        self._connection.connect()
        found: socket.socket = self._connection._sock
        found.settimeout(None)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            found.setsockopt(socket.SOL_SOCKET, option, self._timeout)
        self._socket, self._reader, self._unheard = found, hiredis.Reader(), 0
        return found

    def _hear(self, line: socket.socket) -> Any:
        self._catch_up(line)
        return self._next(line)

    def _catch_up(self, line: socket.socket) -> None:
        while self._unheard:
            self._next(line)
            self._unheard -= 1

    def _next(self, line: socket.socket) -> Any:
        while (answer := self._reader.gets()) is False:
            data = line.recv(65536)
            if not data:
                raise ConnectionResetError("Redis has hung up")
            self._reader.feed(data)
        return answer


def packed(words: Sequence[Any]) -> bytes:
    """A command in Redis's protocol."""
    if bytes not in map(type, words):
        text = "".join([f"${len(word)}\r\n{word}\r\n" for word in map(str, words)])
        if text.isascii():  # else a letter is more than a byte
            return f"*{len(words)}\r\n{text}".encode()
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    lines = [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return b"*%d\r\n%b" % (len(parts), b"".join(lines))


def _as_of_redis(text: str) -> redis_client.ResponseError:
    if text.startswith("NOSCRIPT"):
        return redis_client.exceptions.NoScriptError(text)
    return redis_client.ResponseError(text)
