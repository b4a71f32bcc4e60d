"""After the load: everything runs again, and within two minutes every order has its end.

The first 20 seconds the product is left alone. Then time that its rules wait for passes quickly: the
installation's clock goes on by eleven minutes every few seconds. Where it cannot jump, the times in the
rows of orders that are being bought go back by as much, and unpaid orders may stay.
"""

from __future__ import annotations

import time
from datetime import timedelta

import psycopg

from .installation import Installation

LIMIT_S, ALONE_S, EVERY_S, AHEAD_S = 120, 20, 8, 660
REST_S = 61  # the first rest of a breaker, and a second
OPEN = """SELECT count(*) FROM orders o WHERE o.id > %s
  AND (o.state NOT IN ('delivered', 'completed', 'refunded', 'expired', 'cancelled', 'held', 'pending_payment')
    OR o.state = 'pending_payment' AND %s)
  AND NOT EXISTS (SELECT FROM purchase p JOIN alert l ON l.subject = 'purchase:' || p.purchase_no AND l.state = 'open'
    WHERE p.station_id = o.station_id AND p.order_id = o.id AND p.state IN ('created', 'sent', 'unknown')
      AND p.waits_for IN ('person', 'desk'))"""
# In the place of a jump. A purchase that is being sent is left alone while its call may last: this
# cannot take the call's own clock along.
GO_BACK = (
    "UPDATE purchase SET created_at = created_at - %(by)s, sent_at = sent_at - %(by)s, next_query_at = next_query_at - %(by)s"
    " WHERE state IN ('created', 'sent', 'unknown') AND (waits_for <> 'answer' OR sent_at < now() - interval '25 seconds')",
    "UPDATE purchase SET done_at = done_at - %(by)s WHERE state = 'declined' AND EXISTS (SELECT FROM orders o"
    " WHERE o.station_id = purchase.station_id AND o.id = order_id AND o.state IN ('paid', 'fulfilling', 'partially_delivered'))",
    "UPDATE supply_connection SET broken_until = broken_until - %(by)s",
    "UPDATE orders SET paid_at = paid_at - %(by)s, updated_at = updated_at - %(by)s"
    " WHERE source = 'supplier' AND state IN ('paid', 'fulfilling', 'partially_delivered')",
)
UNHEARD = """SELECT count(*) FROM outbox WHERE sent_at IS NULL"""


def end_rests(shop: Installation) -> None:
    """A gateway that failed five times in a row is not asked for a minute: that minute is over."""
    if shop.clock is not None:
        shop.clock.jump(REST_S)
    else:
        shop.query(
            "UPDATE payment_account SET broken_until = now() WHERE broken_until > now() RETURNING 1"
        )


def settle(shop: Installation, since: int) -> float:
    """Wait until nothing moves any more, at most `LIMIT_S`; returns how many seconds it took."""
    begun = time.monotonic()
    passed = begun + ALONE_S - EVERY_S
    while (now := time.monotonic()) - begun < LIMIT_S:
        if not _open(shop, since):
            return now - begun
        if now - passed >= EVERY_S:
            passed = now
            _hasten(shop)
        time.sleep(1)
    return time.monotonic() - begun


def _open(shop: Installation, since: int) -> int:
    can_expire = shop.clock is not None
    return int(shop.query(OPEN, since, can_expire)[0][0]) + int(shop.query(UNHEARD)[0][0])


def _hasten(shop: Installation) -> None:
    if shop.clock is not None:
        shop.clock.jump(AHEAD_S)
        return
    with psycopg.connect(shop.info["database_url"], autocommit=True) as owner:
        for sql in GO_BACK:
            owner.execute(sql.encode(), {"by": timedelta(seconds=AHEAD_S)})
