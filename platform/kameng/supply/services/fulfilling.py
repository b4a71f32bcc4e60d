"""From a paid order to its goods: choose, write the intent, send, and go on until it has ended.

The functions of this file open their own scopes: between the row and the outcome lies a call to
the outside, and no transaction is open while it runs.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, text

from kameng.db import db, main_scope, run
from kameng.supply.domain.numbers import BITS, purchase_no
from kameng.supply.services import choosing, ending, placing

log = logging.getLogger("kameng.supply")

ACTOR = "system"
PATIENCE_S = 600  # so long an order may wait for a supplier that only rests
MOST_STEPS = 25  # suppliers asked in one go; the sweeper goes on from there

_UNFINISHED = text("""
SELECT o.station_id, o.id FROM orders o
WHERE o.source = 'supplier' AND o.state IN ('paid', 'fulfilling', 'partially_delivered')
  AND o.updated_at < now() - make_interval(secs => :after_s)
  AND NOT EXISTS (SELECT 1 FROM purchase p WHERE p.station_id = o.station_id
    AND p.order_id = o.id AND p.state IN ('created', 'sent', 'unknown'))
ORDER BY o.updated_at LIMIT 100
""")
_DESK = text("""
SELECT c.id FROM supply_connection c JOIN supplier s ON s.id = c.supplier_id WHERE s.code = 'desk'
""")
_DESK_TRIED = text("""
SELECT 1 FROM purchase p JOIN supplier s ON s.id = p.supplier_id
WHERE p.station_id = :station AND p.order_id = :order AND s.internal LIMIT 1
""")


def fulfil(station_id: int, order_id: int) -> None:
    """Bring a paid order on: buy what it lacks, or end it. Safe to repeat and to run twice."""
    for _step in range(MOST_STEPS):
        order = choosing.wanted(station_id, order_id)
        if order is None or not _go_on(order):
            return


def continue_unfinished(*, after_s: float = 30) -> int:
    """Orders that nobody works on: paid ones never begun, and those whose worker was killed."""
    with main_scope(reason="orders nobody works on"):
        rows = db.session.execute(_UNFINISHED, {"after_s": after_s}).all()
    for row in rows:
        try:
            fulfil(row.station_id, row.id)
        except Exception:
            log.exception("order %d of station %d", row.id, row.station_id)
    return len(rows)


def _go_on(order: choosing.Wanted) -> bool:
    """One purchase, or the end; whether there may be more to do now."""
    plan = choosing.plan(order)
    if plan.chosen is not None:
        chosen = plan.chosen.choice
        row = plan.offers[chosen.offer_id]
        purchase_id = _open(
            order, chosen.connection_id, chosen.offer_id, chosen.cost, plan,
            _inputs(row, order.inputs),
        )  # fmt: skip
        return purchase_id is not None and placing.place(order.station_id, purchase_id) == "next"
    if plan.may_pass and order.age_s < PATIENCE_S:
        ending.say_waiting(order, plan)
        return False
    if (not plan.ranked or order.when_none == "desk") and not _desk_has_tried(order):
        purchase_id = _open(order, _desk(), None, order.unit_cost, plan, dict(order.inputs))
        if purchase_id is not None:
            placing.place(order.station_id, purchase_id)
        return False
    ending.give_up(order, plan)
    return False


def _open(
    order: choosing.Wanted,
    connection_id: int,
    offer_id: int | None,
    cost: int,
    plan: choosing.Plan,
    inputs: Mapping[str, Any],
) -> int | None:
    """The intent row; None when somebody else works on the order."""
    while True:
        with main_scope(reason="open a purchase"):
            (done,) = run(
                "open_purchase", p_station=order.station_id, p_order=order.order_id,
                p_connection=connection_id, p_offer=offer_id, p_unit_cost=cost,
                p_unit_cap=order.unit_cap,
                p_number=purchase_no(order.month, secrets.randbits(BITS)),
                p_inputs=json.dumps(dict(inputs)), p_routing=json.dumps(plan.explained()),
                p_most=None, p_actor=ACTOR,
            )  # fmt: skip
            db.session.commit()
        if done["code"] != "number_taken":
            return int(done["purchase_id"]) if done["code"] == "ok" else None


def _inputs(offer: Row[Any], given: Mapping[str, Any]) -> dict[str, str]:
    """What the shopper gave, under the supplier's names; unmapped names stay as they are."""
    if not offer.input_map:
        return {str(name): str(value) for name, value in given.items()}
    return {
        theirs: str(given[ours]) for theirs, ours in offer.input_map.items() if ours in given
    }  # fmt: skip


def _desk() -> int:
    with main_scope(reason="the desk"):
        return int(db.session.execute(_DESK).scalar_one())


def _desk_has_tried(order: choosing.Wanted) -> bool:
    given = {"station": order.station_id, "order": order.order_id}
    with main_scope(reason="the desk"):
        return db.session.execute(_DESK_TRIED, given).first() is not None
