"""Alerts: raised once, noticed once, closed when what they warn of is over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select, text

from kameng.db import db, run
from kameng.jobs import send_notice
from kameng.runtime import current_settings
from kameng.stock.domain.levels import level_alert
from kameng.stock.models import Alert

MAIN_STATION = 1
EXPIRY_WARNING_DAYS = 7
STOCK_KINDS = ("low_stock", "sold_out", "card_expiry")


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as the console shows it."""

    id: int
    station_id: int
    kind: str
    subject: str
    title: str
    detail: Mapping[str, Any]
    opened_at: datetime
    closed_at: datetime | None


# Counted no further than each SKU's own limit, so a full pool costs little.
_LEVELS = text("""
SELECT s.id, p.name || ' ' || s.name AS name, s.low_stock, free.n AS free
FROM sku s JOIN product p ON p.id = s.product_id
CROSS JOIN LATERAL (
  SELECT count(*) AS n FROM (
    SELECT 1 FROM card c WHERE c.sku_id = s.id AND c.status = 0
      AND (c.expires_on IS NULL OR c.expires_on > current_date) LIMIT s.low_stock + 1) q
) free
WHERE p.kind = 'card' AND s.sourcing <> 'supplier' AND p.state = 'on_sale' AND s.state = 'on_sale'
""")
_RAISE = text("""
SELECT alert_id FROM raise_alert(:station, :kind, :subject, :title, CAST(:detail AS jsonb))
""")
_EXPIRING = text("""
SELECT c.sku_id AS id, p.name || ' ' || s.name AS name, count(*) AS n, min(c.expires_on) AS first
FROM card c JOIN sku s ON s.id = c.sku_id JOIN product p ON p.id = s.product_id
WHERE c.status = 0 AND c.expires_on <= :until GROUP BY c.sku_id, p.name, s.name
""")


def raise_alert(
    kind: str,
    subject: str,
    title: str,
    detail: Mapping[str, Any] | None = None,
    station_id: int = MAIN_STATION,
) -> bool:
    """Open an alert in the open transaction; False when the same one is open already."""
    payload = json.dumps(dict(detail or {}), ensure_ascii=False)
    values = {
        "station": station_id, "kind": kind, "subject": subject, "title": title, "detail": payload,
    }  # fmt: skip
    return db.session.execute(_RAISE, values).first() is not None


def close_alert(kind: str, subject: str, station_id: int = MAIN_STATION) -> bool:
    """Close an alert in the open transaction; False when none is open."""
    return bool(run("close_alert", p_station=station_id, p_kind=kind, p_subject=subject))


def open_alerts(station_id: int | None = None, kinds: Sequence[str] = ()) -> list[AlertView]:
    """Open alerts, newest first. Main scope."""
    query = select(Alert).where(Alert.state == "open").order_by(Alert.id.desc())
    if station_id is not None:
        query = query.where(Alert.station_id == station_id)
    if kinds:
        query = query.where(Alert.kind.in_(kinds))
    return [
        AlertView(
            row.id,
            row.station_id,
            row.kind,
            row.subject,
            row.title,
            row.detail,
            row.opened_at,
            row.closed_at,
        )
        for row in db.session.scalars(query)
    ]


def check_stock_alerts() -> None:
    """Compare all card pools with their limits: open what is new, close what is over."""
    wanted = _wanted()
    for (kind, subject), (title, detail) in wanted.items():
        raise_alert(kind, subject, title, detail)
    for alert in open_alerts(MAIN_STATION, STOCK_KINDS):
        if (alert.kind, alert.subject) not in wanted:
            close_alert(alert.kind, alert.subject)
    db.session.commit()


def notify_alerts() -> int:
    """Send each new alert to the main station's address, once; returns how many."""
    recipient = db.session.scalar(
        text("SELECT contact ->> 'email' FROM station WHERE id = :id"), {"id": MAIN_STATION}
    )
    fresh = db.session.scalars(
        select(Alert)
        .where(Alert.state == "open", Alert.noticed_at.is_(None))
        .order_by(Alert.id)
        .with_for_update(skip_locked=True)
    ).all()
    for alert in fresh:
        alert.noticed_at = datetime.now(UTC)
        send_notice(
            MAIN_STATION, "alert", recipient or "", _("提醒：%(title)s", title=alert.title),
            _notice_body(alert), f"alert:{alert.station_id}:{alert.id}",
        )  # fmt: skip
    db.session.commit()
    return len(fresh)


def _wanted() -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    found: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for row in db.session.execute(_LEVELS):
        kind = level_alert(row.free, row.low_stock)
        if kind:
            title = (
                _("%(name)s 卖完了", name=row.name)
                if kind == "sold_out"
                else _("%(name)s 只剩 %(free)s 张", name=row.name, free=row.free)
            )
            detail = {"sku_id": row.id, "free": row.free, "low_stock": row.low_stock}
            found[kind, f"sku:{row.id}"] = (title, detail)
    today = datetime.now(ZoneInfo(current_settings().timezone)).date()
    until = today + timedelta(days=EXPIRY_WARNING_DAYS)
    for row in db.session.execute(_EXPIRING, {"until": until}):
        title = _("%(name)s 有 %(n)s 张卡快到期", name=row.name, n=row.n)
        detail = {"sku_id": row.id, "cards": row.n, "first": row.first.isoformat()}
        found["card_expiry", f"sku:{row.id}"] = (title, detail)
    return found


def _notice_body(alert: Alert) -> str:
    facts = "\n".join(f"{name}: {value}" for name, value in alert.detail.items())
    return f"{alert.title}\n\n{facts}\n"
