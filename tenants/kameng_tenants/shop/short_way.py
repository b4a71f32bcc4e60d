"""`POST /orders` of a guest by the short way: what shops do more often than all other writing.

Whatever is not plain (a session, a query, a form to be corrected, a page that is too old) is left
to Flask, untouched; what is refused later is shown by Flask's own pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import unquote_plus

from flask import Flask, g
from flask.blueprints import BlueprintSetupState
from markupsafe import escape
from werkzeug.http import dump_cookie, parse_cookie
from werkzeug.urls import iri_to_uri
from werkzeug.utils import redirect
from werkzeug.wsgi import get_host

from kameng.orders.api import OrderRefused
from kameng.payments.api import device_of
from kameng.web import GUEST, csrf, i18n, limits
from kameng.web.headers import OF_PAGES, misleads, page_policy
from kameng.web.sessions import SHOP_COOKIE
from kameng.web.short_way import Environ, ShortAnswer, Way, open_way
from kameng_sdk.payments import Device
from kameng_tenants.shop import forms, keys, ordering
from kameng_tenants.shop.shopper import Shopper

ADDRESS = ("POST", "/orders")
MOST_BODY = 16 * 1024
FORM = "application/x-www-form-urlencoded"
# In other spellings of a host Flask finds things to put right.
HOST = re.compile(r"(?!.*xn--)[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
MARK = "THE-ADDRESS"
REDIRECTION = redirect(MARK, 303).get_data(as_text=True)


def order(environ: Environ, body: bytes) -> ShortAnswer | None:
    """Place an order and send the shopper to pay, as `checkout.place_order` does."""
    host = get_host(environ)
    shopper = _guest(environ, host)
    values = _form(environ, body)
    if shopper is None or values is None or not _made_here(environ, values, host):
        return None
    g.viewer = GUEST
    g.locale = shopper.locale
    limits.count_write(shopper.ip)
    environ[limits.COUNTED] = True  # whoever goes on with this request counts no second time
    try:
        form = ordering.read_order(values, forms.read_choice(values))
    except OrderRefused:
        return None
    if form.errors or form.input_errors:
        return None
    checkout = ordering.place(form, shopper)
    target = ordering.way_on(checkout, form, shopper)
    cookie = keys.cookie(shopper.cookies, checkout.placed.order_no, checkout.placed.secret)
    return _see_other(target, dump_cookie(**cookie))


def _guest(environ: Environ, host: str) -> Shopper | None:
    """Who buys; None for anybody with a session, at a closed shop or with a host unlike ours."""
    sent = environ.get("HTTP_COOKIE", "")
    cookies = parse_cookie(sent)
    if SHOP_COOKIE in cookies or not g.station.visible:
        return None
    if not HOST.fullmatch(host) or not sent.isascii():  # Flask reads other spellings
        return None
    return Shopper(
        ip=environ.get("REMOTE_ADDR") or "",
        device=Device(device_of(environ.get("HTTP_USER_AGENT", ""))),
        locale=i18n.known_locale(cookies.get(i18n.COOKIE)) or i18n.DEFAULT,
        shop=f"{environ['wsgi.url_scheme']}://{host}", cookies=cookies,
    )  # fmt: skip


def _form(environ: Environ, body: bytes) -> Mapping[str, str] | None:
    """The fields as Flask reads them: of several by one name the first."""
    if environ.get("CONTENT_TYPE") != FORM or not body.isascii():
        return None
    values: dict[str, str] = {}
    try:
        for pair in body.decode().split("&"):
            if pair:
                name, _, value = pair.partition("=")
                values.setdefault(_plain(name), _plain(value))
    except ValueError:  # bytes that are no text
        return None
    return values


def _plain(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def _made_here(environ: Environ, values: Mapping[str, str], host: str) -> bool:
    """Whether the form is ours, as `csrf.protect` asks."""
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    return (
        "HTTP_X_CSRF_TOKEN" not in environ
        and csrf.same_origin(site, origin, host)
        and csrf.guest_token_is_valid(values.get(csrf.FIELD, ""), host)
    )


def _see_other(target: str, cookie: str) -> ShortAnswer:
    """The redirection as Flask words it."""
    body = REDIRECTION.replace(MARK, escape(target))
    location = "/" if misleads(target) else iri_to_uri(target)
    headers = (
        ("Location", location), ("Set-Cookie", cookie),
        ("Content-Security-Policy", page_policy()),
    )  # fmt: skip
    return ShortAnswer(303, body.encode(), headers, "text/html; charset=utf-8")


def register(state: BlueprintSetupState) -> None:
    """Open it."""
    open_way(cast(Flask, state.app), *ADDRESS, Way(order, MOST_BODY, "station", OF_PAGES))
