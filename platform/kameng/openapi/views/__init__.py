"""The open API over HTTP: the native interface at /api/v1, other systems' at /dock/."""

from __future__ import annotations

from flask import Blueprint

from kameng.openapi.api import register_notices
from kameng.openapi.views import native

blueprint = Blueprint("openapi", __name__)
blueprint.register_blueprint(native.blueprint, url_prefix="/api/v1")
register_notices()

__all__ = ["blueprint", "native"]
