"""Our own adapters of 卡速售 and 卡卡云 buy at our own servers: one system's two halves, meeting."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import PurchaseRequest
from kameng_supplier_kakayun.account import KakayunAccount
from kameng_supplier_kakayun.supplier import KakayunSupplier
from kameng_supplier_kasushou.account import KasushouAccount
from kameng_supplier_kasushou.supplier import KasushouSupplier

from .docking import Dock, Key, new_number
from .doors import Door

ENOUGH = 1_000_0000
CAP = Money(300_0000)


@dataclass
class Wire:
    """The way from an adapter to the station, without a network; also its clock."""

    dock: Door

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes,
        timeout_s: float,
    ) -> HttpResponse:  # fmt: skip
        path = urlsplit(url).path.removeprefix(f"/dock/{self.dock.dialect}/")
        answer = self.dock.post(path, content, headers, method=method)
        return HttpResponse(status=answer.status_code, headers={}, body=answer.data)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Pair:
    """An adapter with a key at the station."""

    dock: Door
    key: Key

    @property
    def ctx(self) -> CallContext:
        wire = Wire(self.dock)
        return CallContext(
            deadline=time.monotonic() + 60, correlation_id="t", http=wire, clock=wire
        )

    @property
    def supplier(self) -> Any:
        at = f"http://deer.localhost:8000/dock/{self.dock.dialect}"
        secret, zero = Secret(self.key.secret), Money.zero()
        if self.dock.dialect == "kasushou":
            shown = KasushouAccount(
                base_url=at, user_id=self.key.key_id, key=secret, low_balance=zero
            )
            return KasushouSupplier(shown)
        return KakayunSupplier(
            KakayunAccount(
                site_url=at, api_url=at, userid=self.key.key_id, key=secret, low_balance=zero
            )
        )

    def offers(self) -> dict[str, Any]:
        """All offers, page by page."""
        found, cursor, supplier = {}, "", self.supplier
        while True:
            page = supplier.list_offers(self.ctx, cursor)
            found |= {offer.sku_ref: offer for offer in page.offers}
            if not (cursor := page.next_cursor):
                return found

    def wish(self, sku: int, **changes: Any) -> PurchaseRequest:
        given: dict[str, Any] = {
            "purchase_no": new_number(), "sku_ref": str(sku), "quantity": 1, "inputs": {},
            "max_cost": CAP, "notify_url": "",
        }  # fmt: skip
        return PurchaseRequest(**given | changes)


@pytest.fixture(params=["kasushou", "kakayun"])
def pair(request: pytest.FixtureRequest, dock: Dock) -> Pair:
    door = Door(dock, request.param)
    return Pair(door, door.key(ENOUGH))


def test_it_reads_offers_and_balance(pair: Pair) -> None:
    cards, top_up = pair.dock.cards(2), pair.dock.top_up()
    offers = pair.offers()
    card = offers[str(cards)]
    assert (card.cost, card.stock, card.kind.value) == (Money(98_6050), 2, "card")
    assert (card.on_sale, card.category) == (True, "游戏")
    told = "".join(field.label for field in offers[str(top_up)].fields)
    assert "充值账号" in told
    assert "游戏大区" in told
    assert pair.supplier.balance(pair.ctx) == Money(ENOUGH)


def test_it_buys_cards_once_for_a_number(pair: Pair) -> None:
    wish = pair.wish(pair.dock.cards(3), quantity=2)
    first, again = (pair.supplier.purchase(pair.ctx, wish) for _try in range(2))
    assert first.outcome is again.outcome is Outcome.PENDING
    assert first.supplier_ref == again.supplier_ref
    result = pair.supplier.query(pair.ctx, wish.purchase_no, first.supplier_ref)
    assert (result.outcome, result.cost) == (Outcome.SUCCEEDED, Money(197_2100))
    assert len({delivery.code.reveal() for delivery in result.deliveries}) == 2
    assert pair.supplier.balance(pair.ctx) == Money(ENOUGH - 197_2100)


def test_it_orders_a_top_up_with_all_its_fields(pair: Pair) -> None:
    sku = pair.dock.top_up()
    fields = pair.offers()[str(sku)].fields
    inputs = {fields[0].name: "13800138000", fields[1].name: "一区"}
    wish = pair.wish(sku, inputs=inputs)
    placed = pair.supplier.purchase(pair.ctx, wish)
    result = pair.supplier.query(pair.ctx, wish.purchase_no, placed.supplier_ref)
    assert result.outcome is Outcome.PENDING
    stored = pair.dock.shop.one(
        "SELECT inputs FROM orders WHERE order_no = %s", placed.supplier_ref
    )
    assert stored == {"account": "13800138000", "realm": "一区"}
    after = pair.supplier.cancel(pair.ctx, wish.purchase_no, placed.supplier_ref, "test")
    assert after.outcome is Outcome.PENDING


@pytest.mark.parametrize("change", [{"max_cost": Money(98_6000)}, {"quantity": 3}])
def test_it_understands_what_is_refused(pair: Pair, change: dict[str, Any]) -> None:
    wish = pair.wish(pair.dock.cards(2), **change)
    with pytest.raises(Declined):
        pair.supplier.purchase(pair.ctx, wish)
    result = pair.supplier.query(pair.ctx, wish.purchase_no, "")
    assert (result.outcome, result.found) == (Outcome.UNKNOWN, False)


def test_another_request_under_a_used_number_stays_unknown(pair: Pair) -> None:
    wish = pair.wish(pair.dock.cards(3))
    pair.supplier.purchase(pair.ctx, wish)
    second = pair.supplier.purchase(pair.ctx, replace(wish, quantity=2))
    assert second.outcome is Outcome.UNKNOWN
    assert pair.dock.orders_of(pair.key) == 1
