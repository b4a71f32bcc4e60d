"""The storefront: finding goods, paying, and what was bought."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("shop", __name__)

from kameng_tenants.shop import (  # noqa: E402  # views hang themselves on the blueprint
    about,
    browse,
    checkout,
    flash_sales,
    lookup,
    missing,
    order_pages,
    product,
    short_way,
    site,
)

blueprint.record(short_way.register)

__all__ = [
    "about", "blueprint", "browse", "checkout", "flash_sales", "lookup", "missing", "order_pages",
    "product", "short_way", "site",
]  # fmt: skip
