"""结算: what was and will be released, the terms, and statements of any station."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Response, flash, g, redirect, request, url_for
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func
from wtforms import BooleanField, IntegerField
from wtforms.validators import NumberRange

from kameng.errors import DomainError, NotFound
from kameng.settlement import api as settlement
from kameng.settlement.models import Settlement
from kameng.web.formats import order_no as grouped
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import labels, people, texts
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.cells import badge, link
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals_number
from kameng_admin.base.forms import AmountField, ConsoleForm, Required
from kameng_admin.base.guard import Guarded, Place, needs, whole_number
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import station_choices
from kameng_admin.views.payments import DAYS, order_numbers

MAIN_STATION = 1
SETTLING = (
    ("admin_settlements", _l("结算单")),
    ("admin_terms", _l("结算条款")),
    ("admin_statements", _l("对账单")),
)


def _sheet_money(amount: int) -> str:
    return plain_money(amount).replace(",", "").replace("−", "-")


def _money_column(name: str, label: Any, css: str = "is-num", phone: Any = "") -> Column:
    return Column(
        name,
        label,
        lambda s: plain_money(getattr(s, name)),
        css=css,
        phone=phone,
        export=lambda s: _sheet_money(getattr(s, name)),
    )


class SettlementsView(ReadOnlyView):
    """One row for each level that earns with an order."""

    need = "settlement.view"
    place = Place(_l("资金"), _l("结算"), "calendar")
    family = SETTLING
    export_needs = "settlement.view"
    order = ("due_at", True)
    head_template = "kameng_admin/settlement_head.html"
    empty = ("calendar", _l("还没有结算单"), _l("分站卖出第一单后会出现在这里。"))
    columns = (
        Column(
            "station_id",
            _l("分站"),
            lambda s: texts.station_name(s.station_id),
            phone="title",
            export=lambda s: texts.station_name(s.station_id),
        ),
        Column(
            "order_id",
            _l("订单"),
            lambda s: _order(s),
            phone="meta",
            export=lambda s: g.console_order_numbers.get((s.order_station_id, s.order_id), ""),
        ),
        _money_column("margin", _l("利润（元）"), "is-num is-strong", "amount"),
        _money_column("returned", _l("退款退回")),
        _money_column("fee", _l("服务费")),
        _money_column("gateway_fee", _l("支付手续费")),
        Column(
            "state",
            _l("状态"),
            lambda s: badge(labels.mark(labels.SETTLEMENT, s.state)),
            phone="state",
            export=lambda s: labels.mark(labels.SETTLEMENT, s.state).label,
        ),
        Column("due_at", _l("到期"), sort=True, css="km-nowrap"),
        Column("released_at", _l("结算时间"), sort=True, css="km-nowrap"),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab(
            "due",
            _l("已到期未结算"),
            lambda: (Settlement.state == "pending") & (Settlement.due_at <= func.now()),
        ),
        Tab("pending", _l("待结算"), lambda: Settlement.state == "pending"),
        Tab("released", _l("已结算"), lambda: Settlement.state == "released", counted=False),
    )
    filters_offered = (
        Filter("day", _l("到期"), day_of(Settlement.due_at), "day", choices=lambda: DAYS),
        Filter(
            "station", _l("分站"), equals_number(Settlement.station_id), choices=station_choices
        ),
    )

    def prepare(self, rows: Any) -> None:
        """Order numbers of the page."""
        g.console_order_numbers = order_numbers({(r.order_station_id, r.order_id) for r in rows})

    def render(self, template: str, **kwargs: Any) -> Any:
        """The list says what the job has before it."""
        if template == self.list_template:
            kwargs["backlog"] = settlement.backlog()
        return super().render(template, **kwargs)


def _order(row: Settlement) -> Any:
    number = g.console_order_numbers.get((row.order_station_id, row.order_id))
    if number is None:
        return "—"
    page = {"station_id": row.order_station_id, "order_no": number}
    return link(url_for("admin_orders.detail_page", **page), grouped(number))


class TermsForm(ConsoleForm):
    """All terms of a station; shares in percent of a hundredth."""

    release_days = IntegerField(
        _l("几天后结算"),
        [NumberRange(0, 90, _l("0 到 90 天"))],
        description=_l("按中国日历，第 n 天零点；0 为成交即结算"),
    )
    fee_bp = IntegerField(
        _l("服务费（万分之）"),
        [NumberRange(0, 5000, _l("0 到 5000"))],
        description=_l("从利润里扣，100 即百分之一"),
    )
    withdraw_minimum = AmountField(_l("每笔最低提现（元）"), [Required()])
    withdraw_daily_limit = AmountField(_l("每日提现限额（元）"), [Required()])
    withdraw_fee = AmountField(_l("每笔手续费（元）"), [Required()])
    withdraw_fee_bp = IntegerField(
        _l("提现手续费（万分之）"), [NumberRange(0, 1000, _l("0 到 1000"))]
    )
    two_person_above = AmountField(
        _l("两人批准的起点（元）"), [Required()], description=_l("超过这个金额要两个人批准")
    )
    deposit_required = AmountField(
        _l("应缴保证金（元）"), [Required()], description=_l("不足时不能提现")
    )
    pays_gateway_fee = BooleanField(_l("卖出的分站承担支付手续费"))


class TermsView(Guarded, BaseView):
    """Terms of all, and of stations that have their own."""

    need = "settlement.view"
    place = Place(_l("资金"), _l("结算"), "scale")
    family = SETTLING
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """The default first, then every station."""
        own = settlement.own_terms()
        names = texts.station_names()
        rows = [(number, names[number], own.get(number)) for number in sorted(names)]
        return self.render(
            "kameng_admin/terms.html", rows=rows, default=settlement.terms_of(MAIN_STATION)
        )

    @expose("/<int:station_id>", methods=("GET", "POST"))
    @needs("settlement.manage")
    def edit(self, station_id: int) -> Any:
        """The form; saving asks once more, for money follows from it."""
        if station_id not in texts.station_names():
            raise NotFound("station_unknown", _l("没有这个分站。"))
        now = settlement.terms_of(station_id)
        form = TermsForm(request.form, data=asdict(now.terms))
        if form.sent():
            try:
                terms = settlement.Terms(**form.data)
                settlement.save_terms(station_id, terms, people.actor(), client_ip())
            except DomainError as refused:
                form.release_days.errors = [*form.release_days.errors, error_text(refused)]
            else:
                flash(_("条款已保存，从现在起生效"), "ok")
                return redirect(self.get_url(".index_view"), 303)
        title = _("默认条款") if station_id == MAIN_STATION else texts.station_name(station_id)
        return self.page(
            "kameng_admin/terms_edit.html",
            422 if form.errors else 200,
            form=form,
            now=now,
            page_title=title,
            crumbs=self.crumbs(Crumb(title)),
            texts=texts,
        )

    @expose("/<int:station_id>/default", methods=("POST",))
    @needs("settlement.manage")
    def drop(self, station_id: int) -> Any:
        """Back to the terms of all."""
        return attempt(
            lambda: settlement.drop_terms(station_id, people.actor(), client_ip()),
            _l("已改回默认条款"),
            str(self.get_url(".index_view")),
        )


class StatementsView(Guarded, BaseView):
    """Statements of any station, as it sees them itself."""

    need = "settlement.view"
    place = Place(_l("资金"), _l("结算"), "report-money")
    family = SETTLING
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """One station, one period; this month unless asked otherwise."""
        station_id, key = _asked()
        page = (
            max(1, int(p)) if (p := request.args.get("page", "1")).isdecimal() and len(p) < 6 else 1
        )
        whole = settlement.statement(station_id, key)
        return self.render(
            "kameng_admin/statement.html",
            statement=whole,
            lines=settlement.statement_lines(station_id, key, (page - 1) * settlement.LINES),
            page=page,
            pages=-(-whole.lines // settlement.LINES),
            stations=station_choices(),
            station_id=station_id,
            funds=settlement.funds(station_id),
            words=settlement.ACCOUNT_WORDS,
            kind_word=settlement.kind_word,
            texts=texts,
        )

    @expose("/sheet/<any(csv, xlsx):kind>")
    def sheet(self, kind: str) -> Any:
        """Every line; written to the audit log."""
        station_id, key = _asked()
        name, media, body = settlement.statement_sheet(station_id, key, kind)
        people.record("export", f"station:{station_id}", {"type": kind, "period": key})
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Response(body, headers=headers, content_type=media)


def _page_number() -> int:
    raw = request.args.get("page", "1")
    return max(1, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 1


def _asked() -> tuple[int, str]:
    """Station and period of the address; a station that is none is not found."""
    below = [int(number) for number, _name in station_choices() if int(number) != MAIN_STATION]
    raw = request.args.get("station") or (below[0] if below else MAIN_STATION)
    station_id = whole_number(raw)
    if station_id not in texts.station_names():
        raise NotFound("station_unknown", _l("没有这个分站。"))
    asked = settlement.period(request.args.get("day") or request.args.get("key", ""))
    return station_id, asked.key if asked else datetime.now(settlement.CHINA).strftime("%Y-%m")
