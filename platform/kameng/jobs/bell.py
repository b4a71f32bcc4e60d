"""A bell in Redis for workers: a message has come, look now.

The looking stays the truth. A ring that is lost costs the pause between two looks and nothing else.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dramatiq import Broker, Middleware
from dramatiq.brokers.redis import _RedisConsumer
from dramatiq.worker import Worker

from kameng import redis

LISTEN_S = 1.0
AGAIN_S = 1.0

log = logging.getLogger("kameng.jobs")


class Bell(Middleware):
    """Rings for all workers of an installation; in a worker's process one thread listens."""

    def __init__(self, client: redis.Client) -> None:
        self._client = client
        self._channel = redis.global_key("jobs", "bell")
        self._rung: dict[str, threading.Event] = {}
        self._stop = threading.Event()

    def of(self, queue: str) -> threading.Event:
        """What is set when a message has come to this queue."""
        return self._rung.setdefault(queue, threading.Event())

    def ring(self, queue: str) -> None:
        """Say that a message has come to this queue. Nobody hearing it is no error."""
        with suppress(redis.RedisError):
            self._client.ask("PUBLISH", self._channel, queue)

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Begin to listen."""
        self._stop = threading.Event()
        thread = threading.Thread(target=self._listen, args=(self._stop,), name="bell", daemon=True)
        thread.start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Listen no more."""
        self._stop.set()

    def _listen(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._hear(stop.is_set)
            except redis.RedisError as error:
                log.warning("the bell of the jobs is silent: %s", type(error).__name__)
                stop.wait(AGAIN_S)

    def _hear(self, stopped: Callable[[], bool]) -> None:
        line: Any = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py is untyped here
        with line:
            line.subscribe(self._channel)
            while not stopped():
                heard = line.get_message(timeout=LISTEN_S)
                if heard is not None:
                    self.of(heard["data"].decode()).set()


class RungConsumer(_RedisConsumer):
    """Waits for the bell where dramatiq's own sleeps longer and longer."""

    def __init__(
        self, broker: Any, queue: str, prefetch: int, patience_ms: int, rung: threading.Event
    ) -> None:
        # 0: no sleep of its own.
        super().__init__(broker, queue, prefetch, 0)  # type: ignore[no-untyped-call]  # dramatiq is untyped here
        self._rung, self._patience_s = rung, patience_ms / 1000

    def __next__(self) -> Any:
        """The next message; None after a while without one."""
        self._rung.clear()  # before the look: what comes after it rings again
        found = super().__next__()  # type: ignore[no-untyped-call]  # dramatiq is untyped here
        if found is None:
            self._rung.wait(self._patience_s)
        return found

    def ack(self, message: Any) -> None:
        """Done; a place is free again."""
        self._leave(super().ack, message)

    def nack(self, message: Any) -> None:
        """Given up; a place is free again."""
        self._leave(super().nack, message)

    def _leave(self, leave: Callable[[Any], None], message: Any) -> None:
        full = self.outstanding_message_count >= self.prefetch
        try:
            leave(message)
        finally:
            if full:  # more may wait there, for which the bell has rung long ago
                self._rung.set()
