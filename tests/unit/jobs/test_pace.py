"""How often the relay looks: by what it has found, without a clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kameng.jobs.pace import AWAKE_LOOKS, BACK_OFF_MAX_S, LOOK_S, REST_S, SHARE, Pace

LOOKS = st.lists(st.tuples(st.integers(0, 300), st.floats(0, 2)))


def quiet(pace: Pace, looks: int) -> Pace:
    for _ in range(looks):
        pace.looked(0, 0.0001)
    return pace


def test_where_one_message_came_the_next_is_expected_for_two_seconds() -> None:
    pace = Pace()
    pace.looked(1, 0.003)
    assert quiet(pace, AWAKE_LOOKS).pause_s == LOOK_S
    assert AWAKE_LOOKS * LOOK_S == 2.0


def test_a_quiet_relay_falls_asleep_and_one_message_wakes_it() -> None:
    pace = quiet(Pace(), AWAKE_LOOKS + 1)
    assert LOOK_S < pace.pause_s < REST_S
    assert quiet(pace, 20).pause_s == REST_S
    pace.looked(1, 0.003)
    assert pace.pause_s == LOOK_S


def test_looks_that_take_long_are_made_less_often() -> None:
    pace = Pace()
    pace.looked(0, 0.02)
    assert pace.pause_s == 0.02 * SHARE
    pace.looked(0, 0.0001)
    assert pace.pause_s == LOOK_S


def test_errors_make_it_wait_longer_and_a_look_that_works_ends_that() -> None:
    pace = Pace()
    pauses = []
    for _ in range(4):
        pace.failed()
        pauses.append(pace.pause_s)
    assert pauses == [2 * REST_S, 4 * REST_S, BACK_OFF_MAX_S, BACK_OFF_MAX_S]
    pace.looked(0, 0.0001)
    assert pace.pause_s == LOOK_S


@given(LOOKS)
def test_whatever_it_finds_it_looks_again_within_half_a_second_and_never_without_a_pause(
    looks: list[tuple[int, float]],
) -> None:
    pace = Pace()
    for found, took_s in looks:
        pace.looked(found, took_s)
        assert LOOK_S <= pace.pause_s <= REST_S
