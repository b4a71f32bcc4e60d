"""The official client on the host's HTTP, and its errors in the words of the contract."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe

from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, TemporarilyUnavailable

from .account import StripeAccount

TIMEOUT_S = 15.0


class HostHttp(stripe.HTTPClient):
    """Carries the client's requests through ``ctx.http``: its guard and its deadline count.

    The errors of ``ctx.http`` pass through the client as they are.
    """

    name = "kameng"

    def __init__(self, ctx: CallContext) -> None:
        super().__init__()
        self._ctx = ctx

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """One request; the client asks for no retries."""
        content = post_data.encode() if isinstance(post_data, str) else post_data
        answer = self._ctx.http.request(
            method.upper(), url, headers=headers, content=content, timeout_s=TIMEOUT_S
        )
        try:
            return answer.text(), answer.status, answer.headers
        except ValueError:
            raise HttpOutcomeUnknown("Stripe's answer is not text") from None

    def close(self) -> None:
        """Nothing: the connections are the host's."""


def client_for(ctx: CallContext, account: StripeAccount) -> stripe.StripeClient:
    """A client for one call. Retries are the host's business: it knows what it has stored."""
    addresses: Any = {"api": account.gateway_url} if account.gateway_url else {}
    return stripe.StripeClient(
        account.secret_key.reveal(),
        base_addresses=addresses,
        http_client=HostHttp(ctx),
        max_network_retries=0,
    )


@contextmanager
def plain_errors() -> Iterator[None]:
    """A definite "no" is Declined; whatever leaves a doubt stays a doubt."""
    try:
        yield
    except stripe.RateLimitError as error:
        raise TemporarilyUnavailable(5, _text(error)) from None
    except stripe.IdempotencyError as error:
        # The number was used with other parameters: something was done, but not this.
        raise HttpOutcomeUnknown(f"idempotency: {_text(error)}") from None
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Declined("account", _text(error)) from None
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise Declined(error.code or "invalid_request", _text(error)) from None
    except stripe.StripeError as error:
        raise HttpOutcomeUnknown(f"Stripe: {type(error).__name__}") from None


def _text(error: stripe.StripeError) -> str:
    return str(error.user_message or type(error).__name__)[:200]
