"""What all bound objects share: whose account they speak for and the way to their code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from kameng.plugins.deadline import Died, NotStarted, TimedOut
from kameng.plugins.invoke import Answer, Line, hide, invoke, log
from kameng_sdk.context import CallContext
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.outcomes import Outcome

R = TypeVar("R")

QUERY_S = 10.0
WEBHOOK_S = 4.0  # the strictest gateway gives up after five


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """``account_station_id`` is whose account it is: the station's own or the main station's."""

    plugin_id: str
    name: str
    station_id: int
    account_station_id: int
    config_version: int
    line: Line


def undeclared(what: str) -> Answer[R]:
    """The answer for a capability that was not declared; the plugin is not called."""
    return Answer(outcome=Outcome.DECLINED, code="not_supported", message=f"not supported: {what}")


def expect(value: object, kind: type) -> None:
    """Raises `ValueError` when a plugin answered with something else than it promised."""
    if not isinstance(value, kind):
        raise ValueError(f"answered {type(value).__name__} instead of {kind.__name__}")


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

    answer = invoke(line, "notice", call, seconds=WEBHOOK_S, judge=judge)
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
        reason = hide(f"{step}: {type(error).__name__}: {error}", line.secrets)
    log.warning("plugin %s failed at %s", line.plugin_id, reason)
    raise CodeFailed(reason)


class CodeFailed(Exception):
    """A plugin's code failed where nothing was sent; the text is for staff."""
