"""The address that suppliers call back: /hooks/supplier-<name>/<token>."""

from flask import Blueprint, Flask, Response

from kameng.supply.api import handle_notice
from kameng.web import audiences
from kameng.web.hooks import receive_callback

blueprint = Blueprint("supplier_hooks", __name__)


@blueprint.route("/hooks/supplier-<name>/<token>", methods=["GET", "POST"])
def receive(name: str, token: str) -> Response:
    """A supplier's notice."""
    return receive_callback(f"supplier-{name}", token, handle_notice)


def init_app(app: Flask) -> None:
    """Suppliers' systems are no people: no CSRF, no session."""
    audiences.register(app, blueprint, "webhook")
