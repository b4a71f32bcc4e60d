"""The books: accounts with balances, transfers, and the proof. Nothing here writes."""

from __future__ import annotations

import time
from typing import Any

from flask import g, request, url_for
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text

from kameng.db import db
from kameng.identity.models import AuditEvent
from kameng.ledger import api as ledger
from kameng.ledger.models import Account, Transfer
from kameng.web.formats import plain_money
from kameng.web.limits import limit
from kameng.web.viewer import current_viewer
from kameng_admin import counts, labels, money_words, people, texts
from kameng_admin.base.cells import code, link
from kameng_admin.base.columns import Column, Filter, day_of, equals, equals_number
from kameng_admin.base.guard import Guarded, Place
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.stories import TRANSFERS, transfer_text
from kameng_admin.views.orders import station_choices
from kameng_admin.views.payments import DAYS, order_numbers

BOOKS = (("admin_accounts", _l("账户")), ("admin_transfers", _l("转账")))


class AccountsView(Guarded, BaseView):
    """Balances by station and kind."""

    need = "ledger.view"
    place = Place(_l("资金"), _l("账本"), "database")
    family = BOOKS

    @expose("/")
    def index_view(self) -> Any:
        """Accounts of one station or kind; the sums per kind above them."""
        kind = request.args.get("kind", "")
        raw = request.args.get("station", "")
        station_id = int(raw) if raw.isdecimal() and len(raw) < 12 else None
        rows = ledger.accounts(kind if kind in labels.ACCOUNT_KIND else None, station_id)
        sums: dict[str, int] = {}
        for row in rows:
            sums[row.kind] = sums.get(row.kind, 0) + row.balance
        return self.render(
            "kameng_admin/accounts.html",
            rows=rows,
            sums=sums,
            kind=kind,
            station_id=station_id,
            kinds=labels.ACCOUNT_KIND,
            stations=station_choices(),
            labels=labels,
        )


class TransfersView(ReadOnlyView):
    """Every movement of money; never changed, never deleted."""

    need = "ledger.view"
    place = Place(_l("资金"), _l("账本"), "transfer")
    family = BOOKS
    in_menu = False
    export_needs = "ledger.view"
    search_in = ("txn",)
    search_hint = _l("转账组号")
    order = ("id", True)
    empty = ("transfer", _l("还没有转账"), _l("收款、发货、退款都会在这里留下一笔。"))
    columns = (
        Column("id", _l("编号"), lambda t: code(f"T-{t.id}"), phone="title", export=lambda t: t.id),
        Column("at", _l("时间"), css="km-nowrap"),
        Column(
            "debit_account",
            _l("从"),
            lambda t: _account(t.debit_account),
            phone="meta",
            export=lambda t: _account(t.debit_account),
        ),
        Column(
            "credit_account",
            _l("到"),
            lambda t: _account(t.credit_account),
            export=lambda t: _account(t.credit_account),
        ),
        Column(
            "kind",
            _l("用途"),
            lambda t: transfer_text(t.kind),
            phone="state",
            export=lambda t: t.kind,
        ),
        Column(
            "amount",
            _l("金额（元）"),
            lambda t: plain_money(t.amount),
            css="is-num is-strong",
            phone="amount",
            export=lambda t: plain_money(t.amount).replace(",", ""),
        ),
        Column("order_id", _l("订单"), lambda t: _order(t), export=lambda t: t.order_id),
        Column("txn", _l("组"), css="is-clip", in_list=False),
    )
    filters_offered = (
        Filter("day", _l("时间"), day_of(Transfer.at), "day", choices=lambda: DAYS),
        Filter(
            "kind",
            _l("用途"),
            equals(Transfer.kind),
            choices=lambda: [(kind, transfer_text(kind)) for kind in TRANSFERS],
        ),
        Filter("station", _l("分站"), equals_number(Transfer.station_id), choices=station_choices),
        Filter("account", _l("账户编号"), lambda v: _touches(v), "text"),
    )

    def prepare(self, rows: Any) -> None:
        """Names of the accounts and numbers of the orders of the page."""
        ids = {row.debit_account for row in rows} | {row.credit_account for row in rows}
        found = db.session.scalars(select(Account).where(Account.id.in_(ids))) if ids else ()
        g.console_accounts = {account.id: account for account in found}
        g.console_orders = order_numbers({(t.station_id, t.order_id) for t in rows if t.order_id})


class VerifyView(Guarded, BaseView):
    """账本自证: every check of the books, with what it found."""

    need = "ledger.view"
    place = Place(_l("资金"), _l("账本自证"), "shield-check")

    @expose("/")
    def index_view(self) -> Any:
        """The sealed chain, the last full run, and the button."""
        return self._page(None, 0.0)

    @expose("/run", methods=("POST",))
    def run(self) -> Any:
        """Run all checks in one snapshot."""
        limit("ledger-verify", current_viewer().id, 6, 60)
        started = time.monotonic()
        report = ledger.verify()
        took = time.monotonic() - started
        people.record("ledger.verify", "ledger", ledger.run_facts(report, took))
        return self._page(report, took, crumbs=self.crumbs(Crumb(_("结果"))))

    def _page(self, report: Any, took: float, **more: Any) -> Any:
        return self.render(
            "kameng_admin/verify.html",
            report=report,
            took=took,
            last=_last(),
            head=ledger.head(),
            unsealed=ledger.unsealed(),
            exported=db.session.scalar(EXPORTED_SQL),
            differences=counts.waiting().get("admin_reconcile", (0, False))[0],
            **more,
        )


EXPORTED_SQL = text("SELECT max(exported_at) FROM ledger_seal")


def _last() -> Any:
    query = select(AuditEvent).where(
        AuditEvent.station_id == 1,
        AuditEvent.subject == "ledger",
        AuditEvent.action == "ledger.verify",
    )
    return db.session.scalar(query.order_by(AuditEvent.id.desc()).limit(1))


def _account(account_id: int) -> str:
    account = g.console_accounts.get(account_id)
    if account is None:
        return f"#{account_id}"
    kind = money_words.account_kind(account.kind)
    words = f"{texts.station_name(account.station_id)} · {kind}"
    return f"{words} {account.ref}" if account.ref else words


def _order(transfer: Transfer) -> Any:
    number = g.console_orders.get((transfer.station_id, transfer.order_id))
    if number is None:
        return "—"
    url = url_for("admin_trail.order_page", station_id=transfer.station_id, order_no=number)
    return link(url, number[-8:])


def _touches(value: str) -> Any:
    if not value.isdecimal() or len(value) > 18:
        return None
    return (Transfer.debit_account == int(value)) | (Transfer.credit_account == int(value))
