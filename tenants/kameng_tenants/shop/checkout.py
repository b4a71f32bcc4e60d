"""From the product to the order: check, show once more, place, start to collect."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.catalog import api as catalog
from kameng.errors import DomainError, NotFound
from kameng.orders import api as orders
from kameng_tenants.shop import blueprint, forms, kept, keys, ordering, product
from kameng_tenants.shop.forms import by_field
from kameng_tenants.shop.paying import method_choices
from kameng_tenants.shop.problems import (
    Problem,
    problem_of,
    quantity_error,
    stock_error,
    stock_problem,
)
from kameng_tenants.shop.shopper import current_shopper
from kameng_tenants.themes import render_page

EMPTY = forms.Choice("", 0, {})


@blueprint.route("/checkout", methods=["GET", "POST"])
def checkout() -> Response | BaseResponse:
    """Everything once more before paying. POST comes from the product and leads to the GET."""
    choice = forms.read_choice()
    held = kept.kept_for(choice) if request.method == "GET" and not choice.inputs else None
    try:
        quote = orders.quote(choice.sku, choice.quantity)
    except orders.OrderRefused as refusal:
        return _back_to_shop(choice, refusal)
    view = product.product_by_slug(quote.product_slug)
    clean, errors = catalog.validate_inputs(view.id, held.inputs if held else choice.inputs)
    errors |= quantity_error(quote, quote.quantity) or stock_error(quote, view)
    if errors:
        return product.show(view, choice, errors, 422 if request.method == "POST" else 200)
    if request.method == "POST" and (away := kept.to_checkout(choice, clean)):
        return away
    contact = g.viewer.login if g.viewer.kind == "member" else request.values.get("contact", "")
    key = held.key if held else forms.new_key()
    page = show(quote, view, clean, contact=contact[:80], key=key)
    if request.method == "GET":
        kept.keep(page, choice, clean, key)
    return page


def show(
    quote: orders.Quote,
    view: catalog.ProductView,
    inputs: dict[str, str],
    *,
    contact: str,
    key: str = "",
    method: str = "",
    agreed: bool = False,
    errors: dict[str, str] | None = None,
    problem: Problem | None = None,
    status: int = 200,
) -> Response:
    """The checkout page."""
    methods = method_choices(quote.payable, sku_code=quote.sku_code, quantity=quote.quantity)
    usable = [f"{item.plugin_id}:{item.code}" for item in methods if item.enabled]
    face_total = quote.face_value * quote.quantity
    response = render_page(
        "shop/checkout.html",
        status,
        page_title=_("确认付款"),
        back=f"/p/{quote.product_slug}",
        quote=quote,
        product=view,
        inputs=inputs,
        contact=contact,
        methods=methods,
        method=method if method in usable else (usable[0] if usable else ""),
        key=key or forms.new_key(),
        agreed=agreed,
        errors=by_field(errors),
        problem=problem,
        old_payable=problem.old_payable if problem else 0,
        old_quantity=problem.old_quantity if problem else 0,
        gone=problem is not None and problem.gone,
        face_total=face_total,
        saved=max(0, face_total - quote.payable),
    )
    kept.probe(response)
    return response


@blueprint.post("/orders")
def place_order() -> Response | BaseResponse:
    """Place the order and send the shopper to pay; what is wrong is said on the same page."""
    choice, shopper = forms.read_choice(request.form), current_shopper()
    try:
        form = ordering.read_order(request.form, choice)
        if form.input_errors or form.errors:
            return _correct(form)
        checkout = ordering.place(form, shopper)
    except orders.OrderRefused as refusal:
        return _back_to_shop(choice, refusal)
    except ordering.NotPlaced as refused:
        return _refused(refused)
    placed = checkout.placed
    response = redirect(ordering.way_on(checkout, form, shopper), 303)
    keys.remember(response, placed.order_no, placed.secret)  # type: ignore[arg-type]  # Flask's
    return response


@blueprint.errorhandler(ordering.NotPlaced)
def not_placed(refused: ordering.NotPlaced) -> Any:
    """The page of a refusal that comes from the short way."""
    try:
        return _refused(refused)
    except DomainError as error:
        return current_app.handle_user_exception(error)


def _correct(form: ordering.OrderForm) -> Response | BaseResponse:
    """What was filled in is no good: the page again, which says why."""
    quote = orders.quote(form.choice.sku, form.choice.quantity)
    view = product.product_by_slug(quote.product_slug)
    if form.input_errors:
        return product.show(view, form.choice, form.input_errors, 422)
    return show(quote, view, form.inputs, **form.shown(), status=422)


def _refused(refused: ordering.NotPlaced) -> Response | BaseResponse:
    """Nothing was charged. Say why; with a changed price, old and new stand side by side."""
    form, refusal = refused.form, refused.refusal
    try:
        quote = orders.quote(form.choice.sku, form.choice.quantity)
        view = product.product_by_slug(quote.product_slug)
        shown = form.shown()
        if refusal.code == "out_of_stock":
            return _fewer(quote, view, form.inputs, shown)
    except orders.OrderRefused as other:  # the goods have gone meanwhile
        return _back_to_shop(form.choice, other)
    if refusal.code == "quantity_invalid":
        return product.show(view, form.choice, quantity_error(quote, quote.quantity), 422)
    if refusal.code == "conflict":
        shown["key"] = ""  # the key belongs to another order: a new one is given
    problem = problem_of(refusal, form.expected)
    return show(quote, view, form.inputs, **shown, problem=problem, status=409)


def _fewer(
    quote: orders.Quote, view: catalog.ProductView, inputs: dict[str, str], shown: dict[str, Any]
) -> Response:
    """Stock went between page and pay: offer what is left, or other goods."""
    left = catalog.fresh_levels([quote.sku_id]).get(quote.sku_id, 0)
    problem = stock_problem(quote, left)
    if problem.old_quantity:
        quote = orders.quote(quote.sku_code, left)
    return show(quote, view, inputs, **shown, problem=problem, status=409)


def _back_to_shop(choice: forms.Choice, refusal: DomainError) -> Response | BaseResponse:
    """The SKU or the quantity is unusable: back to the product, with the reason."""
    if refusal.status == 404:
        raise NotFound(refusal.code, refusal.message)
    if refusal.code != "quantity_invalid":
        raise refusal
    try:
        quote = orders.quote(choice.sku, 1)
    except orders.OrderRefused:
        raise refusal from None
    view = product.product_by_slug(quote.product_slug)
    return product.show(view, choice, quantity_error(quote, choice.quantity), 422)
