"""States as people read them: tone, icon and word together (never colour alone)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Mark:
    """One badge: tone is ok, warn, bad, info or idle."""

    tone: str
    icon: str
    label: Any


ORDER: Mapping[str, Mark] = {
    "pending_payment": Mark("warn", "clock", _l("待付款")),
    "paid": Mark("info", "credit-card", _l("已付款")),
    "fulfilling": Mark("info", "refresh", _l("发货中")),
    "delivered": Mark("ok", "circle-check", _l("已发货")),
    "completed": Mark("ok", "circle-check", _l("已完成")),
    "held": Mark("bad", "lock", _l("风控冻结")),
    "partially_delivered": Mark("warn", "alert-circle", _l("部分发货")),
    "failed": Mark("bad", "circle-x", _l("未成功")),
    "cancelled": Mark("idle", "ban", _l("已取消")),
    "expired": Mark("idle", "hourglass", _l("已过期")),
    "refunding": Mark("warn", "rotate", _l("退款中")),
    "refunded": Mark("idle", "rotate", _l("已退款")),
}
# A paid order reads differently by what is being done for it.
FULFILLING: Mapping[str, Mark] = {
    "top_up": Mark("info", "refresh", _l("充值中")),
    "manual": Mark("warn", "user-check", _l("等人工")),
}
CALL: Mapping[str, Mark] = {  # payment attempt, refund, purchase
    "created": Mark("idle", "clock", _l("已创建")),
    "sent": Mark("info", "send", _l("已提交")),
    "succeeded": Mark("ok", "circle-check", _l("成功")),
    "declined": Mark("idle", "circle-x", _l("未成功")),
    "unknown": Mark("warn", "alert-triangle", _l("确认中")),
}
REFUND_REQUEST: Mapping[str, Mark] = {
    "open": Mark("warn", "clock", _l("待处理")),
    "accepted": Mark("ok", "circle-check", _l("已同意")),
    "declined": Mark("bad", "circle-x", _l("已拒绝")),
    "withdrawn": Mark("idle", "ban", _l("已撤回")),
}
PURCHASE: Mapping[str, Mark] = {**CALL, "unknown": Mark("warn", "alert-triangle", _l("上游未知"))}
STATION: Mapping[str, Mark] = {
    "applied": Mark("warn", "clock", _l("待审核")),
    "training": Mark("info", "school", _l("培训中")),
    "trial": Mark("info", "clock", _l("试营业")),
    "active": Mark("ok", "circle-check", _l("正常营业")),
    "restricted": Mark("bad", "alert-triangle", _l("受限")),
    "suspended": Mark("bad", "player-pause", _l("已停业")),
    "closed": Mark("idle", "ban", _l("已关闭")),
}
APPLICATION: Mapping[str, Mark] = {
    "submitted": Mark("warn", "clock", _l("待审核")),
    "approved": Mark("ok", "circle-check", _l("已通过")),
    "rejected": Mark("idle", "circle-x", _l("已驳回")),
}
PRODUCT: Mapping[str, Mark] = {
    "draft": Mark("idle", "pencil", _l("草稿")),
    "on_sale": Mark("ok", "circle-check", _l("在售")),
    "off_sale": Mark("idle", "archive", _l("已下架")),
}
BATCH: Mapping[str, Mark] = {
    "importing": Mark("info", "refresh", _l("导入中")),
    "done": Mark("ok", "circle-check", _l("已入库")),
    "failed": Mark("bad", "circle-x", _l("失败")),
}
ALERT: Mapping[str, Mark] = {
    "open": Mark("warn", "alert-triangle", _l("未处理")),
    "closed": Mark("idle", "check", _l("已关闭")),
}
PERSON: Mapping[str, Mark] = {
    "active": Mark("ok", "circle-check", _l("正常")),
    "locked": Mark("bad", "lock", _l("已锁定")),
    "left": Mark("idle", "logout", _l("已离开")),
    "closed": Mark("idle", "ban", _l("已注销")),
}
RUN: Mapping[str, Mark] = {
    "queued": Mark("idle", "clock", _l("排队")),
    "running": Mark("info", "refresh", _l("进行中")),
    "done": Mark("ok", "circle-check", _l("完成")),
    "failed": Mark("warn", "alert-triangle", _l("失败")),
    "dead": Mark("bad", "circle-x", _l("死信")),
}
ADJUSTMENT: Mapping[str, Mark] = {
    "waiting": Mark("warn", "clock", _l("等批准")),
    "done": Mark("ok", "circle-check", _l("已入账")),
    "refused": Mark("idle", "circle-x", _l("已拒绝")),
}
SETTLEMENT: Mapping[str, Mark] = {
    "pending": Mark("info", "clock", _l("待结算")),
    "released": Mark("ok", "circle-check", _l("已结算")),
}
WITHDRAWAL: Mapping[str, Mark] = {
    "waiting": Mark("warn", "clock", _l("等批准")),
    "approved": Mark("info", "user-check", _l("待打款")),
    "sent": Mark("info", "send", _l("打款中")),
    "unknown": Mark("warn", "alert-triangle", _l("打款确认中")),
    "succeeded": Mark("ok", "circle-check", _l("已打款")),
    "declined": Mark("idle", "circle-x", _l("未打款，已退回")),
}
PAYEE_KIND = {"alipay": _l("支付宝"), "wechat": _l("微信"), "bank": _l("银行卡")}
RISK: Mapping[str, Mark] = {
    "allow": Mark("ok", "shield-check", _l("放行")),
    "review": Mark("warn", "shield", _l("人工审核")),
    "block": Mark("bad", "ban", _l("拒绝")),
}
PLUGIN: Mapping[str, Mark] = {
    "active": Mark("ok", "circle-check", _l("正常")),
    "off": Mark("idle", "player-pause", _l("未启用")),
    "quarantined": Mark("bad", "alert-circle", _l("已隔离")),
    "incomplete": Mark("warn", "settings", _l("待设置")),
    "denied": Mark("idle", "ban", _l("已禁用")),
}
SWITCH: Mapping[bool, Mark] = {
    True: Mark("ok", "circle-check", _l("开")),
    False: Mark("idle", "player-pause", _l("关")),
}
KIND = {"card": _l("卡密"), "top_up": _l("直充"), "manual": _l("人工"), "bundle": _l("套餐")}
GRADE = {"bronze": _l("青铜"), "silver": _l("白银"), "gold": _l("黄金"), "diamond": _l("钻石")}
CHANNEL = {"web": _l("网页"), "api": _l("接口")}
PLUGIN_KIND = {
    "payment": _l("支付"),
    "supplier": _l("供应"),
    "risk": _l("风控"),
    "theme": _l("主题"),
}
REFUND_REASON = {
    "no_stock": _l("无货"),
    "late_payment": _l("过期后付款"),
    "paid_twice": _l("重复付款"),
    "failed": _l("未能发货"),
    "risk_refused": _l("风控拒绝"),
    "cancelled_after_pay": _l("付款后取消"),
    "staff": _l("人工退款"),
    "station_funds": _l("分站预存不足"),
}
ACCOUNT_KIND = {
    "wallet": _l("会员余额"),
    "prepaid": _l("预存"),
    "deposit": _l("保证金"),
    "frozen": _l("冻结"),
    "available": _l("可提现"),
    "margin_pending": _l("待结算"),
    "order_clearing": _l("订单暂收"),
    "refund_payable": _l("应退款"),
    "gateway_clearing": _l("支付清算"),
    "goods_cost": _l("货款成本"),
    "revenue": _l("主站收入"),
    "gateway_fee": _l("支付手续费"),
    "rounding": _l("取整差额"),
    "adjustment": _l("调账"),
    "station_gateway": _l("分站自收"),
    "bonus": _l("充值赠送"),
    "gateway_difference": _l("对账差额"),
    "supplier": _l("应付供应商"),
}


def mark(book: Mapping[Any, Mark], state: Any) -> Mark:
    """The badge of a state; an unknown state shows its own name instead of failing."""
    return book.get(state) or Mark("idle", "point", str(state))


def order_mark(state: str, kind: str = "") -> Mark:
    """The badge of an order: what is being done reads by the kind of goods."""
    if state == "fulfilling" and kind in FULFILLING:
        return FULFILLING[kind]
    return mark(ORDER, state)
