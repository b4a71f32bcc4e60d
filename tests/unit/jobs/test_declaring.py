"""Declaring work at import time, without broker and application."""

from pathlib import Path

import pytest

from kameng.jobs import actor, every, registry, subscribe
from kameng.jobs.discovery import load_tasks
from kameng.jobs.errors import summary
from kameng.jobs.slots import slot_at


@pytest.fixture(autouse=True)
def own():
    before = set(registry.actors()) | set(registry.periodic())
    yield
    for name in (set(registry.actors()) | set(registry.periodic())) - before:
        registry.forget(name)


def test_names_come_from_context_and_function():
    def fulfil():
        pass

    fulfil.__module__ = "kameng.supply.tasks"
    assert registry.default_name(fulfil) == "supply.fulfil"


def test_subscribers_stay_callable_and_are_found_by_topic():
    @subscribe("t.topic", name="t.b")
    def second(station_id, payload):
        return station_id

    @subscribe("t.topic", name="t.a")
    def first(station_id, payload):
        return payload

    assert second(7, {}) == 7
    assert [spec.name for spec in registry.subscribers("t.topic")] == ["t.a", "t.b"]


def test_an_actor_runs_here_when_called():
    @actor(queue="bulk", name="t.add")
    def add(a, b):
        return a + b

    assert add(1, 2) == 3
    assert add.name == "t.add"


def test_two_functions_cannot_share_a_name():
    @actor(name="t.same")
    def one():
        pass

    def declare():
        @actor(name="t.same")
        def two():
            pass

    with pytest.raises(ValueError, match=r"t\.same"):
        declare()


def test_work_in_several_scopes_is_never_marked_first():
    @subscribe("t.topic", name="t.own", scope="none", once=True)
    def own_scopes(station_id, payload):
        pass

    assert registry.find_actor("t.own").once is False


@pytest.mark.parametrize("given", [{"seconds": 0}, {"seconds": 5, "scope": "station"}])
def test_periodic_work_that_makes_no_sense_is_refused(given):
    with pytest.raises(ValueError, match="interval"):
        every(**given)


def test_slots_begin_at_multiples_of_the_interval():
    @every(seconds=60, offset_s=5, name="t.tick")
    def tick():
        pass

    spec = registry.periodic()["t.tick"]
    assert slot_at(spec, 125.0).timestamp() == 125
    assert slot_at(spec, 184.9).timestamp() == 125
    assert slot_at(spec, 185.0).timestamp() == 185


def test_a_summary_keeps_values_of_rows_out():
    error = ValueError("duplicate key\nDETAIL: Key (login)=(somebody) exists")
    assert summary(error) == "ValueError: duplicate key"


def test_the_work_of_every_context_is_loaded() -> None:
    platform = Path(__file__).resolve().parents[3] / "platform" / "kameng"
    assert load_tasks() == sorted(
        f"kameng.{p.parent.name}.tasks" for p in platform.glob("*/tasks.py")
    )
