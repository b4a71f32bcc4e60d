"""One call of a plugin: what is made of its answer, and what is said about it."""

import logging

import pytest

from kameng.plugins.deadline import Slots
from kameng.plugins.invoke import Line, invoke
from kameng_sdk.errors import Declined, Misconfigured, TemporarilyUnavailable
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import ChargeResult

SECRET = "a-very-secret-word"


def call(code, told=None):
    line = Line(
        plugin_id="payment-x", slots=Slots(), secrets=(SECRET,),
        on_misconfigured=None if told is None else told.append,
    )  # fmt: skip
    return invoke(line, "charge", code, seconds=1.0, judge=lambda value: value.outcome)


def saying(message, outcome=Outcome.PENDING):
    return ChargeResult(outcome=outcome, message=message)


def failing(error):
    def code(_ctx):
        raise error

    return code


def test_an_answer_without_secrets_is_handed_on_as_it_is():
    result = saying("all is well")
    answer = call(lambda ctx: result)
    assert answer.value is result
    assert (answer.outcome, answer.message, answer.code) == (Outcome.PENDING, "all is well", "")


def test_secrets_are_hidden_in_the_message_and_in_the_value():
    answer = call(lambda ctx: saying(f"the word is {SECRET}"))
    assert answer.message == answer.value.message == "the word is ****"


@pytest.mark.parametrize(
    ("error", "outcome", "code", "pause"),
    [
        (Declined("sold_out", "none left"), Outcome.DECLINED, "sold_out", None),
        (TemporarilyUnavailable(9, "later"), Outcome.DECLINED, "not_sent", 9),
        (Misconfigured(f"no {SECRET}"), Outcome.DECLINED, "misconfigured", None),
        (ZeroDivisionError(SECRET), Outcome.UNKNOWN, "plugin_error", None),
    ],
)
def test_an_error_becomes_an_answer_that_keeps_all_that_is_known_of_it(error, outcome, code, pause):
    told = []
    answer = call(failing(error), told)
    assert (answer.outcome, answer.code, answer.retry_after_s) == (outcome, code, pause)
    assert answer.misconfigured == (code == "misconfigured")
    assert told == (["no ****"] if answer.misconfigured else [])
    assert answer.value is None
    assert SECRET not in answer.message


def test_each_call_has_a_name_of_its_own():
    names = []
    answers = [call(lambda ctx: names.append(ctx.correlation_id) or saying("")) for _ in range(2)]
    assert [answer.correlation_id for answer in answers] == names
    assert len(set(names)) == 2
    assert all(len(name) == 32 for name in names)


@pytest.mark.parametrize(
    ("code", "level"),
    [
        (lambda ctx: saying(""), "DEBUG"),
        (failing(Declined("sold_out", "none left")), "INFO"),
        (lambda ctx: saying("", Outcome.UNKNOWN), "WARNING"),
        (failing(ZeroDivisionError()), "WARNING"),
    ],
)
def test_a_call_that_sends_and_refuses_nothing_is_only_said_to_those_who_want_all(
    code, level, caplog
):
    with caplog.at_level(logging.DEBUG, "kameng.plugins"):
        call(code)
    assert [record.levelname for record in caplog.records] == [level]
