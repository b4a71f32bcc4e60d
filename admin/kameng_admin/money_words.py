"""Accounts, transfers and differences of bills in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng_admin import labels, texts
from kameng_admin.labels import Mark
from kameng_admin.stories import transfer_text

ACCOUNTS: Mapping[str, Any] = {
    "prepaid": _l("预存"),
    "station_gateway": _l("分站自收"),
    "bonus": _l("充值赠送"),
    "gateway_difference": _l("对账差额"),
}
TRANSFERS: Mapping[str, Any] = {
    "refund.hand": _l("线下退款"),
    "wallet.bonus": _l("充值赠送"),
    "return.cost": _l("退回成本"),
    "return.margin": _l("退回毛利"),
    "return.rounding": _l("退回取整"),
    "return.prepaid": _l("退回预存"),
    "fund.order": _l("预存付货款"),
    "fund.return": _l("货款退回预存"),
    "settle.release": _l("到期结算"),
    "settle.fee": _l("平台服务费"),
    "settle.fee_return": _l("退回服务费"),
    "settle.gateway_fee": _l("支付手续费"),
    "withdraw.hold": _l("申请提现"),
    "withdraw.pay": _l("提现到账"),
    "withdraw.fee": _l("提现手续费"),
    "withdraw.return": _l("提现退回"),
    "bill.fee": _l("账单手续费差额"),
    "bill.difference": _l("对账差额入账"),
}
CLASSES: Mapping[str, Mark] = {
    "ours_only": Mark("warn", "alert-triangle", _l("我方有、渠道无")),
    "theirs_only": Mark("bad", "alert-circle", _l("渠道有、我方无")),
    "amount": Mark("bad", "scale", _l("金额不符")),
    "state": Mark("warn", "refresh", _l("状态不符")),
}
KINDS: Mapping[str, Any] = {"payment": _l("收款"), "refund": _l("退款")}
BILL: Mapping[str, Mark] = {
    "due": Mark("idle", "clock", _l("等账单")),
    "fetched": Mark("info", "refresh", _l("待比对")),
    "compared": Mark("ok", "circle-check", _l("一致")),
    "open": Mark("warn", "alert-triangle", _l("待解释")),
}
RESOLUTIONS: Mapping[str, Any] = {
    "matched": _l("再次比对已一致"),
    "applied": _l("查询后已入账"),
    "queried": _l("已查询"),
    "retried": _l("已重试退款"),
    "later": _l("标记次日到账"),
    "held": _l("挂账待查"),
    "ignored": _l("忽略并说明"),
    "posted": _l("已记差额"),
}
LEVEL: Mapping[str, Mark] = {
    "pending": Mark("info", "clock", _l("待结算")),
    "released": Mark("ok", "circle-check", _l("已放款")),
    "own": Mark("ok", "circle-check", _l("已得")),
    "waiting": Mark("idle", "clock", _l("等发货")),
}


def account_kind(kind: str) -> Any:
    """A kind of account in words."""
    return labels.ACCOUNT_KIND.get(kind) or ACCOUNTS.get(kind, kind)


def account_word(account: tuple[str, str, int]) -> str:
    """Whose account and what for; the channel's or member's name behind it."""
    kind, ref, station = account
    words = f"{texts.station_name(station)} · {account_kind(kind)}"
    if kind == "gateway_clearing" and ref:
        return f"{account_kind(kind)} · {channel_word(ref)}"
    return f"{words} {ref}" if ref else words


def channel_word(ref: str) -> str:
    """A plugin and, when there are several, its account."""
    if ref == "hand":
        return str(_("线下"))
    plugin, _sep, account = ref.partition(":")
    name = str(texts.ACTORS.get(plugin, plugin))
    return f"{name} {account}" if account else name


def transfer_word(kind: str) -> Any:
    """What a transfer was for."""
    words = transfer_text(kind)
    return TRANSFERS.get(kind, words) if words == kind else words


def class_mark(class_: str) -> Mark:
    """The badge of a class of differences."""
    return labels.mark(CLASSES, class_)


def bill_mark(bill: Any) -> Mark:
    """The badge of a bill: open differences count more than its state."""
    return BILL["open"] if bill.open else labels.mark(BILL, bill.state)
