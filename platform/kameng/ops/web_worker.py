"""gunicorn's worker with threads, in which the threads themselves wait for requests.

gunicorn's own hands every request from its main thread to a pool and back, four changes of thread
for each. Here all threads wait at one epoll; the kernel wakes one for a connection that can be
read, it answers, and arms the connection again. The main thread accepts, sweeps and beats.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import suppress
from math import inf
from typing import Any

from gunicorn.workers.gthread import (  # type: ignore[import-untyped]  # ships no types
    STOP_KEEPALIVE_LINGER,
    ThreadWorker,
)

from kameng.ops.web_socket import ThriftySocket

# One event for one thread; the connection is silent until it is armed again.
ARMED = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
TURN_S = 1.0
BUSY = inf  # the time-out of a connection that is being answered
# Before it takes one more connection a worker waits this long for each that it has, so that the one
# with the fewest is first. Kept connections stay where they are: without this one worker had most.
STEP_BACK_S, STEP_BACK_MOST_S = 0.0001, 0.004


class WaitingThreads(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """A connection costs a thread only while it is being answered, from its first byte on."""

    def init_process(self) -> None:
        """Before the base class, which serves until the end."""
        self._ready = select.epoll()
        self._open: dict[int, Any] = {}
        # gunicorn looks each setting up by a method, some thirty for a request; here none changes.
        self.cfg.__dict__.update({name: one.get() for name, one in self.cfg.settings.items()})
        super().init_process()

    @property
    def nr_conns(self) -> int:
        """How many connections are open: gunicorn counts by hand, from one thread alone."""
        return len(self._open)

    @nr_conns.setter
    def nr_conns(self, _value: int) -> None:
        """Nothing: they count themselves."""

    def run(self) -> None:
        """Start the threads; then accept until told to stop."""
        for number in range(self.cfg.threads):
            threading.Thread(target=self._serve, name=f"web-{number}", daemon=True).start()
        super().run()

    def accept(self, listener: Any) -> None:
        """Take a connection, if no worker with fewer has taken it meanwhile (main thread)."""
        if self._open:
            time.sleep(min(len(self._open) * STEP_BACK_S, STEP_BACK_MOST_S))
        super().accept(listener)

    def enqueue_req(self, conn: Any) -> None:
        """A new connection: wait for its first request (main thread)."""
        conn.sock = ThriftySocket(conn.sock)
        conn.data_ready = True  # threads meet it only when there is something to read
        conn.set_timeout()
        descriptor = conn.sock.fileno()
        self._open[descriptor] = conn
        self._ready.register(descriptor, ARMED)

    def murder_keepalived(self, force: bool = False) -> None:
        """Hang up on those that have been silent too long (main thread).

        The thread that the end of the line wakes takes the connection apart, so that nobody else
        ever does.
        """
        now = time.monotonic()
        for conn in list(self._open.values()):
            if force or conn.timeout < now:
                conn.timeout = BUSY
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in list(self._open.values()):
            if conn.timeout is not BUSY:
                conn.timeout = min(conn.timeout, deadline)

    def _serve(self) -> None:
        while True:
            for descriptor, _events in self._ready.poll(TURN_S, 1):
                conn = self._open.get(descriptor)
                if conn is not None:
                    self._answer(descriptor, conn)

    def _answer(self, descriptor: int, conn: Any) -> None:
        conn.timeout = BUSY
        try:
            kept = self.handle(conn)
            while kept and conn.parser.unreader.buf.getvalue():
                conn.sock.flush()
                kept = self.handle(conn)  # what was read ahead wakes nobody
            conn.sock.flush()
        except OSError as error:
            self.log.debug("A client has gone: %s", error)
            kept = False
        except Exception:
            self.log.exception("Error handling a connection")
            kept = False
        if kept:
            conn.set_timeout()
            if not self.alive:
                conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
            self._ready.modify(descriptor, ARMED)
        else:
            self._close(descriptor, conn)

    def _close(self, descriptor: int, conn: Any) -> None:
        del self._open[descriptor]  # before the number is given to another connection
        with suppress(OSError):
            conn.close(graceful=True)
