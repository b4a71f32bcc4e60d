"""The guarded HTTP client given to plugins: one request, capped in time and size, no redirects."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from kameng.plugins.addresses import Resolve, Target, check_url, resolve_name
from kameng.plugins.cutting import Cutter
from kameng_sdk.context import Clock, HttpResponse
from kameng_sdk.errors import HttpNeverSent, HttpOutcomeUnknown

MAX_BODY_BYTES = 2 * 1024 * 1024
CONNECT_TIMEOUT_S = 5.0
USER_AGENT = "Kameng/1.0"
KEPT_BYTES = 8 * 1024  # of each body, for whoever looks into a dispute

# Raised by httpx before a byte of the request has left.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@cache
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came back, for staff. No headers: they hold credentials.

    ``status`` 0: no usable answer, and ``answer`` says why.
    """

    method: str
    url: str
    request: str
    status: int
    answer: str
    elapsed_ms: int


class GuardedClient:
    """The `HttpClient` of one call; ``sent`` counts the requests that (may) have left.

    ``exchanges`` are its requests and answers as they were, secrets and all.
    """

    def __init__(
        self,
        *,
        deadline: float,
        clock: Clock,
        exempt: frozenset[tuple[str, int]] = frozenset(),
        resolve: Resolve = resolve_name,
        offline: bool = False,
    ) -> None:
        self._deadline = deadline
        self._offline = offline
        self._clock = clock
        self._exempt = exempt
        self._resolve = resolve
        self.sent = 0
        self.exchanges: list[Exchange] = []

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
        if self._offline:
            raise HttpNeverSent(message="this call was declared to send nothing")
        if sum(given is not None for given in (content, data, json)) > 1:
            raise ValueError("give one of content, data and json")
        end = self._deadline
        if timeout_s is not None:
            end = min(end, self._clock.monotonic() + timeout_s)
        target = check_url(url, self._exempt, self._resolve)
        body, kind = _body(content, data, json)
        wanted = {**kind, **(headers or {})}
        last: Exception = HttpNeverSent(message=f"{target.host} has no address")
        started = self._clock.monotonic()
        for address in target.addresses:
            try:
                answer = self._once(method, target, address, wanted, body, end)
            except HttpNeverSent as error:
                last = error
            except HttpOutcomeUnknown as error:
                self._keep(method, url, body, 0, str(error), started)
                raise
            else:
                self._keep(method, url, body, answer.status, _legible(answer.body), started)
                return answer
        self._keep(method, url, body, 0, str(last), started)
        raise last

    def _keep(
        self, method: str, url: str, body: bytes | None, status: int, answer: str, started: float
    ) -> None:
        elapsed = int((self._clock.monotonic() - started) * 1000)
        self.exchanges.append(
            Exchange(
                method=method, url=url, request=_legible(body or b""), status=status,
                answer=answer, elapsed_ms=elapsed,
            )
        )  # fmt: skip

    def _once(
        self,
        method: str,
        target: Target,
        address: str,
        headers: Mapping[str, str],
        content: bytes | None,
        end: float,
    ) -> HttpResponse:
        left = end - self._clock.monotonic()
        if left <= 0:
            raise HttpNeverSent(message="no time was left")
        # A new client each time: a pooled connection would be shared by names on one address,
        # and its certificate was checked for the first name only.
        with Cutter(left) as cutter, httpx.Client(
            verify=_trust(), trust_env=False, follow_redirects=False,
            timeout=httpx.Timeout(left, connect=min(left, CONNECT_TIMEOUT_S)),
        ) as client:  # fmt: skip
            request = client.build_request(
                method,
                httpx.URL(
                    scheme=target.scheme, host=address, port=target.port,
                    raw_path=target.path_and_query.encode("ascii"),
                ),
                headers=_headers(headers, target),
                content=content,
                extensions={"sni_hostname": target.host, "trace": cutter.watch},
            )  # fmt: skip
            return self._send(client, request, target, end)

    def _send(
        self, client: httpx.Client, request: httpx.Request, target: Target, end: float
    ) -> HttpResponse:
        self.sent += 1
        try:
            response = client.send(request, stream=True)
            try:
                return self._read(response, end)
            finally:
                response.close()
        except _NEVER_SENT as error:
            self.sent -= 1
            raise HttpNeverSent(message=f"{target.host}: {type(error).__name__}") from None
        except httpx.HTTPError as error:
            raise HttpOutcomeUnknown(f"{target.host}: {type(error).__name__}") from None

    def _read(self, response: httpx.Response, end: float) -> HttpResponse:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise HttpOutcomeUnknown("the answer is compressed though that was not asked for")
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise HttpOutcomeUnknown("the answer is too long")
            if self._clock.monotonic() > end:
                raise HttpOutcomeUnknown("the answer took too long")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(status=response.status_code, headers=headers, body=bytes(body))


def _legible(body: bytes) -> str:
    return body[:KEPT_BYTES].decode("utf-8", "replace").replace("\0", "")


def _body(content: bytes | None, data: Any, json: object) -> tuple[bytes | None, dict[str, str]]:
    """Encode the body and name its type."""
    if data is not None:
        pairs = list(data.items()) if isinstance(data, Mapping) else list(data)
        encoded = str(httpx.QueryParams(pairs)).encode()
        return encoded, {"Content-Type": "application/x-www-form-urlencoded"}
    if json is not None:
        request = httpx.Request("POST", "http://unused.invalid/", json=json)
        return request.content, {"Content-Type": "application/json"}
    return content, {}


def _headers(given: Mapping[str, str], target: Target) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT, **given}
    forbidden = {"host", "accept-encoding", "connection", "transfer-encoding"}
    kept = {name: value for name, value in headers.items() if name.lower() not in forbidden}
    return {
        **kept, "Host": target.host_header, "Accept-Encoding": "identity", "Connection": "close",
    }  # fmt: skip
