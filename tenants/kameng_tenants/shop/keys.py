"""Who may see an order: its member, or whoever holds its secret (in the address or a cookie).

The cookie remembers the orders made in this browser. It is signed for one station and readable by
no script; losing it loses nothing, since number and secret open the order anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Response, abort, g, request
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup

from kameng.errors import NotFound
from kameng.orders import api as orders
from kameng.runtime import current_settings
from kameng.web import client_ip, limit

COOKIE = "km_orders"
PROBE = "km_ck"
KEPT = 15
YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Access:
    """An order its viewer may see. `secret` is empty when the viewer is its member."""

    order: orders.OrderView
    secret: str
    in_cookie: bool

    @property
    def address(self) -> str:
        """Path of the order's page."""
        return f"/o/{self.order.order_no}"

    @property
    def key_query(self) -> str:
        """`&k=…` for browsers that keep no cookie."""
        return f"&k={self.secret}" if self.secret and not self.in_cookie else ""

    @property
    def key_field(self) -> Markup:
        """The same as a hidden field."""
        if not self.key_query:
            return Markup("")
        return Markup('<input type="hidden" name="k" value="{}">').format(self.secret)


def open_order(order_no: str) -> Access:
    """The order if this viewer may see it, else 404: wrong number and wrong secret look the same.

    Wrong secrets are counted; whoever knows the right one is never held up.
    """
    if not (order_no.isascii() and order_no.isdigit() and len(order_no) <= 20):
        abort(404)
    kept = remembered().get(order_no, "")
    given = request.values.get("k", "")[:60]
    for secret, in_cookie in ((kept, True), (given, False)):
        if secret and orders.check_secret(order_no, secret):
            return Access(orders.order_page(order_no), secret, in_cookie)
    if given:
        limit("order-key", client_ip(), 60, 300)
    if g.viewer.kind == "member":
        try:
            order = orders.order_page(order_no)
        except NotFound:
            abort(404)
        if order.member_id == g.viewer.id:
            return Access(order, "", False)
    abort(404)


def remembered() -> dict[str, str]:
    """Order numbers and secrets kept in this browser, the newest last."""
    return _opened(request.cookies)


def _opened(cookies: Mapping[str, str]) -> dict[str, str]:
    raw = cookies.get(COOKIE, "")
    try:
        pairs = serializer().loads(raw) if raw else []
        return {str(number): str(secret) for number, secret in pairs}
    except (BadSignature, ValueError, TypeError):
        return {}


def remember(response: Response, order_no: str, secret: str) -> None:
    """Keep an order in this browser."""
    response.set_cookie(**cookie(request.cookies, order_no, secret))


def cookie(cookies: Mapping[str, str], order_no: str, secret: str) -> dict[str, Any]:
    """The cookie that keeps an order beside those that this browser keeps already."""
    known = _opened(cookies)
    known.pop(order_no, None)
    known[order_no] = secret
    return {
        "key": COOKIE, "value": str(serializer().dumps(list(known.items())[-KEPT:])),
        "max_age": YEAR_S, "secure": current_settings().public_scheme == "https",
        "httponly": True, "samesite": "Lax",
    }  # fmt: skip


def keeps_cookies() -> bool:
    """Whether this browser has sent any cookie back."""
    return bool(request.cookies)


def serializer(what: str = "orders") -> URLSafeSerializer:
    """Signs what a browser keeps for this station; one purpose cannot pass for another."""
    return _serializer(current_settings().secret_key, f"{what} of station {g.station.id}")


@lru_cache(1_000)
def _serializer(secret_key: str, salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret_key,
        salt=salt,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
