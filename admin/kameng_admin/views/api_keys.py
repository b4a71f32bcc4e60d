"""开放接口: keys of members at all stations, and the main station's own switches."""

from __future__ import annotations

from typing import Any

from flask import abort, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, tuple_
from wtforms import IntegerField
from wtforms.validators import NumberRange

from kameng.identity import api as identity
from kameng.identity.models import Member
from kameng.openapi import api as openapi
from kameng.openapi.models import ApiKey
from kameng.web.formats import mask_phone
from kameng_admin import labels, people, texts
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.cells import badge, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, equals, equals_number
from kameng_admin.base.forms import ConsoleForm, Required
from kameng_admin.base.guard import Guarded, Place, needs
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb
from kameng_admin.views.orders import choices_of, station_choices

OPEN_API = (
    ("admin_api_keys", _l("接口密钥")),
    ("admin_webhooks", _l("通知")),
    ("admin_dialects", _l("接口开关")),
)
STATE = {
    "active": Mark("ok", "circle-check", _l("可用")),
    "revoked": Mark("idle", "ban", _l("已停用")),
}
MODE = {
    "live": Mark("idle", "world", _l("正式")),
    "sandbox": Mark("info", "puzzle", _l("沙箱")),
}
MAIN_STATION = 1
HIGHEST = 1_000_000


class LimitForm(ConsoleForm):
    """How often a key may ask."""

    per_minute = IntegerField(
        _l("每分钟最多几次"), [Required(), NumberRange(1, HIGHEST)],
        description=_l("1 到 1,000,000，新密钥是 600"),
    )  # fmt: skip


class ApiKeysView(ReadOnlyView):
    """Every key of every station, without its secrets."""

    need = "openapi.view"
    place = Place(_l("系统"), _l("开放接口"), "key")
    family = OPEN_API
    search_in = ("key_id", "name")
    search_hint = _l("账号、名称")
    order = ("id", True)
    empty = ("key", _l("还没有密钥"), _l("会员在“我的 › 开发者接口”里新建后会出现在这里。"))
    columns = (
        Column("name", _l("名称"), lambda k: two_lines(k.name, k.key_id), phone="title"),
        Column("station_id", _l("分站"), lambda k: texts.station_name(k.station_id)),
        Column("member_id", _l("会员"), lambda k: _("会员 %(no)s", no=k.member_id), phone="meta"),
        Column("dialect", _l("接口"), lambda k: openapi.DIALECT_WORDS[k.dialect].name),
        Column("mode", _l("用途"), lambda k: badge(MODE[k.mode])),
        Column("per_minute", _l("每分钟"), css="is-num"),
        Column("last_used_at", _l("上次使用"), sort=True, css="km-nowrap", phone="amount"),
        Column("state", _l("状态"), lambda k: badge(STATE[k.state]), phone="state"),
    )
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("open", _l("不限 IP 的"),
            lambda: (ApiKey.state == "active") & (ApiKey.networks == [])),
        Tab("clear", _l("明文密钥的"),
            lambda: (ApiKey.state == "active") & ApiKey.dialect.in_(openapi.INSECURE)),
    )  # fmt: skip
    filters_offered = (
        Filter("station", _l("分站"), equals_number(ApiKey.station_id), choices=station_choices),
        Filter("member", _l("会员"), lambda v: _of_member(v), "text"),
        Filter("state", _l("状态"), equals(ApiKey.state), choices=choices_of(STATE)),
        Filter("dialect", _l("接口"), equals(ApiKey.dialect), choices=lambda: _dialects()),
        Filter("mode", _l("用途"), equals(ApiKey.mode), choices=choices_of(MODE)),
    )

    def row_url(self, row: Any) -> str:
        """The key's page."""
        return str(self.get_url(".detail_page", station_id=row.station_id, key_id=row.id))

    @expose("/<int:station_id>/<int:key_id>")
    def detail_page(self, station_id: int, key_id: int) -> Any:
        """Whose it is, what it may, from where, how often."""
        return self._page(self.get_one(f"{station_id},{key_id}"))

    @expose("/<int:station_id>/<int:key_id>/limit", methods=("POST",))
    @needs("openapi.manage")
    def set_limit(self, station_id: int, key_id: int) -> Any:
        """Another number of requests a minute."""
        key = self.get_one(f"{station_id},{key_id}")
        form = LimitForm(request.form)
        if not form.sent():
            return self._page(key, form, 422)
        most = int(form.per_minute.data or 0)
        return attempt(
            lambda: openapi.set_limit(station_id, key_id, most, people.actor()),
            _l("频率已改，马上生效"),
            self.row_url(key),
        )

    @expose("/<int:station_id>/<int:key_id>/revoke", methods=("POST",))
    @needs("openapi.manage")
    def revoke(self, station_id: int, key_id: int) -> Any:
        """Stop it for good, with a reason."""
        url = self.row_url(self.get_one(f"{station_id},{key_id}"))

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            openapi.revoke_at(station_id, key_id, people.actor(), reason)

        return attempt(deed, _l("密钥已停用，用它的请求马上被拒绝"), url)

    def _page(self, key: ApiKey, form: LimitForm | None = None, status: int = 200) -> Any:
        member = identity.get_member(key.member_id, station_id=key.station_id)
        return self.page(
            "kameng_admin/api_key.html", status,
            page_title=key.name, crumbs=self.crumbs(Crumb(key.name)), key=key, member=member,
            masked=mask_phone(member.login), form=form or LimitForm(obj=key),
            state=STATE[key.state], mode=MODE[key.mode], words=openapi.DIALECT_WORDS[key.dialect],
            scope_words=openapi.SCOPE_WORDS, insecure=key.dialect in openapi.INSECURE,
            risk=openapi.INSECURE_RISK, texts=texts,
        )  # fmt: skip


class DialectsView(Guarded, BaseView):
    """What programs may speak at the main station's own shop."""

    need = "openapi.view"
    place = Place(_l("系统"), _l("开放接口"), "adjustments")
    family = OPEN_API
    in_menu = False

    @expose("/")
    def index_view(self) -> Any:
        """One line an interface, the risk beside the switch."""
        return self.render(
            "kameng_admin/dialects.html", switches=openapi.dialect_switches(MAIN_STATION),
            words=openapi.DIALECT_WORDS, insecure=openapi.INSECURE, risk=openapi.INSECURE_RISK,
            labels=labels, page_title=_("接口开关"),
        )  # fmt: skip

    @expose("/switch", methods=("POST",))
    @needs("openapi.manage")
    def switch(self) -> Any:
        """On or off, at once."""
        dialect, on = request.form.get("dialect", ""), request.form.get("on") == "1"
        if dialect not in openapi.DIALECT_WORDS:
            abort(404)
        name = openapi.DIALECT_WORDS[dialect].name
        said = _("%(name)s已开放", name=name) if on else _("%(name)s已关闭，马上生效", name=name)
        return attempt(
            lambda: openapi.switch_dialect(dialect, on, people.actor(), station_id=MAIN_STATION),
            said,
            str(self.get_url(".index_view")),
        )


def _dialects() -> list[tuple[str, Any]]:
    return [(key, word.name) for key, word in openapi.DIALECT_WORDS.items()]


def _of_member(given: str) -> Any:
    """Keys of the member with this number, or of those with this login at any station."""
    login = identity.normalise_login(given)
    own = select(Member.station_id, Member.id).where(Member.login == login)
    found = tuple_(ApiKey.station_id, ApiKey.member_id).in_(own)
    if given.isascii() and given.isdecimal() and len(given) < 19:
        return found | (ApiKey.member_id == int(given))
    return found
