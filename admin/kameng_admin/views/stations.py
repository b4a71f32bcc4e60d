"""Stations, and the review of applications to open one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from kameng.db import db
from kameng.pricing import api as pricing
from kameng.runtime import current_settings
from kameng.stations import api as stations
from kameng.stations.models import Host, Station, StationApplication
from kameng.web.formats import plain_money
from kameng.web.limits import client_ip
from kameng_admin import charts, labels, people, texts, words
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.cells import badge, code, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, equals
from kameng_admin.base.guard import Place, needs
from kameng_admin.base.model_view import ReadOnlyView, SecureModelView
from kameng_admin.shell import Crumb
from kameng_admin.views.adjusting import adjusting
from kameng_admin.views.orders import choices_of

FIGURES_SQL = text("""
    SELECT station_id, count(*) FILTER (WHERE paid_at IS NOT NULL) AS orders,
           coalesce(sum(payable) FILTER (WHERE paid_at IS NOT NULL), 0)::bigint AS turnover,
           count(*) FILTER (WHERE state IN ('delivered', 'completed')) AS good,
           count(*) FILTER (WHERE state IN ('refunding', 'refunded', 'failed')) AS bad
      FROM orders WHERE created_at >= now() - interval '30 days'
       AND (CAST(:station AS bigint) IS NULL OR station_id = :station) GROUP BY 1
""")
DAYS_SQL = text("""
    SELECT (created_at AT TIME ZONE :zone)::date AS day,
           coalesce(sum(payable), 0)::bigint AS turnover
      FROM orders WHERE station_id = :station AND paid_at IS NOT NULL
       AND created_at >= now() - interval '30 days' GROUP BY 1 ORDER BY 1
""")


STATE_MEANINGS = {  # what shoppers and the owner notice
    "training": _l("店铺还打不开，店长先培训"),
    "trial": _l("买家可以下单，处在试营业期"),
    "active": _l("买家照常下单，权限全部恢复"),
    "restricted": _l("买家照常下单，提现和推广暂停"),
    "suspended": _l("店铺打不开，买家不能下单；已付款的照常处理"),
    "closed": _l("永久关店，不能再改回来；已付款的照常处理"),
}


class StationsView(SecureModelView):
    """All stations with their last 30 days."""

    need = "station.view"
    place = Place(_l("分站与会员"), _l("分站"), "building-store")
    search_in = ("name", "slug")
    search_hint = _l("店名、域名前缀")
    order = ("id", False)
    columns = (
        Column("name", _l("分站"), phone="title"),
        Column("id", _l("编号"), css="is-num"),
        Column("slug", _l("域名"), lambda s: code(s.slug), phone="meta"),
        Column("grade", _l("等级"), lambda s: labels.GRADE.get(s.grade, s.grade)),
        Column(
            "turnover",
            _l("30 天成交（元）"),
            lambda s: _figure(s, "turnover"),
            css="is-num is-strong",
            phone="amount",
            in_export=False,
        ),
        Column(
            "orders", _l("付款订单"), lambda s: _figure(s, "orders"), css="is-num", in_export=False
        ),
        Column("success", _l("成功率"), lambda s: _success(s), css="is-num", in_export=False),
        Column("theme", _l("主题"), lambda s: words.THEMES.get(s.theme, s.theme)),
        Column(
            "state",
            _l("状态"),
            lambda s: badge(labels.mark(labels.STATION, s.state)),
            phone="state",
        ),
        Column("opened_at", _l("开业"), css="km-nowrap", sort=True),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("active", _l("正常营业"), lambda: Station.state == "active"),
        Tab("limited", _l("受限或停业"), lambda: Station.state.in_(("restricted", "suspended"))),
    )
    filters_offered = (
        Filter("state", _l("状态"), equals(Station.state), choices=choices_of(labels.STATION)),
        Filter("grade", _l("等级"), equals(Station.grade), choices=choices_of(labels.GRADE)),
    )

    def prepare(self, rows: Any) -> None:
        """Figures of all stations at once."""
        _load_figures()

    def row_url(self, row: Any) -> str:
        """The station's page."""
        return str(self.get_url(".detail_page", station_id=row.id))

    @expose("/<int:station_id>")
    def detail_page(self, station_id: int) -> Any:
        """Figures, hosts, what stands below, and the state machine."""
        station = self.get_one(station_id)
        _load_figures()
        below = [view for view in stations.tree(station_id) if view.id != station_id]
        return self.render(
            "kameng_admin/station.html",
            page_title=station.name,
            crumbs=self.crumbs(Crumb(station.name)),
            station=station,
            state=labels.mark(labels.STATION, station.state),
            hosts=db.session.query(Host).filter(Host.station_id == station_id).all(),
            below=below,
            figures=_figures(station_id),
            chart=_chart(station_id),
            next_states=[s for s in labels.STATION if _may_become(station, s)],
            meanings=STATE_MEANINGS,
            theme_name=words.THEMES.get(station.theme, station.theme),
            contact=words.person_facts(station.contact),
            labels=labels,
            texts=texts,
            path=[texts.station_name(number) for number in station.path],
            **(adjusting(station.id) if station.id != 1 else {"adjusting": None}),
        )

    @expose("/<int:station_id>/state", methods=("POST",))
    @needs("station.manage")
    def set_state(self, station_id: int) -> Any:
        """Move a station along its state machine, with a reason."""
        station = self.get_one(station_id)
        wanted = request.form.get("state", "")

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            stations.set_state(station_id, wanted, people.actor(), reason, client_ip())

        label = labels.mark(labels.STATION, wanted).label
        return attempt(
            deed,
            _("“%(name)s”现在是：%(state)s", name=station.name, state=label),
            self.row_url(station),
        )

    @expose("/<int:station_id>/grade", methods=("POST",))
    @needs("station.manage")
    def set_grade(self, station_id: int) -> Any:
        """Give another grade; its wholesale prices follow at once."""
        station = self.get_one(station_id)
        grade = request.form.get("grade", "")
        if grade not in labels.GRADE:
            grade = station.grade

        def deed() -> int:
            stations.set_grade(station_id, grade, people.actor())
            changed = pricing.reprice(station_ids=[station_id])
            db.session.commit()
            return changed

        return attempt(deed, _regraded, self.row_url(station))


