"""Accounts at gateways: figures, terms, breaker, switch and settings of each."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_admin import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import Length, NumberRange, Optional

from kameng.db import db
from kameng.errors import DomainError, NotFound
from kameng.payments import api as payments
from kameng.plugins import api as plugins
from kameng_admin import people, texts
from kameng_admin.base.actions import attempt, error_text
from kameng_admin.base.forms import AmountField, ConsoleForm
from kameng_admin.base.guard import Guarded, Place, found, whole_number
from kameng_admin.labels import Mark
from kameng_admin.shell import Crumb
from kameng_admin.views.plugins import HEALTH, flash_test, given_fields, guarded, when

MAIN_STATION = 1
BREAKER = {
    "closed": Mark("ok", "circle-check", _l("正常")),
    "open": Mark("bad", "player-pause", _l("已暂停")),
    "half_open": Mark("warn", "hourglass", _l("等一笔试付")),
}
DEVICES = ("desktop", "phone", "wechat", "alipay")


class TermsForm(ConsoleForm):
    """When an account may be used. Empty limits are none; no device ticked is all of them."""

    name = StringField(_l("名称"), [Length(max=40)], description=_l("只给员工看"))
    weight = IntegerField(
        _l("权重"),
        [Optional(), NumberRange(0, 1000)],
        default=100,
        description=_l("同一种付款方式里按权重分单，0 不分单"),
    )
    minimum = AmountField(_l("单笔最低（元）"))
    maximum = AmountField(_l("单笔最高（元）"))
    daily_limit = AmountField(_l("每天最多（元）"), description=_l("按北京时间，含还没付的单"))
    opens = StringField(_l("开放时间"), description=_l("例如 09:30，北京时间"))
    closes = StringField(_l("结束时间"), description=_l("早于开放时间就是到第二天"))
    desktop = BooleanField(_l("电脑浏览器"))
    phone = BooleanField(_l("手机浏览器"))
    wechat = BooleanField(_l("微信里"))
    alipay = BooleanField(_l("支付宝里"))

    @classmethod
    def of(cls, view: payments.AccountView, *, posted: bool = False) -> TermsForm:
        """The form as it was posted, else with the present terms."""
        terms = view.terms
        return cls(
            request.form if posted else None,
            name=view.name, weight=terms.weight, minimum=terms.minimum,
            maximum=terms.maximum, daily_limit=terms.daily_limit,
            opens=f"{terms.opens:%H:%M}" if terms.opens else "",
            closes=f"{terms.closes:%H:%M}" if terms.closes else "",
            **{device: device in terms.devices for device in DEVICES},
        )  # fmt: skip

    def terms(self) -> payments.Terms:
        """What was typed; raises `DomainError` for hours that are none."""
        return payments.Terms(
            weight=self.weight.data if self.weight.data is not None else 100,
            minimum=self.minimum.data, maximum=self.maximum.data,
            daily_limit=self.daily_limit.data, opens=payments.parse_time(self.opens.data or ""),
            closes=payments.parse_time(self.closes.data or ""),
            devices=frozenset(device for device in DEVICES if self[device].data),
        )  # fmt: skip


class PaymentAccountsView(Guarded, BaseView):
    """Who collects, how much today, and what is out of order."""

    need = "payment.manage"
    place = Place(_l("资金"), _l("收款账户"), "building-bank")

    @expose("/")
    def index_view(self) -> Any:
        """All accounts, the main station's first."""
        return self.render(
            "kameng_admin/payment_accounts.html",
            rows=payments.payment_accounts(),
            gateways=_gateways(),
            breaker=BREAKER,
            texts=texts,
            stations=texts.station_names(),
        )

    @expose("/add", methods=("POST",))
    def add(self) -> Any:
        """Room for one more account; without a code it is the station's first one."""
        station_id = whole_number(request.form.get("station"))
        plugin_id = found(next((p for p in _gateways() if p == request.form.get("plugin")), None))
        found(texts.station_names().get(station_id))
        account = request.form.get("account", "").strip()
        there = self._url(station_id, plugin_id, account)
        if not account:
            return redirect(there, 303)

        def deed() -> None:
            plugins.add_account(station_id, plugin_id, account, people.actor())

        done = _("账户已添加，填好设置再启用")
        return attempt(lambda: guarded(deed), done, there, self.get_url(".index_view"))

    @expose("/<int:station_id>/<plugin_id>")
    def detail_page(self, station_id: int, plugin_id: str) -> Any:
        """One account."""
        return self._page(station_id, plugin_id, _account())

    @expose("/<int:station_id>/<plugin_id>/settings", methods=("POST",))
    def configure(self, station_id: int, plugin_id: str) -> Any:
        """Keep the plugin's form; an empty secret stays as it is."""
        account = _account()
        form = found(_form(station_id, plugin_id, account))
        given = given_fields(form)
        try:
            plugins.configure(station_id, plugin_id, given, people.actor(), account)
        except plugins.ConfigInvalid as invalid:
            db.session.rollback()
            return self._page(station_id, plugin_id, account, invalid.errors, given, 422)
        flash(_("设置已保存"), "ok")
        return redirect(self._url(station_id, plugin_id, account), 303)

    @expose("/<int:station_id>/<plugin_id>/terms", methods=("POST",))
    def set_terms(self, station_id: int, plugin_id: str) -> Any:
        """Keep name and terms."""
        account = _account()
        form = TermsForm.of(found(_view(station_id, plugin_id, account)), posted=True)
        if not form.sent():
            return self._page(station_id, plugin_id, account, status=422, terms=form)
        try:
            payments.set_terms(
                station_id, plugin_id, account, form.name.data or "", form.terms(), people.actor()
            )
        except DomainError as refused:
            flash(error_text(refused), "bad")
            return self._page(station_id, plugin_id, account, status=422, terms=form)
        flash(_("使用条件已保存"), "ok")
        return redirect(self._url(station_id, plugin_id, account), 303)

    @expose("/<int:station_id>/<plugin_id>/switch", methods=("POST",))
    def switch(self, station_id: int, plugin_id: str) -> Any:
        """On or off; what is open goes on."""
        on = request.form.get("on") == "1"
        done = _("账户已启用") if on else _("账户已停用，进行中的单照常完成")
        return self._do(
            station_id, plugin_id, done,
            lambda account, actor: plugins.set_enabled(station_id, plugin_id, on, actor, account),
        )  # fmt: skip

    @expose("/<int:station_id>/<plugin_id>/clear", methods=("POST",))
    def clear_secret(self, station_id: int, plugin_id: str) -> Any:
        """Forget one secret."""
        name = request.form.get("name", "")
        return self._do(
            station_id, plugin_id, _("密钥已清除"),
            lambda account, actor: plugins.clear_secret(
                station_id, plugin_id, name, actor, account
            ),
        )  # fmt: skip

    @expose("/<int:station_id>/<plugin_id>/reset", methods=("POST",))
    def reset(self, station_id: int, plugin_id: str) -> Any:
        """Use a resting account again at once."""
        return self._do(
            station_id, plugin_id, _("已恢复使用"),
            lambda account, actor: payments.reset_account(station_id, plugin_id, account, actor),
        )  # fmt: skip

    @expose("/<int:station_id>/<plugin_id>/remove", methods=("POST",))
    def remove(self, station_id: int, plugin_id: str) -> Any:
        """Forget an account that nothing open needs."""
        return self._do(
            station_id, plugin_id, _("账户已删除"),
            lambda account, actor: plugins.remove_account(station_id, plugin_id, account, actor),
            back=self.get_url(".index_view"),
        )  # fmt: skip

    @expose("/<int:station_id>/<plugin_id>/test", methods=("POST",))
    def test(self, station_id: int, plugin_id: str) -> Any:
        """Try the settings against the other side, and ask how it fares."""
        account = _account()
        found(_form(station_id, plugin_id, account))
        flash_test(station_id, plugin_id, account)
        return redirect(self._url(station_id, plugin_id, account), 303)

    def _do(self, station_id: int, plugin_id: str, done: str, deed: Any, back: str = "") -> Any:
        account = _account()
        found(_form(station_id, plugin_id, account))
        here = self._url(station_id, plugin_id, account)
        return attempt(
            lambda: guarded(lambda: deed(account, people.actor())), done, back or here, here
        )

    def _page(
        self, station_id: int, plugin_id: str, account: str, errors: dict[str, str] | None = None,
        typed: dict[str, Any] | None = None, status: int = 200, terms: TermsForm | None = None,
    ) -> Any:  # fmt: skip
        form = found(_form(station_id, plugin_id, account))
        view = _view(station_id, plugin_id, account)
        title = (view.name if view else "") or f"{form.manifest.name} {account}".strip()
        return self.page(
            "kameng_admin/payment_account.html",
            status,
            page_title=title,
            crumbs=self.crumbs(Crumb(title)),
            form=form,
            row=view,
            terms=terms or (TermsForm.of(view) if view else None),
            station_id=station_id,
            account=account,
            hook=plugins.hook_path(station_id, plugin_id, account) if view else "",
            breaker=BREAKER,
            health=HEALTH.get(view.health) if view else None,
            errors=errors or {},
            typed=typed or {},
            explain=plugins.explain,
            when=when,
            texts=texts,
        )

    def _url(self, station_id: int, plugin_id: str, account: str) -> str:
        return str(
            self.get_url(
                ".detail_page", station_id=station_id, plugin_id=plugin_id,
                account=account or None,
            )
        )  # fmt: skip


def _account() -> str:
    return request.values.get("account", "")[:40]


def _gateways() -> dict[str, str]:
    """Names of the payment plugins that have accounts, by id."""
    return {
        info.id: info.name
        for info in plugins.list_plugins()
        if info.kind and info.kind.value == "payment" and info.id != payments.BALANCE and info.name
    }


def _form(station_id: int, plugin_id: str, account: str) -> plugins.ConfigForm | None:
    if plugin_id not in _gateways() or station_id not in texts.station_names():
        return None
    try:
        return plugins.config_form(plugin_id, station_id, account)
    except plugins.PluginUnavailable:
        return None


def _view(station_id: int, plugin_id: str, account: str) -> payments.AccountView | None:
    try:
        return payments.payment_account(station_id, plugin_id, account)
    except NotFound:
        return None
