"""Ninety days of orders, made through the product's own services, then dated back by the owner."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from flask import Flask

from kameng.db import db, run, station_scope
from kameng.ops.demo.buying import Counter, Diary, sell
from kameng.ops.demo.people import DemoPeople
from kameng.ops.demo.range import DemoSku
from kameng.payments import api as payments

DAYS = 90
HOURS = (0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.4, 0.7, 0.9, 1.1, 1.3, 1.4, 1.5, 1.3, 1.2, 1.2, 1.3, 1.4,
         1.7, 2.0, 2.2, 2.1, 1.5, 0.8)  # fmt: skip
SHARES = (4, 3, 2, 2)  # of the stations, the main one first
SIDE_BY_SIDE = 4


def moments(now: datetime, source: random.Random) -> list[datetime]:
    """When orders came in: growing ever faster over ninety days, most of them in the evening."""
    found = []
    for day in range(DAYS, -1, -1):
        start = (now - timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
        progress = (DAYS - day) / DAYS
        count = round((6 + 30 * progress**2) * source.uniform(0.8, 1.2))
        for hour in source.choices(range(24), HOURS, k=count):
            # The curve is local time; +8 is what the shop's clock shows.
            at = start + timedelta(hours=(hour - 8) % 24, seconds=source.randrange(3600))
            if at < now - timedelta(minutes=30):
                found.append(at)
    return sorted(found)


def fill_wallets(people: DemoPeople, now: datetime, source: random.Random, diary: Diary) -> None:
    """Members top up their wallets by the gateway."""
    begun = now - timedelta(days=DAYS + 1)
    for station_id, members in people.members.items():
        for member_id in members:
            yuan = source.choice((1000, 2000, 3000))
            fill_wallet(station_id, member_id, yuan, begun, diary)


def fill_wallet(station_id: int, member_id: int, yuan: int, at: datetime, diary: Diary) -> None:
    """One top-up, noted for its moment."""
    amount = yuan * 10_000
    with station_scope(station_id):
        number = payments.open_top_up(member_id, amount, "payment-epay", "alipay")
    payments.apply_payment(station_id, "payment-epay", number, amount, f"SIM{number}", "webhook")
    diary.top_ups.append((station_id, number, at))


def live(app: Flask, tills: Sequence[Counter], skus: list[DemoSku], whens: list[datetime]) -> None:
    """All orders of ninety days. Stations sell side by side: they share nothing but the pools."""
    source = random.Random(len(whens))
    plan: dict[int, list[datetime]] = {till.station_id: [] for till in tills}
    for at in whens:
        plan[source.choices(tills, SHARES)[0].station_id].append(at)

    def trade(till: Counter) -> None:
        with app.app_context():
            for at in plan[till.station_id]:
                sell(till, till.source.choice(skus), at)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as stations:
        list(stations.map(trade, tills))


def close_refunds() -> None:
    """The gateways of the past have paid back, all but the last one (main scope)."""
    due = payments.due_refunds(10_000)
    for station_id, refund_id in due:
        number = payments.refund_number(station_id, refund_id)
        state, message = "succeeded", ""
        if (station_id, refund_id) == due[-1]:  # no simulator knows these; one account is gone
            state, message = "declined", "对方账户已注销，原路退不回"
        run(
            "settle_refund", p_station=station_id, p_refund_no=number,
            p_state=state, p_ref="SIM", p_message=message, p_next=None,
        )  # fmt: skip
    db.session.commit()
