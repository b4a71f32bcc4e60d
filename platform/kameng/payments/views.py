"""The address that gateways call back: /hooks/<plugin>/<token>."""

from typing import cast

from flask import Blueprint, Flask, Response
from flask.blueprints import BlueprintSetupState

from kameng.payments.api import handle_webhook
from kameng.web import audiences
from kameng.web.hooks import open_short_way, receive_callback

blueprint = Blueprint("payment_hooks", __name__)


@blueprint.route("/hooks/<plugin_id>/<token>", methods=["GET", "POST"])
def receive(plugin_id: str, token: str) -> Response:
    """A gateway's notice."""
    return receive_callback(plugin_id, token, handle_webhook)


@blueprint.record_once
def _open_short_way(state: BlueprintSetupState) -> None:
    open_short_way(cast(Flask, state.app), "payment-", handle_webhook)


def init_app(app: Flask) -> None:
    """Gateways are an audience of their own: no CSRF, no session."""
    audiences.register(app, blueprint, "webhook")
