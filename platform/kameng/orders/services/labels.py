"""Order states in the words of the shopper's language (style guide §6)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

LABELS = {
    "pending_payment": _l("待付款"),
    "paid": _l("已付款"),
    "fulfilling": _l("发货中"),
    "delivered": _l("已发货"),
    "completed": _l("已完成"),
    "held": _l("风控冻结"),
    "partially_delivered": _l("部分发货"),
    "failed": _l("未成功"),
    "cancelled": _l("已取消"),
    "expired": _l("已过期"),
    "refunding": _l("退款中"),
    "refunded": _l("已退款"),
}
FULFILLING = {"top_up": _l("充值中"), "manual": _l("等人工")}


def state_label(state: str, kind: str = "", to_shopper: bool = False) -> object:
    """The word for a state; a shopper reads 核对中 where staff read 风控冻结."""
    if state == "held" and to_shopper:
        return _l("核对中")
    if state == "fulfilling" and kind in FULFILLING:
        return FULFILLING[kind]
    return LABELS[state]
