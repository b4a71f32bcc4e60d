"""Ways out that the kit hands to a plugin: one that remembers, one that lies, one that is shut."""

from __future__ import annotations

import json as json_format
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kameng_sdk.context import HttpClient, HttpResponse
from kameng_sdk.errors import HttpNeverSent, HttpOutcomeUnknown

Send = Callable[[], HttpResponse]
Fault = Callable[["Asked", Send], HttpResponse]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as the plugin gave it."""

    method: str
    url: str
    body: str
    headers: Mapping[str, str]

    @property
    def spot(self) -> Spot:
        """What tells this kind of request from the plugin's others."""
        target = urlsplit(self.url)
        keys = frozenset(name for name, _ in parse_qsl(target.query)) | _keys(self.body)
        return Spot(self.method.upper(), f"{target.netloc}{target.path}", keys)

    def names(self, number: str) -> bool:
        """Whether a number of the host stands anywhere in it."""
        return any(number in part for part in (self.url, self.body, *self.headers.values()))


@dataclass(frozen=True, slots=True)
class Spot:
    """Method, address and names of the parameters: gateways often have one address for all."""

    method: str
    address: str
    keys: frozenset[str]


class Recorder:
    """The SDK's `HttpClient`: passes on what it is asked, and remembers it.

    ``fault`` takes the place of the answer to requests at ``spot`` (None: at every one).
    """

    def __init__(
        self,
        http: HttpClient,
        remaining_s: Callable[[], float],
        fault: Fault | None = None,
        spot: Spot | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self._http = http
        self._remaining_s = remaining_s
        self._fault = fault
        self._spot = spot

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
        """See `kameng_sdk.context.HttpClient`."""
        asked = Asked(
            method=method, url=url, body=_text(content, data, json), headers=dict(headers or {})
        )
        self.asked.append(asked)
        left = self._remaining_s()
        if left <= 0:
            raise HttpNeverSent(message="no time was left")

        def send() -> HttpResponse:
            limit = left if timeout_s is None else min(left, timeout_s)
            with _passing():
                return self._http.request(
                    method, url, headers=headers, content=content, data=data, json=json,
                    timeout_s=limit,
                )  # fmt: skip

        if self._fault is not None and self._spot in (None, asked.spot):
            return self._fault(asked, send)
        return send()


class Shut:
    """Nobody gets out; whoever tries is remembered by the `Recorder` before it."""

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        """Refuses."""
        raise HttpNeverSent(message="nothing may be sent here")


class Slow:
    """Gives way to other threads before each request, so that shared state comes to light."""

    def __init__(self, http: HttpClient, pause_s: float = 0.02) -> None:
        self._http = http
        self._pause_s = pause_s

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        """See `kameng_sdk.context.HttpClient`."""
        time.sleep(self._pause_s)
        return self._http.request(method, url, **more)


# What an upstream party does wrong. Each but the first lets the request through: it was sent.


def never_sent(_asked: Asked, _send: Send) -> HttpResponse:
    """No connection."""
    raise HttpNeverSent(message="connection refused")


def no_answer(_asked: Asked, send: Send) -> HttpResponse:
    """It was done, and the answer was lost."""
    send()
    raise HttpOutcomeUnknown("the answer took too long")


def html(_asked: Asked, send: Send) -> HttpResponse:
    """A page of some proxy in place of the answer."""
    send()
    page = b"<!doctype html><html><body><h1>Please wait</h1></body></html>"
    return HttpResponse(status=200, headers={"content-type": "text/html"}, body=page)


def truncated(_asked: Asked, send: Send) -> HttpResponse:
    """The first half of the answer."""
    answer = send()
    return HttpResponse(
        status=answer.status, headers=answer.headers, body=answer.body[: len(answer.body) // 2]
    )


def server_error(_asked: Asked, send: Send) -> HttpResponse:
    """HTTP 500 after it was done."""
    send()
    return HttpResponse(status=500, headers={"content-type": "text/plain"}, body=b"error")


def garbage(_asked: Asked, send: Send) -> HttpResponse:
    """HTTP 200 with bytes that mean nothing."""
    send()
    body = b"\x00\xff\xfe\x9f garbage"
    return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)


def empty(_asked: Asked, send: Send) -> HttpResponse:
    """HTTP 200 with nothing."""
    send()
    return HttpResponse(status=200, headers={"content-type": "application/json"}, body=b"")


def strange(_asked: Asked, send: Send) -> HttpResponse:
    """Sound JSON that is not the answer."""
    send()
    body = b'{"code": null, "data": [], "message": 7}'
    return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)


def redirect(asked: Asked, send: Send) -> HttpResponse:
    """Sent on to another address."""
    send()
    target = urlsplit(asked.url)
    headers = {"location": f"{target.scheme}://{target.netloc}{ELSEWHERE}"}
    return HttpResponse(status=302, headers=headers, body=b"")


ELSEWHERE = "/kameng-kit-elsewhere"

# A socket that a plugin opens by itself is seen by the interpreter's own audit.
_here = threading.local()
_watching = threading.Lock()


@contextmanager
def calling() -> Iterator[list[str]]:
    """While a plugin's code runs in this thread: addresses it connects to past its client."""
    _watch()
    bypassed: list[str] = []
    _here.bypassed = bypassed
    try:
        yield bypassed
    finally:
        _here.bypassed = None


@contextmanager
def _passing() -> Iterator[None]:
    kept, _here.bypassed = getattr(_here, "bypassed", None), None
    try:
        yield
    finally:
        _here.bypassed = kept


def _watch() -> None:
    with _watching:
        if not getattr(sys, _HOOKED, False):
            setattr(sys, _HOOKED, True)
            sys.addaudithook(_note)


_HOOKED = "_kameng_kit_watches"  # once a process: an audit hook cannot be taken away


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        bypassed = getattr(_here, "bypassed", None)
        if bypassed is not None:
            bypassed.append(str(args[1]))


def _text(content: bytes | None, data: Any, json: object) -> str:
    if content is not None:
        return content.decode("utf-8", "replace")
    if data is not None:
        pairs = data.items() if isinstance(data, Mapping) else data
        return "&".join(f"{name}={value}" for name, value in pairs)
    return "" if json is None else json_format.dumps(json, ensure_ascii=False)


def _keys(body: str) -> frozenset[str]:
    try:
        read = json_format.loads(body)
    except ValueError:
        return frozenset(name for name, _ in parse_qsl(body, keep_blank_values=True))
    return frozenset(read) if isinstance(read, dict) else frozenset()
