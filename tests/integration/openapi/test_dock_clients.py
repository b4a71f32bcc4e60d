"""This project's own suppliers' plugins buy at our docks, as any downstream site would."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from flask import Flask
from tests.integration.openapi.docking import PRICE, Dock

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.secrets import Secret
from kameng_sdk.suppliers import Offer, OfferKind, PurchaseRequest
from kameng_supplier_acg_shared.account import StoreAccount
from kameng_supplier_acg_shared.supplier import AcgSupplier
from kameng_supplier_dujiao_next.account import DujiaoAccount
from kameng_supplier_dujiao_next.supplier import DujiaoSupplier

DIALECTS = ("dujiao-next", "acg-shared")
numbers = (f"2611{number:016d}" for number in itertools.count(1))


@dataclass
class Wire:
    """The plugin's way out leads to the station, without a socket in between."""

    dock: Dock

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None,
        content: bytes | None = None, **_more: Any,
    ) -> HttpResponse:  # fmt: skip
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = self.dock.send(method, path, headers=dict(headers or {}), data=content or b"")
        return HttpResponse(
            status=answer.status_code, headers=dict(answer.headers), body=answer.data
        )


class Now:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Downstream:
    """A member of the station, on its own system."""

    dock: Dock
    supplier: Any
    member: int

    def ctx(self) -> CallContext:
        return CallContext(
            deadline=time.monotonic() + 60, correlation_id="test", http=Wire(self.dock), clock=Now()
        )

    def offer(self, sku: int) -> Offer:
        cursor, found = "", []
        while True:
            page = self.supplier.list_offers(self.ctx(), cursor)
            found += [
                one
                for one in page.offers
                if str(sku) in one.sku_ref.replace(":", "/").split("/")[1:]
            ]
            if not (cursor := page.next_cursor):
                (offer,) = found
                return offer

    def buy(self, ref: str, quantity: int = 1, **changes: Any) -> tuple[str, Any]:
        values: dict[str, Any] = {
            "purchase_no": next(numbers), "sku_ref": ref, "quantity": quantity, "inputs": {},
            "max_cost": Money(10_000_0000), "notify_url": "",
        }  # fmt: skip
        request = PurchaseRequest(**(values | changes))
        return request.purchase_no, self.supplier.purchase(self.ctx(), request)


@pytest.fixture(params=DIALECTS)
def downstream(request: pytest.FixtureRequest, dock: Dock) -> Downstream:
    return _downstream(dock, request.param)


def _downstream(dock: Dock, dialect: str, **changes: Any) -> Downstream:
    key = dock.key(dialect, **changes)
    url = f"http://deer.localhost:8000/dock/{dialect}"
    supplier: Any
    if dialect == "dujiao-next":
        supplier = DujiaoSupplier(
            DujiaoAccount(base_url=url, api_key=key.key_id, api_secret=Secret(key.secret))
        )
    else:
        account = StoreAccount(
            base_url=url, flavour="shared", app_id=key.key_id, app_key=Secret(key.secret),
            low_balance=Money.zero(),
        )  # fmt: skip
        supplier = AcgSupplier(account)
    return Downstream(dock, supplier, key.member)


def test_the_balance_is_the_members_wallet(downstream: Downstream) -> None:
    assert downstream.supplier.balance(downstream.ctx()) == Money.parse("1000")


def test_cards_are_offered_bought_and_read_again(downstream: Downstream) -> None:
    offer = downstream.offer(downstream.dock.goods(cards=5))
    assert (offer.cost.amount, offer.kind, offer.stock, offer.on_sale) == (
        PRICE,
        OfferKind.CARD,
        5,
        True,
    )
    number, result = downstream.buy(offer.sku_ref, 2)
    if result.outcome is Outcome.PENDING:  # dujiao-next tells cards to those who ask
        result = downstream.supplier.query(downstream.ctx(), number, result.supplier_ref)
    assert result.outcome is Outcome.SUCCEEDED
    codes = [piece.code.reveal() for piece in result.deliveries]
    assert len(set(codes)) == 2
    assert all("SECRET-" in code for code in codes)
    again = downstream.supplier.query(downstream.ctx(), number, result.supplier_ref)
    assert [piece.code.reveal() for piece in again.deliveries] == codes
    assert downstream.dock.orders(downstream.member) == 1


def test_a_repeated_purchase_is_the_same_one(downstream: Downstream) -> None:
    ref = downstream.offer(downstream.dock.goods(cards=3)).sku_ref
    number, first = downstream.buy(ref)
    _, second = downstream.buy(ref, purchase_no=number)
    assert second == first
    assert downstream.dock.orders(downstream.member) == 1


def test_a_top_up_waits_until_it_is_done(downstream: Downstream) -> None:
    sku = downstream.dock.goods("top_up")
    downstream.dock.asks_for(sku, "account", "充值账号")
    offer = downstream.offer(sku)
    assert (offer.kind, [field.name for field in offer.fields]) == (OfferKind.TOP_UP, ["account"])
    number, result = downstream.buy(offer.sku_ref, inputs={"account": "13800138000"})
    assert result.outcome is Outcome.PENDING
    order_no = downstream.dock.one(
        "SELECT order_no FROM orders WHERE member_id = %s", downstream.member
    )
    assert (
        downstream.dock.one("SELECT inputs->>'account' FROM orders WHERE order_no = %s", order_no)
        == "13800138000"
    )
    asked = downstream.supplier.query(downstream.ctx(), number, result.supplier_ref)
    assert asked.outcome is Outcome.PENDING
    downstream.dock.behind(
        "UPDATE orders SET state = 'delivered', delivered_at = now(), delivery_text = '流水 77' WHERE order_no = %s",
        order_no,
    )
    done = downstream.supplier.query(downstream.ctx(), number, result.supplier_ref)
    assert (done.outcome, done.deliveries[0].note) == (Outcome.SUCCEEDED, "流水 77")


def test_refusals_are_sure_and_buy_nothing(downstream: Downstream) -> None:
    dock = downstream.dock
    rare = dock.goods(cards=1)
    ref = downstream.offer(rare).sku_ref
    with pytest.raises(Declined):
        downstream.buy(ref, 2)
    with pytest.raises(Declined, match="price"):
        downstream.buy(ref, max_cost=Money(PRICE - 1))
    with pytest.raises(Declined):
        downstream.buy(ref.replace(str(rare), "999999"))
    dock.behind("UPDATE sku SET state = 'off_sale' WHERE id = %s", rare)
    with pytest.raises(Declined):
        downstream.buy(ref)
    assert dock.orders(downstream.member) == 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_low_wallet_is_a_sure_refusal(
    dialect: str, app: Flask, owner: psycopg.Connection[Any]
) -> None:
    dock = Dock(app, owner)
    dock.build()
    poor = _downstream(dock, dialect, balance=1_0000)
    with pytest.raises(Declined) as refused:
        poor.buy(poor.offer(dock.goods(cards=1)).sku_ref)
    assert "balance" in refused.value.code
    assert dock.orders(poor.member) == 0


def test_a_price_that_is_no_whole_fen_is_told_and_charged_alike(downstream: Downstream) -> None:
    ref = downstream.offer(downstream.dock.goods(cards=3)).sku_ref
    _, result = downstream.buy(ref, 3, max_cost=Money.parse("295.82"))
    assert result.cost == Money.parse("295.82")  # 3 × 98.6050, half a fen up