class ApplicationsView(ReadOnlyView):
    """Who wants to open a station."""

    need = "station.review"
    place = Place("", _l("审批"), "user-check")
    search_in = ("name", "slug")
    search_hint = _l("店名、域名前缀")
    order = ("created_at", True)
    empty = ("user-check", _l("没有开站申请"), _l("有人提交申请后会出现在这里。"))
    columns = (
        Column("name", _l("店名"), lambda a: two_lines(a.name, a.slug), phone="title"),
        Column("applicant", _l("申请人"), lambda a: a.applicant.get("name", "—"), phone="meta"),
        Column("theme", _l("主题"), lambda a: words.THEMES.get(a.theme, a.theme)),
        Column("created_at", _l("提交"), css="km-nowrap", phone="amount", sort=True),
        Column(
            "state",
            _l("状态"),
            lambda a: badge(labels.mark(labels.APPLICATION, a.state)),
            phone="state",
        ),
        Column(
            "reviewed_by",
            _l("审核人"),
            lambda a: texts.actor_text(a.reviewed_by) if a.reviewed_by else "—",
        ),
        Column("reason", _l("说明"), css="is-clip"),
    )
    tabs = (
        Tab("open", _l("待审核"), lambda: StationApplication.state == "submitted"),
        Tab("all", _l("全部"), None, counted=False),
    )

    def row_url(self, row: Any) -> str:
        """The application's page."""
        return str(self.get_url(".detail_page", application_id=row.id))

    @expose("/<int:application_id>")
    def detail_page(self, application_id: int) -> Any:
        """What was handed in, what the system checked, and the decision."""
        row = self.get_one(f"1,{application_id}")
        view = stations.get_application(row.id)
        open_ids = [item.id for item in stations.list_applications("submitted")]
        position = open_ids.index(row.id) + 1 if row.id in open_ids else 0
        return self.render(
            "kameng_admin/application.html",
            page_title=_("开站审核"),
            crumbs=self.crumbs(Crumb(view.name)),
            form=view,
            state=labels.mark(labels.APPLICATION, view.state),
            position=position,
            waiting=len(open_ids),
            theme_name=words.THEMES.get(view.theme, view.theme),
            facts=words.person_facts(view.applicant),
            checks=_checks(view),
            labels=labels,
            texts=texts,
        )

    @expose("/<int:application_id>/approve", methods=("POST",))
    def approve(self, application_id: int) -> Any:
        """Open the station."""
        row = self.get_one(f"1,{application_id}")
        name = row.name

        def deed() -> int:
            return stations.approve_application(row.id, people.actor(), client_ip())

        return attempt(
            deed,
            _("已通过，“%(name)s”正在上线，几秒后即可访问", name=name),
            str(self.get_url(".index_view")),
        )

    @expose("/<int:application_id>/reject", methods=("POST",))
    def reject(self, application_id: int) -> Any:
        """Refuse with a reason that the applicant reads."""
        row = self.get_one(f"1,{application_id}")

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            stations.reject_application(row.id, people.actor(), reason, client_ip())

        return attempt(
            deed,
            _l("已驳回，申请人会收到原因"),
            str(self.get_url(".detail_page", application_id=application_id)),
        )


def _regraded(changed: int) -> str:
    return str(_("等级已改，%(n)s 个报价随之更新", n=changed))


def _load_figures() -> dict[int, Any]:
    if "console_figures" not in g:
        rows = db.session.execute(FIGURES_SQL, {"station": None})
        g.console_figures = {row.station_id: row for row in rows}
    return dict(g.console_figures)


def _figures(station_id: int) -> Any:
    return _load_figures().get(station_id)


def _figure(station: Station, name: str) -> str:
    row = _figures(station.id)
    value = getattr(row, name) if row is not None else 0
    return plain_money(value, 2) if name == "turnover" else f"{value:,}"


def _success(station: Station) -> str:
    row = _figures(station.id)
    ended = row.good + row.bad if row is not None else 0
    return texts.percent_text(row.good * 100 / ended if ended else None, 1)


def _chart(station_id: int) -> dict[str, Any]:
    zone = current_settings().timezone
    rows = db.session.execute(DAYS_SQL, {"station": station_id, "zone": zone})
    found = {row.day: row.turnover for row in rows}
    today = datetime.now(ZoneInfo(zone)).date()
    days = [today - timedelta(days=back) for back in range(29, -1, -1)]
    return charts.daily_option(days, [found.get(day, 0) for day in days])


def _may_become(station: Station, state: str) -> bool:
    return station.id != 1 and state in stations.TRANSITIONS.get(station.state, ())


def _checks(view: Any) -> list[tuple[bool, str]]:
    person = view.applicant
    names = {station.name for station in stations.list_stations()}
    return [
        (True, _("域名前缀 %(slug)s 没有被占用，也不与他人近似", slug=view.slug)),
        (view.name not in names or view.state != "submitted", _("店名没有重复")),
        (bool(person.get("phone") or person.get("email")), _("留了联系方式")),
        (
            bool(person.get("licence_number") or person.get("licence"))
            or person.get("subject_kind") == "person",
            _("填写了营业执照号（个人不需要）"),
        ),
    ]
