"""Several accounts at one gateway or supplier: add and remove. The first needs neither."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from kameng import epoch
from kameng.db import db, main_scope
from kameng.errors import Conflict
from kameng.plugins.configuration import refuse_in_use
from kameng.plugins.fields import ConfigInvalid
from kameng.plugins.host import MainOnly, PluginUnavailable, current_host
from kameng.plugins.store import (
    MAIN_STATION,
    PluginRow,
    all_rows,
    audit,
    insert_missing,
    lock_row,
)
from kameng_sdk.manifest import PluginKind

NAME = re.compile(r"[a-z0-9-]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """One account at a gateway as the console lists it; ``account`` "" is the first."""

    station_id: int
    plugin_id: str
    plugin_name: str
    account: str
    enabled: bool
    has_values: bool
    health: str
    health_message: str


def list_accounts() -> list[AccountInfo]:
    """The accounts at all gateways of all stations, the main one first, switched off ones too.

    A station's row without values is no account, but a switch for the main station's.
    """
    names = {
        plugin.id: plugin.manifest.name
        for plugin in current_host().plugins.values()
        if plugin.manifest is not None and plugin.manifest.kind is PluginKind.PAYMENT
    }
    return [
        _info(row, names[row.plugin_id])
        for row in all_rows()
        if row.plugin_id in names
        and (row.station_id == MAIN_STATION or row.account or row.has_values)
    ]


def add_account(station_id: int, plugin_id: str, account: str, actor: str) -> None:
    """Make room for one more account, switched off and without values.

    Raises `ConfigInvalid` (field ``account``: `bad_account`, `taken`) or `PluginUnavailable`.
    """
    _plugin, manifest = current_host().sound(plugin_id)
    if manifest.kind not in (PluginKind.PAYMENT, PluginKind.SUPPLIER):
        raise PluginUnavailable(plugin_id, None, "a plugin of this kind has one account")
    if manifest.kind is PluginKind.SUPPLIER and station_id != MAIN_STATION:
        raise MainOnly(plugin_id)
    if manifest.restricted and station_id != MAIN_STATION:
        raise MainOnly(plugin_id)
    if not NAME.fullmatch(account):
        raise ConfigInvalid({"account": "bad_account"})
    with main_scope(reason="plugin settings"):
        if not insert_missing(station_id, plugin_id, account, enabled=False):
            raise ConfigInvalid({"account": "taken"})
        audit(station_id, actor, "plugin.add_account", plugin_id, {}, account)
        db.session.commit()
        epoch.renew()


def remove_account(station_id: int, plugin_id: str, account: str, actor: str) -> None:
    """Forget an account with its secrets and terms. The first one can only be switched off.

    Raises `Conflict` (`account_in_use`, `first_account`) or `PluginUnavailable`.
    """
    if not account:
        raise Conflict("first_account", _l("第一个账户不能删除，可以停用"))
    with main_scope(reason="plugin settings"):
        row = lock_row(station_id, plugin_id, account, enabled=False)
        if row is None:
            raise PluginUnavailable(plugin_id, None, f"no account {account!r}")
        refuse_in_use(station_id, plugin_id, account)
        db.session.delete(row)
        audit(station_id, actor, "plugin.remove_account", plugin_id, {}, account)
        db.session.commit()
        epoch.renew()


def _info(row: PluginRow, name: str) -> AccountInfo:
    return AccountInfo(
        station_id=row.station_id, plugin_id=row.plugin_id, plugin_name=name,
        account=row.account, enabled=row.enabled, has_values=row.has_values,
        health=str(row.health.get("status", "")),
        health_message=str(row.health.get("message", "")),
    )  # fmt: skip
