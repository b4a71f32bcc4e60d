"""供应商付款与对账单: what is owed, what was paid, their own bills beside ours."""

from __future__ import annotations

import secrets
from datetime import date
from io import BytesIO
from typing import Any

from flask import Response, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from kameng import sheets
from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.suppliers.models import SupplierPayment, SupplierStatement
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import labels, people, texts
from kameng_admin import supplier_words as words
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import badge, code, link
from kameng_admin.base.columns import Column, Filter, Tab, equals_number
from kameng_admin.base.forms import parse_amount
from kameng_admin.base.guard import Place, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb, back_or
from kameng_admin.views.suppliers import supplier_choices, supplier_names, supplier_url

PAYING = (
    ("admin_supplier_payments", _l("付款")),
    ("admin_supplier_statements", _l("对账单")),
)
PAGE, MOST_BILL = 50, 8 * 1024 * 1024
METHODS = (_l("银行转账"), _l("支付宝"), _l("微信"), _l("其他"))


def _supplier_cell(row: Any) -> Any:
    return link(supplier_url(row.supplier_id), supplier_names().get(row.supplier_id, "—"))


def _supplier_filter(column: Any) -> Filter:
    return Filter("supplier", _l("供应商"), equals_number(column), choices=supplier_choices)


class SupplierPaymentsView(ReadOnlyView):
    """Every payment to a supplier, and asking for one."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供应商结算"), "report-money")
    family = PAYING
    export_needs = "supplier.view"
    search_in = ("reference", "note")
    search_hint = _l("流水号、备注")
    order = ("id", True)
    head_template = "kameng_admin/supplier_payment_head.html"
    empty = ("report-money", _l("还没有付款"), _l("登记已经打出的款，另一个人批准后入账。"))
    columns = (
        Column("id", _l("编号"), lambda p: code(f"SP-{p.id}"), phone="title"),
        Column("supplier_id", _l("供应商"), _supplier_cell, phone="meta",
               export=lambda p: supplier_names().get(p.supplier_id, "")),
        Column("paid_on", _l("付款日期"), sort=True, css="km-nowrap"),
        Column("method", _l("方式")),
        Column("reference", _l("流水号"), lambda p: code(p.reference) if p.reference else "—"),
        Column("amount", _l("金额（元）"), lambda p: plain_money(p.amount, 2),
               css="is-num is-strong", phone="amount",
               export=lambda p: plain_money(p.amount, 2).replace(",", "").replace("−", "-")),
        Column("requested_by", _l("申请人"), lambda p: texts.actor_text(p.requested_by)),
        Column("state", _l("状态"), lambda p: badge(labels.mark(words.PAYMENT, p.state)),
               phone="state", export=lambda p: labels.mark(words.PAYMENT, p.state).label),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("waiting", _l("等批准"), lambda: SupplierPayment.state == "waiting"),
    )
    filters_offered = (_supplier_filter(SupplierPayment.supplier_id),)

    @expose("/ask", methods=("GET",))
    @needs("supplier.pay")
    def ask_page(self) -> Any:
        """The form."""
        chosen = request.args.get("supplier", "")[:19]
        owed = suppliers.owed_to(int(chosen)) if chosen.isdecimal() else None
        return self.render(
            "kameng_admin/supplier_payment.html", page_title=_("登记付款"),
            crumbs=self.crumbs(Crumb(_("登记付款"))), choices=supplier_choices(), chosen=chosen,
            owed=owed, key=secrets.token_urlsafe(18), today=date.today(), methods=METHODS,
        )  # fmt: skip

    @expose("/ask", methods=("POST",))
    @needs("supplier.pay")
    def ask(self) -> Any:
        """Ask for it; nothing moves before another person agrees."""
        form = request.form

        def deed() -> int:
            chosen = form.get("supplier", "")[:18]
            return suppliers.request_payment(
                int(chosen) if chosen.isdecimal() else 0, _amount(form.get("amount", "")),
                _day(form.get("paid_on", "")), form.get("method", ""), form.get("reference", ""),
                form.get("note", ""), people.actor(), form.get("key", "")[:60], client_ip(),
            )  # fmt: skip

        again = back_or(str(self.get_url(".ask_page", supplier=form.get("supplier", "")[:18])))
        return attempt(deed, _asked, str(self.get_url(".index_view")), again)


class SupplierStatementsView(ReadOnlyView):
    """Statements of all suppliers."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供应商结算"), "report-money")
    family = PAYING
    in_menu = False
    order = ("period_until", True)
    empty = ("report-money", _l("还没有对账单"), _l("账期结束后的凌晨自动出，供应商在门户确认。"))
    columns = (
        Column("period_until", _l("账期"), lambda s: f"{s.period_from} — {s.period_until}",
               sort=True, phone="title"),
        Column("supplier_id", _l("供应商"), _supplier_cell, phone="meta"),
        Column("purchases", _l("采购（元）"), lambda s: plain_money(s.purchases), css="is-num"),
        Column("refunds", _l("退回"), lambda s: plain_money(s.refunds), css="is-num"),
        Column("payments", _l("付款"), lambda s: plain_money(s.payments), css="is-num"),
        Column("closing", _l("期末应付"), lambda s: plain_money(s.closing),
               css="is-num is-strong", phone="amount"),
        Column("their_total", _l("对方合计"),
               lambda s: "—" if s.their_total is None else plain_money(s.their_total),
               css="is-num"),
        Column("state", _l("状态"), lambda s: badge(labels.mark(words.STATEMENT, s.state)),
               phone="state"),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("open", _l("等确认"), lambda: SupplierStatement.state == "open"),
        Tab("disputed", _l("有异议"), lambda: SupplierStatement.state == "disputed"),
    )
    filters_offered = (_supplier_filter(SupplierStatement.supplier_id),)

    def row_url(self, row: Any) -> str:
        """The statement's own page."""
        return self._url(row.supplier_id, row.id)

    @expose("/<int:supplier_id>/<int:statement_id>")
    def detail_page(self, supplier_id: int, statement_id: int) -> Any:
        """Sums, lines, and the worklist that their bill has left."""
        one = suppliers.statement(supplier_id, statement_id)
        raw = request.args.get("page", "1")
        page = max(1, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 1
        found = suppliers.disputes_of(supplier_id, statement_id=statement_id)
        work = [(d, suppliers.messages_of(supplier_id, d.id)[0].words) for d in found]
        title = f"{one.period_from} — {one.period_until}"
        return self.render(
            "kameng_admin/supplier_statement.html", page_title=title,
            crumbs=self.crumbs(Crumb(title)), one=one, page=page, pages=-(-one.lines // PAGE),
            supplier=suppliers.supplier(supplier_id), work=work, words=words, labels=labels,
            lines=suppliers.lines_of(one, (page - 1) * PAGE), kinds=suppliers.POSTING_WORDS,
            state=labels.mark(words.STATEMENT, one.state),
        )  # fmt: skip

    @expose("/<int:supplier_id>/<int:statement_id>/sheet.<any(csv, xlsx):kind>")
    def sheet(self, supplier_id: int, statement_id: int, kind: str) -> Any:
        """Every line; written to the audit log."""
        one = suppliers.statement(supplier_id, statement_id)
        name, media, body = suppliers.statement_sheet(one, kind)
        people.record("export", f"supplier:{supplier_id}", {"statement": statement_id})
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store",
        }  # fmt: skip
        return Response(body, headers=headers, content_type=media)

    @expose("/<int:supplier_id>/<int:statement_id>/total", methods=("POST",))
    @needs("supplier.pay")
    def total(self, supplier_id: int, statement_id: int) -> Any:
        """What their own bill comes to."""

        def deed() -> None:
            amount = _amount(request.form.get("amount", ""))
            actor = people.actor()
            suppliers.set_their_total(supplier_id, statement_id, amount, actor, client_ip())

        return attempt(deed, _l("对方合计已登记"), self._url(supplier_id, statement_id))

    @expose("/<int:supplier_id>/<int:statement_id>/bill", methods=("POST",))
    @needs("supplier.pay")
    def bill(self, supplier_id: int, statement_id: int) -> Any:
        """Compare their bill line by line; differences become the worklist."""

        def deed() -> suppliers.Comparison:
            upload = request.files.get("bill")
            content = upload.read(MOST_BILL + 1) if upload is not None else b""
            if not content or len(content) > MOST_BILL:
                raise DomainError("bill_missing", _("请选择 8 MB 以内的 CSV 或 XLSX 账单"))
            try:
                theirs = suppliers.read_bill(sheets.read_rows(BytesIO(content)))
            except sheets.SheetError as error:
                text = _("读不出这个文件，请用 CSV 或 XLSX")
                raise DomainError("bill_invalid", text) from error
            actor = people.actor()
            return suppliers.compare_bill(supplier_id, statement_id, theirs, actor, client_ip())

        return attempt(deed, _compared, self._url(supplier_id, statement_id))

    def _url(self, supplier_id: int, statement_id: int) -> str:
        page = {"supplier_id": supplier_id, "statement_id": statement_id}
        return str(self.get_url(".detail_page", **page))


def _asked(number: int) -> str:
    return str(_("付款 SP-%(no)s 已登记，等另一个人批准", no=number))


def _compared(found: suppliers.Comparison) -> str:
    return str(
        _("账单 %(lines)s 行，差异 %(n)s 处，新增 %(new)s，关闭 %(closed)s", lines=found.lines,
          n=len(found.differences), new=found.opened, closed=found.closed)
    )  # fmt: skip


def _amount(raw: str) -> int:
    try:
        return parse_amount(raw.strip().replace(",", "").lstrip("¥￥") or "?", signed=True)
    except ValueError as problem:
        raise DomainError("amount_invalid", str(problem)) from None


def _day(raw: str) -> date:
    try:
        return date.fromisoformat(raw.strip())
    except ValueError:
        raise DomainError("day_invalid", _("请填写付款日期")) from None
