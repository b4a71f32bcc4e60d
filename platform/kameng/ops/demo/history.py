"""Ninety days of orders, made through the product's own services, then dated back by the owner."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kameng.db import db, main_scope, run, station_scope
from kameng.errors import DomainError
from kameng.ops.demo.people import DemoPeople
from kameng.ops.demo.range import DemoSku
from kameng.orders import api as orders
from kameng.payments import api as payments
from kameng.supply import api as supply

DAYS = 90
WAYS = (("payment-epay", "alipay"), ("payment-epay", "wxpay"), ("payment-stripe", "checkout"))
HOURS = (0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.4, 0.7, 0.9, 1.1, 1.3, 1.4, 1.5, 1.3, 1.2, 1.2, 1.3, 1.4,
         1.7, 2.0, 2.2, 2.1, 1.5, 0.8)  # fmt: skip


@dataclass
class Diary:
    """Which order belongs to which moment of the past."""

    moments: list[tuple[int, int, datetime]] = field(default_factory=list)  # station, order, when
    top_ups: list[tuple[int, str, datetime]] = field(default_factory=list)  # station, attempt, when


def moments(now: datetime, source: random.Random) -> list[datetime]:
    """When orders came in: growing ever faster over ninety days, most of them in the evening."""
    found = []
    for day in range(DAYS, -1, -1):
        start = (now - timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
        progress = (DAYS - day) / DAYS
        count = round((3 + 14 * progress**2) * source.uniform(0.75, 1.25))
        for hour in source.choices(range(24), HOURS, k=count):
            # The curve is local time; +8 is what the shop's clock shows.
            at = start + timedelta(hours=(hour - 8) % 24, seconds=source.randrange(3600))
            if at < now - timedelta(minutes=30):
                found.append(at)
    return sorted(found)


def fill_wallets(people: DemoPeople, now: datetime, source: random.Random, diary: Diary) -> None:
    """Members top up their wallets by the gateway."""
    for station_id, members in people.members.items():
        for member_id in members:
            amount = source.choice((200, 300, 500, 1000)) * 10_000
            with station_scope(station_id):
                number = payments.open_top_up(member_id, amount, "payment-epay", "alipay")
            payments.apply_payment(
                station_id, "payment-epay", number, amount, f"SIM{number}", "demo"
            )
            diary.top_ups.append((station_id, number, now - timedelta(days=DAYS + 1)))


def live(people: DemoPeople, skus: list[DemoSku], now: datetime, source: random.Random) -> Diary:
    """All orders of ninety days; returns when each happened."""
    diary = Diary()
    fill_wallets(people, now, source, diary)
    weights = [3 if sku.kind == "card" else 2 for sku in skus]
    for at in moments(now, source):
        station_id = source.choices(people.station_ids, (4, 3, 2, 2))[0]
        sku = source.choices(skus, weights)[0]
        _one_order(station_id, sku, at, people, source, diary)
    return diary


def leave_work(people: DemoPeople, skus: list[DemoSku], now: datetime, diary: Diary) -> None:
    """What a newcomer finds to do today: goods that wait for a person, an order held by risk."""
    source = random.Random(1)
    by_hand = [sku for sku in skus if sku.kind != "card"]
    for number, minutes in enumerate((55, 34, 21, 9)):
        station_id, sku = people.station_ids[number % 4], by_hand[number * 3]
        held = number == 3
        reason = {"rule": "risk-velocity", "code": "velocity", "text": "同一 IP 1 分钟内 10 笔充值"}
        with station_scope(station_id):
            placed = orders.place(
                _request(sku, 1, source, f"today-{number}"),
                ("review", [reason]) if held else ("allow", []),
            )
            _pay(station_id, placed, None, source)
        if not held:
            supply.fulfil(station_id, placed.order_id)
        diary.moments.append((station_id, placed.order_id, now - timedelta(minutes=minutes)))


def _one_order(
    station_id: int, sku: DemoSku, at: datetime, people: DemoPeople, source: random.Random,
    diary: Diary,
) -> None:  # fmt: skip
    member = source.choice(people.members[station_id]) if source.random() < 0.45 else None
    quantity = source.choices((1, 2, 3), (8, 2, 1))[0] if sku.kind == "card" else 1
    try:
        with station_scope(station_id):
            request = _request(sku, quantity, source, str(len(diary.moments)), member)
            placed = orders.place(request)
            diary.moments.append((station_id, placed.order_id, at))
            fate = source.random()
            if fate < 0.05:
                return  # never paid: expires below
            if fate < 0.07:
                orders.cancel(placed.order_no, "guest")
                return
            paid = _pay(station_id, placed, member, source)
    except DomainError:
        return  # sold out on that day: such days exist
    if paid and sku.kind != "card":
        _fulfil(station_id, placed.order_id, at, source)


def _request(
    sku: DemoSku, quantity: int, source: random.Random, key: str, member: int | None = None
) -> orders.PlaceRequest:
    """An order as a shopper sends it (station scope)."""
    return orders.PlaceRequest(
        sku_code=sku.code,
        quantity=quantity,
        inputs=_inputs(sku, source),
        contact=f"1{source.randrange(3 * 10**9, 9 * 10**9)}",
        expected_payable=orders.quote(sku.code, quantity).payable,
        idempotency_key=f"demo-{key}",
        member_id=member,
        ip=f"192.0.2.{source.randrange(1, 255)}",
    )


def _pay(station_id: int, placed: orders.Placed, member: int | None, source: random.Random) -> bool:
    if member is not None and source.random() < 0.5:
        try:
            payments.pay_with_balance(placed.order_no, member)
        except payments.PaymentRefused:
            pass  # the wallet is empty: by the gateway, then
        else:
            return True
    plugin_id, method = source.choice(WAYS)
    number = payments.open_attempt(placed.order_no, plugin_id, method)
    code = payments.apply_payment(
        station_id, plugin_id, number, placed.payable, f"SIM{number}", "demo"
    )
    return code in ("ok", "awaiting_fulfilment")


def _fulfil(station_id: int, order_id: int, at: datetime, source: random.Random) -> None:
    """A person completes it by hand; a few fail, and today's wait for somebody."""
    supply.fulfil(station_id, order_id)
    if datetime.now(UTC) - at < timedelta(hours=8) and source.random() < 0.6:
        return
    with main_scope(reason="demo"):
        waiting = [
            p for p in supply.open_purchases()
            if (p.station_id, p.order_id) == (station_id, order_id)
        ]  # fmt: skip
        for purchase in waiting:
            if source.random() < 0.04:
                supply.fail(station_id, purchase.id, "号码已停机", "staff:3")
            else:
                supply.complete(station_id, purchase.id, "已到账", "staff:3")
        db.session.commit()


def close_refunds() -> None:
    """The gateways of the past have paid back; no simulator knows these payments (main scope)."""
    for station_id, refund_id in payments.due_refunds():
        number = payments.refund_number(station_id, refund_id)
        run(
            "settle_refund", p_station=station_id, p_refund_no=number,
            p_state="succeeded", p_ref="SIM", p_message="", p_next=None,
        )  # fmt: skip
    db.session.commit()


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
