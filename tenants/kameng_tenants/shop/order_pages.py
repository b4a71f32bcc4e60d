"""The order's page: waiting, delivered, and every other face; and what can be done there."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import Response, abort, g, make_response, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from kameng.db import db
from kameng.errors import DomainError
from kameng.openapi import api as openapi
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.stock import api as stock
from kameng.web import client_ip, flash, foreign_post, limit
from kameng_tenants.shop import blueprint, keys
from kameng_tenants.shop.cashier import by_hand, cashier_of, go_page, take_proof, usable
from kameng_tenants.shop.goods_of_order import goods_of
from kameng_tenants.shop.keys import Access, open_order
from kameng_tenants.shop.paying import (
    method_choices,
    order_address,
    payer_of,
    start_payment,
)
from kameng_tenants.themes import render, render_page
from kameng_tenants.themes.wording import order_face

DELIVERED = ("delivered", "completed", "partially_delivered")
PAYABLE = ("pending_payment", "expired")  # a transfer may be on its way when the order is over
ASKABLE = ("created", "sent", "unknown")


@blueprint.get("/o/<order_no>")
def order(order_no: str) -> Response:
    """The order as it is now. Secrets stay masked until somebody asks for one."""
    return _page(open_order(order_no))


@blueprint.post("/o/<order_no>/reveal")
def reveal(order_no: str) -> Response:
    """Show one secret, or all: every time is logged with time and address."""
    access = open_order(order_no)
    limit("reveal", access.order.id, 120, 600)
    if access.order.state not in DELIVERED or access.order.kind != "card":
        raise DomainError("nothing_to_show", _("这张订单没有可以显示的卡密"), 404)
    actor = g.viewer.actor if g.viewer.kind == "member" else "guest"
    index = request.form.get("index", "")
    if index == "all":
        plain = stock.reveal_all(access.order.id, actor=actor, ip=client_ip())
        opened = dict(enumerate(plain, start=1))
    else:
        number = int(index) if index.isascii() and index.isdigit() and len(index) < 6 else 0
        opened = {number: stock.reveal_card(access.order.id, number, actor=actor, ip=client_ip())}
        if request.headers.get("HX-Request"):
            return _one_card(access, number, opened)
    return _page(access, opened)


def _one_card(access: Access, number: int, opened: dict[int, Any]) -> Response:
    cards = stock.cards_of_order(access.order.order_no)
    card = next(item for item in cards if item.index == number)
    body = render("order/code.html", card=card, opened=opened, **_ways(access))
    return _private(make_response(body))


@blueprint.get("/o/<order_no>/status")
def status(order_no: str) -> Response:
    """The status card that asks again by itself; a new state reloads the page."""
    access = open_order(order_no)
    asked = _asked()
    if access.order.state == "pending_payment" and asked % 5 == 0:
        _ask_gateway(access.order)
        access = open_order(order_no)
    part = access.order.state == "partially_delivered"
    stage = _stage(access.order, stock.count_delivered(access.order.id) if part else 0)
    moved = request.args.get("was", stage) != stage
    reading = "1" in request.args.getlist("reading")  # a secret stands open: do not close it
    if moved and not reading:
        response = make_response("", 200)
        response.headers["HX-Redirect"] = _home(access)
        return _private(response)
    body = render(
        "order/status.html",
        order=access.order,
        stage=stage,
        moved=moved,
        home=_home(access),
        asked=asked,
        checked_at=datetime.now(UTC),
        **_ways(access),
    )
    return _private(make_response(body))


def _stage(order: orders.OrderView, cards: int) -> str:
    """How far an order is for who looks at its page; another stage is worth a new page."""
    return f"{order.state}-{cards}" if order.state == "partially_delivered" else order.state


@blueprint.post("/o/<order_no>/check")
def check(order_no: str) -> BaseResponse:
    """The shopper says it is paid: ask the gateway now."""
    access = open_order(order_no)
    limit("order-check", access.order.id, 6, 60)
    _ask_gateway(access.order)
    flash(_("已向付款渠道核对，结果显示在下面。"), "info")
    return redirect(_home(access), 303)


@blueprint.post("/o/<order_no>/cancel")
def cancel(order_no: str) -> BaseResponse:
    """Give an unpaid order up."""
    access = open_order(order_no)
    actor = g.viewer.actor if g.viewer.kind == "member" else "guest"
    try:
        orders.cancel(order_no, actor)
    except orders.OrderRefused as refusal:
        flash(_not_cancelled(order_no, refusal), "warn")
    return redirect(_home(access), 303)


def _not_cancelled(order_no: str, refusal: orders.OrderRefused) -> str:
    """An order that is over was not paid: say which of the two it is."""
    if refusal.code == "bad_state" and orders.order_page(order_no).state == "expired":
        return str(_("订单已经过期，不用再取消，没有扣款。"))
    return str(refusal.message)


@blueprint.route("/o/<order_no>/pay", methods=["GET", "POST"])
def pay(order_no: str) -> Response | BaseResponse:
    """Another way to pay for an order that waits."""
    access = open_order(order_no)
    order = access.order
    if order.state != "pending_payment":
        return redirect(_home(access), 303)
    problem = _("没有扣款，订单还在。换一种方式再付。") if request.args.get("problem") else ""
    if request.method == "POST":
        try:
            way = start_payment(order_no, request.form.get("method", ""), access.secret)
            return redirect(way or _home(access), 303)
        except payments.PaymentRefused as refusal:
            problem = str(refusal.message)
    methods = method_choices(
        order.payable, wallet=order.member_id is not None, order_no=order.order_no
    )
    usable = [f"{item.plugin_id}:{item.code}" for item in methods if item.enabled]
    response = render_page(
        "order/pay.html",
        409 if problem and request.method == "POST" else 200,
        page_title=_("选择付款方式"),
        back=access.address,
        order=order,
        methods=methods,
        method=usable[0] if usable else "",
        remaining=_remaining(order),
        secret=access.secret,
        problem=problem,
        **_ways(access),
    )
    return _private(response)


@blueprint.get("/o/<order_no>/go")
def go(order_no: str) -> Response | BaseResponse:
    """Between shop and gateway, for ways to pay that a plain link cannot reach."""
    access = open_order(order_no)
    attempt = _open_attempt(access.order)
    if attempt is None or not cashier_of(attempt).goes_on:
        return redirect(_home(access), 303)
    return go_page(attempt, _home(access), str(_ways(access)["pay_address"]))


@blueprint.route("/o/<order_no>/back", methods=["GET", "POST"])
@foreign_post
def back_from_gateway(order_no: str) -> BaseResponse:
    """Where a gateway sends the shopper, by GET or by POST: what it says here counts nothing.

    Such a POST brings no cookies, so the order opens on the request that follows.
    """
    key = request.args.get("k", "")[:60]
    if not (order_no.isascii() and order_no.isdigit() and len(order_no) <= 20):
        abort(404)
    return redirect(order_address(order_no, quote(key)), 303)


@blueprint.get("/o/<order_no>/payer")
def payer(order_no: str) -> BaseResponse:
    """Back from the gateway's page that learns who pays: go on with the payment."""
    access = open_order(order_no)
    method = request.args.get("m", "")[:120]
    try:
        limit("payer", access.order.id, 20, 600)
        way = start_payment(order_no, method, access.secret, payer_of(order_no, method))
    except payments.PaymentRefused as refusal:
        flash(str(refusal.message), "warn")
        return redirect(str(_ways(access)["pay_address"]), 303)
    return redirect(way or _home(access), 303)


