"""Whether what processes remember is still true: one mark for all, renewed by every change.

A process keeps keys and rules together with the mark that it saw before it read them. The mark
travels with the answer of a script that is asked anyway, so a change counts at the next request
everywhere, and asking costs nothing. When Redis has lost the mark, all is read again.
"""

from __future__ import annotations

import logging
from typing import cast
from uuid import uuid4

from kameng import redis

log = logging.getLogger(__name__)

# For scripts of others: puts the mark of KEYS[1] into `epoch`; a lost one is made anew.
LUA = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  local t = redis.call('TIME')
  epoch = 't' .. t[1] .. t[2]
  redis.call('SET', KEYS[1], epoch)
end
"""


class _Own:
    """Changes made by this process."""

    count = 0


_own = _Own()


def key() -> str:
    """Where the mark lies."""
    return redis.global_key("epoch")


def current() -> bytes:
    """The mark as it is now; raises Redis errors."""
    script = redis.client().register_script(LUA + "return epoch")
    return cast(bytes, script(keys=[key()]))


def own_changes() -> int:
    """How often this process itself has said so: it needs not ask to know."""
    return _own.count


def renew() -> None:
    """Say that something has changed: after the commit. A Redis that is away forgets its own."""
    _own.count += 1
    try:
        redis.client().set(key(), uuid4().hex)
    except redis.RedisError as error:
        # What is remembered lives for seconds only; scripts cannot run meanwhile either.
        log.warning("the mark was not renewed: %s", type(error).__name__)
