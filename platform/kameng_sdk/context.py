"""What the host hands to a plugin for one call: time, a number for the logs, a way out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """An answer, read completely. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """The body as UTF-8; raises `ValueError` (UnicodeDecodeError) when it is not."""
        return self.body.decode("utf-8")

    def json(self) -> Any:
        """The body as JSON, fractions as `Decimal`; raises `ValueError` when it is none."""
        return json.loads(self.text(), parse_float=Decimal)


class HttpClient(Protocol):
    """The only way out for a plugin. No redirects are followed, sizes and times are capped.

    Raises `HttpNeverSent` (the request never left), `HttpOutcomeUnknown` (sent, and no usable
    answer) or `HttpAddressRefused` (forbidden address). Any status code is a normal answer.
    """

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        data: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        json: object = None,
        timeout_s: float | None = None,
    ) -> HttpResponse:
        """One request with at most one of ``content`` (raw), ``data`` (form) and ``json``.

        ``timeout_s`` can only shorten what is left until the deadline of the call.
        """
        ...


class Clock(Protocol):
    """Time as the host sees it, so that tests can move it."""

    def now(self) -> datetime:
        """Wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; the scale of `CallContext.deadline`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """One call. ``deadline`` is on the scale of ``clock.monotonic()``.

    ``correlation_id`` ties log lines together; it may be sent to the other side.
    """

    deadline: float
    correlation_id: str
    http: HttpClient
    clock: Clock

    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.deadline - self.clock.monotonic())