@blueprint.post("/o/<order_no>/proof")
def proof(order_no: str) -> Response | BaseResponse:
    """A picture of the transfer; a person looks at it and at the bank account."""
    access = open_order(order_no)
    attempt = _open_attempt(access.order)
    if attempt is None or not cashier_of(attempt).by_hand:
        return redirect(_home(access), 303)
    try:
        take_proof(attempt)
    except DomainError as refusal:
        access = open_order(order_no)
        return _page(access, proof_error=str(refusal.message), status=refusal.status)
    flash(_("截图已收到，工作人员核对到账后会发货。"), "success")
    return redirect(_home(access), 303)


def _page(
    access: Access,
    opened: dict[int, Any] | None = None,
    *,
    proof_error: str = "",
    status: int = 200,
) -> Response:
    order = access.order
    shows_cards = order.kind == "card" and order.state in DELIVERED
    cards = stock.cards_of_order(order.order_no) if shows_cards else []
    goods = goods_of(order)
    opened = opened or {}
    face = order_face(order.state, order.kind)
    response = render_page(
        "order/page.html",
        status,
        page_title=_title(order),
        back="/me/orders" if g.viewer.kind == "member" else "/orders/lookup",
        order=order,
        face=face,
        stage=_stage(order, len(cards)),
        coming=_coming(order, len(cards)),
        now=int(time.time()),
        remaining=_remaining(order),
        overdue=order.expires_at <= datetime.now(UTC),
        secret=access.secret,
        # Secret and gateway parameters leave the address bar once the browser keeps the key.
        tidy=bool(request.args) and (access.in_cookie or not access.secret),
        cards=cards,
        opened=opened,
        all_text=_all_text(opened) if len(cards) == len(opened) else "",
        expires_on=min((card.expires_on for card in cards if card.expires_on), default=None),
        took=_took(order),
        shown_inputs=[
            (goods.labels.get(name, name), str(value)) for name, value in order.inputs.items()
        ],
        how_to_use=goods.how_to_use,
        delivery_note=goods.delivery_note,
        again=f"/p/{goods.slug}" if goods.slug else "",
        asked=0,
        checked_at=datetime.now(UTC),
        proof_error=proof_error,
        requests=_requests(order),
        **_collecting(order),
        **_ways(access),
    )
    if access.secret and not access.in_cookie:
        keys.remember(response, order.order_no, access.secret)
    return _private(response)


