"""Foreign code ends, or is left behind; it never takes a thread of ours along."""

import contextvars
import threading
import time

import pytest

from kameng.db import maybe_scope, station_scope
from kameng.plugins.deadline import Died, NotStarted, Slots, TimedOut


def test_the_result_and_the_error_come_through():
    assert Slots().run(lambda: 7, 1.0) == 7
    with pytest.raises(ZeroDivisionError):
        Slots().run(lambda: 1 // 0, 1.0)


def test_code_that_hangs_is_left_behind_in_time():
    gate = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimedOut):
        Slots().run(gate.wait, 0.2)
    assert time.monotonic() - started < 1.0
    gate.set()


def test_what_one_call_has_set_the_next_does_not_see():
    seen, slots = contextvars.ContextVar("seen", default="nothing"), Slots(1)
    for _call in range(3):
        assert slots.run(seen.get, 1.0) == "nothing"
        slots.run(lambda: seen.set("something"), 1.0)


def test_a_slot_is_free_again_however_its_call_ends():
    slots = Slots(1)

    def code(error):
        raise error

    for error, seen in ((ZeroDivisionError, ZeroDivisionError), (SystemExit, Died)):
        with pytest.raises(seen):
            slots.run(lambda error=error: code(error), 1.0)
    assert slots.run(lambda: 7, 1.0) == 7


def test_a_slot_that_comes_free_in_time_is_taken():
    gate, slots = threading.Event(), Slots(1)
    with pytest.raises(TimedOut):
        slots.run(gate.wait, 0.05)
    threading.Timer(0.1, gate.set).start()
    assert slots.run(lambda: "at last", 5.0) == "at last"


def test_an_answer_that_comes_too_late_reaches_nobody_else():
    gate, slots = threading.Event(), Slots(2)

    def late():
        gate.wait()
        return "late"

    with pytest.raises(TimedOut):
        slots.run(late, 0.05)
    gate.set()
    assert [slots.run(lambda n=n: n, 1.0) for n in range(20)] == list(range(20))


def test_code_that_waits_for_a_slot_in_vain_never_ran():
    gate, slots, ran = threading.Event(), Slots(1), []
    with pytest.raises(TimedOut):
        slots.run(gate.wait, 0.1)
    with pytest.raises(NotStarted):
        slots.run(lambda: ran.append(1), 0.1)
    gate.set()
    assert ran == []


def test_hanging_code_leaves_other_plugins_their_slots():
    gate, hung = threading.Event(), Slots(1)
    with pytest.raises(TimedOut):
        hung.run(gate.wait, 0.1)
    assert Slots(1).run(lambda: "fine", 1.0) == "fine"
    gate.set()


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_code_that_wants_to_end_the_process_does_not(end):
    def code():
        raise end

    with pytest.raises(Died, match=end.__name__):
        Slots().run(code, 1.0)


def test_code_sees_no_scope_and_so_no_database():
    with station_scope(5):
        assert Slots().run(maybe_scope, 1.0) is None
        assert maybe_scope() is not None
