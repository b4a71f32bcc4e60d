"""The open API over HTTP: the native interface at /api/v1, other systems' at /dock/."""

from __future__ import annotations

from flask import Blueprint

from kameng.openapi.api import register_notices
from kameng.openapi.views import native
from kameng.openapi.views.dialects import acg_shared, dujiao_next

blueprint = Blueprint("openapi", __name__)
blueprint.register_blueprint(native.blueprint, url_prefix="/api/v1")
blueprint.register_blueprint(acg_shared.blueprint, url_prefix="/dock/acg-shared")
blueprint.register_blueprint(dujiao_next.blueprint, url_prefix="/dock/dujiao-next")
register_notices()

__all__ = ["blueprint", "native"]
