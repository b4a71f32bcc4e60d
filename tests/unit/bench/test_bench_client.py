"""The load client keeps its connections, and gets over their end."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from tests.bench.checkouts import Gateway
from tests.bench.client import CUT, Dialogs, Load

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


class Cashier(Moody):
    """Sends the shopper on with a number, and takes the notice with that number."""

    def talk(self, connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(4096):
                with self.lock:
                    self.seen["all"] += 1
                    turn = self.seen["all"]
                if request.startswith(b"GET /notice/"):
                    self.seen[request.split()[1].decode()] += 1
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    continue
                last = turn % 5 == 0  # the notice then needs a connection of its own
                head = b"HTTP/1.1 303 SEE OTHER\r\nLocation: /%d\r\n" % turn
                close = b"Connection: close\r\n" if last else b""
                connection.sendall(head + close + b"Content-Length: 0\r\n\r\n")
                if last:
                    return


def follow(answer: bytes) -> bytes:
    number = answer.split(b"Location: /")[1].split(b"\r\n")[0]
    return b"GET /notice/%s HTTP/1.1\r\n\r\n" % number


def test_a_dialog_counts_once_its_second_answer_is_there() -> None:
    server = Cashier()
    thread = threading.Thread(target=server.serve)
    thread.start()
    dialogs = Dialogs(server.listener.getsockname(), [REQUEST] * 40, follow, 303, 200)
    found = dialogs.run(2, connections=3)
    server.listener.shutdown(socket.SHUT_RDWR)
    server.listener.close()
    thread.join()
    assert found.answers == {200: 40}
    assert (found.good, len(found.latencies)) == (40, 40)
    notices = [name for name in server.seen if name.startswith("/notice/")]
    assert len(notices) == 40
    assert server.seen["all"] == 80


def test_a_gateway_says_what_the_page_was_told_and_signs_it() -> None:
    from tests.bench.fixture import GATEWAY_KEY

    from kameng_payment_epay.signing import md5_verify

    gateway = Gateway("/hooks/x/y")
    page = b"https://pay.example.com/submit.php?money=9.07&name=a&out_trade_no=26&pid=1&sign=0"
    head = b"HTTP/1.1 303 SEE OTHER\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % page
    target = gateway.notice(head).split()[1].decode()
    said = dict(parse_qsl(target.partition("?")[2]))
    assert (said["money"], said["out_trade_no"]) == ("9.07", "26")
    assert md5_verify(said, GATEWAY_KEY, said["sign"])
