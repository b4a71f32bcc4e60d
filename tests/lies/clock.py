"""Time passes quickly here: what the product would wait for in minutes is due at once.

Planted times are all that the runner touches of the product's own rows:

- the next question about an open purchase is due now, until there were `ENOUGH` and a person has it;
- after `ENOUGH` questions two hours have passed since it was sent: rules about "no such order" and
  about people count from then on;
- a purchase whose hand was killed is due when that is known, or the longest call certainly over;
- breakers have rested, and so have offers that could not be sent to.

A purchase that is being sent (it waits for an answer) is left alone: in truth no question is asked
either before that call is over.
"""

from __future__ import annotations

from typing import Any

ENOUGH = 10  # questions; a lie hides an order for two of them
LONGEST_CALL_S = 25  # the host gives a purchase 20 s
OPEN = "state IN ('created', 'sent', 'unknown')"

PASSES = (
    f"UPDATE purchase SET next_query_at = now() WHERE {OPEN} AND next_query_at > now()"
    f" AND waits_for <> 'answer' AND (queries < {ENOUGH} OR waits_for <> 'person')",
    "UPDATE purchase SET next_query_at = now(), sent_at = sent_at - interval '2 hours'"
    " WHERE state IN ('sent', 'unknown') AND waits_for <> 'answer'"
    f" AND queries >= {ENOUGH} AND sent_at > now() - interval '1 hour'",
    "UPDATE purchase SET next_query_at = now() WHERE state = 'created'"
    " AND created_at < now() - interval '2 seconds' AND coalesce(next_query_at, 'infinity') > now()",
    "UPDATE purchase SET next_query_at = now() WHERE state = 'sent' AND waits_for = 'answer'"
    " AND sent_at < now() - make_interval(secs => %(call_s)s) AND next_query_at > now()",
    f"UPDATE purchase SET next_query_at = now() WHERE {OPEN} AND id = ANY(%(killed)s)",
    "UPDATE purchase SET done_at = done_at - interval '2 minutes' WHERE state = 'declined'"
    " AND code IN ('misconfigured', 'not_sent') AND done_at > now() - interval '1 minute'",
    "UPDATE supply_connection SET broken_until = now() WHERE broken_until > now()",
)
MOVES = f"""SELECT (SELECT count(*) FROM purchase WHERE {OPEN} AND waits_for NOT IN ('person', 'desk'))
  + (SELECT count(*) FROM orders o WHERE o.source = 'supplier' AND o.state IN ('paid', 'fulfilling', 'partially_delivered')
     AND NOT EXISTS (SELECT 1 FROM purchase p WHERE p.station_id = o.station_id AND p.order_id = o.id AND p.{OPEN}))
  + (SELECT count(*) FROM outbox WHERE sent_at IS NULL)"""


def pass_time(owner: Any, killed: set[int]) -> None:
    """All waits are over; `killed` are purchases whose sender is known to be dead."""
    dead = [killed.pop() for _n in range(len(killed))]
    for sql in PASSES:
        owner.execute(sql.encode(), {"call_s": LONGEST_CALL_S, "killed": dead})


def still_moves(owner: Any) -> int:
    """How much will go on without a person."""
    return int(owner.execute(MOVES.encode()).fetchone()[0])
