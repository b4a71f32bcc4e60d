"""CSRF: a signed token in every form, plus what the browser itself says about the origin.

Visitors without a login get a token that needs no session (guests buy without any cookie); it is
bound to host and purpose for 12 hours. After login the token is bound to the session.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from kameng import chance
from kameng.errors import DomainError
from kameng.runtime import current_settings
from kameng.web.sessions import current_session

V = TypeVar("V", bound=Callable[..., Any])
FIELD = "_csrf"
HEADER = "X-CSRF-Token"
LIFETIME_S = 12 * 3600
DIGITS = re.compile(r"[0-9]{1,12}")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
EXEMPT_AUDIENCES = frozenset({"webhook", "api", "internal"})


class CsrfRefused(DomainError):
    """The form is too old, or was not made by us for this browser."""


def foreign_post(view: V) -> V:
    """Let other sites post here: for a view that changes nothing and tells nothing.

    Some gateways send the shopper back by POST, with fields that only their notice may say.
    """
    view.foreign_post = True  # type: ignore[attr-defined]  # a mark on the function
    return view


def init_csrf(app: Flask) -> None:
    """Check every unsafe request of people."""
    app.before_request(protect)


def csrf_token(purpose: str = "form") -> str:
    """A token for a form or for the header `X-CSRF-Token`."""
    kind, subject = _subject()
    # One for all forms of a page, until somebody logs in.
    known: dict[tuple[str, str], str] = g.setdefault("csrf_known", {})
    token = known.get((purpose, subject))
    if token is None:
        token = known[purpose, subject] = _made(kind, purpose, subject, request.host.lower())
        g.setdefault("csrf_tokens", {})[token] = purpose
    return token


def guest_token(purpose: str, host: str) -> str:
    """A token for a visitor without a login at `host` (in lower case, as the request names it)."""
    return _made("a", purpose, "", host)


def _made(kind: str, purpose: str, subject: str, host: str) -> str:
    expires = int(time.time()) + LIFETIME_S
    head = f"{kind}.{expires}.{chance.token_urlsafe(12)}"
    return f"{head}.{_sign(head, purpose, subject, host)}"


def csrf_field(purpose: str = "form") -> Markup:
    """The hidden field for a form."""
    # Nothing to escape: letters, digits, dots, dashes.
    return Markup(f'<input type="hidden" name="{FIELD}" value="{csrf_token(purpose)}">')


def token_is_valid(token: str, purpose: str = "form") -> bool:
    """Whether a token was given out by us for this host and this visitor."""
    return _is_valid(token, purpose, _subject(), request.host.lower())


def guest_token_is_valid(token: str, host: str, purpose: str = "form") -> bool:
    """The same for a visitor without a login at `host` (in lower case)."""
    return _is_valid(token, purpose, ("a", ""), host)


def _is_valid(token: str, purpose: str, visitor: tuple[str, str], host: str) -> bool:
    head, _, signature = token.rpartition(".")
    parts = head.split(".")
    if len(parts) != 3 or not DIGITS.fullmatch(parts[1]):
        return False
    kind, subject = visitor
    if parts[0] != kind or int(parts[1]) < time.time():
        return False
    signed = _sign(head, purpose, subject, host)
    return hmac.compare_digest(signature.encode(), signed.encode())


def protect() -> None:
    """Refuse unsafe requests without a valid token or from a foreign page."""
    if request.method in SAFE_METHODS or request.url_rule is None:
        return
    if g.audience in EXEMPT_AUDIENCES:
        return
    if getattr(current_app.view_functions[request.endpoint or ""], "foreign_post", False):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if not same_origin(site, origin, request.host.lower()):
        raise CsrfRefused("csrf_origin", _l("请求来自其他网站，已拒绝。请从本站页面操作。"))
    token = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not token_is_valid(token):
        raise CsrfRefused("csrf_failed", _l("页面已过期，请刷新后重新提交。"))


def same_origin(site: str | None, origin: str | None, host: str) -> bool:
    """What the browser says of where a request comes from; `host` in lower case."""
    # "same-site" is not enough: other stations are other people on sub-domains of the same site.
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is None:
        return True  # old browsers and plain clients: the token decides
    if origin == "null":
        return site == "same-origin"
    return urlsplit(origin).netloc.lower() == host


def _subject() -> tuple[str, str]:
    """("s", session) once somebody is logged in, else ("a", nothing)."""
    current = current_session()
    if current.sid and current.owner:
        return "s", hashlib.sha256(current.sid.encode()).hexdigest()
    return "a", ""


def _sign(head: str, purpose: str, subject: str, host: str) -> str:
    key = hashlib.sha256(b"kameng csrf " + current_settings().secret_key.encode()).digest()
    message = "\0".join((head, purpose, host, subject))
    return hmac.digest(key, message.encode(), "sha256").hex()
