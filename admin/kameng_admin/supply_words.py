"""Words for what supply knows by code: why a supplier was asked, what a purchase waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.supply.models import Connection
from kameng_admin.labels import Mark

WHY: Mapping[str, Any] = {
    "only_one": _l("只有这一家能供"),
    "terms_exclusive": _l("独家合同"),
    "terms_priority": _l("优先合同"),
    "better_grade": _l("等级更高"),
    "cheapest": _l("成本最低"),
    "first_of_equals": _l("条件相同，先接入的优先"),
    "behind": _l("排在后面"),
    "tried": _l("这张订单已经试过"),
    "resting": _l("刚刚没能提交，稍后再试"),
    "broken": _l("接口熔断中"),
    "off_sale": _l("对方已下架"),
    "no_stock": _l("对方库存不足"),
    "below_minimum": _l("低于对方的最少数量"),
    "above_maximum": _l("超过对方的最多数量"),
    "above_contract": _l("高于合同价"),
    "above_cap": _l("成本太高，会亏本"),
    "no_funds": _l("预存或授信不够"),
    "switched_off": _l("这条供货已停用"),
    "supplier_paused": _l("供应商已暂停"),
    "connection_paused": _l("接口已暂停"),
    "contract_over": _l("合同已到期"),
    "papers_expired": _l("资质已过期"),
    "plugin_off": _l("插件未启用"),
    "exclusive_elsewhere": _l("别家有独家合同"),
}
OUTCOMES: Mapping[str, Mark] = {
    "chosen": Mark("ok", "circle-check", _l("选中")),
    "next": Mark("info", "clock", _l("备选")),
    "out": Mark("idle", "ban", _l("不用")),
}
WAITS: Mapping[str, Any] = {
    "sending": _l("等提交"),
    "supplier": _l("等供应商"),
    "answer": _l("等供应商答复"),
    "notice": _l("等回调"),
    "desk": _l("等人工台"),
    "person": _l("等人判断"),
}
CODES: Mapping[str, Any] = {
    "no_answer": _l("没有答复"),
    "timed_out": _l("超时"),
    "plugin_error": _l("插件出错"),
    "busy": _l("通道忙"),
    "pending": _l("处理中"),
    "not_found": _l("对方说没有这张单"),
    "never_arrived": _l("确认没有送达"),
    "not_sent": _l("没能提交"),
    "misconfigured": _l("账户设置有误"),
    "refused": _l("对方拒绝"),
    "again": _l("重新提交"),
    "by_hand": _l("人工判定"),
    "above_cap": _l("实际成本超过上限"),
    "too_many": _l("给多了"),
    "too_few": _l("给少了"),
    "duplicate_card": _l("卡密重复"),
    "card_without_code": _l("卡密不完整"),
    "card_unreadable": _l("卡密无法入库"),
    "no_codes": _l("没有给卡密"),
    "unexpected_codes": _l("直充却给了卡密"),
    "insufficient_balance": _l("预存余额不足"),
    "out_of_stock": _l("对方无货"),
}
STEPS: Mapping[str, Any] = {
    "purchase": _l("下单"),
    "query": _l("查询"),
    "notice": _l("回调"),
    "cancel": _l("撤单"),
}
CALLS: Mapping[str, Mark] = {
    "succeeded": Mark("ok", "circle-check", _l("成功")),
    "pending": Mark("info", "clock", _l("处理中")),
    "declined": Mark("idle", "circle-x", _l("拒绝")),
    "unknown": Mark("warn", "alert-triangle", _l("未知")),
}
CONNECTION: Mapping[str, Mark] = {
    "active": Mark("ok", "circle-check", _l("正常")),
    "paused": Mark("idle", "player-pause", _l("已暂停")),
    "broken": Mark("bad", "alert-circle", _l("熔断中")),
    "failing": Mark("warn", "alert-triangle", _l("同步失败")),
    "off": Mark("idle", "plug", _l("插件未启用")),
}
OFFER: Mapping[str, Mark] = {
    "on_sale": Mark("ok", "circle-check", _l("可供")),
    "off_sale": Mark("idle", "archive", _l("对方下架")),
    "gone": Mark("bad", "circle-x", _l("已消失")),
    "switched_off": Mark("idle", "player-pause", _l("已停用")),
}
LEVEL: Mapping[str, Mark] = {
    "open": Mark("ok", "circle-check", _l("可售")),
    "none": Mark("bad", "circle-x", _l("无货可供")),
    "cost": Mark("bad", "player-pause", _l("成本高于售价，已暂停")),
    "ask": Mark("warn", "user-check", _l("等人确认成本")),
}
SOURCING: Mapping[str, Any] = {
    "pool": _l("只用卡池"),
    "pool_first": _l("先用卡池，不够再采购"),
    "supplier": _l("只向供应商采购"),
}
ON_RISE: Mapping[str, Any] = {
    "reprice": _l("马上重算售价，仍然不够就暂停"),
    "pause": _l("先暂停，售价跟上后自动恢复"),
    "ask": _l("暂停，等人确认"),
}
WHEN_NONE: Mapping[str, Any] = {"refund": _l("自动退款"), "desk": _l("转人工台")}
KIND = {"card": _l("卡密"), "top_up": _l("直充"), "manual": _l("人工")}
SOURCE = {
    "sync": _l("同步"), "notice": _l("回调"), "portal": _l("供应商后台"), "staff": _l("员工"),
}  # fmt: skip
ABLE: Mapping[str, Any] = {
    "offers": _l("商品列表"), "stock": _l("库存"), "query": _l("查询"), "balance": _l("余额"),
    "callback": _l("回调"), "codes": _l("卡密"), "top_up": _l("直充"), "partial": _l("部分发货"),
    "manual": _l("人工"), "cancel": _l("撤单"),
}  # fmt: skip

_SUPPLIERS = text("SELECT id, name, grade FROM supplier ORDER BY internal, name, id")
_OPEN_TO_CONNECT = text(
    "SELECT id, name FROM supplier WHERE NOT internal AND state IN ('active', 'paused')"
    " ORDER BY name, id"
)


def supplier_names() -> dict[int, str]:
    """Names of all suppliers, once a request."""
    if "console_suppliers" not in g:
        g.console_suppliers = {row.id: row.name for row in db.session.execute(_SUPPLIERS)}
    return dict(g.console_suppliers)


def suppliers_to_connect() -> list[tuple[str, str]]:
    """Suppliers that may get a connection, for a select."""
    return [(str(row.id), row.name) for row in db.session.execute(_OPEN_TO_CONNECT)]


def supplier_name(supplier_id: int) -> str:
    """Name of a supplier, its number when it has none."""
    return supplier_names().get(supplier_id, f"#{supplier_id}")


def connection_names() -> dict[int, str]:
    """Names of all connections, once a request."""
    if "console_connections" not in g:
        rows = db.session.query(Connection.id, Connection.name)
        g.console_connections = {number: name for number, name in rows}
    return dict(g.console_connections)


def choices(names: Mapping[int, str]) -> Sequence[tuple[str, str]]:
    """Names by number as the choices of a filter."""
    return [(str(number), name) for number, name in names.items()]


def said(code: str, message: str = "") -> str:
    """A code of a purchase with what was said, in words."""
    word = str(CODES.get(code, code))
    return "：".join(part for part in (word, message) if part)


def why(code: str) -> Any:
    """A reason of routing in words."""
    return WHY.get(code, code)


def routing_words(routing: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The explanation that a purchase keeps, for people: the chosen one first."""
    places = {"chosen": 0, "next": 1, "out": 2}
    rows = [
        {**one, "mark": OUTCOMES.get(one.get("outcome", ""), OUTCOMES["out"]),
         "words": why(str(one.get("why", "")))}
        for one in routing
    ]  # fmt: skip
    return sorted(rows, key=lambda one: places.get(str(one.get("outcome")), 3))


def why_this(routing: Iterable[Mapping[str, Any]]) -> str:
    """One line: why this supplier was asked, and how many others stood behind it."""
    rows = list(routing)
    chosen = next((one for one in rows if one.get("outcome") == "chosen"), None)
    if chosen is None:
        return str(_("没有能用的供货，转人工")) if rows else str(_("还没有映射的供货，转人工"))
    return str(_("%(name)s：%(why)s", name=chosen.get("supplier", ""),
                 why=why(str(chosen.get("why", "")))))  # fmt: skip
