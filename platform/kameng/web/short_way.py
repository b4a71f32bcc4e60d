"""A short way past Flask's own dispatch, for an address that programs call by the thousand.

Flask's routing, contexts, hooks and response objects cost such a request more than all of its own
work. The short way takes only what is plain: the exact address without a query, a body of known
length, a host that we know. Whatever else comes, and everything that is refused, is answered by
Flask; the tests compare the two answer by answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any

from flask import Flask, g

from kameng.db import DATABASE_ERRORS, station_scope
from kameng.stations import api as stations
from kameng.web import access_log, metrics
from kameng.web.headers import FOR_PROGRAMS, HSTS
from kameng.web.request_names import request_name

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

EXTENSION = "kameng.short_ways"
Environ = dict[str, Any]
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """JSON with its status; `headers` beside those that every answer to a program has."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    mimetype: str = "application/json"


# Gets the request's parts and its body, in the scope of the host's station. None: let Flask do it.
ShortWay = Callable[[Environ, bytes], ShortAnswer | None]


@dataclass(frozen=True, slots=True)
class Way:
    """Where it leads, and the longest body that it takes."""

    view: ShortWay
    most_body: int


def open_way(app: Flask, method: str, path: str, way: Way) -> None:
    """Let this method and address be answered by the short way."""
    app.extensions.setdefault(EXTENSION, {})[method, path] = way


def answer(app: Flask, environ: Environ, start_response: StartResponse) -> Iterable[bytes] | None:
    """Answer by a short way if there is one for this request; None: there is none."""
    ways: dict[tuple[str, str], Way] = app.extensions.get(EXTENSION, {})
    way = ways.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
    if way is None or not _plain(environ, way):
        return None
    with app.app_context() as context:
        station, body = station_of(environ), _body(environ)
        if station is None or body is None:
            return None
        own = context.g
        own.request_id, own.started = (
            request_name(environ.get("HTTP_X_REQUEST_ID", "")),
            monotonic(),
        )
        own.station, own.audience = station, "api"
        with station_scope(station.id):
            try:
                found = way.view(environ, body)
            except Exception as error:
                return _by_flask(app, environ, start_response, error)
        if found is None:
            return None
        metrics.count(environ["REQUEST_METHOD"], found.status)
        access_log.write(
            environ["REQUEST_METHOD"], environ["PATH_INFO"], found.status, environ["REMOTE_ADDR"]
        )
        start_response(STATUS_LINES[found.status], _headers(environ, found))
        return [found.body]


def _plain(environ: Environ, way: Way) -> bool:
    length = environ.get("CONTENT_LENGTH") or ""
    return (
        not environ.get("QUERY_STRING")
        and environ.get("RAW_URI", environ["PATH_INFO"]) == environ["PATH_INFO"]
        and length.isascii() and length.isdigit() and len(length) < 9
        and int(length) <= way.most_body
        and "HTTP_TRANSFER_ENCODING" not in environ
    )  # fmt: skip


def station_of(environ: Environ) -> stations.StationInfo | None:
    """The station of the host; None: there is none, or the database does not answer."""
    try:
        return stations.resolve_host(environ.get("HTTP_HOST", ""))
    except DATABASE_ERRORS:
        return None  # Flask says so


def _body(environ: Environ) -> bytes | None:
    try:
        body: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    except Exception:  # the server's own kinds: cut off, badly framed; Flask meets them again
        return None
    environ["wsgi.input"] = BytesIO(body)  # Flask may have to read it too
    return body


def _headers(environ: Environ, found: ShortAnswer) -> list[tuple[str, str]]:
    https = environ["wsgi.url_scheme"] == "https"
    return [
        ("Content-Type", found.mimetype), ("Content-Length", str(len(found.body))),
        ("Cache-Control", "no-store"), *found.headers, *FOR_PROGRAMS,
        *([HSTS] if https else ()), ("X-Request-Id", g.request_id),
    ]  # fmt: skip


def _by_flask(
    app: Flask, environ: Environ, start_response: StartResponse, error: Exception
) -> Iterable[bytes]:
    """A refusal or a fault that came too late to begin anew: its answer, by Flask's handlers."""
    with app.request_context(environ):
        try:
            response = app.finalize_request(app.handle_user_exception(error))
        except Exception as unhandled:
            response = app.handle_exception(unhandled)
        return response(environ, start_response)
