"""Hours, limits, devices, weights and the breaker: the pure rules of choosing an account."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.breaker import (
    PAUSES_S,
    TRIP_AFTER,
    Breaker,
    after_failure,
    after_trial_begun,
)
from kameng.payments.domain.accounts import (
    Terms,
    Unfit,
    by_weight,
    fits_device,
    is_open,
    unfit,
)
from kameng.payments.domain.devices import device_of

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NINE, NINE_PM = time(9), time(21)
times = st.times()


@pytest.mark.parametrize(
    ("opens", "closes", "at", "yes"),
    [(NINE, NINE_PM, time(9), True), (NINE, NINE_PM, time(20, 59, 59), True),
     (NINE, NINE_PM, time(21), False), (NINE, NINE_PM, time(8, 59), False),
     (NINE_PM, NINE, time(23), True), (NINE_PM, NINE, time(0), True),
     (NINE_PM, NINE, time(9), False), (NINE_PM, NINE, time(12), False),
     (None, None, time(3), True), (NINE, NINE, time(3), True)],
)  # fmt: skip
def test_hours_end_when_they_say_and_may_go_over_midnight(opens, closes, at, yes):
    assert is_open(opens, closes, at) is yes


@given(times, times, times)
def test_day_and_night_make_the_whole_day(opens, closes, at):
    if opens != closes:
        assert is_open(opens, closes, at) != is_open(closes, opens, at)


@given(
    st.lists(st.integers(0, 1000), max_size=8),
    st.lists(st.integers(0, 2**62), min_size=8, max_size=8),
)
def test_every_account_with_a_weight_is_tried_once_and_no_other(weights, chances):
    order = by_weight(weights, chances[: len(weights)])
    assert sorted(order) == [n for n, weight in enumerate(weights) if weight > 0]


def test_how_often_one_comes_first_is_its_weight():
    first = Counter(by_weight([70, 0, 30], [n, n, n])[0] for n in range(1000))
    assert first == {0: 700, 2: 300}


@pytest.mark.parametrize(
    ("terms", "amount", "device", "why"),
    [(Terms(), 1, "", None),
     (Terms(weight=0), 1, "", Unfit.OFF),
     (Terms(devices=frozenset({"wechat"})), 1, "desktop", Unfit.DEVICE),
     (Terms(devices=frozenset({"wechat"})), 1, "wechat", None),
     (Terms(minimum=100), 99, "", Unfit.TOO_SMALL), (Terms(minimum=100), 100, "", None),
     (Terms(maximum=100), 101, "", Unfit.TOO_LARGE), (Terms(maximum=100), 100, "", None),
     (Terms(opens=NINE, closes=time(12)), 1, "", Unfit.CLOSED),
     (Terms(breaker=Breaker(broken_until=NOW + timedelta(seconds=1))), 1, "", Unfit.BROKEN),
     (Terms(breaker=Breaker(broken_until=NOW)), 1, "", None)],
)  # fmt: skip
def test_each_term_speaks_for_itself(terms, amount, device, why):
    assert unfit(terms, amount, device, NOW.replace(hour=20), NOW) is why


def test_an_unknown_browser_fits_everywhere():
    assert fits_device(frozenset({"wechat"}), "")
    assert fits_device(frozenset(), "desktop")


def test_five_failures_in_a_row_take_an_account_out():
    state = Breaker()
    for _ in range(TRIP_AFTER - 1):
        state, tripped = after_failure(state, NOW)
        assert not tripped
        assert not state.is_broken(NOW)
    state, tripped = after_failure(state, NOW)
    assert tripped
    assert state.is_broken(NOW + timedelta(seconds=PAUSES_S[0] - 1))
    assert not state.is_broken(NOW + timedelta(seconds=PAUSES_S[0]))
    assert state.needs_trial(NOW + timedelta(seconds=PAUSES_S[0]))


def test_an_answer_that_was_on_its_way_does_not_trip_again():
    broken = Breaker(failures=5, trips=1, broken_until=NOW + timedelta(seconds=60))
    assert after_failure(broken, NOW) == (broken, False)


def test_while_one_tries_all_others_wait():
    rested = Breaker(failures=5, trips=1, broken_until=NOW)
    trying = after_trial_begun(rested, NOW)
    assert trying.is_broken(NOW)
    assert not trying.needs_trial(NOW)


@given(st.integers(0, 20))
def test_each_failed_trial_makes_the_rest_longer_up_to_an_hour(trips):
    state, tripped = after_failure(
        Breaker(failures=5, trips=trips, broken_until=NOW), NOW, trial=True
    )
    assert tripped
    assert state.trips == trips + 1
    assert state.broken_until == NOW + timedelta(seconds=PAUSES_S[min(trips, len(PAUSES_S) - 1)])
    assert tuple(sorted(PAUSES_S)) == PAUSES_S
    assert PAUSES_S[-1] == 3600


@pytest.mark.parametrize(
    ("agent", "device"),
    [("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "desktop"), ("", "desktop"),
     ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", "phone"),
     ("Mozilla/5.0 (Linux; Android 14) Mobile MicroMessenger/8.0", "wechat"),
     ("Mozilla/5.0 (iPhone) AlipayClient/10.5", "alipay")],
)  # fmt: skip
def test_a_browser_says_where_it_runs(agent, device):
    assert device_of(agent) == device
