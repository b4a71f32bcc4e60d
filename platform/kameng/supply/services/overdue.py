"""Nothing waits in silence: open orders past their deadline are raised as alerts."""

from __future__ import annotations

from sqlalchemy import text

from kameng.db import db

_RAISE = text(
    "INSERT INTO alert(station_id, kind, subject, title, detail)"
    " SELECT 1, 'fulfil_overdue', 'order:' || o.order_no, '订单超时未处理：' || o.order_no,"
    "  jsonb_build_object('station_id', o.station_id, 'order_id', o.id)"
    " FROM orders o WHERE o.state IN ('paid', 'fulfilling', 'held', 'refunding')"
    " AND o.deadline_at < now() LIMIT 200"
    " ON CONFLICT (station_id, kind, subject) WHERE state = 'open' DO NOTHING"
)
_CLOSE = text(
    "UPDATE alert a SET state = 'closed', closed_at = now()"
    " WHERE a.kind = 'fulfil_overdue' AND a.state = 'open' AND NOT EXISTS (SELECT FROM orders o"
    "  WHERE o.station_id = (a.detail ->> 'station_id')::bigint"
    "  AND o.id = (a.detail ->> 'order_id')::bigint"
    "  AND o.state IN ('paid', 'fulfilling', 'held', 'refunding'))"
)


def watch_deadlines() -> None:
    """Raise what is overdue, close what has moved on; in the open main scope."""
    db.session.execute(_RAISE)
    db.session.execute(_CLOSE)
    db.session.commit()
