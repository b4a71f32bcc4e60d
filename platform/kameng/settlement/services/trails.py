"""The money of one order, from the gateway's notice to the payout of each level (main scope)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from kameng.db import current_scope, db

ORDER_SQL = text("""
    SELECT o.station_id, o.id, o.order_no, o.state, o.kind, o.quantity, o.total, o.payable,
           o.refunded, o.collected_by, o.funded, o.created_at, o.paid_at, o.delivered_at,
           c.cost, c.parties, c.margins
      FROM orders o LEFT JOIN order_cost c ON c.station_id = o.station_id AND c.order_id = o.id
     WHERE o.station_id = :station AND o.order_no = :number
""")
NOTICES_SQL = text("""
    SELECT n.at, n.last_at, n.plugin_id, n.result, n.times, n.attempt_no FROM payment_notice n
      JOIN payment_attempt a ON a.station_id = n.station_id AND a.attempt_no = n.attempt_no
     WHERE a.station_id = :station AND a.order_id = :order ORDER BY n.at, n.id LIMIT 100
""")
ATTEMPTS_SQL = text("""
    SELECT id, attempt_no, plugin_id, account, account_station_id AS holder, method, amount, fee,
           state, provider_ref, created_at, paid_at FROM payment_attempt
     WHERE station_id = :station AND order_id = :order ORDER BY created_at, id
""")
REFUNDS_SQL = text("""
    SELECT r.id, r.refund_no, r.amount, r.reason, r.state, r.by_hand, r.requested_by, r.note,
           r.created_at, r.done_at, a.attempt_no, a.plugin_id
      FROM refund r JOIN payment_attempt a ON a.station_id = r.station_id AND a.id = r.attempt_id
     WHERE r.station_id = :station AND r.order_id = :order ORDER BY r.created_at, r.id
""")
# A fee given back with a refund belongs to the settlement, not to the order: it is found by it.
LEGS_SQL = text("""
    SELECT t.id, t.at, t.kind, t.amount, t.txn, t.refund_id, d.id AS source_id, d.kind AS source,
           d.ref AS source_ref, d.station_id AS source_station, c.id AS target_id,
           c.kind AS target, c.ref AS target_ref, c.station_id AS target_station
      FROM transfer t JOIN account d ON d.id = t.debit_account
      JOIN account c ON c.id = t.credit_account
     WHERE t.station_id = :station AND t.order_id = :order
        OR t.id IN (SELECT f.id FROM settlement s
             JOIN account a ON a.station_id = s.station_id AND a.kind = 'available'
             JOIN transfer f ON f.credit_account = a.id AND f.kind = 'settle.fee_return'
              AND f.txn LIKE 'settlement:' || s.station_id || ':' || s.id || ':%'
            WHERE s.order_station_id = :station AND s.order_id = :order)
     ORDER BY t.at, t.id LIMIT 2000
""")
LEVELS_SQL = text("""
    SELECT s.station_id AS party, s.id, s.margin, s.returned, s.fee_bp, s.fee, s.gateway_fee,
           s.state, s.due_at, s.released_at,
           CASE WHEN s.state = 'released' THEN (
             SELECT coalesce(sum(x.margin - x.returned - x.fee - x.gateway_fee), 0)
               FROM settlement x WHERE x.station_id = s.station_id AND x.state = 'released'
                AND (x.released_at, x.id) < (s.released_at, s.id)) END::bigint AS before
      FROM settlement s WHERE s.order_station_id = :station AND s.order_id = :order
     ORDER BY s.station_id
""")
PAYOUTS_SQL = text("""
    SELECT w.id, w.withdrawal_no, w.amount, w.fee, w.state, w.created_at, w.done_at,
           (sum(w.amount) OVER (ORDER BY w.created_at, w.id) - w.amount)::bigint AS before
      FROM withdrawal w WHERE w.station_id = :party AND w.state <> 'declined'
     ORDER BY w.created_at, w.id
""")
LINES_SQL = text("""
    SELECT b.day, b.station_id AS holder, b.id AS bill_id, b.plugin_id, b.account, l.kind,
           l.attempt_no, l.provider_ref, l.refund_no, l.amount, l.fee, l.done, l.at
      FROM bill_line l JOIN bill b ON b.station_id = l.station_id AND b.id = l.bill_id
     WHERE (b.station_id, b.plugin_id, b.account, l.attempt_no) IN (
       SELECT account_station_id, plugin_id, account, attempt_no FROM payment_attempt
        WHERE station_id = :station AND order_id = :order)
        OR l.refund_no IN (SELECT refund_no FROM refund WHERE station_id = :station
             AND order_id = :order) ORDER BY l.at, l.n LIMIT 200
""")


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer with both accounts: (kind, reference, station)."""

    id: int
    at: datetime
    kind: str
    amount: int
    txn: str
    refund_id: int | None
    source: tuple[str, str, int]
    target: tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Payout:
    """The part of a withdrawal that this order's release covers, oldest first on both sides."""

    id: int
    withdrawal_no: str
    amount: int  # of this release, scale 4
    whole: int
    state: str
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Level:
    """What one station earns of the order, and what became of it. Amounts at scale 4.

    `settled` is False for the margin of a seller who has collected the money itself.
    """

    party: int
    margin: int
    returned: int
    state: str
    due_at: datetime | None
    released_at: datetime | None
    fee: int
    gateway_fee: int
    payouts: Sequence[Payout]
    settled: bool = True

    @property
    def net(self) -> int:
        """What the station may take out, once it is released."""
        return self.margin - self.returned - self.fee - self.gateway_fee

    @property
    def paid_out(self) -> int:
        """How much of it withdrawals have taken."""
        return sum(payout.amount for payout in self.payouts)


