"""Settings of a plugin at a station: form, changes, switch. Secrets go in, never out.

``account`` names one of several accounts of the station; "" is the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from kameng import epoch
from kameng.db import db, main_scope
from kameng.errors import Conflict
from kameng.plugins.fields import ConfigInvalid, Given, Stored, read_changes
from kameng.plugins.host import MainOnly, PluginUnavailable, current_host
from kameng.plugins.models import StationPlugin
from kameng.plugins.store import (
    MAIN_STATION,
    AccountRows,
    PluginRow,
    audit,
    in_use,
    lock_row,
    read_accounts,
)
from kameng_sdk.manifest import ConfigField, PluginManifest

TAIL = 2
TAIL_FROM = 12  # of a shorter secret even two characters would tell too much


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field as it is shown. Of a secret only when it was set and how it ends."""

    field: ConfigField
    value: Stored = None
    set_at: str = ""
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigForm:
    """A station's form; ``own_values`` False means the main station's settings count.

    Those are not shown to a station: its form is then empty but for defaults.
    """

    plugin_id: str
    station_id: int
    manifest: PluginManifest
    enabled: bool
    own_values: bool
    fields: tuple[FormField, ...]
    account: str = ""


def config_form(plugin_id: str, station_id: int, account: str = "") -> ConfigForm:
    """What a station may set, with its present values; raises `PluginUnavailable`."""
    host = current_host()
    _plugin, manifest = host.sound(plugin_id)
    row = read_accounts(station_id, plugin_id).get(plugin_id, AccountRows()).own.get(account)
    fields = tuple(
        _form_field(declared, row)
        for declared in manifest.config_fields
        if station_id == MAIN_STATION or _settable(manifest, declared)
    )
    return ConfigForm(
        plugin_id=plugin_id, station_id=station_id, manifest=manifest, fields=fields,
        account=account, enabled=host.settings_of(station_id, plugin_id, account).enabled,
        own_values=row is not None and row.has_values,
    )  # fmt: skip


def configure(
    station_id: int, plugin_id: str, values: Mapping[str, Given], actor: str, account: str = ""
) -> int:
    """Validate and keep a form; returns the new version. ``actor`` is like ``staff:3``.

    A field that is not given stays; a secret left empty stays; another field left empty is
    cleared. Raises `ConfigInvalid` (see `explain`) and `PluginUnavailable`.
    """
    host = current_host()
    _plugin, manifest = host.sound(plugin_id)
    _refuse_restricted(station_id, manifest)
    changes = read_changes(manifest, values, main=station_id == MAIN_STATION)
    was_enabled = host.settings_of(station_id, plugin_id, account).enabled
    with main_scope(reason="plugin settings"):
        row = _locked(station_id, plugin_id, account, was_enabled)
        kept = {**row.config, **changes.plain}
        row.config = {name: value for name, value in kept.items() if value is not None}
        if changes.secrets:
            opened = host.sealer.open(station_id, plugin_id, row.secrets, account)
            both = {**opened, **changes.secrets}
            row.secrets = host.sealer.seal(station_id, plugin_id, both, account)
            row.secrets_meta = {**row.secrets_meta, **_meta(changes.secrets)}
        fields_named = {"fields": sorted(values)}
        audit(station_id, actor, "plugin.configure", plugin_id, fields_named, account)
        return _renew(row)


def clear_secret(station_id: int, plugin_id: str, name: str, actor: str, account: str = "") -> int:
    """Forget one secret; returns the new version. Raises `ConfigInvalid` when it is none."""
    host = current_host()
    _plugin, manifest = host.sound(plugin_id)
    _refuse_restricted(station_id, manifest)
    declared = manifest.field(name)
    if declared is None or not declared.secret:
        raise ConfigInvalid({name: "unknown"})
    was_enabled = host.settings_of(station_id, plugin_id, account).enabled
    with main_scope(reason="plugin settings"):
        row = _locked(station_id, plugin_id, account, was_enabled)
        left = host.sealer.open(station_id, plugin_id, row.secrets, account)
        left.pop(name, None)
        row.secrets = host.sealer.seal(station_id, plugin_id, left, account) if left else None
        row.secrets_meta = {key: meta for key, meta in row.secrets_meta.items() if key != name}
        audit(station_id, actor, "plugin.clear_secret", plugin_id, {"fields": [name]}, account)
        return _renew(row)


