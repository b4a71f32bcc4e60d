"""One order of the demo, from the shelf to its end, through the product's own services."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime

from kameng.db import station_scope
from kameng.errors import DomainError
from kameng.ops.demo.people import DemoPeople
from kameng.ops.demo.range import DemoSku
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.risk import api as risk

WAYS = (("payment-epay", "alipay"), ("payment-epay", "wxpay"), ("payment-stripe", "checkout"))
Verdict = tuple[str, list[dict[str, str]]]
ALLOWED: Verdict = ("allow", [])


@dataclass
class Diary:
    """Which order belongs to which moment of the past, and how long each purchase took."""

    moments: list[tuple[int, int, datetime]] = field(default_factory=list)  # station, order, when
    top_ups: list[tuple[int, str, datetime]] = field(default_factory=list)  # station, attempt, when
    hands: dict[tuple[int, int], list[int]] = field(default_factory=dict)  # order → seconds


@dataclass
class Counter:
    """A station's till: its own chance and price list, so that stations can sell side by side."""

    station_id: int
    members: list[int]
    source: random.Random
    diary: Diary
    prices: dict[tuple[str, int], int] = field(default_factory=dict)
    sold: int = 0

    @classmethod
    def of(cls, station_id: int, people: DemoPeople, seed: int, diary: Diary) -> Counter:
        """The till of one of the demo's stations."""
        source = random.Random(seed * 100 + station_id)
        return cls(station_id, people.members[station_id], source, diary)


def sell(counter: Counter, sku: DemoSku, at: datetime) -> None:
    """One order as they happen: most are paid at once, some never, some are called off.

    What is bought for them comes later, see `purchasing`.
    """
    source = counter.source
    member = source.choice(counter.members) if source.random() < 0.5 else None
    quantity = source.choices((1, 2, 3), (8, 2, 1))[0] if sku.kind == "card" else 1
    fate = source.random()
    try:
        with station_scope(counter.station_id):
            placed = place(counter, sku, at, quantity, member)
            if fate < 0.05:
                return  # never paid: expires later
            if fate < 0.07:
                orders.cancel(placed.order_no, "guest")
                return
            pay(counter, placed, member)
    except DomainError:
        return  # sold out on that day: such days exist


def place(
    counter: Counter, sku: DemoSku, at: datetime, quantity: int = 1, member: int | None = None,
    verdict: Verdict = ALLOWED, ip: str = "",
) -> orders.Placed:  # fmt: skip
    """Place an order and note its moment (station scope)."""
    counter.sold += 1
    request = _request(counter, sku, quantity, member, ip)
    placed = orders.place(request, verdict)
    counter.diary.moments.append((counter.station_id, placed.order_id, at))
    return placed


def judged(counter: Counter, sku: DemoSku, ip: str, key: str) -> Verdict:
    """What the risk rules say to an order from this address (station scope)."""
    return risk.assess_order(
        counter.station_id, sku.kind, ip, None, _contact(counter.source), 0, None, key
    )


def pay(counter: Counter, placed: orders.Placed, member: int | None = None) -> bool:
    """By balance where there is one, else by one of the gateways (station scope)."""
    source = counter.source
    if member is not None and source.random() < 0.85:
        try:
            payments.pay_with_balance(placed.order_no, member)
        except payments.PaymentRefused:
            pass  # the wallet is empty: by the gateway, then
        else:
            return True
    plugin_id, method = source.choice(WAYS)
    number = payments.open_attempt(placed.order_no, plugin_id, method)
    return collect(counter.station_id, plugin_id, number, placed.payable)


def collect(station_id: int, plugin_id: str, number: str, amount: int, copy: str = "") -> bool:
    """The gateway says that it was paid; True when goods follow."""
    code = payments.apply_payment(
        station_id, plugin_id, number, amount, f"SIM{number}{copy}", "webhook"
    )
    return code in ("ok", "awaiting_fulfilment")


def _request(
    counter: Counter, sku: DemoSku, quantity: int, member: int | None, ip: str
) -> orders.PlaceRequest:
    """An order as a shopper sends it (station scope)."""
    source = counter.source
    shelf = (sku.code, quantity)
    if shelf not in counter.prices:
        counter.prices[shelf] = orders.quote(*shelf).payable
    return orders.PlaceRequest(
        sku_code=sku.code,
        quantity=quantity,
        inputs=_inputs(sku, source),
        contact=_contact(source),
        expected_payable=counter.prices[shelf],
        idempotency_key=f"demo-{counter.station_id}-{counter.sold}",
        member_id=member,
        ip=ip or f"192.0.2.{source.randrange(1, 255)}",
    )


def _contact(source: random.Random) -> str:
    return f"1{source.randrange(3 * 10**9, 9 * 10**9)}"


def _inputs(sku: DemoSku, source: random.Random) -> dict[str, str]:
    values = {
        "phone": f"138{source.randrange(10**8):08d}",
        "email": f"buyer{source.randrange(1000)}@example.com",
        "account": f"{source.randrange(10**9, 10**10)}",
        "text": "杭州",
        "choice": "青龙",
        "number": "1",
    }
    return {name: values[kind] for name, kind in sku.fields}
