"""合同: drafts, signing, the cost list, a page for the printer."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from flask import Response, flash, redirect, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from kameng import sheets
from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.suppliers.models import SupplierContract
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import labels, people, texts
from kameng_admin import supplier_words as words
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.cells import badge, code, link
from kameng_admin.base.columns import Column, Filter, Tab, equals_number
from kameng_admin.base.forms import AmountField, ChoiceField, ConsoleForm, Required
from kameng_admin.base.guard import Place, needs, whole_number
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.views.suppliers import supplier_choices, supplier_names, supplier_url

MOST_SHEET = 2 * 1024 * 1024
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ContractForm(ConsoleForm):
    """All that is agreed, but for the cost list."""

    terms = ChoiceField(_l("条款"), choices=list(words.TERMS.items()))
    settlement_cycle = ChoiceField(_l("结算周期"), choices=list(words.CYCLES.items()))
    valid_from = DateField(_l("开始日期"), [InputRequired(_l("请填写日期"))])
    valid_until = DateField(_l("结束日期"), [InputRequired(_l("请填写日期"))])
    credit_limit = AmountField(
        _l("可欠额度（元）"), [Required()], description=_l("0 为预付，超过额度不再向它采购")
    )
    duty_contact = StringField(_l("值班人"), [Length(max=40)])
    duty_phone = StringField(_l("值班电话"), [Length(max=40)])
    duty_minutes = IntegerField(
        _l("几分钟内答复"), [NumberRange(1, 10080, _l("1 到 10080 分钟"))],
        description=_l("纠纷单的期限"),
    )  # fmt: skip
    note = TextAreaField(_l("备注"), [Length(max=1000)])


class ContractsView(ReadOnlyView):
    """Every contract with every supplier."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供应商合同"), "certificate")
    search_in = ("contract_no",)
    search_hint = _l("合同编号")
    order = ("id", True)
    note = _l("在供应商页新建")
    empty = ("certificate", _l("还没有合同"), _l("在供应商的页面新建草稿，双方签后生效。"))
    columns = (
        Column("contract_no", _l("编号"), lambda c: code(c.contract_no), phone="title"),
        Column(
            "supplier_id", _l("供应商"),
            lambda c: link(supplier_url(c.supplier_id), supplier_names().get(c.supplier_id, "—")),
            phone="meta",
        ),
        Column("terms", _l("条款"), lambda c: words.TERMS.get(c.terms, c.terms)),
        Column("valid_until", _l("到期"), sort=True, css="km-nowrap"),
        Column("credit_limit", _l("额度（元）"), lambda c: plain_money(c.credit_limit, 2),
               css="is-num", phone="amount"),
        Column("settlement_cycle", _l("结算"), lambda c: words.CYCLES.get(c.settlement_cycle)),
        Column("state", _l("状态"), lambda c: badge(labels.mark(words.CONTRACT, c.state)),
               phone="state"),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("active", _l("执行中"), lambda: SupplierContract.state == "active"),
        Tab("draft", _l("草稿"), lambda: SupplierContract.state == "draft"),
        Tab(
            "ending", _l("30 天内到期"),
            lambda: (SupplierContract.state == "active")
            & (SupplierContract.valid_until <= date.today() + timedelta(days=30)),
        ),
    )  # fmt: skip
    filters_offered = (
        Filter(
            "supplier", _l("供应商"), equals_number(SupplierContract.supplier_id),
            choices=supplier_choices,
        ),
    )  # fmt: skip

    def row_url(self, row: Any) -> str:
        """The contract's own page."""
        return self._url(".detail_page", row.supplier_id, row.id)

    @expose("/<int:supplier_id>/<int:contract_id>")
    def detail_page(self, supplier_id: int, contract_id: int) -> Any:
        """Terms, costs, and what can be done now."""
        return self._show("kameng_admin/contract.html", supplier_id, contract_id)

    @expose("/<int:supplier_id>/<int:contract_id>/print")
    def print_page(self, supplier_id: int, contract_id: int) -> Any:
        """The same for paper."""
        return self._show("kameng_admin/contract_print.html", supplier_id, contract_id)

    @expose("/new/<int:supplier_id>", methods=("GET", "POST"))
    @needs("supplier.manage")
    def new(self, supplier_id: int) -> Any:
        """A draft."""
        one = suppliers.supplier(supplier_id)
        start = date.today()
        given = {
            "terms": "standard", "settlement_cycle": "monthly", "valid_from": start,
            "valid_until": start + timedelta(days=364), "credit_limit": 0, "duty_minutes": 30,
        }  # fmt: skip

        def save(terms: suppliers.ContractTerms) -> int:
            return suppliers.draft_contract(supplier_id, terms, people.actor(), client_ip())

        return self._form(supplier_id, given, save, _("新合同 · %(name)s", name=one.name))

    @expose("/<int:supplier_id>/<int:contract_id>/edit", methods=("GET", "POST"))
    @needs("supplier.manage")
    def edit(self, supplier_id: int, contract_id: int) -> Any:
        """Change a draft."""
        one = suppliers.contract(supplier_id, contract_id)

        def save(terms: suppliers.ContractTerms) -> int:
            actor = people.actor()
            suppliers.change_contract(supplier_id, contract_id, terms, actor, client_ip())
            return contract_id

        return self._form(supplier_id, asdict(one), save, one.contract_no)

    @expose("/<int:supplier_id>/<int:contract_id>/sign", methods=("POST",))
    @needs("supplier.manage")
    def sign(self, supplier_id: int, contract_id: int) -> Any:
        """Both sides have signed."""

        def deed() -> None:
            suppliers.sign_contract(supplier_id, contract_id, people.actor(), client_ip())

        return self._back(deed, _l("合同已生效"), supplier_id, contract_id)

    @expose("/<int:supplier_id>/<int:contract_id>/end", methods=("POST",))
    @needs("supplier.manage")
    def end(self, supplier_id: int, contract_id: int) -> Any:
        """It is over."""

        def deed() -> None:
            reason = request.form.get("reason", "")
            suppliers.end_contract(supplier_id, contract_id, reason, people.actor(), client_ip())

        return self._back(deed, _l("合同已结束"), supplier_id, contract_id)

    @expose("/<int:supplier_id>/<int:contract_id>/cost", methods=("POST",))
    @needs("supplier.manage")
    def put_cost(self, supplier_id: int, contract_id: int) -> Any:
        """One agreed cost."""

        def deed() -> int:
            sku = request.form.get("code", "").strip()[:80]
            cost = suppliers.cost_of(request.form.get("cost", "").strip())
            if cost is None:
                raise DomainError("cost_invalid", _("成本要是金额，最多四位小数"))
            given = {sku: cost}
            return suppliers.put_costs(supplier_id, contract_id, given, people.actor(), client_ip())

        return self._back(deed, _l("约定成本已保存"), supplier_id, contract_id)

    @expose("/<int:supplier_id>/<int:contract_id>/costs", methods=("POST",))
    @needs("supplier.manage")
    def put_sheet(self, supplier_id: int, contract_id: int) -> Any:
        """The whole list from a sheet: what is not on it leaves the list."""

        def deed() -> int:
            upload = request.files.get("sheet")
            content = upload.read(MOST_SHEET + 1) if upload is not None else b""
            costs = _costs_of(content)
            return suppliers.put_costs(
                supplier_id, contract_id, costs, people.actor(), client_ip(), whole=True
            )

        done = _done_costs
        return self._back(deed, done, supplier_id, contract_id)

    @expose("/<int:supplier_id>/<int:contract_id>/costs.<any(csv, xlsx):kind>")
    def sheet(self, supplier_id: int, contract_id: int, kind: str) -> Any:
        """The cost list as a file."""
        one = suppliers.contract(supplier_id, contract_id)
        rows: list[list[str]] = [["code", "name", "cost"]]
        for line in suppliers.costs_of(supplier_id, contract_id):
            cost = suppliers.cost_text(line.cost)
            rows.append([line.code, f"{line.product} {line.sku}", cost])
        people.record("export", f"supplier:{supplier_id}", {"contract_no": one.contract_no})
        body = sheets.write_csv(rows) if kind == "csv" else sheets.write_xlsx(rows, "costs")
        media = "text/csv; charset=utf-8" if kind == "csv" else SHEET_TYPE
        name = f"{one.contract_no}.{kind}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store",
        }  # fmt: skip
        return Response(body, headers=headers, content_type=media)

    def _show(self, template: str, supplier_id: int, contract_id: int) -> Any:
        one = suppliers.contract(supplier_id, contract_id)
        return self.render(
            template, page_title=one.contract_no, crumbs=self.crumbs(Crumb(one.contract_no)),
            one=one, supplier=suppliers.supplier(supplier_id), words=words, texts=texts,
            costs=suppliers.costs_of(supplier_id, contract_id),
            state=labels.mark(words.CONTRACT, one.state),
        )  # fmt: skip

    def _form(self, supplier_id: int, given: dict[str, Any], save: Any, title: str) -> Any:
        form = ContractForm(request.form, data=given)
        if form.sent():
            try:
                number = save(suppliers.ContractTerms(**form.data))
            except DomainError as refused:
                field = form[str(refused.facts.get("field", "terms"))]
                field.errors = [*field.errors, error_text(refused)]
            else:
                flash(_("合同草稿已保存"), "ok")
                return redirect(self._url(".detail_page", supplier_id, number), 303)
        return self.page(
            "kameng_admin/contract_form.html", 422 if form.errors else 200, form=form,
            page_title=title, crumbs=self.crumbs(Crumb(title)), back=supplier_url(supplier_id),
        )  # fmt: skip

    def _back(self, deed: Any, done: Any, supplier_id: int, contract_id: int) -> Any:
        return attempt(deed, done, self._url(".detail_page", supplier_id, contract_id))

    def _url(self, name: str, supplier_id: int, contract_id: int) -> str:
        number = whole_number(contract_id)
        return str(self.get_url(name, supplier_id=supplier_id, contract_id=number))


def _done_costs(count: int) -> str:
    return str(_("已按表格更新 %(n)s 个规格的约定成本", n=count))


def _costs_of(content: bytes) -> dict[str, int]:
    from io import BytesIO

    if not content or len(content) > MOST_SHEET:
        raise DomainError("sheet_missing", _("请选择 2 MB 以内的 CSV 或 XLSX 文件"))
    try:
        costs, wrong = suppliers.read_cost_rows([*sheets.read_rows(BytesIO(content))])
    except sheets.SheetError as error:
        raise DomainError("sheet_invalid", _("读不出这个文件，请用 CSV 或 XLSX")) from error
    if wrong or not costs:
        raise DomainError("sheet_invalid", "；".join(wrong[:5]) or _("表格里没有数据"))
    return costs
