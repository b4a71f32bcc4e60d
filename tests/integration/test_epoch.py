"""What processes remember goes with the mark: whoever changes it, and whether Redis is there."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from flask import g

from kameng import epoch, redis
from kameng.web import limits


class Reader:
    """Answers by how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.asked


@pytest.fixture
def memory(app: Any) -> Iterator[epoch.Memory[str, int]]:
    made: epoch.Memory[str, int] = epoch.Memory("test.memory")
    with app.app_context():
        yield made
    app.extensions.pop("test.memory", None)


def test_what_was_read_is_remembered_until_somebody_renews_the_mark(memory: Any) -> None:
    read = Reader()
    assert [memory.recall("a", read) for _ in range(3)] == [1, 1, 1]
    epoch.renew()
    assert [memory.recall("a", read) for _ in range(2)] == [2, 2]


def test_another_process_s_change_counts_too(memory: Any) -> None:
    read = Reader()
    memory.recall("a", read)
    redis.client().set(epoch.key(), "of another process")
    assert memory.recall("a", read) == 2


def test_a_lost_mark_forgets_all(memory: Any) -> None:
    read = Reader()
    memory.recall("a", read)
    redis.client().delete(epoch.key())
    assert memory.recall("a", read) == 2


def test_each_key_is_remembered_by_itself(memory: Any) -> None:
    assert (memory.recall("a", lambda: 1), memory.recall("b", lambda: 2)) == (1, 2)
    assert (memory.recall("a", lambda: 3), memory.recall("b", lambda: 4)) == (1, 2)


def test_nothing_is_not_remembered(memory: Any) -> None:
    assert memory.recall("a", lambda: None) is None
    assert memory.recall("a", lambda: 5) == 5


def test_without_redis_all_is_read(app: Any, memory: Any) -> None:
    read = Reader()
    memory.recall("a", read)
    client = app.extensions[redis.EXTENSION]
    app.extensions[redis.EXTENSION] = redis.connect("redis://127.0.0.1:1/0")
    try:
        assert [memory.recall("a", read) for _ in range(2)] == [2, 3]
    finally:
        app.extensions[redis.EXTENSION] = client


def test_a_change_of_the_same_request_is_seen_in_it(app: Any, memory: Any) -> None:
    read = Reader()
    with app.test_request_context():
        assert [memory.recall("a", read) for _ in range(2)] == [1, 1]
        epoch.renew()
        assert memory.recall("a", read) == 2


def test_a_request_asks_for_the_mark_once(app: Any, memory: Any) -> None:
    """So a change elsewhere counts at the next request, as at the open API."""
    read = Reader()
    with app.test_request_context():
        memory.recall("a", read)
        redis.client().set(epoch.key(), "of another process")
        assert memory.recall("a", read) == 1
    assert memory.recall("a", read) == 2


def test_the_mark_comes_with_the_count_of_an_address_and_is_asked_for_no_second_time(
    app: Any, memory: Any
) -> None:
    read = Reader()
    memory.recall("a", read)
    with app.test_request_context():
        g.request_id = "of a test"
        limits.limit("test-of-marks", "somebody", 100, 60)
        redis.client().set(epoch.key(), token_hex())
        assert memory.recall("a", read) == 1
        epoch.renew()  # but what this process changes itself counts at once
        assert memory.recall("a", read) == 2


def test_a_mark_that_somebody_has_renewed_is_seen_by_the_count_of_an_address(
    app: Any, memory: Any
) -> None:
    read = Reader()
    memory.recall("a", read)
    redis.client().set(epoch.key(), token_hex())
    with app.test_request_context():
        g.request_id = "of a test"
        limits.limit("test-of-marks", "somebody", 100, 60)
        assert memory.recall("a", read) == 2


def test_a_limit_outside_of_requests_keeps_no_mark(app: Any, memory: Any) -> None:
    read = Reader()
    memory.recall("a", read)
    limits.limit("test-of-marks", "somebody", 100, 60)
    redis.client().set(epoch.key(), token_hex())
    assert memory.recall("a", read) == 2
