"""供货纠纷: opened on purchases, answered in the portal, ended here."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func

from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.suppliers.models import SupplyDispute
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import labels, people, texts
from kameng_admin import supplier_words as words
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import badge, code, link
from kameng_admin.base.columns import Column, Filter, Tab, equals, equals_number
from kameng_admin.base.forms import parse_amount
from kameng_admin.base.guard import Place, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.views.suppliers import supplier_choices, supplier_names, supplier_url


class DisputesView(ReadOnlyView):
    """Disputes of all suppliers; what waits for us comes with a number in the sidebar."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供货纠纷"), "scale")
    order = ("id", True)
    head_template = "kameng_admin/dispute_head.html"
    empty = ("scale", _l("没有纠纷"), _l("买家投诉或对账有差异时，在这里向供应商提出。"))
    columns = (
        Column("id", _l("编号"), lambda d: code(f"D-{d.id}"), phone="title"),
        Column(
            "supplier_id", _l("供应商"),
            lambda d: link(supplier_url(d.supplier_id), supplier_names().get(d.supplier_id, "—")),
            phone="meta",
        ),
        Column("kind", _l("类型"), lambda d: suppliers.DISPUTE_WORDS.get(d.kind, d.kind)),
        Column("claim", _l("要求退回（元）"), lambda d: plain_money(d.claim),
               css="is-num is-strong", phone="amount"),
        Column("opened_at", _l("提出"), sort=True, css="km-nowrap"),
        Column("due_at", _l("答复期限"), sort=True, css="km-nowrap"),
        Column("first_answer_at", _l("首次答复"), css="km-nowrap"),
        Column("state", _l("状态"), lambda d: badge(labels.mark(words.DISPUTE, d.state)),
               phone="state"),
    )  # fmt: skip
    tabs = (
        Tab("ours", _l("等我方处理"), lambda: SupplyDispute.state == "answered"),
        Tab("theirs", _l("等供应商"), lambda: SupplyDispute.state == "open"),
        Tab(
            "late", _l("超时未答"),
            lambda: (SupplyDispute.state == "open") & SupplyDispute.first_answer_at.is_(None)
            & (SupplyDispute.due_at < func.now()),
        ),
        Tab("all", _l("全部"), None, counted=False),
    )  # fmt: skip
    filters_offered = (
        Filter(
            "supplier", _l("供应商"), equals_number(SupplyDispute.supplier_id),
            choices=supplier_choices,
        ),
        Filter(
            "kind", _l("类型"), equals(SupplyDispute.kind),
            choices=lambda: list(suppliers.DISPUTE_WORDS.items()),
        ),
    )  # fmt: skip

    def row_url(self, row: Any) -> str:
        """The dispute's own page."""
        return self._url(row.supplier_id, row.id)

    @expose("/<int:supplier_id>/<int:dispute_id>")
    def detail_page(self, supplier_id: int, dispute_id: int) -> Any:
        """What was said, and what can be done now."""
        one = suppliers.dispute(supplier_id, dispute_id)
        title = _("纠纷 D-%(n)s", n=dispute_id)
        return self.render(
            "kameng_admin/dispute.html", page_title=title, crumbs=self.crumbs(Crumb(title)),
            one=one, supplier=suppliers.supplier(supplier_id), texts=texts,
            messages=suppliers.messages_of(supplier_id, dispute_id),
            offered=suppliers.offered(supplier_id, dispute_id),
            state=labels.mark(words.DISPUTE, one.state), kinds=suppliers.DISPUTE_WORDS,
        )  # fmt: skip

    @expose("/new", methods=("GET",))
    @needs("dispute.manage")
    def new_page(self) -> Any:
        """The form; `purchase` in the address names the purchase."""
        return self.render(
            "kameng_admin/dispute_new.html", page_title=_("提出纠纷"),
            crumbs=self.crumbs(Crumb(_("提出纠纷"))), kinds=suppliers.DISPUTE_WORDS,
            purchase=request.args.get("purchase", "")[:80],
        )  # fmt: skip

    @expose("/new", methods=("POST",))
    @needs("dispute.manage")
    def new(self) -> Any:
        """Open one; the supplier is told by mail."""
        form = request.form

        def deed() -> tuple[int, int]:
            return suppliers.open_dispute(
                form.get("purchase", "").strip()[:80], form.get("kind", ""),
                _amount(form.get("amount", "")), form.get("text", ""), people.actor(), client_ip(),
            )  # fmt: skip

        again = str(self.get_url(".new_page", purchase=form.get("purchase", "")[:80]))
        return attempt(
            deed,
            _l("已提出，供应商会收到邮件"),
            str(self.get_url(".index_view", tab="theirs")),
            again,
        )

    @expose("/<int:supplier_id>/<int:dispute_id>/reply", methods=("POST",))
    @needs("dispute.manage")
    def reply(self, supplier_id: int, dispute_id: int) -> Any:
        """Ask again."""

        def deed() -> None:
            words_ = request.form.get("text", "")
            suppliers.reply(supplier_id, dispute_id, words_, people.actor(), client_ip())

        return attempt(deed, _l("已回复，等供应商答复"), self._url(supplier_id, dispute_id))

    @expose("/<int:supplier_id>/<int:dispute_id>/agree", methods=("POST",))
    @needs("dispute.manage")
    def agree(self, supplier_id: int, dispute_id: int) -> Any:
        """Money comes back, through the books."""

        def deed() -> None:
            amount, reason = _amount(request.form.get("amount", "")), request.form.get("reason", "")
            actor = people.actor()
            suppliers.agree(supplier_id, dispute_id, amount, reason, actor, client_ip())

        return attempt(deed, _l("已达成一致，退回已入账"), self._url(supplier_id, dispute_id))

    @expose("/<int:supplier_id>/<int:dispute_id>/close", methods=("POST",))
    @needs("dispute.manage")
    def close(self, supplier_id: int, dispute_id: int) -> Any:
        """End it without money."""

        def deed() -> None:
            form, actor = request.form, people.actor()
            suppliers.close_dispute(
                supplier_id, dispute_id, form.get("decision", ""), form.get("reason", ""), actor,
                client_ip(),
            )  # fmt: skip

        return attempt(deed, _l("纠纷已结束"), self._url(supplier_id, dispute_id))

    def _url(self, supplier_id: int, dispute_id: int) -> str:
        page = {"supplier_id": supplier_id, "dispute_id": dispute_id}
        return str(self.get_url(".detail_page", **page))


def _amount(raw: str) -> int:
    try:
        return parse_amount(raw.strip().replace(",", "").lstrip("¥￥") or "0")
    except ValueError as problem:
        raise DomainError("amount_invalid", str(problem)) from None
