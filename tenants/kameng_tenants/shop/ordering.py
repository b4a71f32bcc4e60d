"""The shopper's button: what was sent is read, judged and placed, and the way to pay begins.

Nothing here looks at Flask's request, so that both ways of `POST /orders` are this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng.catalog import api as catalog
from kameng.errors import DomainError
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.risk import api as risk
from kameng_tenants.shop import forms
from kameng_tenants.shop.paying import go_on, order_address, visit_of
from kameng_tenants.shop.shopper import Shopper


@dataclass(frozen=True, slots=True)
class OrderForm:
    """What the checkout page sent; `errors` and `input_errors` by field, in the shopper's words."""

    choice: forms.Choice
    goods: orders.Goods
    inputs: dict[str, str]
    input_errors: dict[str, str]
    contact: str
    method: str
    key: str
    expected: int
    agreed: bool
    errors: dict[str, str]

    def shown(self) -> dict[str, Any]:
        """What the page shows again."""
        return {
            "contact": self.contact,
            "method": self.method,
            "key": self.key,
            "agreed": self.agreed,
            "errors": self.errors,
        }


class NotPlaced(Exception):
    """No order was placed and nothing was charged; `refusal` says why."""

    def __init__(self, form: OrderForm, refusal: orders.OrderRefused) -> None:
        super().__init__(refusal.code)
        self.form = form
        self.refusal = refusal


def read_order(values: Mapping[str, str], choice: forms.Choice) -> OrderForm:
    """Read a sent form; changes nothing. Raises `OrderRefused` where the goods are unusable."""
    goods = orders.goods(choice.sku, choice.quantity)
    inputs, input_errors = catalog.validate_inputs(goods.product_id, choice.inputs)
    contact, usable = forms.clean_contact(values.get("contact"))
    method = values.get("method", "")[:120]
    agreed = values.get("agree") == "1"
    errors: dict[str, str] = {}
    if not usable:
        errors["contact"] = _("请填 11 位手机号，或者邮箱，例如 name@example.com")
    if not all(forms.split_method(method)):
        errors["method"] = _("请选一种付款方式")
    if not agreed:
        errors["agree"] = _("请先同意购买须知")
    return OrderForm(
        choice=choice, goods=goods, inputs=inputs, input_errors=input_errors, contact=contact,
        method=method, key=forms.read_key(values.get("key")),
        expected=forms.amount(values.get("expected_payable")), agreed=agreed, errors=errors,
    )  # fmt: skip


def place(form: OrderForm, shopper: Shopper) -> payments.Checkout:
    """Judge and place; raises `NotPlaced`, or `DomainError("risk_blocked")`."""
    choice, goods = form.choice, form.goods
    judged = risk.judge_order(
        station_id=g.station.id, kind=goods.kind, ip=shopper.ip, member_id=shopper.member_id,
        contact=form.contact, amount=(goods.unit_price * choice.quantity + 50) // 100 * 100,
        facts={"sku": goods.sku_code, "quantity": choice.quantity}, event_id=form.key,
    )  # fmt: skip
    if judged.found.decision == "block":
        risk.keep_decision(g.station.id, judged)
        words = _l("这笔订单没有通过安全检查，没有下单。请联系客服。")
        raise DomainError("risk_blocked", words, status=403)
    wanted = orders.PlaceRequest(
        sku_code=goods.sku_code, quantity=choice.quantity, inputs=form.inputs,
        contact=form.contact, expected_payable=form.expected, idempotency_key=form.key,
        ip=shopper.ip, member_id=shopper.member_id,
    )  # fmt: skip
    way = forms.split_method(form.method)
    try:
        return payments.place_order(
            wanted, goods, judged, *way, shopper.device, partial(visit_of, shopper)
        )
    except orders.OrderRefused as refusal:
        raise NotPlaced(form, refusal) from refusal


def way_on(checkout: payments.Checkout, form: OrderForm, shopper: Shopper) -> str:
    """Start to collect; where to go. A refusal leaves the order waiting for another way."""
    placed = checkout.placed
    try:
        way = go_on(checkout, form.method, shopper)
    except payments.PaymentRefused as refusal:
        return f"/o/{placed.order_no}/pay?k={placed.secret}&problem={refusal.code}"
    return way or order_address(placed.order_no, placed.secret)