@dataclass(frozen=True, slots=True)
class Sum:
    """What an order has moved on one account: credits less debits."""

    account: tuple[str, str, int]
    came: int
    left: int

    @property
    def net(self) -> int:
        """The change of the balance."""
        return self.came - self.left


@dataclass(frozen=True, slots=True)
class OrderTrail:
    """All of it. Rows are named tuples of the queries; times are aware."""

    order: Any
    notices: Sequence[Any]
    attempts: Sequence[Any]
    legs: Sequence[Leg]
    levels: Sequence[Level]
    refunds: Sequence[Any]
    returned: dict[int, Sequence[Leg]]  # shares given back, by refund
    bill_lines: Sequence[Any]
    sums: Sequence[Sum]

    @property
    def difference(self) -> int:
        """All accounts together: zero, or the books are broken."""
        return sum(one.net for one in self.sums)

    @property
    def clearing(self) -> int:
        """What still lies in clearing for this order."""
        return sum(one.net for one in self.sums if one.account[0] == "order_clearing")

    @property
    def expected_clearing(self) -> int:
        """What must lie there: the price while goods are out, else nothing."""
        waiting = self.order.state in ("paid", "fulfilling", "held", "partially_delivered")
        return int(self.order.payable) if waiting else 0

    @property
    def collected(self) -> int:
        """Everything that was paid for the order."""
        return sum(leg.amount for leg in self.legs if leg.kind in ("payment.collect", "wallet.pay"))

    @property
    def given_back(self) -> int:
        """Everything that has really gone back."""
        paid = ("refund.pay", "refund.wallet", "refund.hand")
        return sum(leg.amount for leg in self.legs if leg.kind in paid)

    @property
    def closed(self) -> bool:
        """The sums prove themselves."""
        return self.difference == 0 and self.clearing == self.expected_clearing

    def bill_of(self, attempt_no: str, refund_no: str = "") -> list[Any]:
        """Lines of bills that confirm an attempt, or a refund."""
        return [
            line for line in self.bill_lines
            if (line.refund_no == refund_no if refund_no
                else line.kind == "payment" and line.attempt_no == attempt_no)
        ]  # fmt: skip


def order_trail(station_id: int, order_no: str) -> OrderTrail | None:
    """The trail of one order, None when there is no such order. Needs main scope."""
    if current_scope().role != "main":
        raise PermissionError("the trail of an order is the main station's to see")
    given = {"station": station_id, "number": order_no}
    order = db.session.execute(ORDER_SQL, given).one_or_none()
    if order is None:
        return None
    key = {"station": station_id, "order": order.id}
    legs = [_leg(row) for row in db.session.execute(LEGS_SQL, key)]
    returned: dict[int, list[Leg]] = {}
    for leg in legs:
        if leg.kind.startswith("return.") and leg.refund_id is not None:
            returned.setdefault(leg.refund_id, []).append(leg)
    return OrderTrail(
        order=order, legs=legs, returned=dict(returned), sums=_sums(legs),
        notices=list(db.session.execute(NOTICES_SQL, key)),
        attempts=list(db.session.execute(ATTEMPTS_SQL, key)),
        refunds=list(db.session.execute(REFUNDS_SQL, key)),
        bill_lines=list(db.session.execute(LINES_SQL, key)),
        levels=_levels(order, key, legs),
    )  # fmt: skip


def _leg(row: Any) -> Leg:
    return Leg(
        row.id, row.at, row.kind, row.amount, row.txn, row.refund_id,
        (row.source, row.source_ref, row.source_station),
        (row.target, row.target_ref, row.target_station),
    )  # fmt: skip


def _sums(legs: Sequence[Leg]) -> list[Sum]:
    moved: dict[tuple[str, str, int], list[int]] = {}
    for leg in legs:
        moved.setdefault(leg.source, [0, 0])[1] += leg.amount
        moved.setdefault(leg.target, [0, 0])[0] += leg.amount
    return [Sum(account, came, left) for account, (came, left) in moved.items()]


def _levels(order: Any, key: dict[str, Any], legs: Sequence[Leg]) -> list[Level]:
    settled = {row.party: row for row in db.session.execute(LEVELS_SQL, key)}
    shares = zip(order.parties or (), order.margins or (), strict=True)
    return [
        _settled(party, settled[party]) if party in settled
        else _unsettled(order, party, margin * order.quantity, legs)
        for party, margin in shares
    ]  # fmt: skip


def _settled(party: int, row: Any) -> Level:
    net = row.margin - row.returned - row.fee - row.gateway_fee
    payouts = _covered(party, row.before, net) if row.state == "released" else []
    return Level(
        party, row.margin, row.returned, row.state, row.due_at, row.released_at, row.fee,
        row.gateway_fee, payouts,
    )  # fmt: skip


def _unsettled(order: Any, party: int, margin: int, legs: Sequence[Leg]) -> Level:
    """The main station's own margin, or that of a seller who holds the money already."""
    state = "own" if order.delivered_at is not None else "waiting"
    back = sum(leg.amount for leg in legs if leg.kind == "return.margin" and leg.source[2] == party)
    return Level(party, margin, back, state, None, None, 0, 0, (), settled=False)


def _covered(party: int, before: int, net: int) -> list[Payout]:
    """First in, first out: releases and withdrawals of a station laid along one line."""
    found = []
    for row in db.session.execute(PAYOUTS_SQL, {"party": party}):
        share = min(before + net, row.before + row.amount) - max(before, row.before)
        told = (row.amount, row.state, row.created_at, row.done_at)
        if share > 0:
            found.append(Payout(row.id, row.withdrawal_no, share, *told))
    return found
