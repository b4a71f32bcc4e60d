"""The dramatiq broker of an application, and sending to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.message import Message
from dramatiq.middleware import Retries, ShutdownNotifications, TimeLimit
from flask import Flask, current_app

from kameng import redis as kameng_redis
from kameng.jobs import runner
from kameng.jobs.bell import Bell, RungConsumer
from kameng.jobs.middleware import Housekeeping
from kameng.jobs.registry import QUEUES, ActorSpec, actors, find_actor
from kameng.runtime import current_settings

EXTENSION = "kameng.jobs"
NAMESPACE = "km:jobs"
# In maintenance the messages of dead workers come back. It runs by chance: with dramatiq's
# default of one command in a thousand that took minutes. An idle worker looks into each queue once
# a second, so that with three in ten it takes seconds.
MAINTENANCE_CHANCE = 300_000
HEARTBEAT_MS = 60_000
NOTIFY_LIMIT_MS = 10 * 60_000
NO_LIMIT = float("inf")

log = logging.getLogger("kameng.jobs")


class Broker(RedisBroker):
    """dramatiq's, but its words go the short way to Redis, and a bell wakes its consumers."""

    def __init__(self, client: kameng_redis.Client, bell: Bell, **options: Any) -> None:
        super().__init__(client=client, **options)  # type: ignore[no-untyped-call]  # dramatiq is untyped here
        self.bell = bell
        self.scripts["dispatch"] = partial(_say, client, self.scripts["dispatch"])

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Put a message on its queue and wake those who wait for it."""
        sent: Message[Any] = super().enqueue(message, delay=delay)
        self.bell.ring(sent.queue_name)
        return sent

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> RungConsumer:
        """The consumer of a queue; `timeout`: milliseconds after which it looks unasked."""
        return RungConsumer(self, queue_name, prefetch, timeout, self.bell.of(queue_name))


def broker_of(app: Flask) -> Broker:
    """The application's broker; made on first use, connected on first command."""
    found = app.extensions.get(EXTENSION)
    if found is None:
        with app.app_context():
            found = app.extensions[EXTENSION] = _new_broker(app)
    return cast(Broker, found)


def worker_broker(app: Flask) -> Broker:
    """The broker with every declared actor bound to the application, for a worker process."""
    broker = broker_of(app)
    for queue in QUEUES:
        broker.declare_queue(queue)
    for spec in actors().values():
        if spec.name not in broker.actors:
            _declare(app, broker, spec)
    return broker


def send(name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> str:
    """Enqueue a call of a declared actor; returns the message id."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's proxy
    spec = find_actor(name)
    if spec is None:
        raise LookupError(f"no actor is named {name!r}")
    return enqueue(broker_of(app), spec, args, kwargs)


def enqueue(
    broker: Broker,
    spec: ActorSpec,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
) -> str:
    """Put one message on the actor's queue."""
    message: Message[Any] = Message(
        queue_name=spec.queue,
        actor_name=spec.name,
        args=tuple(args),
        kwargs=dict(kwargs or {}),
        options={},
    )
    return str(broker.enqueue(message).message_id)


def _new_broker(app: Flask) -> Broker:
    client = kameng_redis.connect(current_settings().redis_url)
    bell = Bell(client)
    return Broker(
        client,
        bell,
        namespace=NAMESPACE,
        maintenance_chance=MAINTENANCE_CHANCE,
        heartbeat_timeout=HEARTBEAT_MS,
        # No pipelines, no groups, no age limit: nothing that lives in Redis alone decides.
        middleware=[
            Housekeeping(app),
            bell,
            ShutdownNotifications(),
            TimeLimit(time_limit=NO_LIMIT),
            Retries(),
        ],
    )


def _say(client: kameng_redis.Client, script: Any, *, args: list[Any], keys: list[str]) -> Any:
    try:
        return client.run_script(script.sha, script.script.decode(), keys, args)
    except kameng_redis.ConnectionLost:  # cut by a restart; what is said twice is handled once
        return client.run_script(script.sha, script.script.decode(), keys, args)


def _declare(app: Flask, broker: Broker, spec: ActorSpec) -> None:
    declare = dramatiq.actor(
        broker=broker,
        actor_name=spec.name,
        queue_name=spec.queue,
        max_retries=spec.max_retries,
        min_backoff=spec.min_backoff_ms,
        max_backoff=spec.max_backoff_ms,
        # A time limit strikes anywhere, between COMMIT and the next line too. Money and goods are
        # bounded by the time-outs of statements and HTTP instead.
        time_limit=NOTIFY_LIMIT_MS if spec.queue == "notify" else NO_LIMIT,
    )
    declare(_bound(app, spec))


def _bound(app: Flask, spec: ActorSpec) -> Callable[..., None]:
    if spec.topic:

        def handle(outbox_id: int, station_id: int, payload: dict[str, Any]) -> None:
            runner.handle(app, spec, outbox_id, station_id, payload)

        return handle

    def perform(*args: Any, **kwargs: Any) -> None:
        runner.perform(app, spec, args, kwargs)

    return perform
