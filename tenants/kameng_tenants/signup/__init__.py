"""Open a station, or become a supplier: applications, and how far they are."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("signup", __name__)

from kameng_tenants.signup import suppliers, views  # noqa: E402  # the views register themselves

__all__ = ["blueprint", "suppliers", "views"]
