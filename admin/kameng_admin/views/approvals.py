"""资金审批: what one person alone may not do waits here for somebody else's word."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_admin import BaseView, expose
from flask_babel import lazy_gettext as _l

from kameng.identity import api as identity
from kameng.web.formats import mask_phone
from kameng.web.limits import client_ip
from kameng_admin import labels, money_words, people, texts
from kameng_admin.base.actions import attempt
from kameng_admin.base.guard import Guarded, Place
from kameng_admin.shell import back_or

KINDS: dict[str, Any] = {
    "withdrawal": _l("提现"),
    "adjustment": _l("调账"),
    "bill_difference": _l("对账差额"),
    "supplier_payment": _l("供应商付款"),
}
STATES: dict[str, Any] = {
    "waiting": _l("等待中"),
    "approved": _l("已批准"),
    "refused": _l("已拒绝"),
    "expired": _l("已过期"),
}
FACTS: dict[str, Any] = {
    "fee": _l("手续费"),
    "payee_kind": _l("收款方式"),
    "account": _l("收款账号"),
    "name": _l("收款人"),
    "bank": _l("开户行"),
    "debit": _l("从"),
    "credit": _l("到"),
    "debit_ref": _l("从哪个会员"),
    "credit_ref": _l("到哪个会员"),
    "class": _l("差异"),
    "kind": _l("类型"),
    "key": _l("单号"),
    "ours": _l("我方"),
    "theirs": _l("渠道"),
    "supplier": _l("供应商"),
    "paid_on": _l("付款日期"),
    "method": _l("方式"),
    "reference": _l("流水号"),
}
DONE = {
    "ok": _l("已记下您的意见，还需要其他人批准"),
    "approved": _l("已批准"),
    "refused": _l("已拒绝，冻结的钱已退回"),
}


class ApprovalsView(Guarded, BaseView):
    """All requests of all kinds, those that wait longest first."""

    need = "approval.vote"
    place = Place(_l("资金"), _l("资金审批"), "checks")

    @expose("/")
    def index_view(self) -> Any:
        """Filtered by state and kind."""
        state = request.args.get("state", "waiting")
        state = state if state in STATES else "waiting"
        kind = request.args.get("kind", "")
        kind = kind if kind in KINDS else ""
        return self.render(
            "kameng_admin/approvals.html",
            rows=identity.approvals(state=state, kind=kind),
            waiting=identity.waiting_approvals(),
            state=state,
            kind=kind,
            states=STATES,
            **approval_words(),
        )

    @expose("/<int:station_id>/<int:approval_id>/vote", methods=("POST",))
    def vote(self, station_id: int, approval_id: int) -> Any:
        """One person's word; what follows happens at once."""
        agrees = request.form.get("agrees") == "1"

        def deed() -> str:
            reason = request.form.get("reason", "")
            who = people.actor()
            return identity.vote(station_id, approval_id, who, agrees, reason, client_ip())

        back = back_or(str(self.get_url(".index_view")))
        return attempt(deed, lambda code: DONE[code], back)


def approval_words() -> dict[str, Any]:
    """What the parts of an approval need to be shown."""
    return {
        "me": people.actor(),
        "kind_words": KINDS,
        "facts_of": facts_of,
        "texts": texts,
        "subject_url": subject_url,
        "labels": labels,
    }


def facts_of(detail: dict[str, Any]) -> list[tuple[Any, str]]:
    """Label and value of what a request is about; accounts of people are masked."""
    flat = {**{k: v for k, v in detail.items() if k != "payee"}, **(detail.get("payee") or {})}
    return [(FACTS.get(name, name), _fact(name, value)) for name, value in flat.items() if value]


def _fact(name: str, value: Any) -> str:
    if name == "account":
        return mask_phone(str(value))
    if name in ("debit", "credit"):
        return str(labels.ACCOUNT_KIND.get(value, value))
    if name == "payee_kind":
        return str(labels.PAYEE_KIND.get(value, value))
    if name == "class":
        return str(money_words.class_mark(str(value)).label)
    if name == "kind":
        return str(money_words.KINDS.get(value, value))
    if name in ("fee", "ours", "theirs") and isinstance(value, int):
        return f"¥{value // 10_000}.{value % 10_000 // 100:02d}"
    return str(value)


def subject_url(approval: identity.ApprovalView) -> str:
    """The page of the thing itself, where there is one the reader may open."""
    if approval.kind == "withdrawal" and people.viewer_can("withdrawal.view"):
        page: dict[str, Any] = {
            "station_id": approval.station_id,
            "withdrawal_id": int(approval.subject),
        }
        return url_for("admin_withdrawals.detail_page", **page)
    if approval.kind == "bill_difference" and people.viewer_can("reconcile.view"):
        number = int(approval.subject.partition(":")[0])
        page = {"station_id": approval.station_id, "difference_id": number}
        return url_for("admin_reconcile.difference_page", **page)
    if approval.kind == "supplier_payment" and people.viewer_can("supplier.view"):
        return url_for("admin_supplier_payments.index_view")
    return ""
