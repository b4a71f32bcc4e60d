"""Nobody can deliver: the shopper's money goes back, for all pieces or for those missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import text

from kameng.db import db, main_scope, run

if TYPE_CHECKING:
    from kameng.supply.services.choosing import Plan, Wanted

ACTOR = "system"

_SAY = text("""
INSERT INTO alert(station_id, kind, subject, title, detail)
SELECT 1, 'supply_waiting', 'order:' || o.order_no, '订单在等供货：' || o.order_no, CAST(:detail AS jsonb)
FROM orders o WHERE o.station_id = :station AND o.id = :order
ON CONFLICT (station_id, kind, subject) WHERE state = 'open' DO NOTHING
""")  # noqa: E501  # one column list
_QUIET = text("""
UPDATE alert a SET state = 'closed', closed_at = now()
WHERE a.kind = 'supply_waiting' AND a.state = 'open' AND NOT EXISTS (SELECT 1 FROM orders o
  WHERE o.station_id = (a.detail ->> 'station_id')::bigint AND o.id = (a.detail ->> 'order_id')::bigint
  AND o.state IN ('paid', 'fulfilling', 'partially_delivered'))
""")  # noqa: E501  # one condition


def give_up(order: Wanted, plan: Plan) -> str:
    """End an order that no supplier serves; the code of the function that did. Opens its scope."""
    given = {"p_station": order.station_id, "p_reason": "no supplier", "p_actor": ACTOR}
    with main_scope(reason="nobody can deliver"):
        run(
            "note_order", p_station=order.station_id, p_order=order.order_id, p_actor=ACTOR,
            p_reason="nobody delivers", p_detail=json.dumps({"suppliers": plan.explained()}),
        )  # fmt: skip
        if order.state == "partially_delivered":
            (done,) = run("end_short", p_order=order.order_id, **given)
        else:
            (done,) = run("fail_order", p_order_id=order.order_id, **given)
        db.session.commit()
    return str(done["code"])


def say_waiting(order: Wanted, plan: Plan) -> None:
    """The order waits for a supplier that rests: told once, with why each one is out."""
    detail = {
        "station_id": order.station_id, "order_id": order.order_id,
        "suppliers": [f"{one.choice.supplier}: {one.why}" for one in plan.ranked],
    }  # fmt: skip
    given = {"station": order.station_id, "order": order.order_id, "detail": json.dumps(detail)}
    with main_scope(reason="an order waits for a supplier"):
        db.session.execute(_SAY, given)
        db.session.commit()


def close_waiting_alerts() -> None:
    """Orders that have moved on wait no longer; in the open main scope."""
    db.session.execute(_QUIET)
    db.session.commit()
