"""What a newcomer finds to do today, and what went wrong lately: no desk of the demo is empty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from kameng.db import db, main_scope, station_scope
from kameng.identity import api as identity
from kameng.ops.demo.buying import Counter, collect, judged, pay, place
from kameng.ops.demo.cards import lines
from kameng.ops.demo.purchasing import PastPurchases
from kameng.ops.demo.range import DemoSku
from kameng.payments import api as payments
from kameng.risk import api as risk
from kameng.stock import api as stock
from kameng.supply import api as supply

BUYER, RISK = "staff:5", "staff:4"
RUSH_IP = "203.0.113.77"
RUSH = 12  # top-ups from one address within a minute: the rule holds those from the tenth on
BAD_LINES = {  # what suppliers' files look like, by restocked SKU
    "XH100": (
        "XH100-只有卡号----", "----QK7M-2V8D-XH3P-4RTN", "XH100\u200b99----A2B3-C4D5-E6F7-G8H9",
    ),
    "JG-M": ("6.11E+15----7KQ4-M2VD-QX7M-3HPL", "JG-M-没有卡密"),
}  # fmt: skip


def leave_work(
    tills: Sequence[Counter], skus: list[DemoSku], now: datetime, past: PastPurchases
) -> None:
    """The last hour: sales that went through, goods for a person, a rush that risk has held."""
    cards = [sku for sku in skus if sku.kind == "card"]
    bought = [sku for sku in skus if sku.kind != "card" and sku.id in past.market.offers]
    by_hand = [sku for sku in skus if sku.kind != "card" and sku not in bought]
    for number, minutes in enumerate((58, 47, 39, 31, 26, 18, 13, 7, 3)):
        till, at = tills[number % len(tills)], now - timedelta(minutes=minutes)
        with station_scope(till.station_id):
            pay(till, place(till, cards[number * 5], at))
    for number, minutes in enumerate((55, 34, 21)):
        till, at = tills[number], now - timedelta(minutes=minutes)
        with station_scope(till.station_id):
            placed = place(till, by_hand[number], at)
            pay(till, placed)
        supply.fulfil(till.station_id, placed.order_id)  # nobody offers these: the desk has them
    course = next(sku for sku in bought if sku.kind == "manual")
    with station_scope(tills[1].station_id):
        placed = place(tills[1], course, at := now - timedelta(minutes=28))
        pay(tills[1], placed)
    past.buy(tills[1].station_id, {placed.order_id}, at)  # waits at its supplier's portal
    with station_scope(tills[1].station_id):
        place(tills[1], cards[2], now - timedelta(minutes=4))  # still to be paid
    _rush(tills[2], next(sku for sku in bought if sku.kind == "top_up"), now, past)


def _rush(till: Counter, sku: DemoSku, now: datetime, past: PastPurchases) -> None:
    """Many top-ups from one address: the rule itself decides from which one on it is too many."""
    done: set[int] = set()
    for number in range(RUSH):
        at = now - timedelta(minutes=22, seconds=-4 * number)
        with station_scope(till.station_id):
            verdict = judged(till, sku, RUSH_IP, f"demo-rush-{number}")
            placed = place(till, sku, at, verdict=verdict, ip=RUSH_IP)
            pay(till, placed)
        if verdict[0] == "allow":
            done.add(placed.order_id)
    past.buy(till.station_id, done, now - timedelta(minutes=21))


def had_trouble(tills: Sequence[Counter], skus: list[DemoSku], now: datetime) -> None:
    """Lately: orders that risk refused or let go, one paid twice, one with a wrong amount."""
    cards = [sku for sku in skus if sku.kind == "card"]
    reason = {"rule": "risk-velocity", "code": "velocity", "text": "同一 IP 1 分钟内 10 笔充值"}
    for number, days in enumerate((41, 26, 17, 9, 4, 2)):
        till, at = tills[number % len(tills)], now - timedelta(days=days, minutes=number * 83)
        with station_scope(till.station_id):
            placed = place(till, cards[number], at, verdict=("review", [reason]))
            pay(till, placed)
        with main_scope(reason="demo"):
            if number % 2:
                risk.release(till.station_id, placed.order_id, RISK, "老客户，电话核实过")
            else:
                risk.refuse(till.station_id, placed.order_id, RISK, "收货账号异常，本人未回电")
    for paid_yuan, copies in ((None, ("", "B")), (1, ("",))):
        with station_scope(tills[0].station_id):
            placed = place(tills[0], cards[7], now - timedelta(days=1, hours=3))
            number_ = payments.open_attempt(placed.order_no, "payment-epay", "alipay")
        for copy in copies:
            amount = placed.payable if paid_yuan is None else paid_yuan * 10_000
            collect(tills[0].station_id, "payment-epay", number_, amount, copy)


def restock(skus: list[DemoSku], source_till: Counter) -> None:
    """Two deliveries of cards with refused lines, each sent twice by mistake (main scope)."""
    source = source_till.source
    for sku in (sku for sku in skus if sku.code in BAD_LINES):
        body = lines(sku, 60, source, first=300)
        bad = "\n".join(BAD_LINES[sku.code]).encode()
        for name in (f"{sku.code} 补货", f"{sku.code} 补货 重传"):
            batch_id = stock.import_cards(
                sku.id, b"\n".join((body, bad)), f"{sku.code}-1126.txt", BUYER, batch_name=name
            )
            detail = {"sku_id": sku.id}
            identity.audit(BUYER, "card.import", f"batch:{batch_id}", detail, station_id=1)
            db.session.commit()
