"""Plugins: state with reason, switch per station, settings whose secrets only go in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng.db import db
from kameng.errors import DomainError
from kameng.plugins import api as plugins
from kameng.plugins.models import StationPlugin
from kameng_admin import labels, people, texts
from kameng_admin.base.actions import attempt
from kameng_admin.base.cells import pairs
from kameng_admin.base.guard import Guarded, Place, found, needs
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb
from kameng_admin.views.plugin_releases import (
    REVIEWS,
    ReleaseDesk,
    report_text,
    review_of,
)
from kameng_sdk.manifest import API_VERSION

MAIN_STATION = 1
ICONS = {"payment": "credit-card", "supplier": "plug", "risk": "shield-lock", "theme": "palette"}
CAPABILITIES = {
    "order": _l("下单"),
    "query": _l("查询"),
    "balance": _l("余额"),
    "webhook": _l("回调"),
    "refund": _l("退款"),
    "qr": _l("扫码"),
    "redirect": _l("跳转"),
    "statement": _l("对账单"),
    "decide": _l("决策"),
    "purchase": _l("采购"),
    "manual": _l("人工"),
    "h5": _l("手机网页"),
    "wallet": _l("余额"),
    "codes": _l("卡密"),
    "top_up": _l("直充"),
    "test_mode": _l("测试模式"),
    "offers": _l("商品目录"),
    "stock": _l("库存"),
    "callback": _l("回调"),
    "cancel": _l("撤单"),
    "bill": _l("对账单"),
    "payout": _l("付款到账户"),
    "identify": _l("识别付款人"),
}
STATES = {
    "available": Mark("idle", "player-pause", _l("未启用")),
    "enabled": Mark("ok", "circle-check", _l("正常")),
    "misconfigured": Mark("warn", "settings", _l("待设置")),
    "quarantined": Mark("bad", "alert-circle", _l("已隔离")),
    "incompatible": Mark("bad", "alert-circle", _l("版本不合")),
}
HEALTH = {
    "ok": Mark("ok", "circle-check", _l("对方正常")),
    "degraded": Mark("warn", "alert-triangle", _l("对方偏慢")),
    "down": Mark("bad", "alert-circle", _l("对方不可用")),
}


class PluginsView(ReleaseDesk, Guarded, BaseView):
    """What is installed and how it stands."""

    need = "plugin.view"
    place = Place(_l("系统"), _l("插件"), "plug")

    @expose("/")
    def index_view(self) -> Any:
        """Cards by kind; broken ones first in a banner."""
        infos = plugins.list_plugins()
        known = plugins.releases()
        kind = request.args.get("kind", "")
        kinds = [info.kind.value for info in infos if info.kind]
        shown = [i for i in infos if not kind or (i.kind and i.kind.value == kind)]
        return self.render(
            "kameng_admin/plugins.html",
            infos=shown,
            all=infos,
            kind=kind,
            icons=ICONS,
            tally={name: kinds.count(name) for name in labels.PLUGIN_KIND if name in kinds},
            kinds=labels.PLUGIN_KIND,
            states=STATES,
            capabilities=CAPABILITIES,
            broken=[i for i in infos if i.state.value in ("quarantined", "incompatible")],
            used=_stations_using(),
            api_version=API_VERSION,
            reviews={i.id: review_of(i, known.get(i.id, [])) for i in infos},
            reports={i.id: report_text(i, known.get(i.id, [])) for i in infos},
        )

    @expose("/<plugin_id>")
    def detail_page(self, plugin_id: str) -> Any:
        """Settings of the main station or of one station, switches, callback address, health."""
        return self._page(plugin_id, {}, {})

    @expose("/<plugin_id>/settings", methods=("POST",))
    @needs("plugin.manage")
    def configure(self, plugin_id: str) -> Any:
        """Keep the form; an empty secret stays as it is."""
        info = self._info(plugin_id)
        station_id = _station(request.form.get("station"))
        form = plugins.config_form(info.id, station_id)
        given = given_fields(form)
        try:
            plugins.configure(station_id, info.id, given, people.actor())
        except plugins.ConfigInvalid as invalid:
            db.session.rollback()
            return self._page(plugin_id, invalid.errors, given, 422)
        flash(_("设置已保存"), "ok")
        return redirect(self._url(info.id, station_id), 303)

    @expose("/<plugin_id>/switch", methods=("POST",))
    @needs("plugin.manage")
    def switch(self, plugin_id: str) -> Any:
        """On or off for one station."""
        info = self._info(plugin_id)
        station_id = _station(request.form.get("station"))
        on = request.form.get("on") == "1"

        def deed() -> None:
            plugins.set_enabled(station_id, info.id, on, people.actor())

        name = texts.station_name(station_id)
        done = (
            _("已在 %(name)s 启用", name=name)
            if on
            else _("已在 %(name)s 停用，进行中的单照常完成", name=name)
        )
        return attempt(lambda: guarded(deed), done, self._url(info.id, station_id))

    @expose("/<plugin_id>/clear", methods=("POST",))
    @needs("plugin.manage")
    def clear_secret(self, plugin_id: str) -> Any:
        """Forget one secret."""
        info = self._info(plugin_id)
        station_id = _station(request.form.get("station"))
        name = request.form.get("name", "")

        def deed() -> None:
            plugins.clear_secret(station_id, info.id, name, people.actor())

        return attempt(lambda: guarded(deed), _l("密钥已清除"), self._url(info.id, station_id))

    @expose("/<plugin_id>/test", methods=("POST",))
    @needs("plugin.manage")
    def test(self, plugin_id: str) -> Any:
        """Try the settings against the other side, and ask how it fares."""
        info = self._info(plugin_id)
        station_id = _station(request.form.get("station"))
        flash_test(station_id, info.id)
        return redirect(self._url(info.id, station_id), 303)

    def _page(
        self, plugin_id: str, errors: dict[str, str], typed: dict[str, Any], status: int = 200
    ) -> Any:
        info = self._info(plugin_id)
        station_id = _station(request.values.get("station"))
        form, hook = None, ""
        if info.state.value not in ("quarantined", "incompatible"):
            form = plugins.config_form(info.id, station_id)
            if info.kind and info.kind.value == "payment":
                hook = _hook(station_id, info.id)
        row = db.session.get(StationPlugin, (station_id, info.id, ""))
        health = row.health if row is not None else {}
        known = plugins.releases().get(info.id, [])
        return self.page(
            "kameng_admin/plugin.html",
            status,
            page_title=info.name or info.id,
            crumbs=self.crumbs(Crumb(info.name or info.id)),
            info=info,
            form=form,
            hook=hook,
            station_id=station_id,
            state=STATES[info.state.value],
            icons=ICONS,
            errors=errors,
            typed=typed,
            explain=plugins.explain,
            kinds=labels.PLUGIN_KIND,
            texts=texts,
            switches=_switches(info.id),
            health=HEALTH.get(health.get("status", "")),
            health_text=health.get("message", ""),
            when=when,
            capabilities=CAPABILITIES,
            review=review_of(info, known),
            reviews=REVIEWS,
            releases=known,
            submitted=any((r.version, r.digest) == (info.version, info.digest) for r in known),
        )

    def _info(self, plugin_id: str) -> plugins.PluginInfo:
        infos = {info.id: info for info in plugins.list_plugins()}
        return found(infos.get(plugin_id))  # type: ignore[no-any-return]  # 404 or the plugin

    def _url(self, plugin_id: str, station_id: int) -> str:
        station = station_id if station_id != MAIN_STATION else None
        return str(self.get_url(".detail_page", plugin_id=plugin_id, station=station))


def given_fields(form: plugins.ConfigForm) -> dict[str, Any]:
    """What was typed into the fields of a plugin; a secret left empty is not given."""
    given: dict[str, Any] = {}
    for shown in form.fields:
        name = shown.field.name
        value = request.form.get(f"field-{name}", "")
        if shown.field.kind == "bool":
            given[name] = f"field-{name}" in request.form
        elif not shown.field.secret or value:
            given[name] = value
    return given


def flash_test(station_id: int, plugin_id: str, account: str = "") -> None:
    """Try the settings against the other side and say how it went. Uses the network."""
    db.session.rollback()  # the network is asked outside of every transaction
    try:
        problems = plugins.check_config(station_id, plugin_id, account)
        report = plugins.run_health(station_id, plugin_id, account) if not problems else None
    except plugins.PluginUnavailable as away:
        flash(_("这个插件现在不能用：%(why)s", why=str(away)), "bad")
        return
    for problem in problems:
        named = f"{problem.field}：{_problem(problem.message)}"
        flash(named if problem.field else problem.message, "bad")
    if report is not None:
        mark = HEALTH[report.status.value]
        flash(f"{mark.label} {report.message}", "ok" if mark.tone == "ok" else "warn")
    elif not problems:
        flash(_("自检通过"), "ok")


def _station(raw: str | None) -> int:
    number = int(raw) if raw and raw.isdecimal() and len(raw) < 12 else MAIN_STATION
    return number if number in texts.station_names() else MAIN_STATION


def _stations_using() -> dict[str, int]:
    rows = db.session.query(StationPlugin.plugin_id).filter(
        StationPlugin.enabled,
        StationPlugin.station_id != MAIN_STATION,
        StationPlugin.account == "",
    )
    used: dict[str, int] = {}
    for (plugin_id,) in rows:
        used[plugin_id] = used.get(plugin_id, 0) + 1
    return used


def _switches(plugin_id: str) -> list[tuple[int, str, bool | None]]:
    known: dict[int, bool] = pairs(
        select(StationPlugin.station_id, StationPlugin.enabled).where(
            StationPlugin.plugin_id == plugin_id, StationPlugin.account == ""
        )
    )
    names = texts.station_names()
    return [(number, names[number], known.get(number)) for number in sorted(names)]


def _hook(station_id: int, plugin_id: str) -> str:
    try:
        return plugins.hook_path(station_id, plugin_id)
    except plugins.PluginUnavailable:
        return ""


def guarded(deed: Any) -> None:
    """Run a deed; what a plugin's settings refuse becomes a sentence for a person."""
    try:
        deed()
    except plugins.PluginUnavailable as away:
        raise DomainError(
            "plugin_unavailable", _("这个插件现在不能用：%(why)s", why=str(away))
        ) from away
    except plugins.ConfigInvalid as invalid:
        words = "；".join(plugins.explain(problem) for problem in invalid.errors.values())
        raise DomainError("config_invalid", words) from invalid


def when(stamp: str) -> datetime | None:
    """A stored moment, None when there is none."""
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None


def _problem(message: str) -> str:
    return str(_("必填")) if message == "required" else message
