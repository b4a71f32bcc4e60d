"""Members: sign-in, wallet, orders, top-up."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("account", __name__)

from kameng_tenants.account import (  # noqa: E402  # views register themselves
    api_keys,
    centre,
    login,
    top_up,
    webhooks,
)

__all__ = ["api_keys", "blueprint", "centre", "login", "top_up", "webhooks"]
