"""Jobs, staff and roles, and the audit log."""

from __future__ import annotations

import re
from typing import Any

import segno
from flask import request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import PasswordField, StringField
from wtforms.validators import Length, Regexp

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.identity.models import AuditEvent
from kameng.jobs import api as jobs
from kameng.web.viewer import current_viewer
from kameng_admin import labels, links, people, texts, words
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.columns import Column, Filter, day_of, equals_number
from kameng_admin.base.forms import ChoiceField, ConsoleForm, Required
from kameng_admin.base.guard import Guarded, Place, found, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.shell import Crumb
from kameng_admin.views.dashboard import BUSY, QUEUE_NAMES
from kameng_admin.views.orders import station_choices
from kameng_admin.views.payments import DAYS

MAIN_STATION = 1


class JobsView(Guarded, BaseView):
    """Queues, runs, dead letters, periodic work."""

    need = "job.view"
    place = Place(_l("系统"), _l("任务队列"), "stack-2")

    @expose("/")
    def index_view(self) -> Any:
        """All on one page; dead letters first when there are any."""
        return self.render(
            "kameng_admin/jobs.html",
            queues=jobs.queue_depths(),
            names=QUEUE_NAMES,
            busy=BUSY,
            dead=jobs.dead_letters(),
            runs=jobs.recent_runs(),
            slots=jobs.periodic_slots(),
            backlog=jobs.outbox_backlog(),
            job_names=words.JOBS,
            labels=labels,
            texts=texts,
        )

    @expose("/<int:run_id>/retry", methods=("POST",))
    @needs("job.retry")
    def retry(self, run_id: int) -> Any:
        """Once more."""

        def deed() -> None:
            jobs.retry_dead(run_id)
            people.record("job.retry", f"run:{run_id}")

        return attempt(deed, _l("已重新排队"), str(self.get_url(".index_view")))


