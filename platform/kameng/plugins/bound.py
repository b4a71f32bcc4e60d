"""What all bound objects share: whose account they speak for and the way to their code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from kameng.plugins.deadline import Died, NotStarted, TimedOut
from kameng.plugins.invoke import Answer, Line, hide, invoke, log, said
from kameng_sdk.context import CallContext
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.webhooks import WebhookReply

R = TypeVar("R")

MOST_REF = 255
MOST_ADDRESS = 8_000
MOST_QR = 2_300  # more does not fit into a QR code
MOST_MESSAGE = 20_000
MOST_EVENTS = 100
MOST_REPLY = 64 * 1024
MOST_MONEY = 10**17  # ten thousand billion yuan; a bigint holds more

QUERY_S = 10.0
WEBHOOK_S = 4.0  # the strictest gateway gives up after five


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """``account_station_id`` is whose account it is: the station's own or the main station's.

    ``account`` tells the accounts of one station apart; "" is the first.
    """

    plugin_id: str
    name: str
    station_id: int
    account_station_id: int
    config_version: int
    line: Line
    account: str = ""


def undeclared(what: str) -> Answer[R]:
    """The answer for a capability that was not declared; the plugin is not called."""
    return Answer(outcome=Outcome.DECLINED, code="not_supported", message=f"not supported: {what}")


def expect(value: object, kind: type) -> None:
    """Raises `ValueError` when a plugin answered with something else than it promised."""
    # The very type: a class of the plugin's own could answer our questions about it with code.
    if type(value) is not kind:
        raise ValueError(f"answered {type(value).__name__} instead of {kind.__name__}")


def expect_text(value: object, most: int) -> None:
    """Raises `ValueError` when it is no text of at most ``most`` characters that can be stored."""
    if type(value) is not str:
        raise ValueError(f"answered {type(value).__name__} where text belongs")
    if len(value) > most or "\0" in value or _half_surrogate(value):
        raise ValueError("answered a text that cannot be kept")


def expect_list(value: object, kind: type, most: int) -> None:
    """Raises `ValueError` unless it is a short list or tuple of ``kind``; never an endless one."""
    if type(value) not in (list, tuple) or len(cast(Sequence[object], value)) > most:
        raise ValueError(f"answered {type(value).__name__} where a list belongs")
    for piece in cast(Sequence[object], value):
        expect(piece, kind)


def expect_reply(reply: WebhookReply) -> None:
    """Raises `ValueError` when it cannot be sent as it is."""
    expect(reply, WebhookReply)
    if type(reply.status) is not int or not 200 <= reply.status <= 599:
        raise ValueError("a reply without a possible status")
    if type(reply.body) not in (bytes, str) or len(reply.body) > MOST_REPLY:
        raise ValueError("a reply without a possible body")
    expect_text(reply.content_type, 100)
    if not reply.content_type.isprintable():
        raise ValueError("a reply without a possible type")


def expect_money(value: object) -> None:
    """Raises `ValueError` unless it is `Money` that is not negative and fits into the books."""
    expect(value, Money)
    if not 0 <= cast(Money, value).amount <= MOST_MONEY:
        raise ValueError("an amount beyond all money")


def _half_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def outcome_of(value: object) -> Outcome:
    """The outcome a result carries; raises `ValueError` when it is none."""
    outcome = getattr(value, "outcome", None)
    if not isinstance(outcome, Outcome):
        raise ValueError("answered without an outcome")
    return outcome


def parse_notice(line: Line, call: Callable[[CallContext], R], check: Callable[[R], None]) -> R:
    """Let the plugin read a notice; every failure is a refusal, so the sender tries again."""

    def judge(value: R) -> Outcome:
        check(value)
        return Outcome.SUCCEEDED

    try:
        answer = invoke(line, "notice", call, seconds=WEBHOOK_S, judge=judge)
    except WebhookRefused as refusal:
        raise WebhookRefused(hide(said(refusal), line.secrets)) from None
    if answer.outcome is not Outcome.SUCCEEDED or answer.value is None:
        raise WebhookRefused(f"{answer.code}: {answer.message}")
    return answer.value


def run_quietly(line: Line, step: str, code: Callable[[], R], seconds: float) -> R:
    """Run code without a context for the outside; raises `CodeFailed` with a harmless reason."""
    try:
        return line.slots.run(code, seconds, f"{line.plugin_id}:{step}")
    except (NotStarted, TimedOut, Died) as error:
        reason = f"{step}: {type(error).__name__}"
    except Exception as error:
        reason = hide(f"{step}: {type(error).__name__}: {said(error)}", line.secrets)
    log.warning("plugin %s failed at %s", line.plugin_id, reason)
    raise CodeFailed(reason)


class CodeFailed(Exception):
    """A plugin's code failed where nothing was sent; the text is for staff."""
