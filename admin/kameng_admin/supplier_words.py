"""States of suppliers, their papers, contracts, money and disputes as badges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from kameng_admin.labels import Mark

SUPPLIER: Mapping[str, Mark] = {
    "applied": Mark("warn", "clock", _l("待审核")),
    "active": Mark("ok", "circle-check", _l("合作中")),
    "paused": Mark("bad", "player-pause", _l("已暂停")),
    "refused": Mark("idle", "circle-x", _l("未通过")),
    "closed": Mark("idle", "ban", _l("已结束合作")),
}
DOCUMENT: Mapping[str, Mark] = {
    "submitted": Mark("warn", "clock", _l("待审核")),
    "approved": Mark("ok", "circle-check", _l("已通过")),
    "refused": Mark("bad", "circle-x", _l("未通过")),
}
CONTRACT: Mapping[str, Mark] = {
    "draft": Mark("info", "edit", _l("草稿")),
    "active": Mark("ok", "circle-check", _l("执行中")),
    "ended": Mark("idle", "ban", _l("已结束")),
}
PAYMENT: Mapping[str, Mark] = {
    "waiting": Mark("warn", "clock", _l("等批准")),
    "done": Mark("ok", "circle-check", _l("已入账")),
    "refused": Mark("idle", "circle-x", _l("已拒绝")),
}
STATEMENT: Mapping[str, Mark] = {
    "open": Mark("info", "clock", _l("等供应商确认")),
    "confirmed": Mark("ok", "circle-check", _l("已确认")),
    "disputed": Mark("bad", "alert-circle", _l("有异议")),
}
DISPUTE: Mapping[str, Mark] = {
    "open": Mark("info", "clock", _l("等供应商答复")),
    "answered": Mark("warn", "message", _l("等我方处理")),
    "agreed": Mark("ok", "circle-check", _l("已达成一致")),
    "refused": Mark("idle", "circle-x", _l("不成立")),
    "closed": Mark("idle", "check", _l("已关闭")),
}
TERMS: Mapping[str, Any] = {
    "standard": _l("普通：按成本和等级轮流"),
    "priority": _l("优先：先问它"),
    "exclusive": _l("独家：只问它"),
}
CYCLES: Mapping[str, Any] = {
    "prepaid": _l("预付，按月对账"),
    "daily": _l("日结"),
    "weekly": _l("周结"),
    "monthly": _l("月结"),
}
GRADE_TONES = {"A": "ok", "B": "ok", "C": "warn", "D": "bad"}


def grade_mark(grade: str | None, fixed: bool = False) -> Mark:
    """A supplier's grade; a lock where staff have fixed it."""
    if not grade:
        return Mark("idle", "point", _l("未评级"))
    return Mark(GRADE_TONES.get(grade, "idle"), "lock" if fixed else "star", grade)
