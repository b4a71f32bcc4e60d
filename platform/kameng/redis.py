"""Redis/Valkey: one client per application, and the only place where keys are made.

What lies here may vanish at any time: everything that must last is in PostgreSQL.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, cast
from urllib.parse import quote

import redis as redis_client
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry

from kameng.db.scope import current_scope
from kameng.redis_line import Line
from kameng.runtime import extensions
from kameng.settings import Settings

EXTENSION = "kameng.redis"
REST_S = 1.0
ANSWER_S = 2.0
# Parts between bars that quoting would leave as they are.
PLAIN = re.compile(r"[A-Za-z0-9_.~|-]*")
RedisError = redis_client.RedisError
ConnectionLost = redis_client.ConnectionError
NoScriptError = redis_client.exceptions.NoScriptError


class _Lines(threading.local):
    """Each thread's own line of one client in one process."""

    own: Line | None = None

    def __init__(self) -> None:
        self.process = os.getpid()


class Client(redis_client.Redis):
    """A client that rests for a second after a time-out.

    A refused connection fails at once; a Redis that hangs would hold every page up in turn.
    """

    resting_until = 0.0
    _lines: _Lines | None = None

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """As usual, or `TimeoutError` at once while resting."""
        if self.resting:
            raise redis_client.TimeoutError("Redis has just timed out")
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py is untyped here
        except redis_client.TimeoutError:
            self.resting_until = time.monotonic() + REST_S
            raise

    def run_script(self, digest: str, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """EVALSHA by the shortest way: a line for each thread.

        No retry: a script that counts may have run. Sends the script itself when the server has
        forgotten it. Raises as other commands do.
        """
        try:
            return self.ask("EVALSHA", digest, len(keys), *keys, *args)
        except NoScriptError:  # a new server, or one that was flushed
            return self.ask("EVAL", script, len(keys), *keys, *args)

    def ask(self, *words: Any) -> Any:
        """A command by the shortest way, as `run_script`: once, its answer in bytes."""
        return self._rested(self._own_line().ask, words)

    def ask_packed(self, command: bytes) -> Any:
        """The same for a command that was `redis_line.packed` once for many times."""
        return self._rested(self._own_line().ask, command)

    def tell(self, *words: Any) -> None:
        """A command that nobody waits for: done before this thread's next one by the short way.

        It may be lost, its refusal too. A script goes whole (`EVAL`), as nobody would hear that
        the server does not know it. Raises when there is no connection.
        """
        self._rested(self._own_line().tell, words)

    def _rested(self, say: Callable[[Any], Any], words: Sequence[Any] | bytes) -> Any:
        if self.resting:
            raise redis_client.TimeoutError("Redis has just timed out")
        try:
            return say(words)
        except redis_client.TimeoutError:
            self.resting_until = time.monotonic() + REST_S
            raise

    def _own_line(self) -> Line:
        """This thread's; a new one after a fork."""
        lines = self._lines
        if lines is None or lines.process != os.getpid():
            lines = self._lines = _Lines()
        line: Line | None = lines.own
        if line is None:
            line = lines.own = Line(self.connection_pool.make_connection(), ANSWER_S)
        return line

    @property
    def resting(self) -> bool:
        """Whether nothing is asked at the moment."""
        return time.monotonic() < self.resting_until


def connect(url: str) -> Client:
    """A client with short deadlines: a dead Redis must not hold up a page."""
    client = Client.from_url(
        url,
        socket_connect_timeout=1,
        socket_timeout=ANSWER_S,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1),  # once more, for connections that a restart has cut
    )
    return cast(Client, client)


def init_redis(app: Flask, settings: Settings) -> None:
    """Give the application its client; nothing is connected before the first command."""
    app.extensions[EXTENSION] = connect(settings.redis_url)


def client() -> Client:
    """The application's client (answers are bytes)."""
    return cast(Client, extensions()[EXTENSION])


def digest(script: str) -> str:
    """What `run_script` calls a script by."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def key(*parts: object) -> str:
    """A key of the open scope: `km:s7:…` in station 7, `km:u4:…` of supplier 4, or `km:main:…`."""
    scope = current_scope()
    if scope.supplier_id is not None:
        return _join(f"u{scope.supplier_id}", parts)
    owner = "main" if scope.station_id is None else f"s{scope.station_id}"
    return _join(owner, parts)


def station_key(station_id: int, *parts: object) -> str:
    """A key of a named station, for code that runs before a scope is open (sessions, limits)."""
    return _join(f"s{int(station_id)}", parts)


def global_key(*parts: object) -> str:
    """A key that belongs to no station (health, counters of the whole installation)."""
    return _join("all", parts)


def _join(owner: str, parts: tuple[object, ...]) -> str:
    texts = [str(part) for part in parts]
    barred = "|".join(texts)
    if not PLAIN.fullmatch(barred) or barred.count("|") != len(texts) - 1:
        # Quoted, so that no part can reach into another name.
        barred = "|".join([quote(text, safe="") for text in texts])
    return f"km:{owner}:{barred.replace('|', ':')}"
