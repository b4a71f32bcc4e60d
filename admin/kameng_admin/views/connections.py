"""供货接口: the ways to suppliers, how each fares, and its settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, request
from flask_admin import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import Length, NumberRange

from kameng.db import db
from kameng.plugins import api as plugins
from kameng.plugins.models import StationPlugin
from kameng.supply import api as supply
from kameng.supply.models import Connection, SupplyOffer
from kameng.web.formats import plain_money
from kameng_admin import people, supply_words
from kameng_admin.base.actions import attempt, reason_given
from kameng_admin.base.cells import badge, two_lines
from kameng_admin.base.columns import Column, Filter, Tab, equals_number
from kameng_admin.base.forms import AmountField, ConsoleForm, Required
from kameng_admin.base.guard import Place, found, needs, whole_number
from kameng_admin.base.model_view import ReadOnlyView
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb
from kameng_admin.views.plugins import HEALTH, flash_test, given_fields, guarded, when

MAIN_STATION = 1
MANUAL = "supplier-manual"


class TermsForm(ConsoleForm):
    """How one connection is used."""

    name = StringField(_l("名称"), [Required(), Length(max=60)])
    sync_every_s = IntegerField(
        _l("同步间隔（秒）"), [Required(), NumberRange(30, 86_400)], description=_l("30 到 86,400")
    )
    low_balance = AmountField(_l("余额提醒（元）"), description=_l("低于它就预警，0 不提醒"))
    sync_goods = BooleanField(_l("同步商品、成本和库存"))


class ConnectionsView(ReadOnlyView):
    """One line a connection: who, how it fares, what is left there."""

    need = "supplier.view"
    place = Place(_l("供应链"), _l("供货接口"), "plug")
    order = ("id", False)
    search_in = ("name", "account")
    search_hint = _l("名称、账户")
    head_template = "kameng_admin/connection_actions.html"
    empty = ("plug", _l("还没有供货接口"), _l("在右上角选供应商和插件，添加第一个。"))
    columns = (
        Column("name", _l("接口"), lambda c: two_lines(c.name, _plugin(c)), phone="title"),
        Column("supplier_id", _l("供应商"), lambda c: supply_words.supplier_name(c.supplier_id),
               phone="meta"),
        Column("state", _l("状态"), lambda c: badge(state_of(c)), phone="state"),
        Column("balance", _l("余额（元）"), lambda c: _balance(c), css="is-num", phone="amount"),
        Column("synced_at", _l("上次同步"), css="km-nowrap", sort=True),
        Column("sync_counts", _l("供货数"), lambda c: _counts(c), css="is-num"),
        Column("sync_error", _l("最近的问题"), lambda c: c.sync_error or c.last_error,
               css="is-clip"),
    )  # fmt: skip
    tabs = (
        Tab("all", _l("全部"), None, counted=False),
        Tab("trouble", _l("有问题的"),
            lambda: (Connection.sync_error != "") | (Connection.broken_until > func.now())),
        Tab("paused", _l("已暂停"), lambda: Connection.state == "paused"),
    )  # fmt: skip
    filters_offered = (
        Filter(
            "supplier",
            _l("供应商"),
            equals_number(Connection.supplier_id),
            choices=lambda: supply_words.choices(supply_words.supplier_names()),
        ),
    )

    def row_url(self, row: Any) -> str:
        """The connection's own page."""
        return str(self.get_url(".detail_page", connection_id=row.id))

    def add_choices(self) -> dict[str, Any]:
        """Suppliers and plugins for the form of a new connection."""
        names = {
            info.id: info.name
            for info in plugins.list_plugins()
            if info.kind and info.kind.value == "supplier" and info.name
        }
        return {"suppliers": supply_words.suppliers_to_connect(), "plugins": names}

    @expose("/add", methods=("POST",))
    @needs("supplier.manage")
    def add(self) -> Any:
        """A new way to a supplier; its settings come on the page that follows."""
        form = request.form
        supplier_id = whole_number(form.get("supplier"))
        made: list[int] = []

        def deed() -> None:
            db.session.rollback()  # the account is made in a scope of its own
            made.append(
                supply.add_connection(
                    supplier_id, form.get("plugin", "")[:80], form.get("account", "").strip()[:20],
                    form.get("name", ""), people.actor(),
                )
            )  # fmt: skip

        here = str(self.get_url(".index_view"))
        done = attempt(lambda: guarded(deed), _l("接口已添加，填好设置再启用"), here)
        if made:
            return redirect(self.get_url(".detail_page", connection_id=made[0]), 303)
        return done

    @expose("/<int:connection_id>")
    def detail_page(self, connection_id: int) -> Any:
        """How it fares, its terms, the plugin's settings."""
        return self._page(connection_id)

    @expose("/<int:connection_id>/terms", methods=("POST",))
    @needs("supplier.manage")
    def set_terms(self, connection_id: int) -> Any:
        """Keep name, pace and limit."""
        self._row(connection_id)
        form = TermsForm(request.form)
        if not form.sent():
            return self._page(connection_id, terms=form, status=422)

        def deed() -> None:
            supply.change_connection(
                connection_id, people.actor(), name=form.name.data or "",
                sync_every_s=form.sync_every_s.data or 0, sync_goods=bool(form.sync_goods.data),
                low_balance=form.low_balance.data or 0,
            )  # fmt: skip

        return attempt(deed, _l("接口设置已保存"), self._url(connection_id))

    @expose("/<int:connection_id>/settings", methods=("POST",))
    @needs("supplier.manage")
    def configure(self, connection_id: int) -> Any:
        """Keep the plugin's form; an empty secret stays as it is."""
        row = self._row(connection_id)
        plugin_id, account = row.plugin_id, row.account
        given = given_fields(found(_form(plugin_id, account)))
        try:
            plugins.configure(MAIN_STATION, plugin_id, given, people.actor(), account)
        except plugins.ConfigInvalid as invalid:
            db.session.rollback()
            return self._page(connection_id, invalid.errors, given, 422)
        flash(_("设置已保存"), "ok")
        return redirect(self._url(connection_id), 303)

    @expose("/<int:connection_id>/switch", methods=("POST",))
    @needs("supplier.manage")
    def switch(self, connection_id: int) -> Any:
        """The plugin's account on or off."""
        row = self._row(connection_id)
        plugin_id, account, on = row.plugin_id, row.account, request.form.get("on") == "1"

        def deed() -> None:
            plugins.set_enabled(MAIN_STATION, plugin_id, on, people.actor(), account)

        done = _("已启用") if on else _("已停用，进行中的采购照常查询")
        return attempt(lambda: guarded(deed), done, self._url(connection_id))

    @expose("/<int:connection_id>/clear", methods=("POST",))
    @needs("supplier.manage")
    def clear_secret(self, connection_id: int) -> Any:
        """Forget one secret."""
        row = self._row(connection_id)
        plugin_id, account, name = row.plugin_id, row.account, request.form.get("name", "")

        def deed() -> None:
            plugins.clear_secret(MAIN_STATION, plugin_id, name, people.actor(), account)

        return attempt(lambda: guarded(deed), _l("密钥已清除"), self._url(connection_id))

    @expose("/<int:connection_id>/pause", methods=("POST",))
    @needs("supplier.manage")
    def pause(self, connection_id: int) -> Any:
        """Buy and read nothing there, with a reason."""

        def deed() -> None:
            reason = reason_given(request.form.get("reason"))
            supply.pause_connection(connection_id, reason, people.actor())

        return attempt(deed, _l("已暂停，不再向它采购"), self._url(connection_id))

    @expose("/<int:connection_id>/resume", methods=("POST",))
    @needs("supplier.manage")
    def resume(self, connection_id: int) -> Any:
        """Use it again."""
        return attempt(
            lambda: supply.resume_connection(connection_id, people.actor()),
            _l("已恢复，马上同步一次"),
            self._url(connection_id),
        )

    @expose("/<int:connection_id>/reset", methods=("POST",))
    @needs("supplier.manage")
    def reset(self, connection_id: int) -> Any:
        """Trust a resting connection again at once."""
        return attempt(
            lambda: supply.reset_breaker(connection_id, people.actor()),
            _l("已恢复使用"),
            self._url(connection_id),
        )

    @expose("/<int:connection_id>/sync", methods=("POST",))
    @needs("supplier.manage")
    def sync(self, connection_id: int) -> Any:
        """Read its offers and balance within seconds."""
        return attempt(
            lambda: supply.sync_now(connection_id, people.actor()),
            _l("几秒内开始同步"),
            self._url(connection_id),
        )

    @expose("/<int:connection_id>/test", methods=("POST",))
    @needs("supplier.manage")
    def test(self, connection_id: int) -> Any:
        """Try the settings against the other side, and ask how it fares."""
        row = self._row(connection_id)
        flash_test(MAIN_STATION, row.plugin_id, row.account)
        return redirect(self._url(connection_id), 303)

    def _do(self, act: Callable[[int, str], None], connection_id: int, done: Any) -> Any:
        return attempt(
            lambda: act(connection_id, people.actor()), done, self._url(connection_id)
        )  # fmt: skip

    def _page(
        self, connection_id: int, errors: dict[str, str] | None = None,
        typed: dict[str, Any] | None = None, status: int = 200, terms: TermsForm | None = None,
    ) -> Any:  # fmt: skip
        row = self._row(connection_id)
        form = _form(row.plugin_id, row.account)
        able = supply.capabilities(row)
        return self.page(
            "kameng_admin/connection.html",
            status,
            page_title=row.name,
            crumbs=self.crumbs(Crumb(row.name)),
            row=row,
            state=state_of(row),
            broken=is_broken(row),
            supplier=supply_words.supplier_name(row.supplier_id),
            terms=terms or TermsForm(obj=row),
            form=form,
            switched_on=_switched_on(row),
            manual=row.plugin_id == MANUAL,
            hook=_hook(row) if "callback" in able else "",
            able=[supply_words.ABLE.get(name, name) for name in able],
            health=_health(row),
            offers=_offer_counts(row.id),
            errors=errors or {},
            typed=typed or {},
            explain=plugins.explain,
            when=when,
        )

    def _row(self, connection_id: int) -> Connection:
        query = db.session.query(Connection).filter(Connection.id == connection_id)
        return found(query.one_or_none())  # type: ignore[no-any-return]  # 404 or the very thing

    def _url(self, connection_id: int) -> str:
        return str(self.get_url(".detail_page", connection_id=connection_id))


