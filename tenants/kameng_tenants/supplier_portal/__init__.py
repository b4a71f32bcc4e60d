"""The suppliers' portal at /supplier/ on the main host, and their API at /supplier/api/v1."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("supplier", __name__, template_folder="templates")
programs = Blueprint("supplier_api", __name__)

from kameng_tenants.supplier_portal import (  # noqa: E402  # the views register themselves
    account,
    api,
    contracts,
    disputes,
    documents,
    doors,
    keys,
    offers,
    overview,
    purchases,
    scores,
    statements,
)
from kameng_tenants.supplier_portal.words import GLOBALS  # noqa: E402  # as above

blueprint.context_processor(lambda: GLOBALS)

__all__ = [
    "account", "api", "blueprint", "contracts", "disputes", "documents", "doors", "keys", "offers",
    "overview", "programs", "purchases", "scores", "statements",
]  # fmt: skip
