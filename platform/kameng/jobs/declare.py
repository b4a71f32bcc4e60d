"""The decorators of a context's tasks.py: `actor`, `subscribe`, `every`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from kameng.jobs.registry import (
    ActorSpec,
    P,
    PeriodicSpec,
    Queue,
    R,
    ScopeKind,
    add_actor,
    add_periodic,
    default_name,
)


class Actor(Generic[P, R]):
    """A declared function: call it to run it here, `send` it to run it in a worker."""

    def __init__(self, fn: Callable[P, R], name: str) -> None:
        self.fn = fn
        self.name = name
        self.__doc__ = fn.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.fn(*args, **kwargs)

    def send(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Enqueue at once (ids only) and return the message id; needs an application context.

        A flush of Redis loses the message: what must not be lost goes through `publish` or
        `start_run`. Raises redis errors when Redis is away.
        """
        from kameng.jobs.broker import send

        return send(self.name, args, kwargs)


def actor(
    *,
    queue: Queue = "bulk",
    scope: ScopeKind = "main",
    name: str = "",
    max_retries: int = 8,
    min_backoff_ms: int = 2_000,
    max_backoff_ms: int = 600_000,
) -> Callable[[Callable[P, R]], Actor[P, R]]:
    """Declare a function for the workers. Arguments are ids and must be JSON.

    It runs in an application context and in `scope`: "main" (all stations), "station" (then the
    first argument is the station's id) or "none" (it opens its scopes itself).
    """

    def declare(fn: Callable[P, R]) -> Actor[P, R]:
        chosen = name or default_name(fn)
        add_actor(
            ActorSpec(
                name=chosen,
                fn=fn,
                queue=queue,
                scope=scope,
                max_retries=max_retries,
                min_backoff_ms=min_backoff_ms,
                max_backoff_ms=max_backoff_ms,
            )
        )
        return Actor(fn, chosen)

    return declare


def subscribe(
    topic: str,
    *,
    queue: Queue = "bulk",
    scope: ScopeKind = "main",
    once: bool = True,
    name: str = "",
    max_retries: int = 8,
    min_backoff_ms: int = 2_000,
    max_backoff_ms: int = 600_000,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare `fn(station_id, payload)` as a subscriber of an outbox topic; `fn` stays callable.

    `once=True`: the mark "handled" and the effect are ONE transaction, so a repeated message does
    nothing. The function commits at most once (or leaves the commit to the caller).
    `once=False`, for work in several transactions or with calls to the outside: the mark is
    written after it has returned, so it must be safe to repeat. `scope="none"` implies it.
    """

    def declare(fn: Callable[P, R]) -> Callable[P, R]:
        add_actor(
            ActorSpec(
                name=name or default_name(fn),
                fn=fn,
                queue=queue,
                scope=scope,
                topic=topic,
                once=once and scope != "none",
                max_retries=max_retries,
                min_backoff_ms=min_backoff_ms,
                max_backoff_ms=max_backoff_ms,
            )
        )
        return fn

    return declare


def every(
    *,
    seconds: float,
    offset_s: float = 0,
    scope: ScopeKind = "main",
    queue: Queue | None = None,
    name: str = "",
    lease_s: float = 0,
) -> Callable[[Callable[[], R]], Callable[[], R]]:
    """Declare `fn()` to run in every slot of `seconds`, in one scheduler of however many.

    Without `queue` it runs in a scheduler's own thread and must be short; with it, a worker runs
    it. A run that takes longer than `lease_s` (default: twice the interval, 15 s to 10 min) is
    taken for dead and the job may start again. `scope` as for `actor`, except "station".
    """
    if seconds <= 0 or scope == "station":
        raise ValueError("a periodic job needs an interval and runs in scope main or none")

    def declare(fn: Callable[[], R]) -> Callable[[], R]:
        chosen = name or default_name(fn)
        if queue is not None:
            add_actor(ActorSpec(name=chosen, fn=fn, queue=queue, scope=scope, max_retries=0))
        add_periodic(
            PeriodicSpec(
                name=chosen,
                fn=fn,
                seconds=seconds,
                offset_s=offset_s,
                scope=scope,
                queue=queue,
                lease_s=lease_s or min(max(15.0, 2 * seconds), 600.0),
            )
        )
        return fn

    return declare
