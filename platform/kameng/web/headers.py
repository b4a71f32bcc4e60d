"""Security headers of every answer; a strict CSP with a nonce for pages."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from kameng import chance

log = logging.getLogger(__name__)

EXTENSION = "kameng.form_targets"
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
FRESH_S = 30.0
FOR_PROGRAMS = (
    ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
)  # fmt: skip
# Of an answer that is no page, to whoever else calls.
PLAIN = (
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"), ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)  # fmt: skip
FOR_PAGES = (
    ("Cache-Control", "private, no-cache"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
# What those two say of every page; its policy is its own.
OF_PAGES = (*(pair for pair in PLAIN if pair[0] != "Content-Security-Policy"), *FOR_PAGES)
HSTS = ("Strict-Transport-Security", "max-age=31536000")
FormTargets = Callable[[int], Iterable[str]]


class _Targets:
    """Origins that forms of a station may end at, remembered for half a minute."""

    def __init__(self) -> None:
        self.providers: list[FormTargets] = []
        self.known: dict[int, tuple[float, tuple[str, ...]]] = {}


def init_headers(app: Flask) -> None:
    """Put the headers on every answer."""
    app.extensions[EXTENSION] = _Targets()
    app.after_request(add_headers)


def allow_form_targets(app: Flask, provider: FormTargets) -> None:
    """Add a source of origins (`https://pay.example`) that checkout forms may be redirected to.

    Chromium checks form-action on the redirect after a POST too, so the gateways that a station
    has switched on must be named. `provider(station_id)` runs in the request's scope.
    """
    cast(_Targets, app.extensions[EXTENSION]).providers.append(provider)


def forget_form_targets() -> None:
    """Ask the providers anew at the next page (a gateway was switched on or off)."""
    cast(_Targets, current_app.extensions[EXTENSION]).known.clear()


def allow_form_target(url: str) -> None:
    """Let forms of this one answer end at the origin of `url`, as a gateway's plugin wants."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if ORIGIN.fullmatch(origin):
        g.form_target = origin


def csp_nonce() -> str:
    """The nonce of this answer, for `<script nonce>` and `<style nonce>`."""
    if "csp_nonce" not in g:
        g.csp_nonce = chance.token_urlsafe(18)
    return str(g.csp_nonce)


def no_store(response: Response) -> Response:
    """Mark an answer that must stay in no cache (card secrets, keys)."""
    response.headers["Cache-Control"] = "no-store"
    return response


def add_headers(response: Response) -> Response:
    """CSP, sniffing, referrer, opener, framing; HSTS on https."""
    headers = response.headers
    if g.get("audience") == "api" and response.mimetype != "text/html":
        headers.extend(FOR_PROGRAMS)
        if request.is_secure:
            headers.set(*HSTS)
        return response
    if misleads(headers.get("Location", "")):
        headers["Location"] = "/"
    # What a view has set itself stays, but for two that no view may weaken; the rest is put in at
    # once, as each single look through the headers costs as much as all of them.
    for name in ("X-Content-Type-Options", "X-Frame-Options"):
        headers.remove(name)
    added = (*PLAIN, HSTS) if request.is_secure else PLAIN
    if response.mimetype == "text/html":
        headers["Content-Security-Policy"] = page_policy()
        added = (*added, *FOR_PAGES)
    present = {name.lower() for name, _value in headers}
    headers.extend([(name, value) for name, value in added if name.lower() not in present])
    return response


def of_page(https: bool) -> list[tuple[str, str]]:
    """Headers of a page that no response of Flask's was made for: as `add_headers` gives them."""
    first, second = FOR_PAGES
    return [
        ("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "0"), first,
        ("Vary", "Cookie, Host"), ("Content-Security-Policy", page_policy()), *PLAIN[:-1],
        *([HSTS] if https else ()), second,
    ]  # fmt: skip


def misleads(location: str) -> bool:
    """Whether an address leads elsewhere than it seems.

    `http:evil.com` names no host to those who check it, and one to every browser.
    """
    try:
        parts = urlsplit(location)
    except ValueError:
        return True
    return bool(parts.scheme) and not parts.netloc


def page_policy() -> str:
    """The CSP of a page: its nonce, and the gateways that its forms may lead to."""
    nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
    own = {g.form_target} if "form_target" in g else set()
    targets = "".join(f" {origin}" for origin in sorted({*_form_targets(), *own}))
    return (
        "default-src 'self'; "
        f"script-src 'self'{nonce}; style-src 'self'{nonce}; "
        f"img-src 'self' data:; form-action 'self'{targets}; "
        "frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )


def _form_targets() -> tuple[str, ...]:
    station = g.get("station")
    targets = cast(_Targets, current_app.extensions[EXTENSION])
    if station is None or g.get("audience") == "main" or not targets.providers:
        return ()
    known = targets.known.get(station.id)
    if known is None or time.monotonic() - known[0] > FRESH_S:
        known = (time.monotonic(), _ask(targets.providers, station.id))
        targets.known[station.id] = known
    return known[1]


def _ask(providers: list[FormTargets], station_id: int) -> tuple[str, ...]:
    found: set[str] = set()
    for provider in providers:
        try:
            found.update(provider(station_id))
        except Exception:  # the page is worth more than one gateway's redirect
            log.exception("form targets of station %s could not be asked", station_id)
    return tuple(sorted(origin for origin in found if ORIGIN.fullmatch(origin)))
