"""What must be true in the end, by the suppliers' records and our own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tests.integration.supply.stalls import Stand

from kameng.db import main_scope
from kameng.ledger.api import verify

from .truth import Bought, Sold, read

ORDERS = """SELECT o.id, o.state, o.quantity, o.short, o.payable, o.kind, coalesce((SELECT sum(r.amount) FROM refund r WHERE r.station_id = o.station_id AND r.order_id = o.id), 0)::bigint,
    (SELECT count(*) FROM card c WHERE c.station_id = o.station_id AND c.order_id = o.id AND c.status = 2), o.refunded
  FROM orders o WHERE o.source = 'supplier'"""
ALERTS = "SELECT kind, subject FROM alert WHERE state = 'open'"


class Verdict:
    """All faults found, as sentences; none is what we want."""

    def __init__(self, shop: Any, stands: Sequence[Stand]) -> None:
        self.shop, self.stands = shop, stands
        self.truth, self.vault = read(shop, stands)
        self.faults: list[str] = []
        self.outcomes: Counter[str] = Counter()
        self.of_order: dict[int, list[Bought]] = defaultdict(list)
        for purchase in self.truth.purchases:
            self.of_order[purchase.order_id].append(purchase)
        self._numbers()
        self._orders()
        self._purchases()
        self._cards()
        self._books()

    def _fault(self, wrong: Any, sentence: str) -> None:
        if wrong:
            self.faults.append(sentence)

    def _numbers(self) -> None:
        """Nothing was bought twice over there, and nothing that we know nothing of."""
        for stand in self.stands:
            facts = stand.facts()
            self._fault(
                facts["by_number"], f"{stand.stall.name}: {facts['by_number']} bought twice"
            )
            self._fault(facts["forged_accepted"], f"{stand.stall.name}: a forged notice was taken")
        for sale in self.truth.nobodys:
            self._fault(sale.kept > 0, f"nobody's sale {sale.row}")
        for number, sales in self.truth.of.items():
            self._fault(len(sales) > 1, f"purchase {number} bought {len(sales)} times")

    def _orders(self) -> None:
        for row in self.shop.owner.execute(ORDERS.encode()).fetchall():
            number, state, quantity, short, payable, kind, back, cards, refunded = row
            mine = self.of_order[number]
            done = sum(p.delivered for p in mine if p.state == "succeeded")
            opened = [p for p in mine if p.open]
            self._fault(len(opened) > 1, f"order {number}: {len(opened)} open purchases")
            self._fault(done > quantity, f"order {number}: {done} of {quantity} delivered")
            self._fault(
                cards != (done if kind == "card" else 0), f"order {number}: {cards} cards of {done}"
            )
            if state == "delivered":
                self.outcomes["short" if short else "delivered"] += 1
                self._fault(
                    done != quantity - short, f"order {number}: delivered {done} of {quantity}"
                )
                self._fault(
                    back != refunded or (back > 0) != (short > 0),
                    f"order {number}: delivered and {back} paid back",
                )
                self._fault(opened, f"order {number}: delivered, and a purchase is open")
            elif state in ("refunding", "refunded"):
                self.outcomes["refunded"] += 1
                self._fault(
                    done or opened or back != payable,
                    f"order {number}: {state} with {done} delivered",
                )
            else:
                self.outcomes["open"] += 1
                self._fault(not opened, f"order {number}: {state}, and nobody works on it")

    def _purchases(self) -> None:
        alerts = set(self.shop.owner.execute(ALERTS).fetchall())
        subjects = {subject for _kind, subject in alerts}
        for p in self.truth.purchases:
            name = f"purchase {p.id} ({self.truth.name(p)}, {p.state}, {p.code})"
            sales = self.truth.of.get(p.id, [])
            if p.open:
                self._fault(not p.waits_for or not p.code, f"{name} waits without a reason")
                untold = p.waits_for == "person" and f"purchase:{p.purchase_no}" not in subjects
                self._fault(untold, f"{name} waits for a person whom nobody has told")
            for sale in sales if p.state == "declined" else []:
                lost = sale.state == "done" and sale.kept > 0 and not p.late_success
                self._fault(lost, f"{name} was declined, and sold over there: {sale.row}")
            if p.late_success:
                self.outcomes["late success, told"] += 1
                told = ("purchase_late", f"purchase:{p.purchase_no}") in alerts
                self._fault(not told, f"{name}: late success that nobody was told")
            if p.state == "succeeded" and self.truth.name(p) != "desk":
                self._paid_for(p, sales, name)

    def _paid_for(self, p: Bought, sales: list[Sold], name: str) -> None:
        self._fault(
            len(sales) != 1 or sales[0].state != "done", f"{name}: succeeded without a sale"
        )
        if sales:
            known = p.cost == p.expected_cost  # or so many pieces of it: the supplier tells no cost
            taken = sales[0].kept + p.refunded
            self._fault(
                not known and p.delivered == p.quantity and p.refunded and p.cost != taken,
                f"{name}: cost {p.cost}, taken {taken}",
            )

    def _cards(self) -> None:
        """Every code sold for a purchase that succeeded is in the vault once, and no other."""
        loose = "SELECT count(*) FROM card WHERE status <> 2"
        self._fault(self.shop.one(loose), "cards that are not their order's")
        vault = self.vault
        everywhere = Counter(code for codes in vault.values() for code in codes)
        twice = [code for code, times in everywhere.items() if times > 1]
        self._fault(twice, f"{len(twice)} codes are in the vault twice")
        for p in self.truth.purchases:
            if p.state != "succeeded" or p.kind != "card":
                self._fault(vault.get(p.id), f"purchase {p.id} ({p.state}) has cards")
                continue
            sold = Counter(c for sale in self.truth.of.get(p.id, []) for c in sale.codes)
            mine = Counter(vault.get(p.id, []))
            self._fault(
                mine - sold,
                f"purchase {p.id} ({self.truth.name(p)}) has {dict(mine - sold)}, sold were {dict(sold)}",
            )
            missing = min(p.quantity, len(sold)) - len(mine)
            self._fault(
                missing > 0, f"purchase {p.id}: {missing} cards sold for it are not in the vault"
            )
        self.outcomes["cards"] = sum(everywhere.values())

    def _books(self) -> None:
        with main_scope(reason="test"):
            report = verify()
        for check in report.checks:
            self._fault(not check.ok, f"ledger: {check.name} {check.findings[:3]}")