def is_broken(row: Connection) -> bool:
    """Whether its breaker lets nothing through now."""
    return row.broken_until is not None and row.broken_until > datetime.now(UTC)


def state_of(row: Connection) -> Mark:
    """The state that matters most."""
    if row.state == "paused":
        return supply_words.CONNECTION["paused"]
    if is_broken(row):
        return supply_words.CONNECTION["broken"]
    return supply_words.CONNECTION["failing" if row.sync_error else "active"]


def _form(plugin_id: str, account: str) -> plugins.ConfigForm | None:
    try:
        return plugins.config_form(plugin_id, MAIN_STATION, account)
    except plugins.PluginUnavailable:
        return None


def _switched_on(row: Connection) -> bool:
    try:
        plugins.supplier(row.plugin_id, row.account, switched_on=True)
    except plugins.PluginUnavailable:
        stored = db.session.get(StationPlugin, (MAIN_STATION, row.plugin_id, row.account))
        return stored is not None and bool(stored.enabled)
    return True


def _health(row: Connection) -> tuple[Mark | None, str]:
    stored = db.session.get(StationPlugin, (MAIN_STATION, row.plugin_id, row.account))
    report = stored.health if stored is not None else {}
    return HEALTH.get(report.get("status", "")), str(report.get("message", ""))


def _hook(row: Connection) -> str:
    try:
        return plugins.hook_path(MAIN_STATION, row.plugin_id, row.account)
    except plugins.PluginUnavailable:
        return ""


def _offer_counts(connection_id: int) -> Any:
    return db.session.execute(
        select(
            func.count().label("all"),
            func.count().filter(SupplyOffer.sku_id.is_not(None)).label("mapped"),
            func.count().filter(SupplyOffer.gone_at.is_not(None)).label("gone"),
        ).where(SupplyOffer.connection_id == connection_id)
    ).one()


def _plugin(row: Connection) -> str:
    return f"{row.plugin_id.removeprefix('supplier-')} {row.account}".strip()


def _balance(row: Connection) -> Any:
    return None if row.balance is None else plain_money(row.balance, 2)


def _counts(row: Connection) -> Any:
    return row.sync_counts.get("offers")
