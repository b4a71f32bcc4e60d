"""Why an order is not placed: in words, with what was and what is, and where to go about it."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from kameng.catalog import api as catalog
from kameng.orders import api as orders
from kameng_tenants.themes.wording import PLENTY


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


def problem_of(refusal: orders.OrderRefused, shown_payable: int) -> Problem:
    """The banner for a refusal; `shown_payable` is what the page had promised."""
    if refusal.code == "price_changed":
        text = _("没有扣款，请看清新价格再决定。")
        return Problem("warn", _("价格刚变了"), text, old_payable=shown_payable)
    if refusal.code == "conflict":
        text = _("没有再次扣款。确认要再买一单，请重新提交。")
        return Problem("warn", _("这张订单已经提交过"), text, "/orders/lookup", _("看已下的订单"))
    if refusal.code == "hold_limit":
        text = _("没有扣款。付掉或取消之前的订单，就能接着买。")
        return Problem("bad", str(refusal.message), text, "/orders/lookup", _("看未付款的订单"))
    return Problem("bad", str(refusal.message), _("没有扣款。换个数量或规格再试。"))


def stock_problem(quote: orders.Quote, left: int) -> Problem:
    """The banner when less can be had than was asked for; `left` is what there is now."""
    if left < quote.min_quantity:
        text = _("没有扣款。可以换个规格，或者看看同类商品。")
        return Problem("bad", _("刚刚卖完了，库存不够了"), text, gone=True)
    if left >= quote.quantity:  # held back from this shopper, or freed this very moment
        text = _("没有扣款。少买几件，或者稍后再试。")
        return Problem("bad", _("库存不够了，没有下单"), text)
    title = _("库存不够了，只剩 %(n)s 件", n=left)
    text = _("没有扣款。数量已改成剩下的，看清金额再决定。")
    return Problem("warn", title, text, old_quantity=quote.quantity)


def quantity_error(quote: orders.Quote, asked: int) -> dict[str, str]:
    """What is wrong with a quantity, by field; empty when it can be bought."""
    if asked < quote.min_quantity:
        return {"quantity": _("至少要买 %(n)s 件", n=quote.min_quantity)}
    if asked > quote.max_quantity:
        return {"quantity": _("一次最多买 %(n)s 件", n=quote.max_quantity)}
    return {}


def stock_error(quote: orders.Quote, view: catalog.ProductView) -> dict[str, str]:
    """Says before the payment what cannot be had; levels are capped and seconds old."""
    sku = next((sku for sku in view.skus if sku.code == quote.sku_code), None)
    left = sku.stock if sku else None
    if sku is None or left is None or left >= min(quote.quantity, PLENTY):
        return {}
    if sku.sold_out:
        return {"quantity": _("这个规格卖完了，换一个试试")}
    return {"quantity": _("只剩 %(n)s 件", n=left)}
