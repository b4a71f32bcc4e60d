"""Whether what processes remember is still true: one mark for all, renewed by every change.

A process keeps keys and rules together with the mark that it saw before it read them. The mark
travels with the answer of a script that is asked anyway, so a change counts at the next request
everywhere, and asking costs nothing. When Redis has lost the mark, all is read again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from functools import cache
from typing import Generic, TypeVar, cast
from uuid import uuid4

from flask import has_request_context
from flask.ctx import AppContext

from kameng import redis
from kameng.runtime import application_context, extensions

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
KEPT_S = 60.0  # a mark that was not renewed, as Redis was away just then, misleads no longer
MOST_KEPT = 20_000
HEARD = "kameng.epoch"

# For scripts of others: puts the mark of KEYS[1] into `epoch`; a lost one is made anew.
LUA = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  local t = redis.call('TIME')
  epoch = 't' .. t[1] .. t[2]
  redis.call('SET', KEYS[1], epoch)
end
"""
_SCRIPT = LUA + "return epoch"
_DIGEST = redis.digest(_SCRIPT)


class _Own:
    """Changes made by this process."""

    count = 0


_own = _Own()


@cache
def key() -> str:
    """Where the mark lies."""
    return redis.global_key("epoch")


def current() -> bytes:
    """The mark as it is now; raises Redis errors."""
    mark = cast(bytes, redis.client().run_script(_DIGEST, _SCRIPT, [key()], []))
    note(mark)
    return mark


def note(mark: bytes) -> None:
    """Redis has just told the mark, to whichever request of this process."""
    extensions()[HEARD] = (mark, time.monotonic())


def heard(seconds: float) -> bytes | None:
    """The mark, when this process has heard it within so many seconds: nobody is asked."""
    mark, at = extensions().get(HEARD, (None, 0.0))
    return mark if mark is not None and time.monotonic() - at < seconds else None


def seen() -> bytes | None:
    """The mark, asked for once in a request; None without Redis: then nothing remembered counts.

    What this process itself has changed in the meantime makes it ask again.
    """
    return _seen_in(application_context())


def _seen_in(context: AppContext) -> bytes | None:
    held = vars(context.g)  # its methods are Python's
    # A short way names its requests too, and has no context of Flask's for them.
    if "request_id" not in held and not has_request_context():
        return _asked()
    known: tuple[int, bytes | None] | None = held.get("epoch")
    if known is None or known[0] != _own.count:
        known = held["epoch"] = (_own.count, _asked())
    return known[1]


def hear(changes: int, mark: bytes) -> None:
    """The mark has come along with another answer: nobody need ask for it in this request.

    `changes`: what `own_changes` said before Redis was asked.
    """
    note(mark)
    held = vars(application_context().g)
    if "request_id" in held and "epoch" not in held:
        held["epoch"] = (changes, mark)


def _asked() -> bytes | None:
    try:
        return current()
    except redis.RedisError as error:
        log.debug("the mark cannot be asked: %s", type(error).__name__)
        return None


class Memory(Generic[K, V]):
    """What the processes of one application remember of a kind, each while the mark stands."""

    def __init__(self, name: str) -> None:
        self._name = name

    def recall(self, key: K, read: Callable[[], V]) -> V:
        """As it was read under the present mark, else read now. `None` is never remembered."""
        context = application_context()
        mark = _seen_in(context)  # before reading: a change in between must not pass for read
        if mark is None:
            return read()
        kept: dict[K, tuple[bytes, float, V]] = context.app.extensions.setdefault(self._name, {})
        found = kept.get(key)
        if found and found[0] == mark and time.monotonic() - found[1] < KEPT_S:
            return found[2]
        value = read()
        if value is not None:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            kept[key] = (mark, time.monotonic(), value)
        return value


def own_changes() -> int:
    """How often this process itself has said so: it needs not ask to know."""
    return _own.count


def renew() -> None:
    """Say that something has changed: after the commit. A Redis that is away forgets its own."""
    _own.count += 1
    extensions().pop(HEARD, None)
    try:
        redis.client().set(key(), uuid4().hex)
    except redis.RedisError as error:
        # What is remembered lives for seconds only; scripts cannot run meanwhile either.
        log.warning("the mark was not renewed: %s", type(error).__name__)
