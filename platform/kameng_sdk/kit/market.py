"""End-to-end checks: a host in memory that keeps the rules of the real one.

Rows come before calls, UNKNOWN is asked about and never repeated, and whoever tells of a result
second changes nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from kameng_sdk.kit import clients, payments, suppliers
from kameng_sdk.kit.bench import Bench
from kameng_sdk.kit.calls import Said, Way
from kameng_sdk.kit.checks import PAYMENT, SUPPLIER, NotApplicable, Suite, require
from kameng_sdk.kit.faults import buying_spot
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentCapability, PaymentEventKind
from kameng_sdk.suppliers import PurchaseResult, SupplierCapability
from kameng_sdk.webhooks import WebhookRequest

SETTLED_S = 10.0
SHORT_S = 3.0

supplier_ends: Suite[Bench] = Suite("e2e", SUPPLIER)
payment_ends: Suite[Bench] = Suite("e2e", PAYMENT)


@dataclass
class Row:
    """One purchase or attempt as a host keeps it; ``effects`` are deliveries or credits made."""

    number: str
    state: Outcome | None = None
    ref: str = ""
    effects: list[Any] = field(default_factory=list)
    events: set[str] = field(default_factory=set)

    def learn(self, result: Any, effect: Any) -> None:
        """Take note of a result; what is final stays as it is."""
        if self.state in (Outcome.SUCCEEDED, Outcome.DECLINED):
            return
        self.state = result.outcome
        self.ref = (
            self.ref or getattr(result, "supplier_ref", "") or getattr(result, "provider_ref", "")
        )
        if result.outcome is Outcome.SUCCEEDED:
            self.effects.append(effect)


@supplier_ends.check("delivery", "A purchase is delivered once, whoever tells of it and how often.")
def _delivery(bench: Bench) -> None:
    row, said = _buy(bench, None)
    require(said.outcome in (Outcome.SUCCEEDED, Outcome.PENDING), said.words())
    _settle_purchase(bench, row)
    _take_notices(bench, row)
    require(row.state is Outcome.SUCCEEDED, f"it stays {row.state and row.state.name}")
    require(len(row.effects) == 1, f"delivered {len(row.effects)} times")


@supplier_ends.check(
    "buy_once", "When the answer is lost, it was bought once, and is settled or left to a person."
)
def _buy_once(bench: Bench) -> None:
    lost = Way(seconds=3.0, fault=clients.no_answer, spot=buying_spot(bench))
    bench.subject()
    count = suppliers.tally(bench)
    row, said = _buy(bench, lost)
    require(said.outcome is Outcome.UNKNOWN, said.words())
    _settle_purchase(bench, row, SHORT_S)
    if row.state is not None:
        _take_notices(bench, row)
    sold = count.sold(row.number)
    require(sold == 1, f"its simulator sold {sold} times for one number")
    settled = row.state is Outcome.SUCCEEDED
    # Where the other side keeps no number of ours nobody can be asked, and a person decides.
    open_still = row.state in (None, Outcome.UNKNOWN)
    require(settled or open_still, f"it ends {row.state and row.state.name}")
    require(len(row.effects) == settled, f"delivered {len(row.effects)} times")


@payment_ends.check("paid_once", "A payment is booked once, to the unit, whoever tells of it.")
def _paid_once(bench: Bench) -> None:
    _pay(bench, None)


@payment_ends.check("lost_answer", "When the answer to a charge is lost, a payment is booked once.")
def _lost_answer(bench: Bench) -> None:
    lost = Way(seconds=3.0, fault=clients.no_answer, spot=buying_spot(bench))
    _pay(bench, lost)


def _buy(bench: Bench, way: Way | None) -> tuple[Row, Said]:
    request = suppliers.new_request(bench)
    if bench.simulator is None:
        raise NotApplicable("it has no simulator that could deliver")
    row = Row(request.purchase_no)  # before the call: a host that dies in it must know of it
    said = suppliers.place(bench, request, way)
    if isinstance(said.value, PurchaseResult):
        row.learn(said.value, said.value.deliveries)
    return row, said


def _settle_purchase(bench: Bench, row: Row, seconds: float = SETTLED_S) -> None:
    can = bench.subject().capabilities
    end = time.monotonic() + seconds
    while row.state is not Outcome.SUCCEEDED and time.monotonic() < end:
        if SupplierCapability.QUERY in can:
            said = suppliers.ask(bench, row.number, row.ref)
            if isinstance(said.value, PurchaseResult):
                row.learn(said.value, said.value.deliveries)
        elif SupplierCapability.CALLBACK in can:
            _take_notices(bench, row)
        else:
            raise NotApplicable("a person settles it")
        time.sleep(0.1)


def _take_notices(bench: Bench, row: Row) -> None:
    if SupplierCapability.CALLBACK not in bench.subject().capabilities:
        return
    notice = bench.wait_notice(row.number)
    for copy in (notice, notice):
        for event in _events(suppliers.read_notice(bench, copy) if copy else None):
            if event.purchase_no == row.number and event.event_id not in row.events:
                row.events.add(event.event_id)
                _learn_event(bench, row, event)


def _learn_event(bench: Bench, row: Row, event: Any) -> None:
    result = event.result
    if result is None and SupplierCapability.QUERY in bench.subject().capabilities:
        result = suppliers.ask(bench, row.number, row.ref).value
    if isinstance(result, PurchaseResult):
        row.learn(result, result.deliveries)


def _pay(bench: Bench, way: Way | None) -> None:
    one = payments.pay(bench, way)
    row = Row(one.request.attempt_no, ref=one.ref)
    can = bench.subject().capabilities
    if PaymentCapability.QUERY in can:
        said = payments.settle(bench, one)
        row.learn(said.value, getattr(said.value, "amount", None)) if said.error is None else None
    if PaymentCapability.WEBHOOK in can:
        for notice in _notices_of(bench, row.number):
            _book(row, payments.read_notice(bench, notice))
    require(
        row.state is Outcome.SUCCEEDED, f"it was paid, and stays {row.state and row.state.name}"
    )
    booked = [one.request.amount]
    require(row.effects == booked, f"paid {booked[0]}, booked {[str(a) for a in row.effects]}")


def _notices_of(bench: Bench, number: str) -> list[WebhookRequest]:
    bench.act(number, "notify")
    notice = payments.notice_about(bench, number)
    return [notice, notice] if notice else []


def _book(row: Row, said: Said) -> None:
    for event in _events(said):
        ours = event.attempt_no == row.number and event.kind is PaymentEventKind.PAID
        if ours and event.event_id not in row.events:
            row.events.add(event.event_id)
            if row.state is not Outcome.SUCCEEDED:
                row.state = Outcome.SUCCEEDED
                row.effects.append(event.amount)


def _events(said: Said | None) -> list[Any]:
    return list(getattr(said.value, "events", ())) if said is not None else []
