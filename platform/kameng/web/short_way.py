"""A short way past Flask's own dispatch, for addresses that programs call by the thousand.

Flask's routing, contexts, hooks and response objects cost such a request more than all of its own
work. The short way takes only what is plain: a known address, spelled as we do and without a query
unless that belongs to it, a body of known length, a host that we know. Whatever else comes is
answered by Flask; the tests compare the two answer by answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any

from flask import Flask

from kameng.db import DATABASE_ERRORS, station_scope
from kameng.runtime import ShortContext
from kameng.stations import api as stations
from kameng.web import access_log, metrics
from kameng.web.audiences import Audience
from kameng.web.headers import FOR_PROGRAMS, HSTS
from kameng.web.request_names import request_name

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

EXTENSION = "kameng.short_ways"
Environ = dict[str, Any]
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A text, mostly JSON, and its status; `headers` beside those that the way always gives."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    mimetype: str = "application/json"


# Gets the request's parts and its body, in the scope of the host's station. None: let Flask do it.
ShortWay = Callable[[Environ, bytes], ShortAnswer | None]


@dataclass(frozen=True, slots=True)
class Way:
    """Where it leads, and the longest body that it takes.

    `route` is what the access log shows, "" is the address itself; `query`: whether one may come.
    """

    view: ShortWay
    most_body: int
    audience: Audience = "api"
    headers: Sequence[tuple[str, str]] = (("Cache-Control", "no-store"), *FOR_PROGRAMS)
    route: str = ""
    query: bool = False


def open_way(app: Flask, method: str, path: str, way: Way) -> None:
    """Let this method and address be answered by the short way; `/hooks/` is all below it."""
    app.extensions.setdefault(EXTENSION, {})[method, path] = way


def answer(app: Flask, environ: Environ, start_response: StartResponse) -> Iterable[bytes] | None:
    """Answer by a short way if there is one for this request; None: there is none."""
    ways: dict[tuple[str, str], Way] = app.extensions.get(EXTENSION, {})
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    way = ways.get((method, path)) or ways.get((method, path[: path.find("/", 1) + 1]))
    if way is None or not _plain(environ, way):
        return None
    with ShortContext(app) as context:
        station, body = station_of(environ), _body(environ)
        if station is None or body is None:
            return None
        own = context.g
        own.request_id, own.started = (
            request_name(environ.get("HTTP_X_REQUEST_ID", "")),
            monotonic(),
        )
        own.station, own.audience = station, way.audience
        with station_scope(station.id):
            try:
                found = way.view(environ, body)
            except Exception as error:
                return _by_flask(app, environ, start_response, error)
        if found is None:
            return None
        metrics.count(method, found.status)
        access_log.write(method, way.route or path, found.status, environ["REMOTE_ADDR"])
        status = STATUS_LINES.get(found.status) or f"{found.status} Unknown"
        start_response(status, _headers(environ, way, found, own.request_id))
        return [found.body]


def _plain(environ: Environ, way: Way) -> bool:
    path, length = str(environ["PATH_INFO"]), _length(environ)
    spelled = str(environ.get("RAW_URI", path)).partition("?" if way.query else "\0")[0]
    return (
        (way.query or not environ.get("QUERY_STRING"))
        and spelled == path
        and length.isascii() and length.isdigit() and len(length) < 9
        and int(length) <= way.most_body
        and "HTTP_TRANSFER_ENCODING" not in environ
    )  # fmt: skip


def _length(environ: Environ) -> str:
    """What the request says of its body; a GET that says nothing has none."""
    told: str = environ.get("CONTENT_LENGTH") or ""
    return told or ("0" if environ["REQUEST_METHOD"] == "GET" else "")


def station_of(environ: Environ) -> stations.StationInfo | None:
    """The station of the host; None: there is none, or the database does not answer."""
    try:
        return stations.resolve_host(environ.get("HTTP_HOST", ""))
    except DATABASE_ERRORS:
        return None  # Flask says so


def _body(environ: Environ) -> bytes | None:
    length = int(_length(environ))
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except Exception:  # the server's own kinds: cut off, badly framed; Flask meets them again
        return None
    environ["wsgi.input"] = BytesIO(body)  # Flask may have to read it too
    return body if len(body) == length else None  # granian hands over half a body as if it were all


def _headers(environ: Environ, way: Way, found: ShortAnswer, name: str) -> list[tuple[str, str]]:
    https = environ["wsgi.url_scheme"] == "https"
    return [
        ("Content-Type", found.mimetype), ("Content-Length", str(len(found.body))),
        *found.headers, *way.headers,
        *([HSTS] if https else ()), ("X-Request-Id", name),
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
