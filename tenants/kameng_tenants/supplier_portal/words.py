"""States of the portal as chips, and other words its templates need."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from kameng.suppliers import api as suppliers
from kameng_tenants.themes.wording import Chip

PURCHASE = {
    "created": Chip("info", "clock", _l("待处理")),
    "sent": Chip("warn", "clock", _l("待发货")),
    "unknown": Chip("warn", "alert-triangle", _l("待核对")),
    "succeeded": Chip("ok", "circle-check", _l("已发货")),
    "declined": Chip("idle", "circle-x", _l("未成功")),
}
DOCUMENT = {
    "submitted": Chip("info", "clock", _l("审核中")),
    "approved": Chip("ok", "circle-check", _l("已通过")),
    "refused": Chip("bad", "circle-x", _l("未通过")),
}
STATEMENT = {
    "open": Chip("warn", "clock", _l("待确认")),
    "confirmed": Chip("ok", "circle-check", _l("已确认")),
    "disputed": Chip("bad", "alert-circle", _l("有异议")),
}
CONTRACT = {
    "draft": Chip("info", "edit", _l("草稿")),
    "active": Chip("ok", "circle-check", _l("执行中")),
    "ended": Chip("idle", "ban", _l("已结束")),
}
DISPUTE = {
    "open": Chip("warn", "clock", _l("等您答复")),
    "answered": Chip("info", "message", _l("等主站处理")),
    "agreed": Chip("ok", "circle-check", _l("已达成一致")),
    "refused": Chip("idle", "circle-x", _l("不成立")),
    "closed": Chip("idle", "check", _l("已关闭")),
}
TERMS = {"standard": _l("普通"), "priority": _l("优先"), "exclusive": _l("独家")}
CYCLES = {
    "prepaid": _l("预付，按月对账"), "daily": _l("日结"), "weekly": _l("周结"),
    "monthly": _l("月结"),
}  # fmt: skip
OFFER_KINDS = {"card": _l("卡密"), "top_up": _l("直充"), "manual": _l("人工")}
WHATS = {
    "new": Chip("ok", "plus", _l("新增")),
    "changed": Chip("warn", "edit", _l("修改")),
    "same": Chip("idle", "minus", _l("不变")),
}
RANGES = {"": _l("全部"), "open": _l("待处理"), "succeeded": _l("已发货"), "declined": _l("未成功")}

GLOBALS: dict[str, Any] = {
    "purchase_chips": PURCHASE, "document_chips": DOCUMENT, "statement_chips": STATEMENT,
    "contract_chips": CONTRACT, "dispute_chips": DISPUTE, "terms_words": TERMS,
    "cycle_words": CYCLES, "offer_kinds": OFFER_KINDS, "what_chips": WHATS, "ranges": RANGES,
    "document_words": suppliers.DOCUMENT_WORDS, "dispute_words": suppliers.DISPUTE_WORDS,
    "posting_words": suppliers.POSTING_WORDS,
}  # fmt: skip
