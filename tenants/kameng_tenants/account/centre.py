"""The member centre: what a member has, bought and may change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, g, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.ledger import api as ledger
from kameng.orders import api as orders
from kameng.web import client_ip, flash, limit, login_session, require_member
from kameng_tenants.account import blueprint
from kameng_tenants.shop.forms import whole
from kameng_tenants.themes import render_page

TABS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "all": (_l("全部"), ()),
    "unpaid": (_l("待付款"), ("pending_payment",)),
    "running": (_l("处理中"), ("paid", "fulfilling", "held", "partially_delivered")),
    "done": (_l("已发货"), ("delivered", "completed", "partially_delivered")),
    "refund": (_l("退款"), ("refunding", "refunded", "failed")),
}
LEVELS = {"normal": _l("普通会员"), "silver": _l("银卡会员"), "gold": _l("金卡会员")}
ENTRY_WORDS = {
    "payment.collect": _l("充值"),
    "wallet.pay": _l("购买商品"),
    "wallet.bonus": _l("充值赠送"),
    "wallet.refund": _l("退款"),
    "adjust.wallet": _l("店铺扣减"),
    "adjust.adjustment": _l("店铺补入"),
    "refund.wallet": _l("退款"),
    "refund.pay": _l("退款"),
}


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A movement of the wallet in words."""

    word: str
    at: datetime
    amount: int


@blueprint.get("/me")
@require_member
def me() -> Response:
    """Wallet, latest orders, settings."""
    member = identity.get_member(g.viewer.id)
    quick = [
        ("unpaid", _("待付款"), "clock"),
        ("running", _("处理中"), "refresh"),
        ("done", _("已发货"), "checks"),
        ("refund", _("退款"), "receipt-refund"),
    ]
    return render_page(
        "account/me.html",
        member=member,
        level_name=LEVELS.get(member.level, member.level),
        balance=ledger.wallet(member.id),
        quick=quick,
        recent=orders.member_orders(member.id, size=6).items,
    )


@blueprint.get("/me/orders")
@require_member
def my_orders() -> Response:
    """All orders, by state, newest first."""
    tab = request.args.get("tab", "all")
    tab = tab if tab in TABS else "all"
    before = whole(request.args.get("before")) or None
    page = orders.member_orders(g.viewer.id, TABS[tab][1], before)
    return render_page(
        "account/orders.html",
        page_title=_("我的订单"),
        back="/me",
        tabs=[(key, word) for key, (word, _states) in TABS.items()],
        tab=tab,
        recent=page.items,
        next_before=page.next_before,
    )


@blueprint.get("/me/wallet")
@require_member
def wallet() -> Response:
    """Every movement of the wallet."""
    size = 30
    entries = ledger.wallet_entries(
        g.viewer.id, whole(request.args.get("before")) or None, size + 1
    )
    rows = [
        EntryRow(str(ENTRY_WORDS.get(item.kind, _("余额变动"))), item.at, item.amount)
        for item in entries[:size]
    ]
    return render_page(
        "account/wallet.html",
        page_title=_("余额明细"),
        back="/me",
        balance=ledger.wallet(g.viewer.id),
        entries=rows,
        next_before=entries[size - 1].id if len(entries) > size else None,
    )


@blueprint.get("/me/profile")
@require_member
def profile() -> Response:
    """Account data and the password form."""
    return _profile()


@blueprint.post("/me/password")
@require_member
def password() -> Response | BaseResponse:
    """Change the password; other devices are signed out."""
    limit("password", g.viewer.id, 10, 600)
    try:
        identity.change_password(
            g.viewer.id,
            request.form.get("old_password", "")[:200],
            request.form.get("new_password", "")[:200],
            client_ip(),
        )
    except DomainError as refusal:
        return _profile(str(refusal.message), 422)
    login_session("member", g.viewer.id)
    flash(_("密码已修改。"), "success")
    return redirect("/me/profile", 303)


def _profile(error: str = "", status: int = 200) -> Response:
    return render_page(
        "account/profile.html",
        status,
        page_title=_("资料与密码"),
        back="/me",
        member=identity.get_member(g.viewer.id),
        error=error,
    )
