"""Orders whose station had too little prepaid money: they go on, or the money goes back."""

from __future__ import annotations

from sqlalchemy import text

from kameng.db import db, run
from kameng.stock.api import close_alert, open_alerts

ALERT = "station_funds"
AT_ONCE = 50
_WAITING = text("""
SELECT EXISTS (SELECT 1 FROM orders WHERE station_id = :station AND state = 'paid'
  AND collected_by <> 1 AND NOT funded)
""")


def fund_waiting_orders() -> tuple[int, int]:
    """One round; returns (gone on, given back). Main scope. Closes warnings that are over."""
    row = run("fund_waiting_orders", p_limit=AT_ONCE)[0]
    for alert in open_alerts(kinds=[ALERT]):
        if not db.session.scalar(_WAITING, {"station": alert.station_id}):
            close_alert(ALERT, alert.subject, alert.station_id)
    db.session.commit()
    return int(row["funded"]), int(row["refunded"])
