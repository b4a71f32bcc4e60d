"""Home, categories, tags and search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, abort, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from kameng.catalog import api as catalog
from kameng.promotions import api as promotions
from kameng.web import host_in_doubt, settle_doubt
from kameng.web import kept as kept_page
from kameng.web.texts import gettext as _
from kameng_tenants.shop import blueprint, kept
from kameng_tenants.shop.product import buyable, product_by_slug
from kameng_tenants.themes import active_theme, as_page, render, render_page

PAGE_SIZE = 20
MAX_QUERY = 60
SALES = 6
SHELF = 10


def sorts() -> list[tuple[str, str]]:
    """Ways to sort, with their words."""
    return [("hot", _("综合")), ("new", _("新品")), ("price", _("价格"))]


def top_categories() -> list[catalog.CategoryView]:
    """Categories that hold something at this station, read once a request."""
    if "top_categories" not in g:
        _keep_top(catalog.categories())
    found: list[catalog.CategoryView] = g.top_categories
    return found


def _keep_top(categories: Sequence[catalog.CategoryView]) -> None:
    g.top_categories = [item for item in categories if item.parent_id is None and item.products]


@blueprint.get("/")
@kept_page("sort")
def home() -> Response:
    """The shop's front page; its picture is the theme's."""
    return as_page(home_text())


def home_text() -> str:
    """The same as text, for those who need no response."""
    sort = _sort()
    size = int(active_theme().options.get("home_size", PAGE_SIZE))
    front = catalog.front_page(sort, size, featured=SHELF, host=host_in_doubt())
    settle_doubt(front.station)
    _keep_top(front.categories)
    return render(
        "shop/home.html",
        categories=top_categories(),
        featured=front.shelf,
        page=front.page,
        sort=sort,
        sorts=sorts(),
        flash_sales=promotions.shown_sales(limit=SALES) if front.flash_sales else (),
        **_price_list(),
    )


@blueprint.get("/quick-buy")
@kept_page()
def quick_buy() -> Response | tuple[str, int]:
    """A top-up to start from the front page of a desktop: the one with most face values."""
    cards = [card for card in catalog.product_cards(size=40).items if card.kind == "top_up"][:3]
    products = [product_by_slug(card.slug) for card in cards if card.stock != 0]
    if not products:
        return "", 204
    product = max(products, key=lambda item: len(item.skus))
    usable = [sku for sku in product.skus if buyable(sku)]
    middle = usable[min(2, len(usable) - 1)].code if usable else ""
    response = render_page(
        "parts/quick_buy.html", quick=product, quick_sku=middle, inputs={}, errors={}
    )
    kept.probe(response)
    return response


def _price_list() -> dict[str, Any]:
    """Every SKU by category, for themes that are a price list."""
    if not active_theme().options.get("price_list"):
        return {}
    groups = []
    for category in top_categories():
        cards = catalog.product_cards(category=category.slug, size=40).items
        products = [catalog.product_page(card.slug) for card in cards]
        rows = [(product, sku) for product in products for sku in product.skus]
        groups.append((category, rows))
    return {"groups": groups}


@blueprint.get("/categories")
@kept_page("page")
def all_categories() -> Response:
    """All categories, and what sells."""
    page = catalog.product_cards(page=page_number(), size=PAGE_SIZE)
    return render_page(
        "shop/categories.html",
        page_title=_("全部分类"),
        categories=[item for item in catalog.categories() if item.products],
        page=page,
    )


@blueprint.get("/c/<slug>")
@kept_page("sort", "page")
def category(slug: str) -> Response:
    """One category."""
    known = {item.slug: item for item in catalog.categories()}
    if slug not in known:
        abort(404)
    return _list(
        known[slug].name, f"/c/{slug}?", siblings=top_categories(), current=slug, category=slug
    )


@blueprint.get("/t/<slug>")
@kept_page("sort", "page")
def tag(slug: str) -> Response:
    """Everything with a tag."""
    found = catalog.product_cards(tag=slug, size=1).items
    names = [item.name for card in found for item in card.tags if item.slug == slug]
    if not names:
        abort(404)
    return _list(names[0], f"/t/{slug}?", tag=slug)


@blueprint.get("/search")
@kept_page("q", "sort", "page")
def search() -> Response | BaseResponse:
    """Search by words; an order number leads to the look-up."""
    query = " ".join(request.args.get("q", "").split())[:MAX_QUERY]
    digits = query.replace(" ", "")
    if digits.isascii() and digits.isdigit() and len(digits) == 16:
        return redirect(f"/orders/lookup?order_no={digits}")
    from urllib.parse import quote

    return _list(_("搜索"), f"/search?q={quote(query)}&", is_search=True, query=query)


def _list(
    title: str,
    address: str,
    *,
    siblings: list[catalog.CategoryView] | None = None,
    current: str = "",
    is_search: bool = False,
    **filters: Any,
) -> Response:
    sort = _sort()
    page = catalog.product_cards(**filters, sort=sort, page=page_number(), size=PAGE_SIZE)
    return render_page(
        "shop/list.html",
        page_title=title,
        page=page,
        address=address,
        sort=sort,
        sorts=sorts(),
        siblings=siblings or [],
        current_slug=current,
        is_search=is_search,
        query=filters.get("query", ""),
        back="/categories" if current else "/",
    )


def page_number() -> int:
    """`?page=` as a sensible number."""
    raw = request.args.get("page", "1")
    return max(1, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 1


def _sort() -> str:
    sort = request.args.get("sort", "hot")
    return sort if sort in ("hot", "new", "price") else "hot"
