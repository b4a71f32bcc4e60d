"""One call of the host, made by hand."""

from __future__ import annotations

import http.client
import json as json_format
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from kameng_sdk.config import PluginConfig
from kameng_sdk.context import CallContext, Clock, HttpResponse
from kameng_sdk.errors import HttpNeverSent, HttpOutcomeUnknown
from kameng_sdk.secrets import Secret

CALL_S = 10.0


@dataclass
class HandClock:
    """Real time, moved by hand: `clock.moved = timedelta(minutes=6)`."""

    moved: timedelta = timedelta()

    def now(self) -> datetime:
        """Wall clock, UTC, with what was moved."""
        return datetime.now(UTC) + self.moved

    def monotonic(self) -> float:
        """Seconds that only grow; not moved."""
        return time.monotonic()


class DirectHttp:
    """The SDK's `HttpClient` without the host's guard: simulators stand on loopback."""

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
        """One request, no redirect followed. Raises as the host's client does."""
        sent, body = dict(headers or {}), content
        if data is not None:
            pairs = list(data.items() if isinstance(data, Mapping) else data)
            body = urlencode(pairs).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif json is not None:
            body = json_format.dumps(json, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json")
        target = urlsplit(url)
        secure = target.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(target.hostname or "", target.port, timeout=timeout_s or CALL_S)
        try:
            return _answer(connection, method, target.path, target.query, body, sent)
        finally:
            connection.close()


def _answer(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    query: str,
    body: bytes | None,
    headers: dict[str, str],
) -> HttpResponse:
    try:
        connection.connect()
    except OSError as error:
        raise HttpNeverSent(message=str(error)) from None
    try:
        connection.request(method, (path or "/") + (f"?{query}" if query else ""), body, headers)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return HttpResponse(status=answer.status, headers=found, body=answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise HttpOutcomeUnknown(str(error)) from None


def call_context(clock: Clock | None = None) -> CallContext:
    """A call with ten seconds left."""
    clock = clock or HandClock()
    return CallContext(
        deadline=clock.monotonic() + CALL_S, correlation_id="test", http=DirectHttp(), clock=clock
    )


def plugin_config(
    values: Mapping[str, str | int | bool], secrets: Iterable[str] = ()
) -> PluginConfig:
    """Values of the form as the host hands them over: those named in `secrets` sealed."""
    hidden = set(secrets)
    return PluginConfig({n: Secret(str(v)) if n in hidden and v else v for n, v in values.items()})
