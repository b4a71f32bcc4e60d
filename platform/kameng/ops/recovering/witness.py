"""What is known of the time that a restored database has forgotten, from a copy of the end.

A restore to an earlier moment leaves out what the archive still holds. Cards that left since would
be sold once more, and payments of orders that are gone would lie at the gateway unseen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import psycopg

MAIN_STATION = 1

_SOLD = (
    "SELECT id, station_id, order_id FROM card WHERE status = 2 AND sold_at >= %s"
    " UNION ALL SELECT c.id, c.station_id, c.order_id FROM card c JOIN orders o"
    " ON o.station_id = c.station_id AND o.id = c.order_id WHERE c.status = 1 AND o.paid_at >= %s"
)
_PAID = (
    "SELECT a.attempt_no, a.plugin_id, a.amount, a.provider_ref, coalesce(o.order_no, '')"
    " FROM payment_attempt a"
    " LEFT JOIN orders o ON o.station_id = a.station_id AND o.id = a.order_id"
    " WHERE a.state = 'succeeded' AND a.created_at >= %s AND a.plugin_id <> 'payment-balance'"
)
# Void: a card that somebody has seen is not sold again. One that its own order holds stays with it.
_SET_ASIDE = (
    "UPDATE card SET status = 3, station_id = NULL, order_id = NULL, held_until = NULL"
    " WHERE id = %s AND status IN (0, 1)"
    " AND (order_id IS NULL OR (station_id, order_id) <> (%s, %s))"
)
_ALERT = (
    "INSERT INTO alert(station_id, kind, subject, title, detail)"
    " SELECT %s, 'recovery_payment', 'attempt:' || %s, 'unknown payment', %s"
    " WHERE NOT EXISTS (SELECT 1 FROM payment_attempt a WHERE a.attempt_no = %s)"
    " ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class Witness:
    """Cards that left and payments that were begun and made after a moment."""

    cards: list[tuple[int, int, int]]  # card, station, order
    payments: list[tuple[str, str, int, str, str]]  # number, plugin, amount, reference, order


def seen_after(url: str, moment: datetime) -> Witness:
    """Read a copy that knows more. As the owner."""
    with psycopg.connect(url) as connection:
        connection.execute("SET row_security = off")
        cards = connection.execute(_SOLD, (moment, moment)).fetchall()
        payments = connection.execute(_PAID, (moment,)).fetchall()
    return Witness(cards, payments)


def tell(url: str, witness: Witness) -> int:
    """Set the cards aside, warn of the payments; returns the cards set aside. As the owner."""
    aside = 0
    with psycopg.connect(url) as connection:
        connection.execute("SET row_security = off")
        for card in witness.cards:
            aside += connection.execute(_SET_ASIDE, card).rowcount
        for number, plugin, amount, ref, order_no in witness.payments:
            detail = {
                "attempt_no": number, "plugin": plugin, "amount": amount, "provider_ref": ref,
                "order_no": order_no,
            }  # fmt: skip
            connection.execute(_ALERT, (MAIN_STATION, number, json.dumps(detail), number))
    return aside
