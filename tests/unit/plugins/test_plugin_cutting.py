"""The end of a request is an end for every peer, and a name is asked for once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from kameng.plugins.addresses import check_url, judge_url
from kameng.plugins.http import GuardedClient
from kameng.plugins.invoke import SystemClock
from kameng_sdk.errors import HttpAddressRefused, HttpOutcomeUnknown


@contextmanager
def dripping() -> Iterator[int]:
    """A server that sends its headers one byte at a time, for ever; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        with suppress(OSError):
            peer, _address = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while True:
                    peer.sendall(b"x")
                    time.sleep(0.05)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(2)


def client(seconds: float, **options: object) -> GuardedClient:
    clock = SystemClock()
    return GuardedClient(deadline=clock.monotonic() + seconds, clock=clock, **options)  # type: ignore[arg-type]  # options of the client


def test_headers_that_drip_end_at_the_deadline() -> None:
    with dripping() as port:
        started = time.monotonic()
        with pytest.raises(HttpOutcomeUnknown):
            client(0.4, exempt=frozenset({("127.0.0.1", port)})).request(
                "POST", f"http://127.0.0.1:{port}/", content=b"{}"
            )
        assert time.monotonic() - started < 1.0


class Rebinding:
    """A name server that says one thing first and another thing ever after."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, _host: str, _port: int) -> tuple[str, ...]:
        self.asked += 1
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0],)


def test_S7_a_name_is_resolved_once_and_the_checked_address_is_used() -> None:
    names = Rebinding("1.1.1.1", "127.0.0.1")
    target = check_url("https://hooks.example/x", resolve=names)
    assert target.addresses == ("1.1.1.1",)
    assert names.asked == 1


def test_S7_what_is_called_is_what_was_resolved_first() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def work() -> None:
        peer, _address = listener.accept()
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    names = Rebinding("127.0.0.1", "169.254.169.254")
    calling = client(3, exempt=frozenset({("hooks.example", port)}), resolve=names)
    assert calling.request("POST", f"http://hooks.example:{port}/").status == 204
    assert names.asked == 1
    thread.join(2)
    listener.close()


def test_S7_a_name_that_turns_private_is_refused_when_it_is_called() -> None:
    with pytest.raises(HttpAddressRefused):
        client(1, resolve=Rebinding("10.0.0.1")).request("POST", "https://hooks.example/")


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1/", "http://127.0.0.1/", "http://localhost/", "https://hooks.localhost/",
     "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/",
     "http://[2002:0a00:0001::]/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
     "http://user:pw@example.com/", "http://example.com:8080/", "ftp://example.com/", "", "x"],
)  # fmt: skip
def test_S7_what_can_never_be_reached_is_refused_without_a_name_server(url: str) -> None:
    with pytest.raises(HttpAddressRefused):
        judge_url(url)


@pytest.mark.parametrize(
    "url", ["https://hooks.example/x?y=1", "http://1.1.1.1/", "https://[2606:4700::1111]/"]
)
def test_what_may_be_reached_passes(url: str) -> None:
    judge_url(url)
    judge_url("http://pay.localhost:8001/", frozenset({("pay.localhost", 8001)}))
