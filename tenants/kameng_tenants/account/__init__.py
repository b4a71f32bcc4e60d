"""Members: sign-in, wallet, orders, top-up."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("account", __name__)

from kameng_tenants.account import centre, login, top_up, webhooks  # noqa: E402  # views register themselves

__all__ = ["blueprint", "centre", "login", "top_up", "webhooks"]
