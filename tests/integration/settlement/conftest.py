"""Hands for tests of settlement: sales that are due, terms, requests, other people's words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kameng.db import main_scope, station_scope

JIANGNAN, DEER = 2, 3
PAYEE = {"account": "deer@example.com", "name": "沈一舟"}
_keys = itertools.count(1)


@dataclass
class Desk:
    """The settlement side of the small shop."""

    shop: Any

    def terms(self, station: int = DEER, **changes: Any) -> None:
        """Give a station terms of its own."""
        from kameng.settlement import api as settlement

        with self.shop.app.app_context(), main_scope(reason="test"):
            now = settlement.terms_of(station).terms
            settlement.save_terms(station, replace(now, **changes), "staff:1")

    def sold(self, quantity: int = 1, fee: int = 0, days_ago: int | None = 9) -> Any:
        """A sale of Deer; its margins were due some days ago, unless None."""
        placed, code = self.shop.buy(self.shop.sku(cards=quantity), quantity=quantity, fee=fee)
        assert code == "ok"
        if days_ago is not None:
            self.shop.owner.execute(
                "UPDATE settlement SET due_at = now() - make_interval(days => %s)"
                " WHERE order_station_id = 3 AND order_id = %s", (days_ago, placed.order_id),
            )  # fmt: skip
        return placed

    def release(self) -> int:
        from kameng.settlement import api as settlement

        with self.shop.app.app_context(), main_scope(reason="test"):
            return settlement.release_due()

    def earn(self, yuan: int, station: int = DEER) -> None:
        """Put something into what a station has available: one asks, another one agrees."""
        self._adjust(station, "adjustment", "available", yuan * 10_000)

    def empty(self, station: int = DEER) -> None:
        """Take everything away again: open requests end, what is available goes."""
        self.shop.owner.execute(
            "SELECT _end_withdrawal(station_id, id, false, '', 'test', '') FROM withdrawal"
            " WHERE station_id = %s AND state IN ('created', 'sent', 'unknown')", (station,),
        )  # fmt: skip
        left = self.shop.balance(station, "available")
        if left > 0:
            self._adjust(station, "available", "adjustment", left)
        elif left < 0:
            self._adjust(station, "adjustment", "available", -left)

    def _adjust(self, station: int, debit: str, credit: str, amount: int) -> None:
        number = self.shop.one(
            "SELECT id FROM request_adjustment(%s, %s, '', %s, '', %s, 'for a test', 'staff:901', %s)",
            station, debit, credit, amount, f"adjust-{next(_keys)}",
        )  # fmt: skip
        self.shop.owner.execute(
            "SELECT vote_approval(%s, (SELECT id FROM approval WHERE kind = 'adjustment' AND subject = %s),"
            " 'staff:902', true, '')", (station, str(number)),
        )  # fmt: skip
        self.shop.owner.execute("SELECT post_adjustment(%s, %s)", (station, number))

    def ask(self, yuan: float, station: int = DEER, key: str = "", **changes: Any) -> int:
        """A station's owner asks for a payout; returns its number."""
        from kameng.settlement import api as settlement

        given = {"payee_kind": "alipay", "payee": PAYEE, "actor": "staff:77", **changes}
        with self.shop.app.app_context(), station_scope(station):
            return settlement.request_withdrawal(
                station, round(yuan * 10_000), key=key or f"key-{next(_keys)}", **given
            )

    def vote(self, withdrawal: int, actor: str, agrees: bool = True, reason: str = "") -> str:
        from kameng.identity import api as identity

        with self.shop.app.app_context(), main_scope(reason="test"):
            found = identity.approvals(state="", kind="withdrawal", subject=str(withdrawal))
            return identity.vote(found[0].station_id, found[0].id, actor, agrees, reason)

    def approved(self, yuan: float) -> int:
        number = self.ask(yuan)
        assert self.vote(number, "staff:2") == "approved"
        return number

    def main(self, function: str, *args: Any, **named: Any) -> Any:
        """A use case in main scope."""
        from kameng.settlement import api as settlement

        with self.shop.app.app_context(), main_scope(reason="test"):
            return getattr(settlement, function)(*args, **named)

    def state(self, withdrawal: int) -> str:
        return str(self.shop.one("SELECT state FROM withdrawal WHERE id = %s", withdrawal))

    def money(self, station: int = DEER) -> tuple[int, int]:
        """What is available and what is frozen."""
        return self.shop.balance(station, "available"), self.shop.balance(station, "frozen")


@pytest.fixture
def desk(shop: Any) -> Desk:
    """Deer begins with nothing available, no minimum and no fee."""
    found = Desk(shop)
    for station in (JIANGNAN, DEER):
        found.terms(
            station, release_days=1, fee_bp=0, pays_gateway_fee=False, deposit_required=0,
            withdraw_minimum=1_0000, withdraw_daily_limit=1_000_000_0000, withdraw_fee=0,
            withdraw_fee_bp=0, two_person_above=10_000_0000,
        )  # fmt: skip
        found.empty(station)
    return found
