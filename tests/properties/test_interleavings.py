"""One order, and every order of events up to six of them: each ends well.

Not a sample. From the first state on, every event is tried in every state that was reached, on the
real functions in one transaction that is wound back by savepoints. Equal states are expanded once:
what follows depends on nothing else, so all sequences over the alphabet are covered.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import pytest

from kameng.orders.domain import may_move

from . import probe
from .hands import DECLINE, OPEN_AT_DESK, RECEIVE, TAKE

DEER, PRICE, EVENTS = 3, 98_6100, 6
ONE, TWO = "26110000000000000001", "26110000000000000002"  # two attempts at the gateway
WALLET = "26110000000000000003"

PLACE = """SELECT code, order_id FROM place_order(3, 'web', 'key', '\\x00', %(member)s, 's', 'c', '\\x00', '', 'N1', %(sku)s, 1,
  986100, '{}', %(risk)s, '[]', 15, 20, 60, 50)"""
ATTEMPT = """INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method, amount, state, expires_at)
  SELECT 3, x, 'order', %(order)s, 'payment-gate', 'cash', 986100, 'sent', now() + interval '15 minutes' FROM unnest(%(numbers)s::text[]) x"""
HEAR = """SELECT code FROM receive_notice(3, 'payment-gate', sha256(convert_to(%(ref)s::text, 'UTF8')), 'POST', '', '{}', '', '', '', %(attempt)s, 986100, 'CNY', %(ref)s, false)"""
ASK = """SELECT code FROM apply_payment(3, %(attempt)s, 'payment-gate', 986100, 'CNY', %(ref)s, 'query', false)"""
END = "UPDATE orders SET deadline_at = now() - interval '1 second', expires_at = now() - interval '1 second' WHERE state = 'pending_payment'"
GIVE_BACK = "SELECT code FROM refund_order(3, 'N1', %(amount)s, 'broken', 'staff:1', %(key)s)"
AGAIN = "SELECT code FROM retry_refund(3, %(number)s, 'staff:1')"
BY_HAND = "SELECT code FROM refund_by_hand(3, %(number)s, 'staff:1', 'bank 7', '')"
DECLINED_REFUND = "SELECT refund_no FROM refund WHERE state = 'declined' ORDER BY id LIMIT 1"
SETTLE = "SELECT code FROM settle_refund(3, %(number)s, %(state)s, 'r', '', interval '1 minute')"
DESK = "SELECT code FROM {}(3, %(order)s, 'staff:1', 'said so')"
GIVE_UP = "SELECT code FROM fail_order(3, %(order)s, 'said so', 'staff:1')"
DONE_REFUND = "SELECT refund_no FROM refund WHERE state = 'succeeded' ORDER BY id LIMIT 1"
OPEN_REFUND = (
    "SELECT refund_no FROM refund WHERE state IN ('created', 'sent', 'unknown') ORDER BY id LIMIT 1"
)

# All that the functions read, without ids and times.
STATE = """SELECT (SELECT json_agg((state, paid_at IS NULL, expires_at < now())) FROM orders)::text,
  (SELECT json_agg((attempt_no, state, provider_ref) ORDER BY attempt_no) FROM payment_attempt WHERE order_id IS NOT NULL)::text,
  (SELECT json_agg((attempt_id - (SELECT min(id) FROM payment_attempt), provider_ref, reason, state) ORDER BY id) FROM refund)::text,
  (SELECT json_agg((status, order_id IS NULL)) FROM card)::text,
  (SELECT json_agg((attempt, state, late_success) ORDER BY attempt) FROM purchase)::text,
  (SELECT json_agg((kind, amount, n) ORDER BY kind, amount) FROM (SELECT kind, amount, count(*) AS n FROM transfer GROUP BY 1, 2) t)::text,
  (SELECT json_agg((station_id, kind, ref, balance) ORDER BY kind) FROM account_balance b JOIN account a USING (station_id) WHERE a.id = b.account_id)::text"""
MONEY = """SELECT (SELECT max(state) FROM orders), (SELECT count(*) FROM card WHERE status = 2), (SELECT count(*) FROM card WHERE status = 1),
  (SELECT coalesce(sum(amount), 0) FROM transfer WHERE kind IN ('payment.collect', 'wallet.pay') AND order_id IS NOT NULL),
  (SELECT coalesce(sum(amount), 0) FROM refund), (SELECT count(*) FROM refund WHERE state <> 'succeeded' AND reason <> 'paid_twice'), (SELECT coalesce(max(refunded), 0) FROM orders)"""
PURCHASES = "SELECT id FROM purchase ORDER BY attempt"
MOVES = (
    "SELECT DISTINCT from_state, to_state FROM order_event WHERE from_state NOT IN ('', to_state)"
)


@dataclass(frozen=True)
class Gateway:
    """What the other side has taken: (attempt, reference), in order."""

    taken: tuple[tuple[str, str], ...] = ()

    def take(self, attempt: str, ref: str) -> Gateway:
        return replace(self, taken=(*self.taken, (attempt, ref)))


@dataclass
class Explorer:
    """Winds the database forth and back. `gone`: cards that come back to the pool are lost to it."""

    owner: psycopg.Connection[Any]
    sku: int
    kind: str
    member: int
    events: tuple[str, ...]
    risk: str = "allow"
    gone: bool = False
    seen: dict[Any, int] = field(default_factory=dict)  # state → events still to come
    leads: dict[Any, Any] = field(default_factory=dict)  # (state, event) → state
    tried: int = 0
    ends: set[str] = field(default_factory=set)

    def run(self, sql: str, **values: Any) -> Any:
        cursor = self.owner.execute(sql.encode(), values, prepare=True)
        return cursor.fetchone() if cursor.description else None

    def order(self) -> Any:
        row = self.run("SELECT id FROM orders")
        return row[0] if row else None

    def explore(self, gateway: Gateway, left: int, path: tuple[str, ...] = ()) -> Any:
        state = (gateway, probe.planned(self.owner, "state", STATE).fetchone())
        if self.seen.get(state, -1) >= left:
            return state
        if state not in self.seen:
            self.check(path)
        self.seen[state] = left
        for event in self.events if left else ():
            # Met again with more events to come: only where these change anything it goes on.
            if self.seen.get(self.leads.get((state, event)), -1) >= left - 1:
                continue
            self.tried += 1
            with self.owner.transaction(force_rollback=True):
                after = self.explore(self.happens(event, gateway), left - 1, (*path, event))
                self.leads[state, event] = after
        return state

    def happens(self, event: str, gateway: Gateway) -> Gateway:
        try:
            with self.owner.transaction():
                gateway = getattr(self, event)(gateway)
        except psycopg.Error as refusal:
            if not (refusal.sqlstate or "").startswith("KM"):
                raise
        if self.gone:
            self.run("UPDATE card SET status = 3 WHERE status = 0")
        return gateway

    def check(self, path: tuple[str, ...]) -> None:
        money = probe.planned(self.owner, "money", MONEY).fetchone()
        order, sold, held, collected, returned, waiting, given = money or ()
        self.ends.add(order)
        served = order in ("delivered", "completed") or given > 0
        kept = served or order in ("paid", "fulfilling", "held")
        assert collected - returned == (PRICE - given if kept else 0), path
        assert sold == (1 if served and self.kind == "card" else 0), path
        assert sold + held <= 1, path
        assert waiting == 0 or order == "refunding" or given > 0, path
        assert probe.findings(self.owner) == [], path
        for source, target in self.owner.execute(MOVES.encode()).fetchall():
            assert may_move(source, target), path

    # ── events ──

    def place(self, gateway: Gateway) -> Gateway:
        code, order = self.run(PLACE, member=self.member, sku=self.sku, risk=self.risk)
        if code == "ok":
            self.run(ATTEMPT, order=order, numbers=[ONE, TWO])
        return gateway

    def pay(self, gateway: Gateway) -> Gateway:
        if self.order():
            self.run(HEAR, attempt=ONE, ref="g1")
            gateway = gateway.take(ONE, "g1") if (ONE, "g1") not in gateway.taken else gateway
        return gateway

    def crash(self, gateway: Gateway) -> Gateway:
        """The gateway takes the money, and whoever takes its notice dies before the commit."""
        if self.order() and (ONE, "g1") not in gateway.taken:
            with self.owner.transaction(force_rollback=True):
                self.run(HEAR, attempt=ONE, ref="g1")
            gateway = gateway.take(ONE, "g1")
        return gateway

    def notice(self, gateway: Gateway) -> Gateway:
        """Late, or a copy."""
        if gateway.taken:
            attempt, ref = gateway.taken[0]
            self.run(HEAR, attempt=attempt, ref=ref)
        return gateway

    def ask(self, gateway: Gateway) -> Gateway:
        for attempt, ref in gateway.taken[:1]:
            if not self.run(
                "SELECT 1 FROM payment_attempt WHERE attempt_no = %(a)s AND state = 'succeeded'",
                a=attempt,
            ):
                self.run(ASK, attempt=attempt, ref=ref)
        return gateway

    def pay_again(self, gateway: Gateway) -> Gateway:
        """The same attempt a second time: another reference."""
        if self.order() and len(gateway.taken) < 3:
            ref = f"h{len(gateway.taken)}"
            self.run(HEAR, attempt=ONE, ref=ref)
            gateway = gateway.take(ONE, ref)
        return gateway

    def pay_other(self, gateway: Gateway) -> Gateway:
        """The order's second attempt."""
        if self.order():
            self.run(HEAR, attempt=TWO, ref="g2")
            gateway = gateway.take(TWO, "g2") if (TWO, "g2") not in gateway.taken else gateway
        return gateway

    def pay_balance(self, gateway: Gateway) -> Gateway:
        self.run(
            "SELECT code FROM pay_with_balance(3, 'N1', %(m)s, %(n)s)", m=self.member, n=WALLET
        )
        return gateway

    def expire(self, gateway: Gateway) -> Gateway:
        self.run(END)
        self.run("SELECT expired FROM expire_orders(10)")
        return gateway

    def cancel(self, gateway: Gateway) -> Gateway:
        self.run("SELECT code FROM cancel_order(3, 'N1', 'guest')")
        return gateway

    def refunded(self, gateway: Gateway) -> Gateway:
        if number := self.run(OPEN_REFUND):
            self.run(SETTLE, number=number[0], state="succeeded")
        return gateway

    def refund_answered_late(self, gateway: Gateway) -> Gateway:
        """A second worker's answer about a refund that is done already."""
        if number := self.run(DONE_REFUND):
            self.run(SETTLE, number=number[0], state="declined")
        return gateway

    def give_part(self, gateway: Gateway) -> Gateway:
        """A person gives 30 % back; clicked once more it is the same refund."""
        self.run(GIVE_BACK, amount=PRICE * 3 // 10 // 100 * 100, key="part")
        return gateway

    def give_rest(self, gateway: Gateway) -> Gateway:
        """And all that is left; before the part was given that is the whole."""
        left = self.run("SELECT payable - refunded FROM orders WHERE refunded < payable")
        if left:
            self.run(GIVE_BACK, amount=left[0], key="rest")
        return gateway

    def refund_declined(self, gateway: Gateway) -> Gateway:
        if number := self.run(OPEN_REFUND):
            self.run(SETTLE, number=number[0], state="declined")
        return gateway

    def refund_again(self, gateway: Gateway) -> Gateway:
        if number := self.run(DECLINED_REFUND):
            self.run(AGAIN, number=number[0])
        return gateway

    def refund_by_hand(self, gateway: Gateway) -> Gateway:
        if number := self.run(DECLINED_REFUND):
            self.run(BY_HAND, number=number[0])
        return gateway

    def release(self, gateway: Gateway) -> Gateway:
        self.run(DESK.format("release_held"), order=self.order())
        return gateway

    def refuse(self, gateway: Gateway) -> Gateway:
        self.run(DESK.format("refuse_held"), order=self.order())
        return gateway

    def begin(self, gateway: Gateway) -> Gateway:
        """The desk gets the order; a worker dies before anybody is told of it."""
        number = f"p{self.run('SELECT count(*) FROM purchase')[0]}"
        self.run(OPEN_AT_DESK, station=DEER, order=self.order(), number=number)
        return gateway

    def tell(self, gateway: Gateway) -> Gateway:
        for (purchase,) in self.owner.execute(PURCHASES).fetchall():
            self.run(TAKE, station=DEER, purchase=purchase)
        return gateway

    def deliver(self, gateway: Gateway) -> Gateway:
        """Every purchase that there was: a second click, and goods after a no, are among them."""
        for (purchase,) in self.owner.execute(PURCHASES).fetchall():
            self.run(RECEIVE, station=DEER, purchase=purchase)
        return gateway

    def say_no(self, gateway: Gateway) -> Gateway:
        for (purchase,) in self.owner.execute(PURCHASES).fetchall():
            self.run(DECLINE, station=DEER, purchase=purchase)
        return gateway

    def give_up(self, gateway: Gateway) -> Gateway:
        self.run(GIVE_UP, order=self.order())
        return gateway


PAYING = (
    "place", "pay", "crash", "notice", "ask", "pay_other", "pay_balance", "expire", "refunded",
    "refund_answered_late",
)  # fmt: skip
CASES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "one card": ((*PAYING, "cancel", "pay_again"), {}),
    "its card is gone": ((*PAYING, "cancel", "pay_again"), {"gone": True}),
    "to be reviewed": ((*PAYING, "release", "refuse"), {"risk": "review"}),
    "to be reviewed, its card is gone": ((*PAYING, "release", "refuse"), {"risk": "review", "gone": True}),
    "by hand": ((*PAYING, "begin", "tell", "deliver", "say_no", "give_up"), {"kind": "top_up"}),
    "given back after delivery": (
        ("place", "pay", "notice", "expire", "give_part", "give_rest", "refunded", "refund_declined", "refund_again", "refund_by_hand"),
        {},
    ),
}  # fmt: skip
ENDS = {
    "one card": {"delivered", "expired", "cancelled", "pending_payment"},
    "its card is gone": {"delivered", "expired", "cancelled", "refunding", "refunded"},
    "to be reviewed": {"held", "delivered", "refunding", "refunded", "expired"},
    "to be reviewed, its card is gone": {"held", "delivered", "refunding", "refunded"},
    "by hand": {"paid", "fulfilling", "delivered", "refunding", "refunded", "expired"},
    "given back after delivery": {"delivered", "refunding", "refunded", "expired"},
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_P4_F1_every_interleaving_of_six_events_ends_with_goods_or_money(
    shop: Any, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    events, changes = CASES[case]
    kind = changes.get("kind", "card")
    probe.clear(shop.owner)
    code = shop.sku(kind, cards=int(kind == "card"))
    sku = shop.one("SELECT id FROM sku WHERE code = %s", code)
    member = shop.member(DEER, balance=PRICE)
    shop.owner.prepare_threshold = None  # it winds back thousands of times
    explorer = Explorer(shop.owner, sku, events=events, member=member, **{"kind": kind, **changes})
    with shop.owner.transaction(force_rollback=True):
        explorer.explore(Gateway(), EVENTS)
    with capsys.disabled():
        print(
            f"\n{case}: {len(events)}^{EVENTS} sequences by {explorer.tried} steps, {len(explorer.seen)} states"
        )
    assert explorer.ends - {None} >= ENDS[case]
