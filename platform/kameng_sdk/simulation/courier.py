"""Delivers callbacks from the store in the background, again and again until one is accepted."""

from __future__ import annotations

import http.client
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kameng_sdk.simulation.store import Row, Store

BACK_OFF = (1, 2, 4, 8, 15, 30, 60)
MOST_TRIES = 500
ANSWER_SECONDS = 5.0
LEASE_SECONDS = 12.0  # one place in the queue, one delivery: what is cut off goes out again then


@dataclass(frozen=True, slots=True)
class Callback:
    """One HTTP request to the merchant."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Courier:
    """One thread looks for what is due, a few others send. State lives in the store only."""

    def __init__(
        self,
        store: Store,
        *,
        prepare: Callable[[Row], Callback],
        accepted: Callable[[int, str], bool],
        each_round: Callable[[], None],
        senders: int = 8,
    ) -> None:
        self._store = store
        self._prepare = prepare
        self._accepted = accepted
        self._each_round = each_round
        self._senders = senders
        self._work: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._starting = threading.Lock()
        self._owner = 0
        self._looker: threading.Thread | None = None
        self._stopped = False

    def ensure_running(self) -> None:
        """Start the threads, also in a process that was forked after they were started."""
        if self._owner == os.getpid() or self._stopped:
            return
        with self._starting:
            if self._owner == os.getpid():
                return
            self._owner = os.getpid()
            self._work = queue.SimpleQueue()
            self._looker = threading.Thread(target=self._look, name="callbacks", daemon=True)
            self._looker.start()
            for number in range(self._senders):
                threading.Thread(
                    target=self._send_all, name=f"sender-{number}", daemon=True
                ).start()

    def stop(self) -> None:
        """End the threads; what was not delivered stays in the store."""
        self._stopped = True
        self._wake.set()
        if self._looker is not None:
            # What it has just claimed is sent; behind the ends below it would wait for its lease.
            self._looker.join(timeout=5)
        for _ in range(self._senders):
            self._work.put(None)

    def wake(self) -> None:
        """Look now: something has just become due."""
        self._wake.set()

    def _look(self) -> None:
        while not self._stopped:
            self._wake.clear()
            # A round that fails (a busy file, say) must not end the thread: the next one repeats.
            with suppress(Exception):
                self._each_round()
                for row in self._claim():
                    self._work.put(row)
            # A short wait, since late payments fall due and other processes add callbacks.
            self._wake.wait(timeout=0.5)

    def _claim(self) -> list[Row]:
        if self._store.setting("callbacks") != "on":
            return []
        # No more than can be sent within the lease, or slow merchants would get each row twice.
        free = self._senders - self._work.qsize()
        if free <= 0:
            return []
        now = time.time()
        due = "state = 'waiting' AND due_at <= ? AND leased_until <= ?"
        if not self._store.rows(f"SELECT 1 FROM callbacks WHERE {due} LIMIT 1", now, now):
            return []
        with self._store.write() as connection:
            return connection.execute(
                "UPDATE callbacks SET leased_until = ?, tries = tries + 1 WHERE id IN"
                f" (SELECT id FROM callbacks WHERE {due} ORDER BY due_at LIMIT ?) RETURNING *",
                (now + LEASE_SECONDS, now, now, free),
            ).fetchall()

    def _send_all(self) -> None:
        work = self._work
        while (row := work.get()) is not None:
            # What fails here stays leased in the store and is sent again when the lease ends.
            with suppress(Exception):
                self._send(row)
            self._wake.set()

    def _send(self, row: Row) -> None:
        try:
            status, answer = send(self._prepare(row))
            accepted = self._accepted(status, answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            accepted, answer = False, f"{type(error).__name__}: {error}"
        self._record(row, accepted, answer[:200])

    def _record(self, row: Row, accepted: bool, answer: str) -> None:
        pause = BACK_OFF[min(row["tries"], len(BACK_OFF)) - 1]
        state = "waiting"
        if accepted:
            state = "accepted"
        elif row["tries"] >= MOST_TRIES:
            state = "given_up"
        with self._store.write() as connection:
            connection.execute(
                "UPDATE callbacks SET state = ?, due_at = ?, leased_until = 0, answer = ?"
                " WHERE id = ?",
                (state, time.time() + pause, answer, row["id"]),
            )


def send(callback: Callback) -> tuple[int, str]:
    """Send one request, follow no redirect, read at most 64 KiB of the answer."""
    target = urlsplit(callback.url)
    if target.scheme not in {"http", "https"} or not target.hostname:
        raise ValueError("callback address is not an http address")
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(_address(target.hostname), target.port, timeout=ANSWER_SECONDS)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        headers = {"Host": target.netloc.rpartition("@")[2], **callback.headers}
        connection.request(callback.method, path, body=callback.body or None, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(65536).decode("utf-8", "replace")
    finally:
        connection.close()


def _address(host: str) -> str:
    """Browsers resolve every name under `localhost` themselves; many systems do not."""
    return "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
