"""The way of a request: id, host → station, scope, then Flask's own dispatch."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from flask import Flask, Response, abort, g, request
from werkzeug.exceptions import HTTPException, MisdirectedRequest, NotFound, ServiceUnavailable

from kameng.db import DATABASE_ERRORS, main_scope, station_scope
from kameng.errors import DomainError
from kameng.stations import api as stations
from kameng.web import audiences, kept_pages, short_way
from kameng.web.request_names import request_name
from kameng.web.uploads import KamengRequest


class KamengFlask(Flask):
    """Flask whose every request runs inside the scope of its host's station."""

    request_class = KamengRequest

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """By a short way or with a kept page where there is one, else as Flask does."""
        answered = short_way.answer(self, environ, start_response)
        if answered is None and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            answered = kept_pages.answer(self, environ, start_response)
        return super().wsgi_app(environ, start_response) if answered is None else answered

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view or hook here is a coroutine; looking for one takes a tenth of a short request."""
        return func

    def full_dispatch_request(self) -> Response:
        """Open the scope around hooks, view, error handlers and session; then as Flask does."""
        _name_request()
        with ExitStack() as stack:
            try:
                _enter_station(stack)
            except (HTTPException, DomainError) as refusal:
                g.refusal = refusal
            response = super().full_dispatch_request()
            kept_pages.keep(response)
            return response


def init_dispatch(app: Flask) -> None:
    """The first hook of every request: refuse what came to the wrong door."""
    app.before_request(_refuse)
    app.after_request(_show_request_id)


def _name_request() -> None:
    g.request_id = request_name(request.headers.get("X-Request-Id", ""))
    g.started = time.monotonic()
    g.station = None
    g.audience = audiences.current_audience()


def _enter_station(stack: ExitStack) -> None:
    if g.audience == "internal":
        return
    try:
        g.station = stations.resolve_host(request.host)
    except DATABASE_ERRORS as error:
        raise ServiceUnavailable from error
    if g.station is None:
        # 421: this server speaks for other names (RFC 9110 §15.5.20).
        raise MisdirectedRequest
    console = audiences.in_console() and g.station.is_main
    stack.enter_context(main_scope(reason="console") if console else station_scope(g.station.id))


def _refuse() -> None:
    refusal = g.get("refusal")
    if refusal is not None:
        raise refusal
    if request.url_rule is None or g.audience == "internal":
        return
    if g.audience is None or (g.audience in ("main", "supplier") and not g.station.is_main):
        raise NotFound
    if not g.station.visible and not audiences.works_when_closed():
        abort(_closed())


def _closed() -> Any:
    from kameng.web.error_pages import closed_page

    return closed_page()


def _show_request_id(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response
