"""What addresses for callbacks share: the raw request in, the exact reply out."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from kameng_sdk.webhooks import WebhookReply, WebhookRequest

MAX_BODY = 64 * 1024

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
