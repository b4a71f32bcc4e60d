"""The bell: workers look at once when it rings, and without it a little later."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from dramatiq import Message, Worker

from kameng.jobs.bell import Bell, RungConsumer
from kameng.jobs.broker import Broker, broker_of
from kameng.redis import client, connect, global_key

from .helpers import wait_until

PATIENCE_MS = 100
FOREVER_MS = 3_600_000


def message(number: int) -> Message[Any]:
    return Message(queue_name="bulk", actor_name="t.any", args=(number,), kwargs={}, options={})


def consumer(broker: Broker, prefetch: int = 8, patience_ms: int = PATIENCE_MS) -> RungConsumer:
    return broker.consume("bulk", prefetch, patience_ms)


@pytest.fixture
def broker(ready) -> Broker:
    return broker_of(ready)


@pytest.fixture
def listening(broker) -> Iterator[Broker]:
    """The broker of a worker that hears the bell."""
    worker = Worker(broker)
    broker.bell.before_worker_boot(broker, worker)
    channel = global_key("jobs", "bell")
    wait_until(lambda: client().pubsub_numsub(channel)[0][1])
    yield broker
    broker.bell.after_worker_shutdown(broker, worker)


def test_a_consumer_that_waits_wakes_when_a_message_comes(listening):
    """It would look by itself in an hour."""
    waiting, found = consumer(listening, patience_ms=FOREVER_MS), []

    def take() -> None:
        while (one := next(waiting)) is None:
            pass
        found.append(one.args)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    listening.enqueue(message(1))
    thread.join(20)
    assert found == [(1,)]


def test_a_message_nobody_rings_for_is_found_by_looking(broker):
    waiting = consumer(broker)
    assert next(waiting) is None
    broker.do_enqueue("bulk", "1", message(1).encode())  # as a sender that died before it rang
    assert next(waiting).args == (1,)


def test_a_ring_between_the_look_and_the_wait_is_not_lost(broker):
    """The wait would be an hour: the test ends because the bell has rung before it."""
    waiting = consumer(broker, patience_ms=FOREVER_MS)
    fetch = broker.scripts["dispatch"]

    def found_nothing_and_then_one_comes(**words: Any) -> Any:
        found = fetch(**words)
        broker.scripts["dispatch"] = fetch
        broker.do_enqueue("bulk", "1", message(1).encode())
        broker.bell.of("bulk").set()
        return found

    broker.scripts["dispatch"] = found_nothing_and_then_one_comes
    assert next(waiting) is None
    assert next(waiting).args == (1,)


@pytest.mark.parametrize("leave", ["ack", "nack"])
def test_a_full_consumer_looks_again_when_a_place_is_free(broker, leave):
    for number in (1, 2):
        broker.enqueue(message(number))
    waiting = consumer(broker, prefetch=1, patience_ms=FOREVER_MS)
    first = next(waiting)
    bell = broker.bell.of("bulk")
    bell.clear()  # nothing rings for the second any more
    getattr(waiting, leave)(first)
    assert bell.is_set()
    assert next(waiting).args == (2,)


def test_a_consumer_with_places_left_is_not_woken_by_each_end(broker):
    broker.enqueue(message(1))
    waiting = consumer(broker, prefetch=2)
    first = next(waiting)
    bell = broker.bell.of("bulk")
    bell.clear()
    waiting.ack(first)
    assert not bell.is_set()


def test_ringing_without_redis_is_no_error(ready):
    Bell(connect("redis://127.0.0.1:1/0")).ring("bulk")


def test_a_bell_rings_in_every_process_that_listens(broker):
    with client().pubsub(ignore_subscribe_messages=True) as other:
        other.subscribe(global_key("jobs", "bell"))
        assert other.get_message(timeout=5) is None  # its subscription
        broker.enqueue(message(1))
        assert other.get_message(timeout=5)["data"] == b"bulk"


def test_a_line_to_redis_that_was_cut_is_opened_again(broker):
    broker.enqueue(message(1))
    client().client_kill_filter(_type="normal", skipme=True)
    broker.enqueue(message(2))
    assert client().llen("km:jobs:bulk") == 2
