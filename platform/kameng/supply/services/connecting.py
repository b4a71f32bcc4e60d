"""Connections as people set them up: made, named, paused, read at once, trusted again.

In the open main scope, and they commit; `add_connection` opens scopes of its own.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, text

from kameng.catalog.api import forget_levels
from kameng.db import db, main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.identity.api import audit
from kameng.plugins import api as plugins
from kameng.supply.models import Connection
from kameng.supply.services import breaking, levels
from kameng_sdk.suppliers import SupplierCapability

LEAST_S, MOST_S = 30, 86_400  # between two syncs
MOST_NAME = 60

_SKUS = text("""
SELECT DISTINCT sku_id FROM supply_offer WHERE connection_id = :id AND sku_id IS NOT NULL
""")
_SUPPLIER = text("SELECT state FROM supplier WHERE id = :id AND NOT internal")


def add_connection(
    supplier_id: int, plugin_id: str, account: str, name: str, actor: str
) -> int:  # fmt: skip
    """A new way to a supplier; its number. ``account`` "" is the plugin's first account.

    An account that is not there yet is made, without values. Opens its own scopes. Raises
    `NotFound`, `DomainError("name_needed")`, `Conflict("account_connected")`, `ConfigInvalid`,
    `PluginUnavailable`.
    """
    name = _name(name)
    with main_scope(reason="a new connection"):
        if db.session.execute(_SUPPLIER, {"id": supplier_id}).first() is None:
            raise NotFound("supplier_unknown", _l("没有这家供应商"))
        _refuse_connected(supplier_id, plugin_id, account)
    manual = plugin_id == "supplier-manual"
    if account and not manual:
        _ensure_account(plugin_id, account, actor)
    with main_scope(reason="a new connection"):
        row = Connection(
            supplier_id=supplier_id, plugin_id=plugin_id, account="" if manual else account,
            name=name, sync_goods=not manual, next_sync_at=func.now(), created_at=func.now(),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        number = row.id
        audit(actor, "supply.connection_add", _subject(number), {"name": name, "type": plugin_id})
        db.session.commit()
    return number


def change_connection(
    connection_id: int, actor: str, *, name: str, sync_every_s: int, sync_goods: bool,
    low_balance: int,
) -> None:  # fmt: skip
    """Name, pace (seconds, 30 to 86 400), what is read, and the balance (scale 4) to warn below.

    Raises `NotFound`, `DomainError("name_needed" | "pace_refused" | "balance_refused")`.
    """
    row = _row(connection_id)
    if not LEAST_S <= sync_every_s <= MOST_S:
        raise DomainError("pace_refused", _l("同步间隔要在 30 秒到 24 小时之间"))
    if low_balance < 0:
        raise DomainError("balance_refused", _l("余额提醒不能是负数"))
    row.name, row.sync_every_s = _name(name), sync_every_s
    row.sync_goods, row.low_balance = sync_goods, low_balance
    audit(actor, "supply.connection_save", _subject(connection_id), {"name": row.name})
    db.session.commit()


def pause_connection(connection_id: int, reason: str, actor: str) -> None:
    """Nothing is bought or read there until it is resumed. Raises `NotFound`."""
    _set_state(connection_id, "paused", reason.strip()[:200], actor)


def resume_connection(connection_id: int, actor: str) -> None:
    """It is used again, and read at once. Raises `NotFound`."""
    _set_state(connection_id, "active", "", actor)


def sync_now(connection_id: int, actor: str) -> None:
    """Read it at the next turn of the job, within seconds.

    Raises `NotFound`, `Conflict("connection_paused")`.
    """
    row = _row(connection_id)
    if row.state != "active":
        raise Conflict("connection_paused", _l("接口已暂停，先恢复再同步"))
    row.next_sync_at = func.now()
    audit(actor, "supply.connection_sync", _subject(connection_id), {})
    db.session.commit()


def reset_breaker(connection_id: int, actor: str) -> None:
    """A person says that the other side answers again. Raises `NotFound`."""
    row = _row(connection_id)
    breaking.heal(row)
    audit(actor, "supply.connection_reset", _subject(connection_id), {})
    _commit_with_levels(connection_id)


def capabilities(row: Connection) -> list[str]:
    """What the plugin can do at this account, in lower case; empty when it cannot be used now."""
    try:
        able = plugins.supplier(row.plugin_id, row.account).capabilities
    except plugins.PluginUnavailable:
        return []
    return [str(one.name).lower() for one in SupplierCapability if one in able]


def _set_state(connection_id: int, state: str, reason: str, actor: str) -> None:
    row = _row(connection_id)
    row.state, row.pause_reason = state, reason
    if state == "active":
        row.next_sync_at = func.now()
    action = "supply.connection_resume" if state == "active" else "supply.connection_pause"
    audit(actor, action, _subject(connection_id), {"reason": reason} if reason else {})
    _commit_with_levels(connection_id)


def _commit_with_levels(connection_id: int) -> None:
    db.session.flush()
    sku_ids = db.session.scalars(_SKUS, {"id": connection_id}).all()
    moved = levels.refresh(sku_ids)
    db.session.commit()
    forget_levels(moved)


def _row(connection_id: int) -> Connection:
    wanted = select(Connection).where(Connection.id == connection_id).with_for_update()
    row: Connection | None = db.session.scalars(wanted).one_or_none()
    if row is None:
        raise NotFound("connection_unknown", _l("没有这个供货接口"))
    return row


def _refuse_connected(supplier_id: int, plugin_id: str, account: str) -> None:
    """A notice must tell whose it is: one account is one connection. People may serve several."""
    query = select(Connection.id).where(
        Connection.plugin_id == plugin_id, Connection.account == account
    )
    if plugin_id == "supplier-manual":
        query = query.where(Connection.supplier_id == supplier_id)
    if db.session.scalars(query).first() is not None:
        raise Conflict("account_connected", _l("这个账户已经接在一个供货接口上"))


def _ensure_account(plugin_id: str, account: str, actor: str) -> None:
    try:
        plugins.add_account(plugins.MAIN_STATION, plugin_id, account, actor)
    except plugins.ConfigInvalid as invalid:
        if invalid.errors.get("account") != "taken":
            raise


def _name(raw: str) -> str:
    name = " ".join(raw.split())[:MOST_NAME]
    if not name:
        raise DomainError("name_needed", _l("请给供货接口起个名字"))
    return name


def _subject(connection_id: int) -> str:
    return f"connection:{connection_id}"
