"""Calls to Reloadly: a token for each API, kept by the object, and doubt kept as doubt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import (
    Declined,
    HttpOutcomeUnknown,
    Misconfigured,
    TemporarilyUnavailable,
)

from .account import ReloadlyAccount, Service

TIMEOUT_S = 10.0
MARGIN = timedelta(minutes=5)  # a token is not used in the last minutes of its life
MOST_WORDS = 200

# Of a request with such an answer nothing was done: the door is in front of everything else.
AT_THE_DOOR = frozenset({"INVALID_TOKEN", "TOKEN_EXPIRED"})
# What the documents list with HTTP 400 as checks before a transaction is made. Those about one
# that was made (TOPUP_TRANSACTION_FAILED, TRANSACTION_CANNOT_BE_PROCESSED_AT_THE_MOMENT), those
# about a reference that was used, and those without a code are no sure refusals.
REFUSALS = frozenset({
    "COUNTRY_NOT_SUPPORTED", "OPERATOR_UNAVAILABLE_OR_CURRENTLY_INACTIVE",
    "OPERATOR_NOT_IN_SERVICE", "COULD_NOT_AUTO_DETECT_OPERATOR", "INVALID_AMOUNT_FOR_OPERATOR",
    "INVALID_AMOUNT", "INSUFFICIENT_BALANCE", "MAX_DAILY_TRANSACTION_AMOUNT_REACHED",
    "MAX_DAILY_TRANSACTION_COUNT_REACHED", "ACCOUNT_NOT_FOUND", "INACTIVE_ACCOUNT",
    "INVALID_RECIPIENT_PHONE", "INVALID_SENDER_PHONE", "INVALID_PHONE_NUMBER",
    "PHONE_RECENTLY_RECHARGED",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON from an API, of any shape; errors are objects with ``errorCode`` and ``message``."""

    status: int
    content: Any

    @property
    def code(self) -> str:
        """The error's code, or an empty text."""
        return self._words("errorCode")

    def read(self) -> Any:
        """What a success says. A refused question says nothing of any purchase: all else is
        `HttpOutcomeUnknown`, also an error that comes with HTTP 200."""
        if self.status != 200 or self.code:
            raise HttpOutcomeUnknown(f"HTTP {self.status} {self.code or 'without a code'}")
        return self.content

    def ordered(self) -> Any:
        """What a success says; raises `Declined` for a sure no, else `HttpOutcomeUnknown`."""
        sure = {400: REFUSALS, 401: AT_THE_DOOR}.get(self.status, frozenset())
        if self.code in sure:
            raise Declined(self.code, self._words("message"))
        return self.read()

    def _words(self, name: str) -> str:
        value = self.content.get(name) if isinstance(self.content, dict) else None
        return value[:MOST_WORDS] if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    until: datetime


class ReloadlyClient:
    """Threads share it: at worst two of them fetch a token at once, and both tokens work."""

    def __init__(self, account: ReloadlyAccount) -> None:
        self._account = account
        self._tokens: dict[str, _Token] = {}

    def get(
        self, ctx: CallContext, service: Service, path: str, query: Mapping[str, object] = {}
    ) -> Answer:
        """Read something. `query` is read only."""
        return self._call(ctx, service, "GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, ctx: CallContext, service: Service, path: str, content: bytes) -> Answer:
        """Send JSON exactly as given."""
        return self._call(ctx, service, "POST", path, content)

    def _call(
        self,
        ctx: CallContext,
        service: Service,
        method: str,
        path: str,
        content: bytes | None = None,
    ) -> Answer:
        token = self._token(ctx, service)
        answer = self._send(ctx, service, token, method, path, content)
        if answer.status != 401 or answer.code not in AT_THE_DOOR:
            return answer
        # Documented to mean the token alone, so nothing was done, a purchase included; and its
        # reference could be used once only. A 401 of any other make is not repeated.
        if self._tokens.get(service.kind) is token:
            del self._tokens[service.kind]
        token = self._token(ctx, service)
        return self._send(ctx, service, token, method, path, content)

    def _send(
        self,
        ctx: CallContext,
        service: Service,
        token: _Token,
        method: str,
        path: str,
        content: bytes | None,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token.text}", "Accept": service.accept}
        if content is not None:
            headers["Content-Type"] = "application/json"
        url = f"{service.url}/{path}"
        return _read(
            ctx.http.request(method, url, headers=headers, content=content, timeout_s=TIMEOUT_S)
        )

    def _token(self, ctx: CallContext, service: Service) -> _Token:
        token, now = self._tokens.get(service.kind), ctx.clock.now()
        if token is None or token.until <= now:
            token = self._tokens[service.kind] = self._new_token(ctx, service, now)
        return token

    def _new_token(self, ctx: CallContext, service: Service, now: datetime) -> _Token:
        """Raises `TemporarilyUnavailable`: whatever goes wrong here, nothing else was sent yet."""
        wanted = {
            "client_id": self._account.client_id,
            "client_secret": self._account.client_secret.reveal(),
            "grant_type": "client_credentials",
            "audience": service.url,
        }
        url, content = f"{self._account.auth_url}/oauth/token", json.dumps(wanted).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            answer = _read(
                ctx.http.request("POST", url, headers=headers, content=content, timeout_s=TIMEOUT_S)
            )
        except HttpOutcomeUnknown as error:
            raise TemporarilyUnavailable(message=f"no token: {error}") from None
        if answer.status in (401, 403):
            raise Misconfigured("Client ID 或 Client Secret 不正确")
        return _token_of(answer, now)


def _token_of(answer: Answer, now: datetime) -> _Token:
    said = answer.content if answer.status == 200 and isinstance(answer.content, dict) else {}
    text, seconds = said.get("access_token"), said.get("expires_in")
    if not isinstance(text, str) or not text.isascii() or type(seconds) is not int:
        raise TemporarilyUnavailable(message=f"no token: HTTP {answer.status}")
    # Short lives are no mistake (a sandbox's): each token serves at least the call it is made for.
    return _Token(text, now + timedelta(seconds=seconds) - MARGIN)


def _read(response: HttpResponse) -> Answer:
    # Redirects are never followed: the token would go along.
    if not (200 <= response.status < 300 or 400 <= response.status < 500):
        raise HttpOutcomeUnknown(f"Reloadly answered HTTP {response.status}")
    try:
        return Answer(response.status, response.json())
    except ValueError:
        raise HttpOutcomeUnknown("Reloadly's answer is not JSON") from None
