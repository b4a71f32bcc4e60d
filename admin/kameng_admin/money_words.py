"""Accounts, transfers and differences of bills in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng_admin import labels, texts
from kameng_admin.labels import Mark

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
    return labels.ACCOUNT_KIND.get(kind, kind)


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


def class_mark(class_: str) -> Mark:
    """The badge of a class of differences."""
    return labels.mark(CLASSES, class_)


def bill_mark(bill: Any) -> Mark:
    """The badge of a bill: open differences count more than its state."""
    return BILL["open"] if bill.open else labels.mark(BILL, bill.state)
