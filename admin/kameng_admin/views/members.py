"""Members of all stations, masked; lock and unlock."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.db import db
from kameng.identity import api as identity
from kameng.identity.models import Member
from kameng.ledger.models import Account, AccountBalance
from kameng.orders.models import Order
from kameng.web.formats import mask_phone
from kameng_admin import labels, people, texts, words
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.cells import badge
from kameng_admin.base.columns import Column, Filter, Tab, day_of, equals, equals_number
from kameng_admin.base.guard import Place, needs
from kameng_admin.base.model_view import SecureModelView
from kameng_admin.shell import Crumb
from kameng_admin.views.adjusting import adjusting
from kameng_admin.views.orders import choices_of, station_choices


class MembersView(SecureModelView):
    """Logins stay masked; the full one needs a permission and leaves a trace."""

    need = "member.view"
    place = Place(_l("分站与会员"), _l("会员"), "users")
    export_needs = "member.unmask"
    search_in = ("login", "name")
    search_hint = _l("完整手机号、邮箱、昵称")
    order = ("created_at", True)
    note = _l("账号默认遮盖，查看会留痕")
    empty = ("users", _l("还没有会员"), _l("买家在任一分站注册后会出现在这里。"))
    columns = (
        Column(
            "login",
            _l("账号"),
            lambda m: mask_phone(m.login),
            phone="title",
            export=lambda m: mask_phone(m.login),
        ),
        Column("name", _l("昵称")),
        Column("station_id", _l("分站"), lambda m: texts.station_name(m.station_id), phone="meta"),
        Column("level", _l("会员等级"), lambda m: words.LEVELS.get(m.level, m.level)),
        Column(
            "state",
            _l("状态"),
            lambda m: badge(labels.mark(labels.PERSON, m.state)),
            phone="state",
            export=lambda m: m.state,
        ),
        Column("created_at", _l("注册"), sort=True, css="km-nowrap", phone="amount"),
        Column("last_login_at", _l("上次登录"), css="km-nowrap"),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("locked", _l("已锁定"), lambda: Member.state == "locked"),
    )
    filters_offered = (
        Filter("station", _l("分站"), equals_number(Member.station_id), choices=station_choices),
        Filter("state", _l("状态"), equals(Member.state), choices=choices_of(labels.PERSON)),
        Filter(
            "day",
            _l("注册时间"),
            day_of(Member.created_at),
            "day",
            choices=lambda: [("today", _l("今天")), ("7d", _l("7 天")), ("30d", _l("30 天"))],
        ),
    )

    def row_url(self, row: Any) -> str:
        """The member's page."""
        return str(self.get_url(".detail_page", station_id=row.station_id, member_id=row.id))

    @expose("/<int:station_id>/<int:member_id>")
    def detail_page(self, station_id: int, member_id: int) -> Any:
        """Facts, wallet, orders."""
        return self._page(self.get_one(f"{station_id},{member_id}"), shown="")

    @expose("/<int:station_id>/<int:member_id>/unmask", methods=("POST",))
    @needs("member.unmask")
    def unmask(self, station_id: int, member_id: int) -> Any:
        """Show the full login on this one page, and write it down."""
        member = self.get_one(f"{station_id},{member_id}")
        people.record("member.unmask", f"member:{member_id}", {"station": station_id})
        response = self._page(self.get_one(f"{station_id},{member_id}"), shown=member.login)
        return response, 200, {"Cache-Control": "no-store"}

    @expose("/<int:station_id>/<int:member_id>/state", methods=("POST",))
    @needs("member.manage")
    def set_state(self, station_id: int, member_id: int) -> Any:
        """Lock or unlock."""
        member = self.get_one(f"{station_id},{member_id}")
        lock = member.state == "active"

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            identity.set_member_state(
                member_id,
                "locked" if lock else "active",
                people.actor(),
                reason=reason,
                station_id=station_id,
            )

        return attempt(deed, _("会员已锁定") if lock else _("会员已解锁"), self.row_url(member))

    def _page(self, member: Member, shown: str) -> Any:
        orders = db.session.scalars(
            select(Order)
            .where(Order.station_id == member.station_id, Order.member_id == member.id)
            .order_by(Order.id.desc())
            .limit(20)
        )
        wallet = db.session.scalar(
            select(AccountBalance.balance)
            .join(Account, Account.id == AccountBalance.account_id)
            .where(
                Account.station_id == member.station_id,
                Account.kind == "wallet",
                Account.ref == str(member.id),
            )
        )
        masked = mask_phone(member.login)
        return self.render(
            "kameng_admin/member.html",
            page_title=_("会员 %(login)s", login=masked),
            crumbs=self.crumbs(Crumb(masked)),
            member=member,
            shown=shown,
            masked=masked,
            orders=list(orders),
            wallet=wallet or 0,
            state=labels.mark(labels.PERSON, member.state),
            labels=labels,
            texts=texts,
            **adjusting(member.station_id, member.id),
        )
