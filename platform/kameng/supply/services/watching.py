"""What people must know about supply is raised once, and closed when it is over."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text

from kameng.db import db, main_scope
from kameng.stock.api import close_alert, open_alerts, raise_alert

KINDS = ("supply_balance", "supply_sync", "supply_gone", "supply_none", "supply_paused")
FAILURES = 3  # syncs in a row
MOST = 500  # of one kind: more is one trouble, not many

_LOW = text("""
SELECT c.id, c.name, c.balance, c.low_balance FROM supply_connection c
WHERE c.state = 'active' AND c.low_balance > 0 AND c.balance < c.low_balance ORDER BY c.id
""")
_FAILING = text("""
SELECT c.id, c.name, c.sync_error, coalesce((c.sync_counts ->> 'failed')::int, 0) AS failed
FROM supply_connection c
WHERE c.state = 'active' AND coalesce((c.sync_counts ->> 'failed')::int, 0) >= :failures
ORDER BY c.id
""")
_GONE = text("""
SELECT f.id, f.name, f.sku_id, c.id AS connection_id, c.name AS connection FROM supply_offer f
JOIN supply_connection c ON c.id = f.connection_id
WHERE f.gone_at IS NOT NULL AND f.sku_id IS NOT NULL AND f.active
ORDER BY f.gone_at DESC LIMIT :most
""")
_SHUT = text("""
SELECT u.sku_id, u.paused, p.name || ' ' || s.name AS name, k.cost FROM supply_level u
JOIN sku s ON s.id = u.sku_id JOIN product p ON p.id = s.product_id
LEFT JOIN sku_cost k ON k.sku_id = s.id
WHERE u.available = 0 AND s.state = 'on_sale' AND p.state = 'on_sale'
  AND (p.kind <> 'card' OR s.sourcing <> 'pool') ORDER BY u.sku_id LIMIT :most
""")

Wanted = dict[tuple[str, str], tuple[str, dict[str, Any]]]


def watch() -> None:
    """Open what is new, close what is over. Opens its own scope and commits."""
    with main_scope(reason="alerts of supply"):
        wanted = {**_connections(), **_gone_offers(), **_shut_skus()}
        known = {(alert.kind, alert.subject) for alert in open_alerts(1, KINDS)}
        for kind, subject in known - wanted.keys():
            close_alert(kind, subject)
        for kind, subject in wanted.keys() - known:
            title, detail = wanted[kind, subject]
            raise_alert(kind, subject, title, detail)
        db.session.commit()


def _connections() -> Wanted:
    found: Wanted = {}
    for row in db.session.execute(_LOW):
        detail = {"connection_id": row.id, "balance": row.balance, "low_balance": row.low_balance}
        title = _("%(name)s 的预存余额不足", name=row.name)
        found["supply_balance", f"connection:{row.id}"] = (title, detail)
    for row in db.session.execute(_FAILING, {"failures": FAILURES}):
        detail = {"connection_id": row.id, "error": row.sync_error, "failed": row.failed}
        title = _("%(name)s 连续 %(n)s 次同步失败", name=row.name, n=row.failed)
        found["supply_sync", f"connection:{row.id}"] = (title, detail)
    return found


def _gone_offers() -> Wanted:
    return {
        ("supply_gone", f"offer:{row.id}"): (
            _("%(connection)s 不再供应 %(name)s", connection=row.connection, name=row.name),
            {"connection_id": row.connection_id, "sku_id": row.sku_id},
        )
        for row in db.session.execute(_GONE, {"most": MOST})
    }


def _shut_skus() -> Wanted:
    found: Wanted = {}
    for row in db.session.execute(_SHUT, {"most": MOST}):
        if row.paused:
            kind, title = "supply_paused", _("%(name)s 的成本不低于售价，已暂停销售", name=row.name)
        else:
            kind, title = "supply_none", _("%(name)s 没有可用的供货", name=row.name)
        found[kind, f"sku:{row.sku_id}"] = (title, {"sku_id": row.sku_id, "cost": row.cost})
    return found
