"""The guarded client against a real, misbehaving server: never sent and unknown are told apart."""

import re
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from kameng.plugins import http
from kameng.plugins.http import GuardedClient
from kameng.plugins.invoke import SystemClock
from kameng_sdk.errors import HttpAddressRefused, HttpNeverSent, HttpOutcomeUnknown

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Kind: Plain\r\n\r\nok"


@contextmanager
def serving(*answers, pause_s=0.0):
    """A server that reads one request per answer and sends the bytes, in pieces when paused."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def work():
        for answer in answers:
            try:
                peer, _address = listener.accept()
            except OSError:
                return
            with peer:
                seen.append(read_request(peer))
                for piece in answer if isinstance(answer, list) else [answer]:
                    try:
                        peer.sendall(piece)
                    except OSError:
                        break
                    time.sleep(pause_s)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # closing alone does not end a waiting accept()
        listener.close()
        thread.join(5)


def read_request(peer):
    """Head and body of one request, which may come in several pieces."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += peer.recv(65536)
    head, _blank, body = got.partition(b"\r\n\r\n")
    size = re.search(rb"(?i)content-length: (\d+)", head)
    while size and len(body) < int(size[1]):
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def client(port, seconds=3.0):
    clock = SystemClock()
    return GuardedClient(
        deadline=clock.monotonic() + seconds, clock=clock, exempt=frozenset({("127.0.0.1", port)})
    )


def get(port, seconds=3.0, **options):
    return client(port, seconds).request("GET", f"http://127.0.0.1:{port}/x?a=1", **options)


def test_an_answer_is_read_with_lower_case_headers():
    with serving(OK) as (port, seen):
        answer = get(port, headers={"X-Own": "1", "Host": "elsewhere", "Accept-Encoding": "gzip"})
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"ok", "Plain")
    assert b"GET /x?a=1 HTTP/1.1" in seen[0]
    assert f"Host: 127.0.0.1:{port}".encode() in seen[0]
    assert b"X-Own: 1" in seen[0]
    assert b"elsewhere" not in seen[0]
    assert b"gzip" not in seen[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"data": {"a": "中 b"}}, b"a=%E4%B8%AD"), ({"data": [("a", "1"), ("a", "2")]}, b"a=1&a=2"),
     ({"json": {"a": 1}}, b'{"a":1}'), ({"content": b"\x00raw"}, b"\x00raw")],
)  # fmt: skip
def test_each_kind_of_body_arrives(options, expected):
    with serving(OK) as (port, seen):
        client(port).request("POST", f"http://127.0.0.1:{port}/", **options)
    assert expected in seen[0]


def test_two_bodies_at_once_are_a_mistake():
    with pytest.raises(ValueError, match="one of"):
        client(1).request("POST", "http://127.0.0.1:1/", content=b"", json={})


def test_fractions_in_json_are_no_floats():
    body = b'{"money": 1.10}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with serving(head + body) as (port, _seen):
        assert str(get(port).json()["money"]) == "1.10"


def test_a_redirect_is_an_answer_and_not_followed():
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with serving(moved, OK) as (port, seen):
        assert get(port).status == 302
    assert len(seen) == 1


def test_a_closed_port_was_never_sent():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    calling = client(port)
    with pytest.raises(HttpNeverSent):
        calling.request("POST", f"http://127.0.0.1:{port}/")
    assert calling.sent == 0


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"no http at all\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx"],
)  # fmt: skip
def test_P1_after_sending_every_trouble_is_unknown(answer):
    with serving(answer) as (port, _seen):
        calling = client(port)
        with pytest.raises(HttpOutcomeUnknown):
            calling.request("POST", f"http://127.0.0.1:{port}/", content=b"pay")
    assert calling.sent == 1


def test_P1_silence_is_unknown_and_ends_at_the_deadline():
    with serving([b"HTTP/1.1 200 OK\r\n"], pause_s=1.0) as (port, _seen):
        started = time.monotonic()
        with pytest.raises(HttpOutcomeUnknown):
            get(port, timeout_s=0.3)
        assert time.monotonic() - started < 0.9


def test_a_slow_drip_ends_at_the_deadline():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    with serving([head, *[b"x"] * 20], pause_s=0.1) as (port, _seen):
        started = time.monotonic()
        with pytest.raises(HttpOutcomeUnknown):
            get(port, seconds=0.5)
        assert time.monotonic() - started < 1.2


def test_an_endless_answer_is_cut(monkeypatch):
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    with serving([head, b"x" * 5000]) as (port, _seen), pytest.raises(HttpOutcomeUnknown):
        get(port)


def test_a_call_declared_to_send_nothing_sends_nothing():
    clock = SystemClock()
    with serving(OK) as (port, seen):
        sealed = GuardedClient(
            deadline=clock.monotonic() + 3, clock=clock,
            exempt=frozenset({("127.0.0.1", port)}), offline=True,
        )  # fmt: skip
        with pytest.raises(HttpNeverSent, match="send nothing"):
            sealed.request("GET", f"http://127.0.0.1:{port}/")
        assert (sealed.sent, sealed.exchanges, seen) == (0, [], [])


def test_S7_another_port_of_the_same_machine_is_refused():
    with serving(OK) as (port, seen), pytest.raises(HttpAddressRefused):
        client(port + 1).request("GET", f"http://127.0.0.1:{port}/")
    assert seen == []
