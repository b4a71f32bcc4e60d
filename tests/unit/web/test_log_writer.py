"""Lines reach standard error whole, in order, and without anybody waiting for them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO, TextIO

import pytest

from kameng import log_writer
from kameng.log_writer import LaterRecord, Stderr


class Log:
    """A pipe in the place of standard error, and what was written to it."""

    def __init__(self, pipe: BinaryIO, stderr: TextIO) -> None:
        self._pipe, self._stderr = pipe, stderr

    def handler(self) -> Stderr:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stderr", self._stderr)
            return Stderr()

    def readline(self) -> bytes:
        return self._pipe.readline()

    def is_empty(self) -> bool:
        os.set_blocking(self._pipe.fileno(), False)
        return self._pipe.readline() == b""


@pytest.fixture
def log() -> Iterator[Log]:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "w", encoding="utf-8") as stderr:
        yield Log(pipe, stderr)


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("kameng.x", logging.INFO, "", 0, text, (), None)


def later(text: str) -> LaterRecord:
    return LaterRecord("kameng.access", logging.INFO, "", 0, text, (), None)


@pytest.fixture
def unanswered(log: Log, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stderr]:
    """A handler whose thread never comes."""
    monkeypatch.setattr(Stderr, "_ring", lambda _self: None)
    handler = log.handler()
    yield handler
    handler.flush()


def test_a_later_line_comes_by_itself(log: Log) -> None:
    handler = log.handler()
    for number in range(3):
        handler.handle(later(f"request {number}"))
        assert log.readline() == f"request {number}\n".encode()


def test_it_is_not_written_by_the_one_who_answers(log: Log, unanswered: Stderr) -> None:
    unanswered.handle(later("request"))
    assert log.is_empty()


def test_another_line_takes_it_along_in_order(log: Log, unanswered: Stderr) -> None:
    unanswered.handle(later("first"))
    unanswered.handle(later("second"))
    unanswered.handle(line("fault"))
    assert [log.readline() for _ in range(3)] == [b"first\n", b"second\n", b"fault\n"]


def test_the_end_of_a_process_loses_none() -> None:
    code = (
        "import logging\n"
        "from kameng.log_writer import LaterRecord, Stderr\n"
        "handler = Stderr()\n"
        "handler.handle(LaterRecord('kameng.access', 20, '', 0, 'the last one', (), None))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "the last one\n"


def test_so_many_are_kept_and_no_more(
    log: Log, unanswered: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "MOST_KEPT", 3)
    for number in range(4):
        unanswered.handle(later(str(number)))
    assert [log.readline() for _ in range(3)] == [b"0\n", b"1\n", b"2\n"]
    assert log.is_empty()


def test_a_piece_is_small_and_ends_with_a_line(
    unanswered: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes write to one pipe: only what is shorter than 4,096 bytes is not mixed."""
    pieces: list[str] = []
    monkeypatch.setattr(unanswered, "_write", pieces.append)
    lines = [f"{number}" + "x" * 200 for number in range(100)]
    for text in lines:
        unanswered.handle(later(text))
    unanswered.flush()
    assert "".join(pieces) == "".join(f"{text}\n" for text in lines)
    assert all(len(piece) <= log_writer.PIECE and piece.endswith("\n") for piece in pieces)
    assert len(pieces) < 10


def test_one_that_cannot_be_written_takes_no_other_along(
    log: Log, unanswered: Stderr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    unanswered.handle(later("first"))
    unanswered.handle(LaterRecord("kameng.access", 20, "", 0, "%d", ("no number",), None))
    unanswered.handle(later("third"))
    unanswered.flush()
    assert [log.readline(), log.readline()] == [b"first\n", b"third\n"]


def test_a_child_writes_its_own_lines_and_not_its_parents(log: Log) -> None:
    handler = log.handler()
    handler.handle(later("warm"))  # the parent has a thread by now
    assert log.readline() == b"warm\n"
    handler._later.append(later("the parent's"))
    child = os.fork()
    if child == 0:
        handler.handle(later("the child's"))
        handler._bell.wait(5)
        threading.Event().wait(0.3)
        os._exit(0)
    os.waitpid(child, 0)
    assert log.readline() == b"the child's\n"
    handler.flush()
    assert log.readline() == b"the parent's\n"


def test_a_process_that_can_start_no_thread_writes_at_once(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    handler = log.handler()
    handler.handle(later("request"))
    assert log.readline() == b"request\n"


def test_a_line_goes_out_whole_whatever_the_pipe_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than a pipe holds, and with half a letter that no encoding knows."""
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        handler = Stderr()
        record = logging.LogRecord("kameng.x", logging.INFO, "", 0, "é\ud800" * 50_000, (), None)
        writer = threading.Thread(target=handler.handle, args=(record,))
        writer.start()
        line = pipe.readline().decode()
        writer.join()
    assert line == "é\\ud800" * 50_000 + "\n"


def test_nobody_waits_for_a_log_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with open(reading, "rb") as pipe, open(writing, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        handler = Stderr()
        record = logging.LogRecord("kameng.x", logging.INFO, "", 0, "x" * 9_999, (), None)
        for _line in range(50):
            handler.handle(record)
        os.set_blocking(reading, False)
        assert pipe.readline() == b"x" * 9_999 + b"\n"
