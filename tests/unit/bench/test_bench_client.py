"""The load client keeps its connections, and gets over their end."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.bench.client import CUT, Load

REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


class Moody:
    """Answers 201; every 5th answer says it is the last, every 7th request is dropped unanswered."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seen: Counter[str] = Counter()
        self.lock = threading.Lock()

    def serve(self) -> None:
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection: socket.socket) -> None:
        with connection:
            while connection.recv(4096):
                with self.lock:
                    self.seen["all"] += 1
                    turn = self.seen["all"]
                    if turn % 7 == 0:
                        self.seen["cut"] += 1
                        return
                last = turn % 5 == 0
                extra = b"Connection: close\r\n" if last else b""
                # In two pieces, as answers may come.
                connection.sendall(b"HTTP/1.1 201 CREATED\r\n" + extra + b"Content-Le")
                connection.sendall(b"ngth: 2\r\n\r\n{}")
                if last:
                    return


@pytest.fixture
def moody() -> Iterator[Moody]:
    server = Moody()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    thread.join()


def test_every_request_is_accounted_for_when_connections_end(moody: Moody) -> None:
    found = Load(moody.listener.getsockname(), [REQUEST] * 60).run(2, connections=3)
    assert moody.seen == {"all": 60, "cut": 8}
    assert found.answers == {201: 52, CUT: 8}
    assert len(found.latencies) == 52
    assert found.ran_out


def test_another_status_is_counted_and_is_no_success(moody: Moody) -> None:
    found = Load(moody.listener.getsockname(), [REQUEST] * 4, wanted_status=200).run(0.2, 1)
    assert found.answers == {201: 4}
    assert (found.in_time, found.latencies) == (0, [])
