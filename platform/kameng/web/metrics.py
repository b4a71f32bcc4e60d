"""A few numbers as text for a scraper: requests by class, orders by state."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import cast

from flask import Flask, Response, request

from kameng import redis
from kameng.runtime import extensions

log = logging.getLogger(__name__)

EXTENSION = "kameng.metrics"
FLUSH_S = 1.0


class _Counts:
    """Counted in the process, added to Redis once a second: one round trip for many requests."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pending: Counter[str] = Counter()
        self.flushed_at = 0.0

    def add(self, name: str) -> Counter[str] | None:
        """Count one; hands out what is due to be flushed."""
        with self.lock:
            self.pending[name] += 1
            if time.monotonic() - self.flushed_at < FLUSH_S:
                return None
            due, self.pending, self.flushed_at = self.pending, Counter(), time.monotonic()
            return due


def init_metrics(app: Flask) -> None:
    """Count every answer."""
    app.extensions[EXTENSION] = _Counts()
    app.after_request(_count)


def request_counts() -> dict[str, int]:
    """`GET 2xx` → count, of all processes."""
    raw = cast(dict[bytes, bytes], redis.client().hgetall(redis.global_key("requests")))
    return {name.decode(): int(count) for name, count in sorted(raw.items())}


def flush() -> None:
    """Add what this process has counted so far."""
    counts = cast(_Counts, extensions()[EXTENSION])
    with counts.lock:
        due, counts.pending = counts.pending, Counter()
    _store(due)


def count(method: str, status: int) -> None:
    """Count an answer."""
    counts = cast(_Counts, extensions()[EXTENSION])
    due = counts.add(f"{method} {status // 100}xx")
    if due:
        _store(due)


def _count(response: Response) -> Response:
    count(request.method, response.status_code)
    return response


def _store(due: Counter[str]) -> None:
    try:
        with redis.client().pipeline(transaction=False) as pipe:
            for name, count in due.items():
                pipe.hincrby(redis.global_key("requests"), name, count)
            pipe.execute()
    except redis.RedisError:
        log.debug("request counts were not stored")
