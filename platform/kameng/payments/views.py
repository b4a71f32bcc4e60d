"""The address that gateways call back: /hooks/<plugin>/<token>."""

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from kameng.payments.api import handle_webhook
from kameng.web import audiences
from kameng_sdk.webhooks import WebhookRequest

MAX_BODY = 64 * 1024

blueprint = Blueprint("payment_hooks", __name__)


@blueprint.route("/hooks/<plugin_id>/<token>", methods=["GET", "POST"])
def receive(plugin_id: str, token: str) -> Response:
    """Take one callback. Too large a body is refused and never read whole."""
    if request.method == "HEAD":  # Flask adds it to GET; a mere look must not take money in
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
    reply = handle_webhook(plugin_id, token, raw, ip=request.remote_addr or "")
    response = Response(reply.body, status=reply.status)
    response.headers["Content-Type"] = reply.content_type
    return response


def init_app(app: Flask) -> None:
    """Gateways are an audience of their own: no CSRF, no session."""
    audiences.register(app, blueprint, "webhook")
