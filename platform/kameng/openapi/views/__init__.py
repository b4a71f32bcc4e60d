"""The open API over HTTP: the native interface at /api/v1, other systems' at /dock/."""

from __future__ import annotations

from flask import Blueprint

from kameng.openapi.api import register_dock_notices, register_notices
from kameng.openapi.views import document, native, short_way
from kameng.openapi.views.dialects import acg_shared, dujiao_next, kakayun, kasushou

blueprint = Blueprint("openapi", __name__)
blueprint.register_blueprint(native.blueprint, url_prefix="/api/v1")
for dock in (acg_shared, dujiao_next, kakayun, kasushou):
    name = dock.__name__.rpartition(".")[2].replace("_", "-")
    blueprint.register_blueprint(dock.blueprint, url_prefix=f"/dock/{name}")
document.register(blueprint)
blueprint.record_once(short_way.register)
register_notices()
register_dock_notices()

__all__ = ["blueprint", "document", "native"]
