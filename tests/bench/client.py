"""A load client that leaves the cores to what it measures: one thread, epoll, kept connections.

It sends bytes that are ready and looks at nothing of an answer but its status and its length.
"""

from __future__ import annotations

import gc
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, repeat

CONNECTIONS = 32
PATIENCE_S = 10.0  # for the last answers, after the round
SOURCES = tuple((f"127.0.1.{number + 1}", 0) for number in range(CONNECTIONS))
CUT, SILENT = 0, -1  # beside HTTP's: the connection broke before the answer; none came at all


@dataclass
class Round:
    """What one round brought. `answers` counts by status; latencies are in seconds."""

    seconds: float = 0.0
    in_time: int = 0  # answers of the wanted status within the round
    good: int = 0  # and with those that came after it
    answers: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    cpu_share: float = 0.0  # of one core, taken by this client
    ran_out: bool = False  # there were too few requests: the rate is no rate

    @property
    def rate(self) -> float:
        """Wanted answers a second."""
        return self.in_time / self.seconds if self.seconds else 0.0


class _Connection:
    __slots__ = ("buffer", "goes_on", "sent_at", "socket", "wanted")

    def __init__(self, address: tuple[str, int], source: tuple[str, int] | None) -> None:
        self.socket = socket.create_connection(address, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.wanted = 0  # bytes of the whole answer; 0 while its head is not there
        self.sent_at = 0.0  # 0: no answer is awaited
        self.goes_on = False  # what was sent last followed from an answer

    def send(self, request: bytes, began: float = 0.0) -> None:
        """Send a request; `began`: when the first was sent that it follows from."""
        self.buffer, self.wanted = b"", 0
        self.goes_on = bool(began)
        self.sent_at = began or time.perf_counter()
        # A request of some 600 bytes always fits into the empty buffer of a socket.
        self.socket.send(request)


class Load:
    """One round of requests over kept connections.

    `spread_out`: each connection comes from an address of its own, as visitors do.
    """

    def __init__(
        self,
        address: tuple[str, int],
        requests: Sequence[bytes],
        wanted_status: int = 201,
        *,
        spread_out: bool = False,
    ) -> None:
        self._address = address
        self._sources = cycle(SOURCES) if spread_out else repeat(None)
        self._requests = deque(requests)
        self._wanted_status = wanted_status
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._round = Round()
        self._sending = True

    def run(self, seconds: float, connections: int = CONNECTIONS) -> Round:
        """Send for so long, then wait for the answers that are still due."""
        for _ in range(connections):
            self._connect()
        gc.collect()
        gc.disable()  # pauses would count as latency
        try:
            self._work(seconds)
        finally:
            gc.enable()
            for connection in self._connections.values():
                connection.socket.close()
            self._poll.close()
        return self._round

    def _work(self, seconds: float) -> None:
        began, began_cpu = time.perf_counter(), time.process_time()
        end = began + seconds
        for connection in list(self._connections.values()):
            self._next(connection)
        while time.perf_counter() < end and not self._round.ran_out:
            self._turn(0.05)
        self._round.seconds = time.perf_counter() - began
        self._round.cpu_share = (time.process_time() - began_cpu) / self._round.seconds
        self._sending = False
        self._drain()

    def _drain(self) -> None:
        kept, end = self._round.in_time, time.perf_counter() + PATIENCE_S
        while any(one.sent_at for one in self._connections.values()):
            if time.perf_counter() > end:
                waiting = sum(bool(one.sent_at) for one in self._connections.values())
                self._round.answers[SILENT] += waiting
                break
            self._turn(0.05)
        self._round.good, self._round.in_time = self._round.in_time, kept

    def _turn(self, timeout_s: float) -> None:
        for number, _events in self._poll.poll(timeout_s):
            connection = self._connections.get(number)
            if connection is not None:
                self._read(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._replace(connection)
            return
        connection.buffer += data
        if not connection.wanted:
            connection.wanted = _length(connection.buffer)
        if connection.wanted and len(connection.buffer) >= connection.wanted:
            self._answered(connection)

    def _answered(self, connection: _Connection) -> None:
        status = int(connection.buffer[9:12])
        if self._follow_up(connection, status):
            return
        took = time.perf_counter() - connection.sent_at
        connection.sent_at = 0.0
        self._round.answers[status] += 1
        if status == self._wanted_status:
            self._round.in_time += 1
            self._round.latencies.append(took)
        if _closes(connection.buffer):
            self._replace(connection)
        else:
            self._next(connection)

    def _follow_up(self, connection: _Connection, status: int) -> bool:
        """Whether this answer leads to a further request, which was sent then."""
        return False

    def _next(self, connection: _Connection) -> None:
        if not self._sending:
            return
        if not self._requests:
            self._round.ran_out = True
            return
        try:
            connection.send(self._requests.popleft())
        except OSError:
            self._replace(connection)

    def _replace(self, connection: _Connection) -> None:
        """A worker has ended, as it does after many requests; its request is not sent again."""
        if connection.sent_at:
            self._round.answers[CUT] += 1
        self._drop(connection)
        if self._sending:
            self._next(self._connect())

    def _drop(self, connection: _Connection) -> None:
        number = connection.socket.fileno()
        self._poll.unregister(number)
        del self._connections[number]
        connection.socket.close()

    def _connect(self) -> _Connection:
        connection = _Connection(self._address, next(self._sources))
        self._connections[connection.socket.fileno()] = connection
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)
        return connection


class Dialogs(Load):
    """Requests in pairs: `follow` makes the second of the answer to the first.

    One counts when its second answer is there, and takes the time from the first request on.
    """

    def __init__(
        self,
        address: tuple[str, int],
        requests: Sequence[bytes],
        follow: Callable[[bytes], bytes],
        first_status: int,
        wanted_status: int,
    ) -> None:
        super().__init__(address, requests, wanted_status, spread_out=True)
        self._follow, self._first_status = follow, first_status

    def _follow_up(self, connection: _Connection, status: int) -> bool:
        if connection.goes_on or status != self._first_status:
            return False
        answer, began = connection.buffer, connection.sent_at
        if _closes(answer):
            self._drop(connection)
            connection = self._connect()
        connection.send(self._follow(answer), began)
        return True


def _closes(answer: bytes) -> bool:
    """Whether an answer says that it is the last on its connection."""
    return b"connection: close" in answer[: answer.find(b"\r\n\r\n")].lower()


def _length(buffer: bytes) -> int:
    """Bytes of an answer with its head; 0 while the head is not complete."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head = buffer[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        raise ValueError(f"an answer without a length: {head[:200]!r}")
    return end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