class StaffForm(ConsoleForm):
    """A new colleague."""

    login = StringField(
        _l("登录名"),
        [
            Required(),
            Length(2, 64),
            Regexp(r"^[a-z0-9][a-z0-9._@-]+$", message=_l("只用小写字母、数字和 . _ @ -")),
        ],
    )
    name = StringField(_l("姓名"), [Required(), Length(max=40)])
    role_code = ChoiceField(_l("角色"), [Required()])
    email = StringField(_l("邮箱"), [Length(max=120)])
    password = PasswordField(
        _l("初始密码"),
        [Required(), Length(8, 128)],
        description=_l("至少 8 位，请对方登录后修改"),
        render_kw={"autocomplete": "new-password"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role_code.choices = [(r.code, r.name) for r in identity.list_roles(MAIN_STATION)]


COLLEAGUES = (("admin_staff", _l("员工")), ("admin_roles", _l("角色")))


class StaffView(Guarded, BaseView):
    """Colleagues and what each role may."""

    need = "staff.view"
    place = Place(_l("系统"), _l("员工与角色"), "key")
    family = COLLEAGUES

    @expose("/")
    def index_view(self) -> Any:
        """Everybody, with role and second factor."""
        return self.render(
            "kameng_admin/staff.html",
            staff=identity.list_staff(MAIN_STATION),
            roles=identity.list_roles(MAIN_STATION),
            labels=labels,
            me=current_viewer().id,
        )

    @expose("/new", methods=("GET", "POST"))
    @needs("staff.manage")
    def create(self) -> Any:
        """A new account; its second factor is shown once."""
        form = StaffForm(request.form)
        if form.sent():
            data = form.data
            try:
                _id, secret = identity.create_staff(
                    MAIN_STATION,
                    data["login"],
                    data["name"],
                    data["password"],
                    data["role_code"],
                    email=data["email"] or "",
                    actor=people.actor(),
                )
            except DomainError as refused:
                name = str(refused.facts.get("field", "login"))
                field = form[name if name in form else "login"]
                field.errors = [*field.errors, error_text(refused)]
            else:
                return self._secret_page(data["login"], secret)
        return self.page(
            "kameng_admin/staff_new.html",
            422 if form.errors else 200,
            form=form,
            page_title=_("新建员工"),
            crumbs=self.crumbs(Crumb(_("新建员工"))),
        )

    @expose("/<int:staff_id>/state", methods=("POST",))
    @needs("staff.manage")
    def set_state(self, staff_id: int) -> Any:
        """Lock, unlock or let go; a locked account is out at once."""
        self._colleague(staff_id)
        state = request.form.get("state", "")

        def deed() -> None:
            _not_oneself(staff_id)
            identity.set_staff_state(MAIN_STATION, staff_id, state, people.actor())

        return attempt(deed, _l("账号状态已改"), str(self.get_url(".index_view")))

    @expose("/<int:staff_id>/role", methods=("POST",))
    @needs("staff.manage")
    def set_role(self, staff_id: int) -> Any:
        """Another role, from the next request on."""
        self._colleague(staff_id)

        def deed() -> None:
            _not_oneself(staff_id)
            identity.set_staff_role(
                MAIN_STATION, staff_id, request.form.get("role", ""), people.actor()
            )

        return attempt(deed, _l("角色已改，立即生效"), str(self.get_url(".index_view")))

    @expose("/<int:staff_id>/totp", methods=("POST",))
    @needs("staff.manage")
    def reset_totp(self, staff_id: int) -> Any:
        """A new second factor for somebody who lost the phone, shown once."""
        person = self._colleague(staff_id)
        secret = identity.reset_totp(MAIN_STATION, staff_id, people.actor())
        return self._secret_page(person.login, secret)

    def _colleague(self, staff_id: int) -> Any:
        people_by_id = {person.id: person for person in identity.list_staff(MAIN_STATION)}
        return found(people_by_id.get(staff_id))

    def _secret_page(self, login: str, secret: str) -> Any:
        """Never from a redirect: the secret exists in this one answer alone."""
        uri = identity.provisioning_uri(login, secret)
        qr = Markup(segno.make(uri, error="m").svg_inline(border=2, omitsize=True))
        response = self.page(
            "kameng_admin/staff_secret.html",
            200,
            login=login,
            secret=secret,
            qr=qr,
            page_title=_("动态验证码"),
            crumbs=self.crumbs(Crumb(_("动态验证码"))),
        )
        response.headers["Cache-Control"] = "no-store"
        return response


class RolesView(Guarded, BaseView):
    """What each role may, and roles of one's own."""

    need = "staff.view"
    place = Place(_l("系统"), _l("员工与角色"), "shield-lock")
    family = COLLEAGUES
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """The permission matrix."""
        return self.render(
            "kameng_admin/roles.html",
            roles=identity.list_roles(MAIN_STATION),
            permissions=identity.PERMISSIONS,
        )

    @expose("/save", methods=("POST",))
    @needs("staff.manage")
    def save_role(self) -> Any:
        """Create or change an own role; builtin ones stay as they are."""
        form = request.form
        code = re.sub(r"[^a-z0-9_]", "", form.get("code", "").strip().lower())[:30]
        wanted = [name for name in form.getlist("permission") if name in identity.PERMISSIONS]

        def deed() -> None:
            identity.save_role(MAIN_STATION, code, form.get("name", ""), wanted, people.actor())

        return attempt(deed, _l("角色已保存"), str(self.get_url(".index_view")))


class AuditView(ReadOnlyView):
    """Who did what to which thing; rows are only ever added."""

    need = "audit.view"
    place = Place(_l("系统"), _l("审计日志"), "history")
    export_needs = "audit.view"
    search_in = ("subject", "action", "ip")
    search_hint = _l("对象、动作、IP")
    order = ("at", True)
    empty = ("history", _l("还没有记录"), _l("登录、改动、查看敏感信息都会留在这里。"))
    columns = (
        Column(
            "action",
            _l("动作"),
            lambda e: texts.action_of(e.action)[2],
            phone="title",
            export=lambda e: e.action,
        ),
        Column("at", _l("时间"), css="km-nowrap", phone="amount"),
        Column(
            "actor",
            _l("谁"),
            lambda e: texts.actor_text(e.actor, e.station_id),
            export=lambda e: texts.actor_code(e.actor),
        ),
        Column(
            "subject",
            _l("对象"),
            lambda e: links.subject_link(e.subject),
            phone="meta",
            export=lambda e: e.subject,
        ),
        Column("station_id", _l("分站"), lambda e: texts.station_name(e.station_id)),
        Column("ip", _l("IP")),
        Column(
            "detail",
            _l("细节"),
            lambda e: texts.detail_text(e.detail),
            css="is-clip km-quiet",
            export=lambda e: texts.detail_text(e.detail),
        ),
    )

    def prepare(self, rows: Any) -> None:
        """Names of what the page's events are about."""
        links.load(row.subject for row in rows)

    filters_offered = (
        Filter("day", _l("时间"), day_of(AuditEvent.at), "day", choices=lambda: DAYS),
        Filter(
            "action",
            _l("动作"),
            lambda v: AuditEvent.action == v,
            choices=lambda: [(name, entry[2]) for name, entry in texts.ACTIONS.items()],
        ),
        Filter(
            "station", _l("分站"), equals_number(AuditEvent.station_id), choices=station_choices
        ),
        Filter(
            "staff",
            _l("员工"),
            lambda v: AuditEvent.actor == f"staff:{v}",
            choices=lambda: _colleagues(),
        ),
    )


def _colleagues() -> list[tuple[str, Any]]:
    return [(str(person.id), person.name) for person in identity.list_staff(MAIN_STATION)]


def _not_oneself(staff_id: int) -> None:
    if staff_id == current_viewer().id:
        raise DomainError("oneself", _("不能改自己的状态和角色，请找另一位管理员"))
