"""Call one object of one plugin: with a deadline, outside transactions, with a sure outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

from kameng import chance
from kameng.db import in_transaction
from kameng.plugins.deadline import NotStarted, Slots, TimedOut
from kameng.plugins.http import Exchange, GuardedClient
from kameng_sdk.context import CallContext
from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    HttpOutcomeUnknown,
    Misconfigured,
    TemporarilyUnavailable,
    WebhookRefused,
)
from kameng_sdk.outcomes import Outcome

T = TypeVar("T")

MAX_MESSAGE = 300
MAX_RAW = 20_000  # of what a plugin says, before secrets are hidden in it
LONGEST_PAUSE_S = 3_600
SHORTEST_SECRET = 4

log = logging.getLogger("kameng.plugins")


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Wall clock, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()


CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """What one call came to. Decide by ``outcome``; ``value`` is there when the plugin answered.

    ``retry_after_s`` is set when nothing was sent: then the outcome is DECLINED, and the same
    call with the same number may be repeated after so many seconds. ``message`` is for staff
    and holds no secret. ``misconfigured``: the settings, not the order, are at fault.
    ``exchanges``: what went over the line; the settings' secrets are hidden in it, delivered codes
    that the plugin has not understood are not, so keep it sealed.
    """

    outcome: Outcome
    value: T | None = None
    code: str = ""
    message: str = ""
    retry_after_s: int | None = None
    misconfigured: bool = False
    elapsed_ms: int = 0
    correlation_id: str = ""
    exchanges: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The way to one plugin's code: its slots, the secrets to hide, where it may go.

    ``on_misconfigured`` is told when a call was refused because of the settings.
    """

    plugin_id: str
    slots: Slots
    secrets: tuple[str, ...] = ()
    exempt: frozenset[tuple[str, int]] = frozenset()
    on_misconfigured: Callable[[str], None] | None = None


class InTransaction(RuntimeError):
    """A plugin was about to be called inside an open transaction: its rows would stay locked."""


def new_context(
    line: Line, seconds: float, offline: bool = False
) -> tuple[CallContext, GuardedClient]:
    """A context for one call, and its client to see afterwards whether anything was sent.

    `offline`: a client that sends nothing.
    """
    deadline = time.monotonic() + seconds
    http = GuardedClient(deadline=deadline, clock=CLOCK, exempt=line.exempt, offline=offline)
    context = CallContext(
        deadline=deadline, correlation_id=chance.token_hex(16), http=http, clock=CLOCK
    )
    return context, http


def invoke(
    line: Line,
    step: str,
    call: Callable[[CallContext], T],
    *,
    seconds: float,
    judge: Callable[[T], Outcome],
    codes: Callable[[T], Iterable[str]] = lambda value: (),
    offline: bool = False,
) -> Answer[T]:
    """Run ``call`` and normalise whatever happens; never raises what the plugin raised.

    ``judge`` reads the outcome off the value and raises `ValueError` when the value is not what
    was promised: that is UNKNOWN, for the other side may well have acted. `WebhookRefused` is
    the one answer that passes through. ``codes`` are hidden in the exchanges like secrets.
    ``offline``: nothing may be sent.
    Raises `InTransaction`.
    """
    refuse_transaction(line.plugin_id, step)
    context, http = new_context(line, seconds, offline)
    started = time.monotonic()
    try:
        value = line.slots.run(lambda: call(context), seconds, f"{line.plugin_id}:{step}")
        answer = _Heard(judge(value), value)
    except WebhookRefused:
        raise
    except Exception as error:
        answer = _heard_of(error, http.sent > 0)
    elapsed = int((time.monotonic() - started) * 1000)
    message = hide(_message_of(answer), line.secrets)
    _note(line, step, answer, message, elapsed, context.correlation_id, bool(http.exchanges))
    if answer.misconfigured and line.on_misconfigured:
        line.on_misconfigured(message)
    return Answer(
        outcome=answer.outcome, value=_with_message(answer.value, message),
        code=answer.code, message=message,
        retry_after_s=answer.retry_after_s, misconfigured=answer.misconfigured,
        elapsed_ms=elapsed, correlation_id=context.correlation_id,
        exchanges=_harmless(http.exchanges, line.secrets, answer.value, codes),
    )  # fmt: skip


