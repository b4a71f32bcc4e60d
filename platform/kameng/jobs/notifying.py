"""Who gets which mail when something has happened. Reads what it needs, queues a notice."""

from __future__ import annotations

from sqlalchemy import text

from kameng.db import db
from kameng.jobs.notices import send_notice
from kameng.jobs.texts import Kind, notice_text, yuan
from kameng.runtime import current_settings

_ORDER = text(
    "SELECT o.order_no, o.product_name, o.payable, o.contact, m.login, st.name AS station_name,"
    " o.state, o.quantity, o.short, o.refunded,"
    " (SELECT coalesce(sum(p.delivered), 0) FROM purchase p WHERE p.station_id = o.station_id"
    "  AND p.order_id = o.id AND p.state = 'succeeded') AS came,"
    " st.locale, (SELECT h.host FROM host h WHERE h.station_id = st.id AND h.active"
    "  ORDER BY h.kind = 'custom' DESC, h.created_at LIMIT 1) AS host"
    " FROM orders o JOIN station st ON st.id = o.station_id"
    " LEFT JOIN member m ON m.station_id = o.station_id AND m.id = o.member_id"
    " WHERE o.station_id = :station AND o.id = :order"
    # News of last week (restored, imported, seeded) is no news.
    " AND o.updated_at > now() - interval '1 day'"
)
_PRUNE = text("DELETE FROM notice WHERE created_at < now() - interval '90 days'")


def order_notice(kind: Kind, station_id: int, order_id: int) -> None:
    """Tell the shopper about an order, once for each kind; in the open main scope."""
    row = db.session.execute(_ORDER, {"station": station_id, "order": order_id}).first()
    if row is None or (kind == "order.part" and row.state != "partially_delivered"):
        return  # the rest has come meanwhile, and that is told
    if kind == "order.delivered" and row.short:
        kind = "order.short"
    settings = current_settings()
    subject, body = notice_text(
        kind, row.locale, station=row.station_name, order_no=row.order_no,
        product=row.product_name, amount=yuan(row.payable), quantity=str(row.quantity),
        came=str(row.came), short=str(row.short), refunded=yuan(row.refunded),
        link=f"{settings.host_url(row.host or settings.main_host)}/orders/lookup",
    )  # fmt: skip
    recipient = row.contact if "@" in row.contact else row.login or ""
    send_notice(station_id, kind, recipient, subject, body, f"{kind}:{order_id}")


def prune_notices() -> None:
    """Forget mails of a quarter ago; they name people. In the open main scope."""
    db.session.execute(_PRUNE)
    db.session.commit()
