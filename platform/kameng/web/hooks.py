"""What addresses for callbacks share: the raw request in, the exact reply out."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from kameng.web.headers import PLAIN
from kameng.web.short_way import Environ, ShortAnswer, Way, open_way
from kameng_sdk.webhooks import WebhookReply, WebhookRequest

MAX_BODY = 64 * 1024

ADDRESS = "/hooks/"

Handler = Callable[[str, str, WebhookRequest, str], WebhookReply]


def receive_callback(plugin_id: str, token: str, handle: Handler) -> Response:
    """Take one callback. Too large a body is refused and never read whole."""
    if request.method == "HEAD":  # Flask adds it to GET; a mere look must not change anything
        return Response("fail", status=405, mimetype="text/plain", headers={"Allow": "GET, POST"})
    # Of a body in chunks, whose length nobody has told, no more is read than this either.
    request.max_content_length = MAX_BODY + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        body = bytes(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        return Response("fail", status=413, mimetype="text/plain")
    raw = WebhookRequest(
        method=request.method,
        path=request.path,
        query=request.query_string.decode("ascii", "replace"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )
    reply = handle(plugin_id, token, raw, request.remote_addr or "")
    response = Response(reply.body, status=reply.status)
    response.headers["Content-Type"] = reply.content_type
    return response


def open_short_way(app: Flask, kind: str, handle: Handler) -> None:
    """Answer callbacks of plugins whose id begins with `kind` without Flask's dispatch.

    Others, and addresses that are none of ours, are left to Flask.
    """

    def view(environ: Environ, body: bytes) -> ShortAnswer | None:
        names = environ["PATH_INFO"].split("/")
        query = environ.get("QUERY_STRING", "")
        # With `lang` Flask would leave a cookie; what is not plain text, it decodes.
        if len(names) != 4 or not names[2].startswith(kind) or not names[3]:
            return None
        if "lang" in query or not query.isascii() or not environ["PATH_INFO"].isascii():
            return None
        raw = WebhookRequest(
            method=environ["REQUEST_METHOD"], path=environ["PATH_INFO"], query=query,
            headers=_headers(environ), body=body,
        )  # fmt: skip
        reply = handle(names[2], names[3], raw, environ.get("REMOTE_ADDR") or "")
        content = reply.body.encode() if isinstance(reply.body, str) else reply.body
        return ShortAnswer(reply.status, content, mimetype=reply.content_type)

    way = Way(view, MAX_BODY, "webhook", PLAIN, "/hooks/<plugin_id>/<token>", query=True)
    for method in ("GET", "POST"):
        open_way(app, method, ADDRESS, way)


def _headers(environ: Environ) -> dict[str, str]:
    """Headers by their names in lower case, as Flask reads them from the environment."""
    found = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            found[name.replace("_", "-").lower()] = environ[name]
    return found