class _Heard(NamedTuple):
    """An answer while it is still being read: a tuple, as one is made for each call."""

    outcome: Outcome
    value: Any = None
    code: str = ""
    message: str = ""
    retry_after_s: int | None = None
    misconfigured: bool = False


def _harmless(
    exchanges: Sequence[Exchange],
    secrets: Iterable[str],
    value: T | None,
    codes: Callable[[T], Iterable[str]],
) -> tuple[Exchange, ...]:
    if not exchanges:
        return ()
    hidden = [*secrets, *(codes(value) if value is not None else ())]
    hidden = sorted({s for s in hidden if len(s) >= SHORTEST_SECRET}, key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "****")
        return text

    return tuple(
        replace(e, url=clean(e.url), request=clean(e.request), answer=clean(e.answer))
        for e in exchanges
    )


def refuse_transaction(plugin_id: str, step: str) -> None:
    """Raises `InTransaction` when the open scope holds one."""
    if in_transaction():
        raise InTransaction(f"{plugin_id}.{step} was called inside a transaction: commit first")


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without any of the secrets, short enough to store."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "****")
    return text.replace("\0", "")[:MAX_MESSAGE]


def said(error: BaseException) -> str:
    """What an error of a plugin says; one that fails even at that says nothing."""
    try:
        return str(error)[:MAX_RAW]
    except Exception:
        return ""


def _heard_of(error: Exception, sent: bool) -> _Heard:
    if isinstance(error, NotStarted):
        return _Heard(outcome=Outcome.DECLINED, code="busy", retry_after_s=5)
    if isinstance(error, Declined):
        code, message = _plain(error.code), _plain(error.message)
        return _Heard(outcome=Outcome.DECLINED, code=code[:60], message=message)
    if isinstance(error, CapabilityNotSupported):
        return _Heard(outcome=Outcome.DECLINED, code="not_supported", message=said(error))
    # The two errors below promise that nothing was sent. The client knows better than the plugin.
    if isinstance(error, TemporarilyUnavailable) and not sent:
        return _Heard(
            outcome=Outcome.DECLINED, code="not_sent", message=said(error),
            retry_after_s=_pause(error.retry_after_s),
        )  # fmt: skip
    if isinstance(error, Misconfigured):
        outcome = Outcome.UNKNOWN if sent else Outcome.DECLINED
        return _Heard(
            outcome=outcome, code="misconfigured", message=said(error), misconfigured=True
        )
    if isinstance(error, TimedOut):
        return _Heard(outcome=Outcome.UNKNOWN, code="timed_out")
    code = "no_answer" if isinstance(error, HttpOutcomeUnknown) else "plugin_error"
    message = f"{type(error).__name__}: {said(error)}"
    return _Heard(outcome=Outcome.UNKNOWN, code=code, message=message)


def _plain(value: object) -> str:
    return value.replace("\0", "")[:MAX_RAW] if type(value) is str else ""


def _pause(seconds: object) -> int:
    return min(max(1, seconds), LONGEST_PAUSE_S) if type(seconds) is int else 5


def _message_of(answer: _Heard) -> str:
    return answer.message or _plain(getattr(answer.value, "message", ""))


def _with_message(value: T | None, message: str) -> T | None:
    """The same value, its message replaced by the one that hides secrets where it differs."""
    if value is None or not hasattr(value, "message"):
        return value
    if type(value.message) is str and value.message == message:
        return value
    return cast(T, replace(cast(Any, value), message=message))


def _note(
    line: Line, step: str, answer: _Heard, message: str, elapsed: int, correlation: str, sent: bool
) -> None:
    # What has sent nothing and refused nothing is of no interest: an offline charge, a good notice.
    level = logging.INFO if sent or answer.code else logging.DEBUG
    level = logging.WARNING if answer.outcome is Outcome.UNKNOWN else level
    log.log(
        level, "plugin %s %s: %s %s (%d ms) %s [%s]", line.plugin_id, step,
        answer.outcome.value, answer.code, elapsed, message, correlation,
    )  # fmt: skip
