"""供应商: who applies and who supplies, with papers, people, contracts, money."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, g, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.errors import DomainError
from kameng.suppliers import api as suppliers
from kameng.suppliers.models import Supplier
from kameng.web.formats import plain_money
from kameng.web.headers import no_store
from kameng.web.limits import client_ip
from kameng_admin import labels, people, texts
from kameng_admin import supplier_words as words
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import badge, code, pairs, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, equals
from kameng_admin.base.guard import Place, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb

OWED_SQL = text(
    "SELECT s.id, b.owed FROM supplier s, supplier_balance(s.id) b WHERE s.id = ANY(:ids)"
)
FIGURES_SQL = text("""
    SELECT count(*) FILTER (WHERE p.created_at > now() - interval '30 days') AS purchases,
           count(*) FILTER (WHERE p.state = 'succeeded'
             AND p.created_at > now() - interval '30 days') AS delivered,
           count(*) FILTER (WHERE p.state IN ('created', 'sent', 'unknown')) AS open,
           (SELECT count(*) FROM supply_offer f WHERE f.supplier_id = :supplier) AS offers,
           (SELECT count(*) FROM supply_offer f WHERE f.supplier_id = :supplier
             AND f.sku_id IS NOT NULL) AS mapped
      FROM purchase p WHERE p.supplier_id = :supplier
