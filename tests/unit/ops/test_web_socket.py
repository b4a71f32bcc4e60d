"""A connection that asks the kernel for less says and hears the same, in the same order."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator

import pytest

from kameng.ops.web_socket import ThriftySocket


@pytest.fixture
def pair() -> Iterator[tuple[ThriftySocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    line = ThriftySocket(ours)
    theirs.settimeout(5)
    with line, theirs:
        yield line, theirs


def asked(line: ThriftySocket, theirs: socket.socket) -> None:
    theirs.sendall(b"?")
    line.setblocking(True)
    assert line.recv(10) == b"?"


def is_silent(theirs: socket.socket) -> bool:
    theirs.setblocking(False)
    try:
        return theirs.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return True
    finally:
        theirs.settimeout(5)


def test_head_and_body_go_together(pair: tuple[ThriftySocket, socket.socket]) -> None:
    line, theirs = pair
    asked(line, theirs)
    line.sendall(b"head ")
    assert is_silent(theirs)
    line.sendall(b"body")
    assert theirs.recv(100) == b"head body"


def test_a_head_without_a_body_goes_when_told(pair: tuple[ThriftySocket, socket.socket]) -> None:
    line, theirs = pair
    asked(line, theirs)
    line.sendall(b"head")
    line.flush()
    assert theirs.recv(100) == b"head"
    line.flush()
    assert is_silent(theirs)


def test_pieces_behind_the_first_do_not_wait(pair: tuple[ThriftySocket, socket.socket]) -> None:
    line, theirs = pair
    asked(line, theirs)
    for piece in (b"head ", b"one "):
        line.sendall(piece)
    assert theirs.recv(100) == b"head one "
    for piece in (b"two ", b"three "):
        line.sendall(piece)
        assert theirs.recv(100) == piece


def test_each_request_has_an_answer_of_its_own(pair: tuple[ThriftySocket, socket.socket]) -> None:
    line, theirs = pair
    for _request in range(3):
        asked(line, theirs)
        line.sendall(b"head ")
        assert is_silent(theirs)
        line.sendall(b"body")
        assert theirs.recv(100) == b"head body"


def test_other_ways_to_send_do_not_overtake(pair: tuple[ThriftySocket, socket.socket]) -> None:
    line, theirs = pair
    asked(line, theirs)
    line.sendall(b"head ")
    line.send(b"sent ")
    with tempfile.TemporaryFile() as file:
        file.write(b"from a file")
        file.flush()
        asked(line, theirs)
        line.sendall(b"head ")
        line.sendfile(file, 0, 11)
    text = b""
    while len(text) < len(b"head sent head from a file"):
        text += theirs.recv(100)
    assert text == b"head sent head from a file"


def test_a_time_out_counts_when_it_is_read_under(
    pair: tuple[ThriftySocket, socket.socket],
) -> None:
    line, _theirs = pair
    line.setblocking(False)
    with pytest.raises(BlockingIOError):
        line.recv(1)
    line.settimeout(0.05)
    assert line.gettimeout() == 0.05
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        line.recv(1)
    assert time.monotonic() - began >= 0.04
    line.setblocking(True)
    assert line.gettimeout() is None


def test_the_taken_connection_is_given_up() -> None:
    ours, theirs = socket.socketpair()
    with ThriftySocket(ours) as line, theirs:
        assert ours.fileno() == -1
        assert (line.family, line.type) == (theirs.family, theirs.type)
