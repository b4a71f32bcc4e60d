"""From the product to the order: check, show once more, place, start to collect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, g, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.catalog import api as catalog
from kameng.errors import DomainError, NotFound
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.risk import api as risk
from kameng.web import client_ip
from kameng_tenants.shop import blueprint, forms, kept, keys, product
from kameng_tenants.shop.device import current_device
from kameng_tenants.shop.forms import by_field
from kameng_tenants.shop.paying import go_on, method_choices, order_address, visit_of
from kameng_tenants.shop.problems import (
    Problem,
    problem_of,
    quantity_error,
    stock_error,
    stock_problem,
)
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
    choice = forms.read_choice(request.form)
    try:
        goods = orders.goods(choice.sku, choice.quantity)
        inputs, input_errors = catalog.validate_inputs(goods.product_id, choice.inputs)
        form = _read_form()
        if input_errors or form.errors:
            return _correct(choice, inputs, input_errors, form)
        try:
            checkout = _place(goods, choice.quantity, inputs, form)
        except orders.OrderRefused as refusal:
            return _refused(refusal, choice, inputs, form)
    except orders.OrderRefused as refusal:
        return _back_to_shop(choice, refusal)
    return _pay(checkout, form)


def _correct(
    choice: forms.Choice, inputs: dict[str, str], input_errors: dict[str, str], form: _Form
) -> Response | BaseResponse:
    """What was filled in is no good: the page again, which says why."""
    quote = orders.quote(choice.sku, choice.quantity)
    view = product.product_by_slug(quote.product_slug)
    if input_errors:
        return product.show(view, choice, input_errors, 422)
    return show(quote, view, inputs, **form.shown(), status=422)


@dataclass(frozen=True, slots=True)
class _Form:
    contact: str
    method: str
    key: str
    expected: int
    agreed: bool
    errors: dict[str, str]

    def shown(self) -> dict[str, Any]:
        return {
            "contact": self.contact,
            "method": self.method,
            "key": self.key,
            "agreed": self.agreed,
            "errors": self.errors,
        }


def _read_form() -> _Form:
    contact, usable = forms.clean_contact(request.form.get("contact"))
    method = request.form.get("method", "")[:120]
    agreed = request.form.get("agree") == "1"
    errors: dict[str, str] = {}
    if not usable:
        errors["contact"] = _("请填 11 位手机号，或者邮箱，例如 name@example.com")
    if not all(forms.split_method(method)):
        errors["method"] = _("请选一种付款方式")
    if not agreed:
        errors["agree"] = _("请先同意购买须知")
    return _Form(
        contact,
        method,
        forms.read_key(request.form.get("key")),
        forms.amount(request.form.get("expected_payable")),
        agreed,
        errors,
    )


def _place(
    goods: orders.Goods, quantity: int, inputs: dict[str, str], form: _Form
) -> payments.Checkout:
    member_id = g.viewer.id if g.viewer.kind == "member" else None
    judged = risk.judge_order(
        station_id=g.station.id,
        kind=goods.kind,
        ip=client_ip(),
        member_id=member_id,
        contact=form.contact,
        amount=(goods.unit_price * quantity + 50) // 100 * 100,
        facts={"sku": goods.sku_code, "quantity": quantity},
        event_id=form.key,
    )
    if judged.found.decision == "block":
        risk.keep_decision(g.station.id, judged)
        words = _("这笔订单没有通过安全检查，没有下单。请联系客服。")
        raise DomainError("risk_blocked", words, status=403)
    request = orders.PlaceRequest(
        sku_code=goods.sku_code,
        quantity=quantity,
        inputs=inputs,
        contact=form.contact,
        expected_payable=form.expected,
        idempotency_key=form.key,
        ip=client_ip(),
        member_id=member_id,
    )
    return payments.place_order(
        request, goods, judged, *forms.split_method(form.method), current_device(), visit_of
    )


def _refused(
    refusal: orders.OrderRefused, choice: forms.Choice, inputs: dict[str, str], form: _Form
) -> Response | BaseResponse:
    """Nothing was charged. Say why; with a changed price, old and new stand side by side."""
    quote = orders.quote(choice.sku, choice.quantity)
    view = product.product_by_slug(quote.product_slug)
    shown = form.shown()
    if refusal.code == "out_of_stock":
        return _fewer(quote, view, inputs, shown)
    if refusal.code == "quantity_invalid":
        return product.show(view, choice, quantity_error(quote, quote.quantity), 422)
    if refusal.code == "conflict":
        shown["key"] = ""  # the key belongs to another order: a new one is given
    return show(
        quote, view, inputs, **shown, problem=problem_of(refusal, form.expected), status=409
    )


def _fewer(
    quote: orders.Quote, view: catalog.ProductView, inputs: dict[str, str], shown: dict[str, Any]
) -> Response:
    """Stock went between page and pay: offer what is left, or other goods."""
    left = catalog.fresh_levels([quote.sku_id]).get(quote.sku_id, 0)
    problem = stock_problem(quote, left)
    if problem.old_quantity:
        quote = orders.quote(quote.sku_code, left)
    return show(quote, view, inputs, **shown, problem=problem, status=409)


def _pay(checkout: payments.Checkout, form: _Form) -> BaseResponse:
    """Start to collect and go there. A refusal leaves the order waiting for another way."""
    placed = checkout.placed
    target = order_address(placed.order_no, placed.secret)
    try:
        target = go_on(checkout, form.method) or target
    except payments.PaymentRefused as refusal:
        target = f"/o/{placed.order_no}/pay?k={placed.secret}&problem={refusal.code}"
    response = redirect(target, 303)
    keys.remember(response, placed.order_no, placed.secret)  # type: ignore[arg-type]  # Flask's
    return response


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