""")
# A licence is shown in the browser: a picture or a PDF, and nothing in it may load or run.
PICTURE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
PDF_POLICY = "default-src 'none'; object-src 'self'; frame-ancestors 'none'"


class SuppliersView(ReadOnlyView):
    """Every upstream party, our own desk too."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供应商"), "building-store")
    export_needs = "supplier.view"
    search_in = ("name", "legal_name", "code")
    search_hint = _l("简称、全称、代码")
    order = ("id", True)
    empty = (
        "building-store",
        _l("还没有供应商"),
        _l("有人申请后会出现在这里。"),
    )
    columns = (
        Column("name", _l("供应商"), lambda s: two_lines(s.name, s.legal_name), phone="title",
               export=lambda s: s.name),
        Column("code", _l("代码"), lambda s: code(s.code), phone="meta"),
        Column("grade", _l("等级"), lambda s: badge(words.grade_mark(s.grade, s.grade_fixed)),
               export=lambda s: s.grade or ""),
        Column("owed", _l("应付（元）"), lambda s: plain_money(g.supplier_owed.get(s.id, 0)),
               css="is-num is-strong", phone="amount",
               export=lambda s: plain_money(g.supplier_owed.get(s.id, 0)).replace(",", "")),
        Column("created_at", _l("申请时间"), sort=True, css="km-nowrap"),
        Column("state", _l("状态"), lambda s: badge(labels.mark(words.SUPPLIER, s.state)),
               phone="state", export=lambda s: labels.mark(words.SUPPLIER, s.state).label),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("applied", _l("待审核"), lambda: Supplier.state == "applied"),
        Tab("active", _l("合作中"), lambda: Supplier.state == "active"),
        Tab("paused", _l("已暂停"), lambda: Supplier.state == "paused"),
    )
    filters_offered = (
        Filter(
            "grade", _l("等级"), equals(Supplier.grade),
            choices=lambda: [(grade, grade) for grade in suppliers.GRADES],
        ),
    )  # fmt: skip

    def prepare(self, rows: Any) -> None:
        """What each of the page is owed."""
        ids = [row.id for row in rows]
        g.supplier_owed = pairs(OWED_SQL.bindparams(ids=ids)) if ids else {}

    def row_url(self, row: Any) -> str:
        """The supplier's own page."""
        return str(self.get_url(".detail_page", supplier_id=row.id))

    @expose("/<int:supplier_id>")
    def detail_page(self, supplier_id: int) -> Any:
        """Everything about one supplier, and what can be done now."""
        one = suppliers.supplier(supplier_id)
        cards = suppliers.scorecards(supplier_id, limit=1)
        return self.render(
            "kameng_admin/supplier.html", page_title=one.name, crumbs=self.crumbs(Crumb(one.name)),
            one=one, state=labels.mark(words.SUPPLIER, one.state), words=words, labels=labels,
            texts=texts, grade=words.grade_mark(one.grade, one.grade_fixed),
            grades=suppliers.GRADES, papers=suppliers.documents_of(supplier_id),
            paper_words=suppliers.DOCUMENT_WORDS, people=suppliers.people_of(supplier_id),
            contracts=suppliers.contracts_of(supplier_id),
            payments=suppliers.payments_of(supplier_id, 5),
            disputes=suppliers.disputes_of(supplier_id, "waiting"),
            card=cards[0] if cards else None, today=date.today(),
            figures=db.session.execute(FIGURES_SQL, {"supplier": supplier_id}).one(),
        )  # fmt: skip

    @expose("/<int:supplier_id>/approve", methods=("POST",))
    @needs("supplier.review")
    def approve(self, supplier_id: int) -> Any:
        """Take an applicant on; the invitation goes by mail."""
        login = request.form.get("login", "")[:60]

        def deed() -> None:
            suppliers.approve(supplier_id, login, people.actor(), client_ip())

        return self._back(deed, _l("已通过，账号链接发到对方邮箱"), supplier_id)

    @expose("/<int:supplier_id>/refuse", methods=("POST",))
    @needs("supplier.review")
    def turn_away(self, supplier_id: int) -> Any:
        """Turn an applicant away."""

        def deed() -> None:
            suppliers.refuse(supplier_id, _reason(), people.actor(), client_ip())

        return self._back(deed, _l("已拒绝，原因发到对方邮箱"), supplier_id)

    @expose("/<int:supplier_id>/state", methods=("POST",))
    @needs("supplier.manage")
    def set_state(self, supplier_id: int) -> Any:
        """Pause, resume, close."""
        state = request.form.get("state", "")[:20]

        def deed() -> None:
            suppliers.set_state(supplier_id, state, _reason(), people.actor(), client_ip())

        return self._back(deed, _l("状态已改变"), supplier_id)

    @expose("/<int:supplier_id>/grade", methods=("POST",))
    @needs("supplier.manage")
    def set_grade(self, supplier_id: int) -> Any:
        """Fix the grade, or give it back to the scorecard."""
        grade = request.form.get("grade", "")[:1]

        def deed() -> None:
            suppliers.fix_grade(supplier_id, grade, _reason(), people.actor(), client_ip())

        return self._back(deed, _l("等级已改变"), supplier_id)

    @expose("/<int:supplier_id>/documents/<int:document_id>")
    @needs("supplier.review")
    def document(self, supplier_id: int, document_id: int) -> Any:
        """The file itself, shown in the browser; that it was opened is written down."""
        media, content = suppliers.open_document(
            supplier_id, document_id, people.actor(), client_ip()
        )
        response = Response(content, content_type=media)
        response.headers["Content-Disposition"] = "inline"
        policy = PDF_POLICY if media == "application/pdf" else PICTURE_POLICY
        response.headers["Content-Security-Policy"] = policy
        return no_store(response)

    @expose("/<int:supplier_id>/documents/<int:document_id>/review", methods=("POST",))
    @needs("supplier.review")
    def review(self, supplier_id: int, document_id: int) -> Any:
        """Approve a document until its last day, or refuse it."""
        form = request.form

        def deed() -> None:
            suppliers.review(
                supplier_id, document_id, approve=form.get("decision") == "approve",
                reason=form.get("reason", ""), valid_until=_day(form.get("valid_until", "")),
                number=form.get("number", ""), issued_by=form.get("issued_by", ""),
                actor=people.actor(), ip=client_ip(),
            )  # fmt: skip

        return self._back(deed, _l("材料已处理"), supplier_id)

    @expose("/<int:supplier_id>/people", methods=("POST",))
    @needs("supplier.manage")
    def invite(self, supplier_id: int) -> Any:
        """One more person of this supplier."""
        form = request.form

        def deed() -> None:
            suppliers.invite(
                supplier_id, form.get("login", ""), form.get("name", ""), form.get("email", ""),
                people.actor(), client_ip(),
            )  # fmt: skip

        return self._back(deed, _l("邀请已发到邮箱"), supplier_id)

    @expose("/<int:supplier_id>/people/<int:user_id>/<any(invite, totp):deed>", methods=("POST",))
    @needs("supplier.manage")
    def person(self, supplier_id: int, user_id: int, deed: str) -> Any:
        """A new link, or a reset second factor."""
        again = suppliers.invite_again if deed == "invite" else suppliers.reset_second_factor
        done = _l("新链接已发到邮箱") if deed == "invite" else _l("已重置，下次登录重新绑定")
        return self._back(
            lambda: again(supplier_id, user_id, people.actor(), client_ip()), done, supplier_id
        )

    def _back(self, deed: Any, done: Any, supplier_id: int) -> Any:
        return attempt(deed, done, str(self.get_url(".detail_page", supplier_id=supplier_id)))


def supplier_choices() -> list[tuple[str, str]]:
    """Suppliers outside for a select, by name."""
    names = pairs(text("SELECT id, name FROM supplier WHERE NOT internal ORDER BY name"))
    return [(str(number), str(name)) for number, name in names.items()]


def supplier_names() -> dict[int, str]:
    """Names of all suppliers, once a request."""
    if "console_suppliers" not in g:
        g.console_suppliers = pairs(text("SELECT id, name FROM supplier"))
    return dict(g.console_suppliers)


def supplier_url(supplier_id: int) -> str:
    """The page of a supplier."""
    return url_for("admin_suppliers.detail_page", supplier_id=supplier_id)


def _reason() -> str:
    return request.form.get("reason", "")


def _day(raw: str) -> date | None:
    if not raw.strip():
        return None
    try:
        return date.fromisoformat(raw.strip())
    except ValueError:
        raise DomainError("day_invalid", _("日期写成 2026-12-31 的样子")) from None
