"""One signed request to the gateway, and the sure parts of its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from example_payment.signing import signature
from kameng_sdk.context import CallContext
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.secrets import Secret

# Refusals after which nothing was done. Every other code leaves it open.
REFUSALS = frozenset({"bad_amount", "bad_signature", "closed", "too_much", "not_paid"})


@dataclass(frozen=True, slots=True)
class Client:
    """One account. Keeps no state: it is shared by threads."""

    base_url: str
    account: str
    key: Secret = field(repr=False)

    def ask(self, ctx: CallContext, path: str, question: Mapping[str, object]) -> dict[str, Any]:
        """The answer; raises `Declined` when it is a sure no, `HttpOutcomeUnknown` in any doubt."""
        body = json.dumps(question, ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Account": self.account,
            "X-Signature": signature(self.key.reveal(), body),
        }
        # The very bytes that were signed.
        answer = ctx.http.request("POST", self.base_url + path, content=body, headers=headers)
        if answer.status != 200:
            raise HttpOutcomeUnknown(f"HTTP {answer.status}")
        try:
            told = answer.json()
        except ValueError:
            raise HttpOutcomeUnknown("the answer is no JSON") from None
        if not isinstance(told, dict):
            raise HttpOutcomeUnknown("the answer is no object")
        return self._sure(told)

    def _sure(self, told: dict[str, Any]) -> dict[str, Any]:
        code = told.get("code")
        if code in REFUSALS:
            raise Declined(code, "the gateway refuses")
        if code not in ("ok", "no_order"):
            raise HttpOutcomeUnknown("a code that decides nothing")
        return told
