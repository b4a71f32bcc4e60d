"""No card is sold twice or lost, and the books balance: after every step of any history of a shop.

Hypothesis drives the real services; a shop in plain Python (`books`) says what ought to have come
of each step, and a gateway with a memory (`gate`) says what the other side has really done.
"""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from kameng.db import main_scope, station_scope
from kameng.jobs.api import drain
from kameng.orders.api import cancel, complete_old, expire_overdue
from kameng.orders.domain import may_move
from kameng.payments import api as payments
from kameng.payments import tasks as payment_tasks
from kameng.risk import api as risk
from kameng.stock.api import import_cards
from kameng.supply import api as supply
from kameng.supply import tasks as supply_tasks

from . import probe
from .books import LATE, Attempt, Books, Sale
from .gate import METHODS, PLUGIN, REFUND_ANSWERS, Gate, notice
from .hands import answer

DEER = 3
SHELF = 2  # cards of each kind to begin with: soon there are none
STEPS = 70
EXAMPLES = 48
PROVE_EVERY = 6  # steps: the model is compared after each, the books prove themselves after some
# What every run must have met, or it has proved little.
MET = {
    "ok", "held", "awaiting_fulfilment", "topped_up", "repeat", "refund_surplus", "out_of_stock",
    "not_payable", "bad_state", "insufficient_funds", "release:ok", "refund:succeeded",
    "refund:unknown",
}  # fmt: skip
SUBSCRIBERS = (payment_tasks, supply_tasks)  # their import subscribes them to the outbox
# What may happen, and how often. One rule chooses among them: Hypothesis would switch off some of
# many rules in every history, and a sale needs several in a row.
OFTEN = {
    "places_again": 1, "imports": 3, "places": 2, "buys": 7, "cancels": 1, "runs_out_of_time": 3,
    "starts_to_pay": 2, "tops_up": 1, "pays_an_attempt": 2, "pays_too_late": 3, "notice_comes_again": 2,
    "wrong_amount_comes": 1, "asks_the_gate": 1, "pays_by_balance": 3, "staff_releases": 2,
    "staff_refuses": 1, "staff_fulfils": 2, "job_expires": 1, "job_works_off_the_outbox": 2,
    "job_pushes_refunds": 2, "job_completes": 1, "job_rolls_up": 1,
}  # fmt: skip
DEEDS = [deed for deed, times in OFTEN.items() for _ in range(times)]


