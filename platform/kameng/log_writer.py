"""How lines of the log reach standard error: each at once, those of answered requests together.

A line is a call of the kernel, which lets go of the interpreter's lock: on a busy server another
thread takes it, and that costs a short request more than all else that is done for its line.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

LATER_S, MOST_KEPT = 0.05, 500
PIECE = 3_500  # a pipe keeps 4,096 bytes together; lines of requests are nearly all ASCII


class LaterRecord(logging.LogRecord):
    """What may be written a moment later, together with others."""


class Stderr(logging.Handler):
    """Writes each line by one call of the kernel, so that threads need not wait for each other.

    Of answered requests many lines are written together, a moment later: a web process that dies
    by force takes those of its last moment along. Any other line is written at once, after them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._later: deque[logging.LogRecord] = deque()
        self._bell = threading.Event()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        os.register_at_fork(after_in_child=self._forget)
        self._stream = sys.stderr
        # A text layer would lock, and write what is longer than its buffer in pieces.
        self._raw = getattr(getattr(sys.stderr, "buffer", None), "raw", None)

    def createLock(self) -> None:
        """None is needed."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; where nothing can be written, nobody can be told."""
        if not isinstance(record, LaterRecord):
            self.flush()
            self._write_all([record])
            return
        try:
            self._keep(record)
        except RuntimeError:  # no thread can be started any more: the process ends
            self.flush()

    def flush(self) -> None:
        """Write what has been kept; the library does so at the end of a process."""
        kept = []
        while self._later:
            with suppress(IndexError):  # another thread was quicker
                kept.append(self._later.popleft())
        if kept:
            self._write_all(kept)

    def _keep(self, record: logging.LogRecord) -> None:
        self._later.append(record)
        waiting = len(self._later)
        if waiting == 1:
            self._ring()
        elif waiting >= MOST_KEPT:
            self.flush()

    def _ring(self) -> None:
        if self._writer is None:
            with self._starting:
                if self._writer is None:
                    writer = threading.Thread(target=self._serve, name="log", daemon=True)
                    writer.start()
                    self._writer = writer
        self._bell.set()

    def _serve(self) -> None:
        while True:
            self._bell.wait()
            time.sleep(LATER_S)
            self._bell.clear()
            self.flush()

    def _forget(self) -> None:
        """A child has no such thread, and what was kept is written by its parent."""
        self._later.clear()
        self._bell, self._writer, self._starting = threading.Event(), None, threading.Lock()

    def _write_all(self, records: Sequence[logging.LogRecord]) -> None:
        """Whole lines, so many at once as the kernel does not mix with those of other processes."""
        piece: list[str] = []
        size = 0
        for record in records:
            try:
                line = self.format(record) + "\n"
            except Exception:
                self.handleError(record)
                continue
            if piece and size + len(line) > PIECE:
                self._write_safely(piece, record)
                piece, size = [], 0
            piece.append(line)
            size += len(line)
        if piece:
            self._write_safely(piece, records[-1])

    def _write_safely(self, lines: Sequence[str], record: logging.LogRecord) -> None:
        try:
            self._write("".join(lines))
        except Exception:
            self.handleError(record)

    def _write(self, line: str) -> None:
        if self._raw is None:
            self._stream.write(line)
            return
        rest = line.encode("utf-8", "backslashreplace")
        while rest:
            written = self._raw.write(rest)
            if written is None:  # full, and it does not wait: what is lost is a line of a log
                return
            rest = rest[written:]