def set_enabled(
    station_id: int, plugin_id: str, enabled: bool, actor: str, account: str = ""
) -> None:
    """Turn the switch of a station; values stay as they are. Raises `PluginUnavailable`."""
    _plugin, manifest = current_host().sound(plugin_id)
    _refuse_restricted(station_id, manifest)
    with main_scope(reason="plugin settings"):
        row = _locked(station_id, plugin_id, account, enabled)
        row.enabled = enabled
        action = "plugin.enable" if enabled else "plugin.disable"
        audit(station_id, actor, action, plugin_id, {}, account)
        db.session.commit()
        epoch.renew()


def use_main_account(station_id: int, plugin_id: str, actor: str) -> None:
    """Forget all of a station's own accounts, so that the main station's count again.

    Raises `Conflict` (`account_in_use`) while something open needs one of them.
    """
    if station_id == MAIN_STATION:
        raise ValueError("the main station has no other account to use")
    current_host().sound(plugin_id)
    with main_scope(reason="plugin settings"):
        row = _locked(station_id, plugin_id, "", True)
        rows = db.session.scalars(
            select(StationPlugin)
            .where(StationPlugin.station_id == station_id, StationPlugin.plugin_id == plugin_id)
            .with_for_update()
        ).all()
        for found in rows:
            refuse_in_use(station_id, plugin_id, found.account)
            if found.account:
                db.session.delete(found)
        row.config, row.secrets, row.secrets_meta, row.health = {}, None, {}, {}
        row.config_version, row.updated_at = 0, datetime.now(UTC)
        audit(station_id, actor, "plugin.use_main_account", plugin_id, {})
        db.session.commit()
        epoch.renew()


def reseal_all() -> int:
    """Encrypt every secret under the current master key (after a rotation); returns how many."""
    sealer = current_host().sealer
    with main_scope(reason="master key rotation"):
        wanted = select(StationPlugin).where(StationPlugin.secrets.is_not(None)).with_for_update()
        rows = db.session.scalars(wanted).all()
        for row in rows:
            opened = sealer.open(row.station_id, row.plugin_id, row.secrets, row.account)
            row.secrets = sealer.seal(row.station_id, row.plugin_id, opened, row.account)
        db.session.commit()
        epoch.renew()
    return len(rows)


def explain(code: str) -> str:
    """Words for a code of `ConfigInvalid`, in the reader's language."""
    words = {
        "unknown": _("没有这个设置项"),
        "main_only": _("该项只能由主站设置"),
        "not_choice": _("请从列表中选择"),
        "bad_pattern": _("格式不正确"),
        "too_long": _("内容过长"),
        "not_text": _("含有不允许的字符"),
        "not_whole": _("请填写整数"),
        "not_flag": _("请选择开或关"),
        "bad_url": _("请填写以 http:// 或 https:// 开头的网址"),
        "not_money": _("请填写金额,例如 95.50"),
        "bad_account": _("代号只能用小写字母、数字和减号，最多 20 个字"),
        "taken": _("这个代号已经有了"),
    }
    return str(words.get(code) or _("格式不正确"))


def refuse_in_use(station_id: int, plugin_id: str, account: str) -> None:
    """Raises `Conflict` while a payment, refund or payout that is open needs the account."""
    if in_use(station_id, plugin_id, account):
        words = _l("这个账户还有未完成的收款或退款，先停用，完成后再删除")
        raise Conflict("account_in_use", words)


def _locked(station_id: int, plugin_id: str, account: str, enabled: bool) -> StationPlugin:
    row = lock_row(station_id, plugin_id, account, enabled=enabled)
    if row is None:
        raise PluginUnavailable(plugin_id, None, f"no account {account!r}")
    return row


def _form_field(declared: ConfigField, row: PluginRow | None) -> FormField:
    if declared.secret:
        meta = row.secrets_meta.get(declared.name, {}) if row else {}
        return FormField(field=declared, set_at=meta.get("set_at", ""), tail=meta.get("tail", ""))
    stored: Stored = row.config.get(declared.name) if row else None
    if stored is None and declared.default is not None:
        default = declared.default
        stored = default if isinstance(default, str | int | bool) else default.format(4)
    return FormField(field=declared, value=stored)


def _settable(manifest: PluginManifest, declared: ConfigField) -> bool:
    return declared.scope == "station" and not manifest.restricted


def _refuse_restricted(station_id: int, manifest: PluginManifest) -> None:
    if manifest.restricted and station_id != MAIN_STATION:
        raise MainOnly(manifest.id)


def _meta(given: Mapping[str, str]) -> dict[str, dict[str, str]]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        name: {"set_at": now, "tail": value[-TAIL:] if len(value) >= TAIL_FROM else ""}
        for name, value in given.items()
    }


def _renew(row: StationPlugin) -> int:
    row.config_version += 1
    row.updated_at = datetime.now(UTC)
    row.health = {}
    version = row.config_version
    db.session.commit()
    epoch.renew()
    return version
