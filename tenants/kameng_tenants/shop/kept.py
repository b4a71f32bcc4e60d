"""What was chosen, kept in this browser between the product and the payment.

The checkout is a page that can be loaded anew and come back to from the cashier, so it is a GET; an
account number does not belong in an address, so it lies in a cookie of that page. The form's
one-time key lies beside it: coming back and paying again means the same order, not a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request
from itsdangerous import BadSignature
from werkzeug.wrappers import Response as BaseResponse

from kameng.runtime import current_settings
from kameng_tenants.shop import forms, keys

COOKIE = "km_choice"
PATH = "/checkout"
KEPT_S = 3600
MAX_BYTES = 3000  # browsers drop cookies beyond 4 KB


@dataclass(frozen=True, slots=True)
class Kept:
    """Purchase fields and one-time key of the checkout."""

    inputs: dict[str, str]
    key: str


def to_checkout(choice: forms.Choice, inputs: dict[str, str]) -> BaseResponse | None:
    """Redirect to the checkout's address with the choice kept; None where no cookie would stay."""
    if keys.PROBE not in request.cookies:
        return None
    body = _dumped(choice, Kept(inputs, forms.new_key()))
    if len(body) > MAX_BYTES:
        return None
    query = urlencode({"sku": choice.sku, "quantity": choice.quantity})
    response = redirect(f"{PATH}?{query}", 303)
    _set(response, body)
    return response


def kept_for(choice: forms.Choice) -> Kept | None:
    """What this browser keeps for exactly this SKU and quantity."""
    try:
        found: Any = keys.serializer("choice").loads(request.cookies.get(COOKIE, ""))
        sku, quantity, inputs, key = found
    except (BadSignature, ValueError, TypeError):
        return None
    if (sku, quantity) != (choice.sku, choice.quantity):
        return None
    return Kept({str(name): str(value) for name, value in inputs.items()}, str(key))


def keep(response: BaseResponse, choice: forms.Choice, inputs: dict[str, str], key: str) -> None:
    """Keep the shown choice, so that this page is the same when it is loaded again."""
    body = _dumped(choice, Kept(inputs, key))
    if len(body) <= MAX_BYTES:
        _set(response, body)


def probe(response: Response) -> None:
    """Tells the next request whether this browser keeps cookies at all.

    Without them the order's secret has to travel in addresses, and a form's answer is its page.
    """
    if keys.PROBE not in request.cookies:
        response.set_cookie(keys.PROBE, "1", httponly=True, samesite="Lax")


def _dumped(choice: forms.Choice, kept: Kept) -> str:
    content = [choice.sku, choice.quantity, kept.inputs, kept.key]
    return str(keys.serializer("choice").dumps(content))


def _set(response: BaseResponse, body: str) -> None:
    response.set_cookie(
        COOKIE,
        body,
        max_age=KEPT_S,
        path=PATH,
        secure=current_settings().public_scheme == "https",
        httponly=True,
        samesite="Lax",
    )
