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
from kameng_tenants.shop.forms import by_field
from kameng_tenants.shop.paying import method_choices, order_address, start_payment
from kameng_tenants.themes import render_page
from kameng_tenants.themes.wording import PLENTY

EMPTY = forms.Choice("", 0, {})


@dataclass(frozen=True, slots=True)
class Problem:
    """A banner above the checkout: nothing was charged, why, and where to go about it.

    `old_payable` and `old_quantity` stand beside the new ones; `gone` means nothing is left.
    """

    tone: str
    title: str
    text: str
    link: str = ""
    link_text: str = ""
    old_payable: int = 0
    old_quantity: int = 0
    gone: bool = False


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
    errors = {**errors, **(_quantity_error(quote) or _stock_error(quote, view))}
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
    methods = method_choices(quote.payable)
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
        quote = orders.quote(choice.sku, choice.quantity)
    except orders.OrderRefused as refusal:
        return _back_to_shop(choice, refusal)
    view = product.product_by_slug(quote.product_slug)
    inputs, input_errors = catalog.validate_inputs(view.id, choice.inputs)
    if input_errors:
        return product.show(view, choice, input_errors, 422)
    form = _read_form()
    if form.errors:
        return show(quote, view, inputs, **form.shown(), status=422)
    try:
        placed = _place(quote, inputs, form)
    except orders.OrderRefused as refusal:
        return _refused(refusal, choice, view, inputs, form)
    return _pay(placed, form)


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


def _place(quote: orders.Quote, inputs: dict[str, str], form: _Form) -> orders.Placed:
    member_id = g.viewer.id if g.viewer.kind == "member" else None
    decision = risk.assess_order(
        station_id=g.station.id,
        kind=quote.kind,
        ip=client_ip(),
        member_id=member_id,
        contact=form.contact,
        amount=quote.payable,
        facts={"sku": quote.sku_code, "quantity": quote.quantity},
        event_id=form.key,
    )
    if decision[0] == "block":
        raise orders.OrderRefused(
            "risk_blocked", _("这笔订单没有通过安全检查，没有下单。请联系客服。"), status=403
        )
    return orders.place(
        orders.PlaceRequest(
            sku_code=quote.sku_code,
            quantity=quote.quantity,
            inputs=inputs,
            contact=form.contact,
            expected_payable=form.expected,
            idempotency_key=form.key,
            ip=client_ip(),
            member_id=member_id,
        ),
        risk=decision,
    )


def _refused(
    refusal: orders.OrderRefused,
    choice: forms.Choice,
    view: catalog.ProductView,
    inputs: dict[str, str],
    form: _Form,
) -> Response | BaseResponse:
    """Nothing was charged. Say why; with a changed price, old and new stand side by side."""
    if refusal.code == "risk_blocked":
        raise refusal
    quote = orders.quote(choice.sku, choice.quantity)
    shown = form.shown()
    if refusal.code == "out_of_stock":
        return _fewer(quote, view, inputs, shown)
    if refusal.code == "quantity_invalid":
        return product.show(view, choice, _quantity_error(quote), 422)
    if refusal.code == "conflict":
        shown["key"] = ""  # the key belongs to another order: a new one is given
    return show(quote, view, inputs, **shown, problem=_problem(refusal, form), status=409)


def _problem(refusal: orders.OrderRefused, form: _Form) -> Problem:
    if refusal.code == "price_changed":
        text = _("没有扣款，请看清新价格再决定。")
        return Problem("warn", _("价格刚变了"), text, old_payable=form.expected)
    if refusal.code == "conflict":
        text = _("没有再次扣款。确认要再买一单，请重新提交。")
        return Problem("warn", _("这张订单已经提交过"), text, "/orders/lookup", _("看已下的订单"))
    if refusal.code == "hold_limit":
        text = _("没有扣款。付掉或取消之前的订单，就能接着买。")
        return Problem("bad", str(refusal.message), text, "/orders/lookup", _("看未付款的订单"))
    return Problem("bad", str(refusal.message), _("没有扣款。换个数量或规格再试。"))


def _fewer(
    quote: orders.Quote, view: catalog.ProductView, inputs: dict[str, str], shown: dict[str, Any]
) -> Response:
    """Stock went between page and pay: offer what is left, or other goods."""
    left = min(catalog.fresh_levels([quote.sku_id]).get(quote.sku_id, 0), quote.quantity)
    if left < quote.min_quantity:
        text = _("没有扣款。可以换个规格，或者看看同类商品。")
        problem = Problem("bad", _("刚刚卖完了，库存不够了"), text, gone=True)
        return show(quote, view, inputs, **shown, problem=problem, status=409)
    if left == quote.quantity:  # held back from this shopper, or freed this very moment
        text = _("没有扣款。少买几件，或者稍后再试。")
        problem = Problem("bad", _("库存不够了，没有下单"), text)
        return show(quote, view, inputs, **shown, problem=problem, status=409)
    title = _("库存不够了，只剩 %(n)s 件", n=left)
    text = _("没有扣款。数量已改成剩下的，看清金额再决定。")
    problem = Problem("warn", title, text, old_quantity=quote.quantity)
    fewer = orders.quote(quote.sku_code, left)
    return show(fewer, view, inputs, **shown, problem=problem, status=409)


def _quantity_error(quote: orders.Quote) -> dict[str, str]:
    """What is wrong with the quantity, by field; empty when it can be bought."""
    if quote.min_quantity <= quote.quantity <= quote.max_quantity:
        return {}
    return {"quantity": _quantity_words(quote.quantity, quote)}


def _pay(placed: orders.Placed, form: _Form) -> BaseResponse:
    """Start to collect and go there. A refusal leaves the order waiting for another way."""
    target = order_address(placed.order_no, placed.secret)
    try:
        target = start_payment(placed.order_no, form.method, placed.secret) or target
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
    asked = {"quantity": _quantity_words(choice.quantity, quote)}
    return product.show(view, choice, asked, 422)


def _stock_error(quote: orders.Quote, view: catalog.ProductView) -> dict[str, str]:
    """Says before the payment what the pool cannot give; levels are capped and seconds old."""
    left = next((sku.stock for sku in view.skus if sku.code == quote.sku_code), None)
    if left is None or left >= min(quote.quantity, PLENTY):
        return {}
    if left == 0:
        return {"quantity": _("这个规格卖完了，换一个试试")}
    return {"quantity": _("只剩 %(n)s 件", n=left)}


def _quantity_words(asked: int, quote: orders.Quote) -> str:
    """The same sentence as for a number just beyond the limits."""
    if asked < quote.min_quantity:
        return str(_("至少要买 %(n)s 件", n=quote.min_quantity))
    return str(_("一次最多买 %(n)s 件", n=quote.max_quantity))
