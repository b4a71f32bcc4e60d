"""Marks in Redis: this message is on its way.

They lie where the messages lie, so whatever loses the messages loses the marks as well, and the
sweeper sees from PostgreSQL what must be sent again, without repeating what merely waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from flask import Flask

from kameng import redis as kameng_redis
from kameng.jobs.registry import find_actor
from kameng.redis import RedisError

# Should a mark outlive its message for whatever reason, the message is sent again after this.
LIFE_S = 600

__all__ = ["LIFE_S", "RedisError", "flying", "land", "launch", "launch_once"]


def launch(pairs: Iterable[tuple[int, str]]) -> None:
    """Mark (outbox id, actor) pairs; one round trip."""
    with kameng_redis.client().pipeline(transaction=False) as pipe:
        for outbox_id, actor in pairs:
            pipe.set(_key(actor, outbox_id), 1, ex=LIFE_S)
        pipe.execute()


def flying(pairs: Sequence[tuple[int, str]]) -> list[bool]:
    """For each pair whether its mark is there."""
    if not pairs:
        return []
    keys = [_key(actor, outbox_id) for outbox_id, actor in pairs]
    marks = cast(list[bytes | None], kameng_redis.client().mget(keys))
    return [mark is not None for mark in marks]


def launch_once(actor: str, life_s: float) -> bool:
    """Mark a periodic job; False when its last message has not been worked off yet."""
    life = max(1, int(life_s))
    return bool(kameng_redis.client().set(_key(actor, "periodic"), 1, nx=True, ex=life))


def land(app: Flask, actor: str, args: tuple[Any, ...]) -> None:
    """Take the mark of a message away."""
    spec = find_actor(actor)
    subject = args[0] if spec is not None and spec.topic and args else "periodic"
    with app.app_context():
        kameng_redis.client().delete(_key(actor, subject))


def _key(actor: str, subject: int | str) -> str:
    return kameng_redis.global_key("job", actor, subject)
