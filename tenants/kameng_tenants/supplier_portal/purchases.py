"""Purchases at this supplier: look, deliver by hand, or say that it cannot be done."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.db import main_scope, supplier_scope
from kameng.errors import Conflict, DomainError
from kameng.suppliers import api as suppliers
from kameng.supply import api as supply
from kameng.web import flash
from kameng_tenants.supplier_portal import blueprint
from kameng_tenants.supplier_portal.entry import here, inside
from kameng_tenants.supplier_portal.words import RANGES

MOST_TEXT = 400_000
Cards = list[tuple[str, str]]


@blueprint.get("/purchases")
@inside
def purchase_list() -> str:
    """Newest first, 30 to a page."""
    me = here()
    state, query = request.args.get("state", ""), request.args.get("q", "").strip()[:60]
    state = state if state in RANGES else ""
    raw = request.args.get("before", "0")
    before = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else 0
    rows = suppliers.sales(me.supplier_id, state, query, before)
    return render_template(
        "supplier_portal/purchases.html", rows=rows, state=state, query=query,
        next_before=rows[-1].id if len(rows) == 30 else 0,
    )  # fmt: skip


@blueprint.get("/purchases/<number>")
@inside
def purchase_page(number: str) -> str:
    """One purchase; the account to top up stands here in full while it is open."""
    one = suppliers.sale(here().supplier_id, number[:80])
    return render_template("supplier_portal/purchase.html", one=one)


@blueprint.post("/purchases/<number>/deliver")
@inside
def deliver(number: str) -> BaseResponse:
    """Hand the goods over: cards, one a line, or a text."""
    me = here()

    def deed() -> None:
        text = request.form.get("text", "")[:MOST_TEXT]
        one = suppliers.sale(me.supplier_id, number[:80])
        cards = read_cards(text) if one.kind == "card" else []
        complete(me.supplier_id, number[:80], "" if cards else text, cards)

    return _back(number, deed, _("已发货，货款记入应收"))


@blueprint.post("/purchases/<number>/fail")
@inside
def cannot_deliver(number: str) -> BaseResponse:
    """Say no for certain; the order goes to somebody else."""
    me = here()

    def deed() -> None:
        fail(me.supplier_id, number[:80], request.form.get("reason", ""))

    return _back(number, deed, _("已退单"))


def complete(supplier_id: int, number: str, text: str, cards: Cards) -> str:
    """Deliver an own purchase of the connection that works by hand; "ok" or "repeat".

    Whose it is is decided in the supplier's scope, before anything is done in main's.
    """
    one = _by_hand(supplier_id, number)
    with main_scope(reason="a supplier delivers at the portal"):
        return supply.complete(one.station_id, one.id, text, f"supplier:{supplier_id}", cards)


def fail(supplier_id: int, number: str, reason: str) -> str:
    """Say no to an own purchase of the connection that works by hand; "ok" or "repeat"."""
    one = _by_hand(supplier_id, number)
    with main_scope(reason="a supplier says no at the portal"):
        return supply.fail(one.station_id, one.id, reason, f"supplier:{supplier_id}")


def read_cards(text: str) -> Cards:
    """Cards of a text, one a line: `number----code`, `number,code`, number and code, or a code."""
    found: Cards = []
    for line in text.splitlines():
        plain = line.strip()
        if not plain:
            continue
        for sign in ("----", "\t", ",", "，", " "):
            number, cut, code = plain.partition(sign)
            if cut and code.strip(" -"):
                found.append((number.strip(), code.strip()))
                break
        else:
            found.append(("", plain))
    return found


def _by_hand(supplier_id: int, number: str) -> suppliers.SaleView:
    with supplier_scope(supplier_id):
        one = suppliers.sale(supplier_id, number)
    if not one.by_hand:
        raise Conflict("not_by_hand", _("这张采购单由接口处理，不能在这里发货"))
    return one


def _back(number: str, deed: Callable[[], None], done: str) -> BaseResponse:
    try:
        deed()
        flash(done, "success")
    except DomainError as refusal:
        flash(str(refusal.message), "bad")
    return redirect(f"/supplier/purchases/{number}", 303)
