"""The open API over HTTP: the native interface at /api/v1, other systems' at /dock/."""

from __future__ import annotations

from flask import Blueprint

from kameng.openapi.api import register_dock_notices, register_notices
from kameng.openapi.views import native
from kameng.openapi.views.dialects import kakayun, kasushou

blueprint = Blueprint("openapi", __name__)
blueprint.register_blueprint(native.blueprint, url_prefix="/api/v1")
blueprint.register_blueprint(kakayun.blueprint, url_prefix="/dock/kakayun")
blueprint.register_blueprint(kasushou.blueprint, url_prefix="/dock/kasushou")
register_notices()
register_dock_notices()

__all__ = ["blueprint", "native"]