class ShopMachine(RuleBasedStateMachine):
    """One history of a shop. Every deed takes two numbers to choose with, and does what it can."""

    shop: ClassVar[Any]
    gate: ClassVar[Gate]
    skus: ClassVar[dict[str, str]]  # code → kind
    members: ClassVar[tuple[int, ...]]
    met: ClassVar[Counter[str]]  # steps, and every answer by its code
    fresh = itertools.count(1)

    def __init__(self) -> None:
        super().__init__()
        self.context = self.shop.app.app_context()
        self.context.push()
        self.books = Books()

    @initialize()
    def open_the_shop(self) -> None:
        probe.clear(self.shop.owner)
        self.gate.forget()
        self.books.wallets = dict.fromkeys(self.members, 0)
        for code in (code for code, kind in self.skus.items() if kind == "card"):
            self.shop.add_cards(code, SHELF)
            self.books.unsold[code] = self.books.imported[code] = SHELF

    @rule(deed=st.sampled_from(DEEDS), one=st.integers(0, 99), two=st.integers(0, 99))
    def happens(self, deed: str, one: int, two: int) -> None:
        getattr(self, deed)(one, two)

    def one_of(self, number: int, *states: str) -> Sale | None:
        """The `number`th order that is in one of the states (any state if none is given)."""
        found = [s for s in self.books.sales if not states or s.state in states]
        return found[number % len(found)] if found else None

    def attempt(self, number: int) -> Attempt | None:
        found = self.books.attempts
        return found[number % len(found)] if found else None

    def note(self, expected: str, found: object) -> None:
        assert found == expected
        self.met[expected] += 1

    # ── stock ──

    def imports(self, one: int, two: int) -> None:
        """A file of cards; lines that it holds twice add nothing."""
        code = sorted(self.books.unsold)[one % len(self.books.unsold)]
        lines = [f"n{next(self.fresh)}----s{secrets.token_hex(4)}" for _ in range(1 + two % 3)]
        sku = self.shop.one("SELECT id FROM sku WHERE code = %s", code)
        with main_scope(reason="test"):
            import_cards(sku, "\n".join(lines + lines[: one % 2]).encode(), "cards.txt", "test")
        self.books.unsold[code] += len(lines)
        self.books.imported[code] += len(lines)

    # ── orders ──

    def places(self, one: int, two: int) -> Sale | None:
        """A guest or a member orders something; some orders are to be looked at when paid."""
        code = sorted(self.skus)[one % len(self.skus)]
        member = self.members[two % 4] if two % 4 < len(self.members) else None
        quantity, review = 1 + one // 3 % 4 // 2, two // 4 % 4 == 0
        request: dict[str, Any] = {
            "quantity": quantity, "member_id": member, "ip": "",
            "idempotency_key": f"k{next(self.fresh)}", "contact": f"c{next(self.fresh)}@example.com",
            "risk": ("review", [{"rule": "r", "code": "c", "text": "t"}]) if review else ("allow", []),
        }  # fmt: skip
        expected = self.books.place(code, self.skus[code], quantity, member)
        done = answer(lambda: self.shop.place(code, DEER, **request))
        if expected != "ok":
            self.note(expected, done)
            return None
        sale = Sale(
            done.order_id, done.order_no, code, self.skus[code], quantity, done.payable,
            member, review, request,
        )  # fmt: skip
        self.books.placed(sale)
        return sale

    def places_again(self, one: int, _two: int) -> None:
        if sale := self.one_of(one):
            again = self.shop.place(sale.sku, DEER, **sale.request)
            assert (again.order_id, again.repeated) == (sale.id, True)

    def buys(self, one: int, two: int) -> None:
        sale = self.places(one, two)
        if sale and sale.member and self.books.wallets[sale.member] >= sale.payable:
            self.pay_from_wallet(sale)
        elif sale:
            with station_scope(DEER):
                number = payments.open_attempt(sale.no, PLUGIN, METHODS[0])
            attempt = self.books.attempt(number, sale)
            if two // 16 % 3:
                self.hear(attempt, self.gate.take(number, attempt.amount), 1)

    def cancels(self, one: int, _two: int) -> None:
        if not (sale := self.one_of(one)):
            return
        with station_scope(DEER):
            code = answer(lambda: cancel(sale.no, "guest"))
        if sale.state not in ("pending_payment", "cancelled"):
            self.note("bad_state", code)
            return
        assert code is None
        self.books.release(sale)
        sale.state = "cancelled"

    def runs_out_of_time(self, one: int, two: int) -> None:
        """The job that expires orders comes at once, or later."""
        begun = [a.sale for a in self.books.attempts if a.sale and not a.sale.paid]
        unpaid = [s for s in begun or self.books.sales if s.state == "pending_payment"]
        if not unpaid:
            return
        sale = unpaid[one % len(unpaid)]
        sale.overdue = True
        self.shop.owner.execute(
            "UPDATE orders SET deadline_at = now() - interval '1 second',"
            " expires_at = now() - interval '1 second' WHERE id = %s",
            (sale.id,),
        )
        if two % 2:
            self.job_expires()

    # ── payments ──

    def starts_to_pay(self, one: int, two: int) -> None:
        """And pays at once, or not (no copies of the notice)."""
        if sale := self.one_of(one, "pending_payment") or self.one_of(one):
            self.pay_through_gate(sale, METHODS[two % 2], max(0, two // 2 % 4 - 1))

    def pay_through_gate(self, sale: Sale, method: str, copies: int) -> None:
        with station_scope(DEER):
            begun = answer(lambda: payments.start(sale.no, PLUGIN, method, "", return_url="/"))
        if sale.state != "pending_payment" or sale.overdue:
            self.note("not_payable", begun)
            return
        attempt = self.books.attempt(begun.attempt_no, sale)
        if copies:
            self.hear(attempt, self.gate.take(attempt.number, attempt.amount), copies)

    def tops_up(self, one: int, two: int) -> None:
        member, amount = self.members[one % 2], (50, 100, 300)[two % 3] * 1_0000
        with station_scope(DEER):
            number = payments.open_top_up(member, amount, PLUGIN, METHODS[0])
        attempt = Attempt(number, amount, None, member)
        self.books.attempts.append(attempt)
        self.hear(attempt, self.gate.take(attempt.number, amount), two // 3 % 3)

    def pays_an_attempt(self, one: int, two: int) -> None:
        """Early, late, or once more; the notice comes in copies, or not at all."""
        if attempt := self.attempt(one):
            self.hear(attempt, self.gate.take(attempt.number, attempt.amount), two % 3)

    def pays_too_late(self, one: int, _two: int) -> None:
        """The gateway takes the money of an order that is over."""
        late = [a for a in self.books.attempts if a.sale and a.sale.state in LATE and not a.taken]
        if late:
            attempt = late[one % len(late)]
            self.hear(attempt, self.gate.take(attempt.number, attempt.amount), 1)

    def notice_comes_again(self, one: int, two: int) -> None:
        """Or for the first time."""
        attempt = self.attempt(one)
        if attempt and (taken := self.gate.payments.get(attempt.number)):
            self.hear(attempt, taken[two % len(taken)][0], 1)

    def hear(self, attempt: Attempt, ref: str, copies: int) -> None:
        for _ in range(copies):
            self.met[self.books.arrive(attempt, ref)] += 1
            assert self.notify(attempt.number, ref, attempt.amount) == 200

    def notify(self, number: str, ref: str, amount: int) -> int:
        return payments.handle_webhook(PLUGIN, self.gate.token, notice(number, ref, amount)).status

    def wrong_amount_comes(self, one: int, two: int) -> None:
        if attempt := self.attempt(one):
            wrong = attempt.amount + (-100, 100, 1)[two % 3]
            assert self.notify(attempt.number, "forged", wrong) == 400

    def asks_the_gate(self, one: int, _two: int) -> None:
        open_ones = [a for a in self.books.attempts if not a.taken] or self.books.attempts
        if not open_ones:
            return
        attempt = open_ones[one % len(open_ones)]
        row = self.shop.owner.execute(
            "SELECT id, state FROM payment_attempt WHERE attempt_no = %s", (attempt.number,)
        ).fetchone()
        assert row
        code = payments.query_attempt(DEER, row[0])
        if row[1] in ("succeeded", "declined"):
            self.note(row[1], code)
        elif attempt.number in self.gate.payments:
            self.note(self.books.arrive(attempt, self.gate.payments[attempt.number][0][0]), code)
        else:
            self.note("pending", code)

    def pays_by_balance(self, one: int, _two: int) -> None:
        mine = [s for s in self.books.sales if s.member]
        unpaid = [s for s in mine if not s.paid] or mine
        if unpaid:
            self.pay_from_wallet(unpaid[one % len(unpaid)])

    def pay_from_wallet(self, sale: Sale) -> None:
        with station_scope(DEER):
            code = answer(lambda: payments.pay_with_balance(sale.no, sale.member or 0))
        self.note(self.books.pay_by_wallet(sale), code)

    # ── what people decide ──

    def staff_releases(self, one: int, _two: int) -> None:
        if not (sale := self.one_of(one, "held")):
            return
        with main_scope(reason="test"):
            code = answer(lambda: risk.release(DEER, sale.id, "staff:1", "looked at it"))
        if sale.kind != "card":
            assert code == "ok"
            sale.state = "paid"
        else:
            can = self.books.deliver(sale)
            self.note("release:ok" if can else "release:out_of_stock", f"release:{code}")

    def staff_refuses(self, one: int, _two: int) -> None:
        if sale := self.one_of(one, "held"):
            with main_scope(reason="test"):
                assert risk.refuse(DEER, sale.id, "staff:1", "stolen card") == "ok"
            self.books.give_back(sale)

    def staff_fulfils(self, one: int, two: int) -> None:
        """A person hands over, or gives up; the second click changes nothing."""
        sale = self.one_of(one, "fulfilling")
        if not sale or sale.given_up:
            return
        with main_scope(reason="test"):
            purchase = next(p.id for p in supply.open_purchases() if p.order_id == sale.id)
            decide = supply.complete if two % 2 else supply.fail
            assert decide(DEER, purchase, "said so", "staff:1") == "ok"
            assert decide(DEER, purchase, "said so", "staff:1") == "repeat"
        if two % 2:
            sale.state = "delivered"
        else:
            sale.given_up = True  # the job looks for the next supplier, and there is none

    # ── jobs ──

    def job_expires(self, _one: int = 0, _two: int = 0) -> None:
        due = [s for s in self.books.sales if s.overdue and s.state == "pending_payment"]
        with main_scope(reason="test"):
            assert expire_overdue() == len(due)
        for sale in due:
            self.books.release(sale)
            sale.state = "expired"

    def job_works_off_the_outbox(self, one: int, _two: int) -> None:
        self.gate.next_answer = REFUND_ANSWERS[one % len(REFUND_ANSWERS)]
        drain()
        for sale in self.books.sales:
            if sale.state == "paid":
                sale.state = "fulfilling"
            elif sale.given_up:
                sale.given_up = False
                self.books.give_back(sale)

    def job_pushes_refunds(self, one: int, _two: int) -> None:
        self.gate.next_answer = REFUND_ANSWERS[one % len(REFUND_ANSWERS)]
        self.shop.owner.execute(
            "UPDATE refund SET next_try_at = now() - interval '1 second'"
            " WHERE state IN ('created', 'sent', 'unknown')"
        )
        with main_scope(reason="test"):
            due = payments.due_refunds()
        for station, refund in due:
            self.met[f"refund:{payments.send_refund(station, refund)}"] += 1
            assert payments.send_refund(station, refund) == "not_due"

    def job_completes(self, _one: int, _two: int) -> None:
        """The after-sales time of whatever is delivered is over."""
        self.shop.owner.execute(
            "UPDATE orders SET delivered_at = now() - interval '8 days' WHERE delivered_at IS NOT NULL"
        )
        done = [s for s in self.books.sales if s.state == "delivered"]
        with main_scope(reason="test"):
            assert complete_old() == len(done)
        for sale in done:
            sale.state = "completed"

    def job_rolls_up(self, _one: int, _two: int) -> None:
        self.shop.guarded("roll_up_accounts")

    # ── what must hold after every step ──

    @invariant()
    def all_is_as_it_ought_to_be(self) -> None:
        self.met["steps"] += 1
        found = probe.snapshot(self.shop.owner)
        self.check_orders(found["states"], found["refunds"])
        self.check_cards(found["cards"])
        wallets = dict.fromkeys(map(str, self.members), 0) | found["wallets"]
        assert wallets == {str(m): amount for m, amount in self.books.wallets.items()}
        for move in found["moves"]:
            begun = (move["from_state"], move["to_state"]) == ("", "pending_payment")
            told = move["from_state"] == move["to_state"]  # something happened at a supplier
            assert begun or told or may_move(move["from_state"], move["to_state"]), move
        if self.met["steps"] % PROVE_EVERY == 0:
            assert probe.findings(self.shop.owner) == []

    def check_orders(self, states: dict[str, str], refunds: list[dict[str, Any]]) -> None:
        assert set(states) == {str(s.id) for s in self.books.sales}
        for sale in self.books.sales:
            own = [r for r in refunds if r["order_id"] == sale.id]
            assert sum(r["amount"] for r in own) == sale.returned
            open_ones = [r for r in own if r["state"] != "succeeded"]
            if sale.state == "refunding" and states[str(sale.id)] == "refunded":
                assert not [r for r in open_ones if r["reason"] != "paid_twice"]
            elif sale.state == "refunding":
                assert states[str(sale.id)] == "refunding"
                assert open_ones
            else:
                assert states[str(sale.id)] == sale.state
        for ref, amount in self.gate.refunded_of.items():
            assert amount <= sum(
                a for taken in self.gate.payments.values() for r, a in taken if r == ref
            )
        for refund in refunds:
            through_gate = refund["provider_ref"] != ""
            if through_gate and refund["state"] == "succeeded":
                assert self.gate.refunds[refund["refund_no"]] == refund["amount"]

    def check_cards(self, rows: list[dict[str, Any]]) -> None:
        counted = {(row["code"], row["status"], row["order_id"]): row["n"] for row in rows}
        ought: dict[tuple[str, int, int | None], int] = {}
        for code, number in self.books.unsold.items():
            ought[code, 0, None] = number
        for sale in self.books.sales:
            ought[sale.sku, 1, sale.id], ought[sale.sku, 2, sale.id] = sale.held, sale.sold
            delivered = sale.kind == "card" and sale.state in ("delivered", "completed")
            assert sale.sold == (sale.quantity if delivered else 0)
        assert counted == {key: number for key, number in ought.items() if number}
        for code, number in self.books.imported.items():
            assert sum(n for (sku, *_rest), n in counted.items() if sku == code) == number

    # ── the end: everything that can settle is settled ──

    def teardown(self) -> None:
        try:
            if self.books.sales:
                self.settle()
        finally:
            self.context.pop()

    def settle(self) -> None:
        for _ in range(2):  # a fulfilment that fails makes a refund
            self.job_works_off_the_outbox(0, 0)
            self.job_pushes_refunds(0, 0)
        self.all_is_as_it_ought_to_be()
        assert probe.findings(self.shop.owner) == []
        for sale in self.books.sales:
            if sale.paid:
                assert sale.collected - sale.returned in (sale.payable, 0)
                over = sale.state in ("refunding", "refunded")
                assert (sale.collected == sale.returned) == over
        refunds = probe.snapshot(self.shop.owner)["refunds"]
        assert {r["state"] for r in refunds} <= {"succeeded", "declined"}
        given = sum(r["amount"] for r in refunds if r["provider_ref"] and r["state"] == "succeeded")
        assert given == sum(self.gate.refunds.values())


@pytest.mark.slow
@pytest.mark.timeout(900)  # a failure is made small before it is shown
def test_T4_T6_S10_no_history_of_a_shop_loses_a_card_or_a_fen(
    shop: Any, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    ShopMachine.shop, ShopMachine.gate, ShopMachine.met = shop, gate, Counter()
    ShopMachine.skus = {shop.sku(): "card", shop.sku(): "card", shop.sku("top_up"): "top_up"}
    ShopMachine.members = (shop.member(DEER), shop.member(DEER))
    run_state_machine_as_test(
        ShopMachine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True,
            suppress_health_check=list(HealthCheck), database=None,
            phases=(Phase.generate, Phase.shrink),
        ),
    )  # fmt: skip
    with capsys.disabled():
        print(f"\nshop machine, {EXAMPLES} histories: {dict(ShopMachine.met.most_common())}")
    shop.assert_books_balance()
    assert ShopMachine.met["steps"] >= 3_000
    assert MET - set(ShopMachine.met) == set()
