"""One's own account: name, role, password."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField
from wtforms.validators import EqualTo, Length

from kameng.errors import DomainError
from kameng.identity import api as identity
from kameng.web.limits import client_ip
from kameng.web.viewer import current_viewer, login_session
from kameng_admin.base.actions import error_text
from kameng_admin.base.forms import ConsoleForm, Required
from kameng_admin.base.guard import ANY_STAFF, Guarded, Place
from kameng_admin.people import MAIN_STATION


class PasswordForm(ConsoleForm):
    """Old password, new one twice."""

    old_password = PasswordField(
        _l("原密码"), [Required()], render_kw={"autocomplete": "current-password"}
    )
    password = PasswordField(
        _l("新密码"),
        [Required(), Length(8, 128)],
        description=_l("至少 8 位"),
        render_kw={"autocomplete": "new-password"},
    )
    repeated = PasswordField(
        _l("再输一次"),
        [Required(), EqualTo("password", _l("两次输入的新密码不一样"))],
        render_kw={"autocomplete": "new-password"},
    )


class AccountView(Guarded, BaseView):
    """Reachable for every member of staff."""

    need = ANY_STAFF
    in_menu = False
    place = Place(_l("我"), _l("我的账号"), "user")

    @expose("/", methods=("GET", "POST"))
    def index_view(self) -> Any:
        """Facts and the password form."""
        form = PasswordForm(request.form)
        viewer = current_viewer()
        if form.sent():
            try:
                identity.change_staff_password(
                    MAIN_STATION, viewer.id, form.old_password.data, form.password.data, client_ip()
                )
            except DomainError as refused:
                field = form[refused.facts.get("field", "password")]
                field.errors = [*field.errors, error_text(refused)]
            else:
                login_session("staff", viewer.id)  # a new id: the old one is worth nothing now
                flash(_("密码已修改，其他设备上的登录已失效"), "ok")
                return redirect(self.get_url(".index_view"), 303)
        staff = next(s for s in identity.list_staff(MAIN_STATION) if s.id == viewer.id)
        codes = sorted(viewer.permissions)
        labels = (
            [_("全部权限")] if "*" in codes else [identity.PERMISSIONS.get(c, c) for c in codes]
        )
        status = 422 if form.errors else 200
        return self.page(
            "kameng_admin/account.html", status, form=form, staff=staff, permissions=labels
        )
