"""通知地址: where a member's programs hear of what has happened, what was sent, sending again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.web import flash, limit, no_store, require_member
from kameng.webhooks import api as webhooks
from kameng_tenants.account import blueprint
from kameng_tenants.shop.forms import by_field, whole
from kameng_tenants.themes import render_page

HERE = "/me/webhooks"
EVENT_WORDS: Mapping[str, Any] = {
    "order.paid": _l("已付款，等发货"),
    "order.held": _l("风控审核中"),
    "order.delivered": _l("已发货"),
    "order.partially_delivered": _l("发了一部分"),
    "order.refunding": _l("退款中"),
    "order.refunded": _l("已退款"),
    "order.cancelled": _l("已取消"),
    "order.expired": _l("超时未付款"),
    "wallet.topped_up": _l("余额充值到账"),
    "refund_request.accepted": _l("退款申请已同意"),
    "refund_request.declined": _l("退款申请被拒绝"),
    webhooks.TEST: _l("测试"),
}
SPANS_H: Mapping[int, Any] = {
    1: _l("最近 1 小时"), 24: _l("最近 1 天"), 72: _l("最近 3 天"), 720: _l("最近 30 天"),
}  # fmt: skip
URL_ERRORS = ("notify_url_invalid", "endpoint_exists")


@blueprint.get("/me/webhooks")
@require_member
def webhook_list() -> Response:
    """All addresses with how they are; without any, what they are for."""
    return render_page(
        "account/webhooks.html", page_title=_("通知地址"), back="/me/api",
        endpoints=webhooks.endpoints_of(g.viewer.id), most=webhooks.MOST,
    )  # fmt: skip


@blueprint.get("/me/webhooks/new")
@require_member
def new_webhook() -> Response:
    """The form of a new address."""
    return _new()


@blueprint.post("/me/webhooks/new")
@require_member
def add_webhook() -> Response:
    """A new address; its secret stands on the page that answers and nowhere else."""
    limit("webhook-add", g.viewer.id, 20, 600)
    try:
        number, secret = webhooks.add_endpoint(g.viewer.id, *_given())
    except DomainError as refusal:
        return _new(refusal)
    return _shown_once(number, secret, _("通知地址已添加"))


@blueprint.get("/me/webhooks/<int:number>")
@require_member
def webhook(number: int) -> Response:
    """One address: how it is, what was sent there, settings."""
    return _page(number)


@blueprint.post("/me/webhooks/<int:number>")
@require_member
def change_webhook(number: int) -> Response | BaseResponse:
    """Another address, note or choice of events."""
    try:
        webhooks.change_endpoint(g.viewer.id, number, *_given())
    except DomainError as refusal:
        if refusal.status == 404:
            raise
        return _page(number, refusal)
    flash(_("已保存，从下一次发送起生效。"), "success")
    return redirect(f"{HERE}/{number}", 303)


@blueprint.post("/me/webhooks/<int:number>/test")
@require_member
def test_webhook(number: int) -> BaseResponse:
    """Send a test event."""
    limit("webhook-test", g.viewer.id, 10, 600)
    return _done(number, webhooks.send_test, _("测试通知已发出，几秒后刷新看结果。"))


@blueprint.post("/me/webhooks/<int:number>/pause")
@require_member
def pause_webhook(number: int) -> BaseResponse:
    """Send nothing there for now."""
    return _done(number, webhooks.pause_endpoint, _("已暂停。恢复后可以补发错过的。"))


@blueprint.post("/me/webhooks/<int:number>/resume")
@require_member
def resume_webhook(number: int) -> BaseResponse:
    """Send there again."""
    return _done(number, webhooks.resume_endpoint, _("已恢复，新的通知照常发送。"))


@blueprint.post("/me/webhooks/<int:number>/remove")
@require_member
def remove_webhook(number: int) -> BaseResponse:
    """Forget it."""
    webhooks.remove_endpoint(g.viewer.id, number)
    flash(_("通知地址已删除。"), "success")
    return redirect(HERE, 303)


@blueprint.post("/me/webhooks/<int:number>/rotate")
@require_member
def rotate_webhook(number: int) -> Response:
    """Another secret, shown once; the old one signs beside it for a day."""
    limit("webhook-add", g.viewer.id, 20, 600)
    secret = webhooks.rotate_secret(g.viewer.id, number)
    return _shown_once(number, secret, _("密钥已更换"))


@blueprint.post("/me/webhooks/<int:number>/replay")
@require_member
def replay_webhooks(number: int) -> BaseResponse:
    """Send again what has failed in the last hours or days."""
    limit("webhook-replay", g.viewer.id, 30, 600)
    hours = whole(request.form.get("hours"))
    since = datetime.now(UTC) - timedelta(hours=hours if hours in SPANS_H else 1)
    try:
        count = webhooks.replay_failed(g.viewer.id, number, since, g.viewer.actor)
    except DomainError as refusal:
        return _refused(refusal, number)
    flash(_("正在补发 %(n)s 条。", n=count) if count else _("这段时间没有失败的。"), "success")
    return redirect(f"{HERE}/{number}", 303)


@blueprint.post("/me/webhooks/deliveries/<int:delivery>/replay")
@require_member
def replay_webhook(delivery: int) -> BaseResponse:
    """Send one again."""
    limit("webhook-replay", g.viewer.id, 30, 600)
    number = whole(request.form.get("endpoint"))
    try:
        webhooks.replay(g.viewer.id, delivery, g.viewer.actor)
    except DomainError as refusal:
        return _refused(refusal, number)
    flash(_("已重新发送，几秒后刷新看结果。"), "success")
    return redirect(f"{HERE}/{number or 'orders'}", 303)


@blueprint.get("/me/webhooks/orders")
@require_member
def order_notices() -> Response:
    """What was sent to addresses that came with orders."""
    page = webhooks.deliveries(g.viewer.id, None, _before())
    return render_page(
        "account/webhook_orders.html", page_title=_("下单时带的通知地址"), back=HERE, page=page,
        words=EVENT_WORDS,
    )  # fmt: skip


def _given() -> tuple[str, str, list[str]]:
    form = request.form
    return form.get("url", "")[:600], form.get("about", "")[:200], form.getlist("event")[:40]


def _before() -> int | None:
    return whole(request.args.get("before")) or None


def _new(refusal: DomainError | None = None) -> Response:
    url, about, events = _given()
    return render_page(
        "account/webhook_new.html", refusal.status if refusal else 200,
        page_title=_("添加通知地址"), back=HERE, words=EVENT_WORDS, offered=webhooks.EVENTS,
        given={"url": url, "about": about, "events": events}, **_error(refusal),
    )  # fmt: skip


def _page(number: int, refusal: DomainError | None = None) -> Response:
    endpoint = webhooks.endpoint_of(g.viewer.id, number)
    given = {"url": endpoint.url, "about": endpoint.about, "events": endpoint.events}
    if refusal:
        given = dict(zip(("url", "about", "events"), _given(), strict=True))
    return render_page(
        "account/webhook.html", refusal.status if refusal else 200, page_title=_("通知地址"),
        back=HERE, endpoint=endpoint, page=webhooks.deliveries(g.viewer.id, number, _before()),
        words=EVENT_WORDS, offered=webhooks.EVENTS, spans=SPANS_H, given=given, **_error(refusal),
    )  # fmt: skip


def _error(refusal: DomainError | None) -> dict[str, Any]:
    text = str(refusal.message) if refusal else ""
    at_url = refusal is not None and refusal.code in URL_ERRORS
    return {"error": "" if at_url else text, "errors": by_field({"url": text} if at_url else {})}


def _shown_once(number: int, secret: str, title: str) -> Response:
    return no_store(
        render_page(
            "account/webhook_secret.html", page_title=title, back=f"{HERE}/{number}",
            endpoint=webhooks.endpoint_of(g.viewer.id, number), secret=secret,
        )
    )  # fmt: skip


def _done(number: int, act: Callable[[int, int], None], said: str) -> BaseResponse:
    try:
        act(g.viewer.id, number)
    except DomainError as refusal:
        return _refused(refusal, number)
    flash(said, "success")
    return redirect(f"{HERE}/{number}", 303)


def _refused(refusal: DomainError, number: int) -> BaseResponse:
    """Say why, on the page it was asked on; what is not there is no page."""
    if refusal.status == 404:
        raise refusal
    flash(str(refusal.message), "warn")
    return redirect(f"{HERE}/{number or 'orders'}", 303)
