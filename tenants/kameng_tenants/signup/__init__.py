"""Open a station: application, and how far it is."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("signup", __name__)

from kameng_tenants.signup import views  # noqa: E402  # the views register themselves

__all__ = ["blueprint", "views"]
