"""One call of a plugin's object as the host makes it: bounded in time, with a sure outcome."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from kameng_sdk.context import CallContext, HttpClient
from kameng_sdk.errors import (
    CapabilityNotSupported,
    Declined,
    Misconfigured,
    TemporarilyUnavailable,
)
from kameng_sdk.kit.clients import Asked, Fault, Recorder, Spot, calling
from kameng_sdk.outcomes import Outcome
from kameng_sdk.testing.calls import DirectHttp, HandClock

CALL_S = 10.0
GRACE_S = 1.5  # between the deadline and giving up: machines of continuous integration are slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one call came to; ``late``: it had not ended when its deadline was over."""

    step: str
    value: object = None
    error: BaseException | None = None
    late: bool = False
    asked: tuple[Asked, ...] = ()
    bypassed: tuple[str, ...] = ()
    logged: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What the host would make of it."""
        if self.late:
            return Outcome.UNKNOWN
        if self.error is None:
            found = getattr(self.value, "outcome", self.value)
            return found if isinstance(found, Outcome) else Outcome.UNKNOWN
        if isinstance(self.error, Declined | CapabilityNotSupported):
            return Outcome.DECLINED
        return Outcome.UNKNOWN

    @property
    def refused_unsent(self) -> bool:
        """Whether it promised that nothing was sent."""
        return isinstance(self.error, TemporarilyUnavailable | Misconfigured)

    def words(self) -> str:
        """For a report."""
        if self.late:
            return f"{self.step} did not end in time"
        if self.error is not None:
            return f"{self.step} raised {type(self.error).__name__}: {_said(self.error)}"
        outcome = getattr(self.value, "outcome", None)
        told = outcome.name if isinstance(outcome, Outcome) else type(self.value).__name__
        return f"{self.step} gave {told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a call gets out, and how long it may take."""

    http: HttpClient = field(default_factory=DirectHttp)
    seconds: float = CALL_S
    fault: Fault | None = None
    spot: Spot | None = None


def call(step: str, code: Callable[[CallContext], object], way: Way | None = None) -> Said:
    """Run ``code`` in a thread of its own; gives up soon after the deadline, never raises."""
    way = way or Way()
    clock = HandClock()
    deadline = clock.monotonic() + way.seconds
    recorder = Recorder(
        way.http, lambda: max(0.0, deadline - clock.monotonic()), way.fault, way.spot
    )
    context = CallContext(
        deadline=deadline, correlation_id=f"kit-{step}", http=recorder, clock=clock
    )
    box: dict[str, object] = {}
    ears = _Ears()

    def work() -> None:
        with calling() as bypassed:
            box["bypassed"] = bypassed
            try:
                box["value"] = code(context)
            except BaseException as error:
                box["error"] = error

    thread = threading.Thread(target=work, name=f"kit-{step}", daemon=True)
    ears.thread = thread
    logging.getLogger().addHandler(ears)
    thread.start()
    thread.join(way.seconds + GRACE_S)
    logging.getLogger().removeHandler(ears)
    late = thread.is_alive() or (not box.keys() & {"value", "error"})
    error = box.get("error")
    return Said(
        step=step,
        value=box.get("value"),
        error=error if isinstance(error, BaseException) else None,
        late=late,
        asked=tuple(recorder.asked),
        bypassed=tuple(str(address) for address in _list(box.get("bypassed"))),
        logged=tuple(ears.lines),
    )


class _Ears(logging.Handler):
    """Log lines of one call's thread."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.thread is not None and record.thread == self.thread.ident:
            self.lines.append(record.getMessage())


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _said(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except Exception:
        return "(nothing to say)"
