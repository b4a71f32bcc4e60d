"""One product: choose, fill in, see the price and how it comes about."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from kameng.catalog import api as catalog
from kameng.errors import NotFound
from kameng.promotions import api as promotions
from kameng.web import kept as kept_page
from kameng_tenants.shop import blueprint, kept
from kameng_tenants.shop.forms import Choice, by_field, read_choice
from kameng_tenants.themes import render_page
from kameng_tenants.themes.wording import KIND_TAGS, in_stock_chip


@blueprint.route("/p/<slug>", methods=["GET", "POST"])
@kept_page("sku", "quantity")
def product(slug: str) -> Response:
    """The product's page. POST comes back from the checkout to change what was filled in."""
    return show(catalog.product_page(slug), read_choice())


def show(
    product: catalog.ProductView,
    choice: Choice,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The page with a choice made; `errors` by purchase field."""
    chosen = choose(product, choice.sku)
    most = min(chosen.max_quantity, chosen.stock or chosen.max_quantity)
    quantity = max(min(choice.quantity, most), chosen.min_quantity)
    payable = (chosen.price * quantity + 50) // 100 * 100
    sold_out = not any(buyable(sku) for sku in product.skus)
    response = render_page(
        "shop/product.html",
        status,
        page_title=product.category.name,
        back=f"/c/{product.category.slug}",
        product=product,
        chosen=chosen,
        quantity=quantity,
        inputs=choice.inputs,
        errors=by_field(errors),
        payable=payable,
        saved=max(0, chosen.face_value * quantity - payable),
        # How many top-ups a supplier could still do is nobody's business; that it is none, is.
        left=in_stock_chip(product.skus) if product.kind == "card" or sold_out else None,
        tags=[tag for tag in product.tags if tag.name not in KIND_TAGS][:2],
        sold_out=sold_out,
        flash_sales=promotions.sales_of_product(product.id),
    )
    kept.probe(response)
    return response


def choose(product: catalog.ProductView, code: str) -> catalog.SkuView:
    """The asked SKU if it can be bought, else the first that can, else the first."""
    usable = [sku for sku in product.skus if buyable(sku)]
    wanted = [sku for sku in usable if sku.code == code]
    found = wanted or usable or list(product.skus)
    if not found:
        raise NotFound("product_unknown")
    return found[0]


def product_by_slug(slug: str) -> catalog.ProductView:
    """A product once per request."""
    known: dict[str, Any] = g.setdefault("products", {})
    if slug not in known:
        known[slug] = catalog.product_page(slug)
    found: catalog.ProductView = known[slug]
    return found


def buyable(sku: catalog.SkuView) -> bool:
    """Whether it can be bought here and now."""
    return sku.on_sale and not sku.sold_out


def buying_again(slug: str) -> str:
    """Address of the product's page."""
    return f"/p/{slug}" if slug else request.path