def _requests(order: orders.OrderView) -> list[openapi.RefundRequestFacts]:
    """What the member has asked back; a guest cannot ask."""
    if order.member_id is None:
        return []
    return openapi.requests_of_order(order.id, order.order_no)


def _coming(order: orders.OrderView, cards: int) -> int:
    """How many cards are still on their way."""
    return order.quantity - cards if cards and order.state == "partially_delivered" else 0


def _collecting(order: orders.OrderView) -> dict[str, Any]:
    """The attempt that waits for its money, and why the last one by hand was refused."""
    if order.state not in PAYABLE:
        return {"cashier": None, "refused": ""}
    attempt = _open_attempt(order)
    return {"cashier": cashier_of(attempt) if attempt else None, "refused": refused_reason(order)}


def _open_attempt(order: orders.OrderView) -> Any:
    """The newest attempt that still waits; of an order that is over, only one by hand."""
    if order.state not in PAYABLE:
        return None
    waiting = (item for item in payments.attempts_of(order.id) if usable(item))
    return next((item for item in waiting if order.state != "expired" or by_hand(item)), None)


def refused_reason(order: orders.OrderView) -> str:
    """What a person wrote who found no money for the newest attempt."""
    newest = next(iter(payments.attempts_of(order.id)), None)
    return str(newest.cashier.get("refused", "")) if newest and newest.state == "declined" else ""


def _ways(access: Access) -> dict[str, Any]:
    query = access.key_query
    return {
        "address": access.address,
        "pay_address": f"{access.address}/pay" + query.replace("&", "?", 1),
        "go_address": f"{access.address}/go" + query.replace("&", "?", 1),
        "key_query": query,
        "key_field": access.key_field,
    }


def _ask_gateway(order: orders.OrderView) -> None:
    """Ask about the attempts of an order, at most every few seconds; a failure changes nothing."""
    asked = [
        (attempt.attempt_no, attempt.station_id, attempt.id)
        for attempt in payments.attempts_of(order.id)[:3]
        if attempt.state in ASKABLE and attempt.plugin_id != payments.BALANCE
    ]
    db.session.rollback()  # no transaction stays open while a gateway thinks
    for number, station_id, attempt_id in asked:
        try:
            limit("ask-gateway", number, 2, 10)
            payments.query_attempt(station_id, attempt_id)
        except DomainError:
            return


def _home(access: Access) -> str:
    return access.address + access.key_query.replace("&", "?", 1)


def _title(order: orders.OrderView) -> str:
    return str(_("等待付款") if order.state == "pending_payment" else _("订单详情"))


def _remaining(order: orders.OrderView) -> str:
    left = max(0, int((order.expires_at - datetime.now(UTC)).total_seconds()))
    hours = f"{left // 3600}:" if left >= 3600 else ""
    return f"{hours}{left // 60 % 60:02d}:{left % 60:02d}"


def _took(order: orders.OrderView) -> str:
    """Seconds from payment to delivery, while they are worth telling."""
    if not order.paid_at or not order.delivered_at or order.short:
        return ""
    tenths = max(1, int((order.delivered_at - order.paid_at).total_seconds() * 10))
    return f"{tenths // 10}.{tenths % 10}" if tenths < 6000 else ""


def _all_text(opened: dict[int, Any]) -> str:
    rows = [f"{card.number} {card.secret}".strip() for _index, card in sorted(opened.items())]
    return "\n".join(rows)


def _asked() -> int:
    raw = request.args.get("n", "0")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 0


def _private(response: Response) -> Response:
    """Stays in no cache, names no address to other sites, and is in no search engine."""
    response.headers["Cache-Control"] = "no-store"
    # Not "no-referrer": with it old WebViews send "Origin: null" with our own forms. Links to a
    # gateway have a policy of their own, `strict-origin`: WeChat's H5 refuses an empty Referer.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
