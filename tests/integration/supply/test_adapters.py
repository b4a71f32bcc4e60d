"""Every installed supplier behind the whole product over HTTP: bought once, told truly, paid back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from tests.integration.conftest import Shop
from tests.integration.payments.street import Notice, Street, until
from tests.properties.hands import at_once

from kameng.db import main_scope, station_scope
from kameng.jobs.api import drain
from kameng.plugins import api as plugins
from kameng.settings import Settings
from kameng.stock.api import reveal_all
from kameng.supply import api as supply
from kameng.supply.services import fulfilling, querying
from kameng_sdk.money import Money
from kameng_sdk.suppliers import OfferKind, SupplierCapability

from .conftest import Market
from .stalls import STALLS, Stand, build_street, inputs, installed, open_stalls

DEER, STAFF = 3, "staff:1"
FAILS_LATER, NEVER_ENDS, REFUSED = "13800000091", "13800000093", "13800000092"
each_stand = pytest.mark.parametrize("stand", [s.name for s in open_stalls()], indirect=True)


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    """The simulators' memory is no disk where there is such a place."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        made = build_street(Path(folder))
        yield made
        made.close()


@pytest.fixture(scope="module")
def settings(settings: Settings, street: Street) -> Settings:
    return street.beside(settings)


@pytest.fixture(scope="module")
def stands(app: Any, street: Street, database: str) -> Iterator[dict[str, Stand]]:
    """Every stall is open; its catalogue is known, and nothing of it is mapped."""
    street.door.shop = app.wsgi_app
    with psycopg.connect(database, autocommit=True) as owner, app.app_context():
        shop = Shop(app, owner)
        shop.build()
        made = {stall.name: Stand(stall, street, shop) for stall in open_stalls()}
        for stand in made.values():
            stand.open()
            stand.rest()
            stand.keep_catalogue()
        yield made


@pytest.fixture
def stand(request: pytest.FixtureRequest, stands: dict[str, Stand], desk: Any) -> Iterator[Stand]:
    """One stall. Whatever happens there, the books add up and no number has bought twice."""
    chosen = stands[request.param]
    desk.owner.execute("UPDATE supply_offer SET sku_id = NULL, input_map = '{}'")
    for each in stands.values():
        each.rest()
    yield chosen
    chosen.rest()
    assert chosen.facts()["by_number"] == []
    assert chosen.facts()["codes_twice"] == 0
    desk.assert_books_balance()


class Sale:
    """An order of the shop, paid; what it is bought for stands at the stalls."""

    def __init__(self, shop: Any, sku: str, quantity: int, given: dict[str, str]) -> None:
        self.market, self.shop = Market(shop), shop
        self.placed = shop.place(sku, quantity=quantity)
        shop.owner.execute(
            "UPDATE orders SET inputs = %s WHERE station_id = 3 AND id = %s",
            (json.dumps(given), self.placed.order_id),
        )
        attempt = shop.attempt(DEER, self.placed.payable, order=self.placed.order_id)
        assert shop.pay(DEER, attempt, self.placed.payable)["code"] == "awaiting_fulfilment"

    @property
    def state(self) -> str:
        return self.market.state(self.placed)

    def purchases(self) -> list[Any]:
        """State, code, what it waits for, delivered, refunded, cost, number, id."""
        return self.shop.owner.execute(  # type: ignore[no-any-return]  # rows of any table
            "SELECT state, code, waits_for, delivered, refunded, cost, purchase_no, id,"
            " connection_id, supplier_ref FROM purchase WHERE station_id = 3 AND order_id = %s"
            " ORDER BY attempt",
            (self.placed.order_id,),
        ).fetchall()

    def ask(self) -> str:
        """The jobs that ask, once, each purchase at its time; the state afterwards."""
        self.market.due(self.placed.order_id)
        querying.query_due()
        return self.state

    def asked_until(self, state: str) -> None:
        until(lambda: self.ask() == state)

    def codes(self) -> list[str]:
        with station_scope(DEER):
            return sorted(card.secret for card in reveal_all(self.placed.order_id, STAFF))

    def moved(self) -> Any:
        """What a forged notice must not change."""
        return self.shop.owner.execute(
            "SELECT (SELECT array_agg(p::text) FROM purchase p WHERE p.order_id = %(o)s),"
            " (SELECT array_agg(e::text) FROM order_event e WHERE e.order_id = %(o)s),"
            " (SELECT count(*) FROM card), (SELECT count(*) FROM transfer),"
            " (SELECT count(*) FROM outbox)",
            {"o": self.placed.order_id},
        ).fetchone()


def sold(stand: Stand, kind: OfferKind, quantity: int = 1, account: str = "13800000001") -> Sale:
    """One stall offers a new SKU, and a shopper has paid for it."""
    sku = new_sku(stand.shop, kind)
    stand.offer(kind, sku)
    return Sale(stand.shop, sku, quantity, inputs([stand], account))


def new_sku(shop: Any, kind: OfferKind) -> str:
    code = str(shop.sku(kind=kind.value))
    if kind is OfferKind.CARD:
        shop.plant(f"UPDATE sku SET sourcing = 'supplier' WHERE code = '{code}'")
        shop.plant(f"INSERT INTO supply_level(sku_id) SELECT id FROM sku WHERE code = '{code}'")
    return code


def test_every_installed_supplier_has_a_stall():
    assert set(installed()) == {stall.plugin_id for stall in open_stalls()}
    assert len({stall.name for stall in STALLS}) == len(STALLS)


@each_stand
def test_the_catalogue_is_read_whole_and_each_offer_as_the_supplier_has_it(stand):
    offers = stand.read_catalogue()
    goods = stand.street.http.get(f"{stand.url}/goods").json()["goods"]
    prices = {each["name"]: Money.parse(each["cost"]) for each in goods}
    read = {stand.name_there(offer): offer.cost for offer in offers if offer.on_sale}
    assert read == {each["name"]: prices[each["name"]] for each in goods if each["on_sale"]}
    assert {stand.name_there(offer): offer.cost for offer in offers}.items() <= prices.items()
    assert {offer.kind for offer in offers} >= {OfferKind.CARD, OfferKind.TOP_UP}
    assert len({offer.sku_ref for offer in offers}) == len(offers)


@each_stand
def test_cards_are_bought_once_and_are_in_the_vault_as_they_were_sold(stand):
    before = len(stand.sales())
    sale = sold(stand, OfferKind.CARD, quantity=2)
    drain()
    if sale.state != "delivered":
        sale.asked_until("delivered")
    (there,) = stand.sales()[: len(stand.sales()) - before]
    assert sale.codes() == sorted(there["codes"])
    assert len(there["codes"]) == 2
    ((state, _code, _waits, delivered, refunded, cost, *_),) = sale.purchases()
    assert (state, delivered, refunded) == ("succeeded", 2, 0)
    assert cost == Money.parse(there["cost"]).amount
    assert stand.shop.balance(1, "supplier", str(stand.supplier_id)) == owed(stand)
    drain()
    assert len(stand.sales()) == before + 1


def owed(stand: Stand) -> int:
    """By the purchases themselves."""
    return int(
        stand.shop.one(
            "SELECT coalesce(sum(cost - refunded), 0) FROM purchase WHERE state = 'succeeded'"
            " AND supplier_id = %s", stand.supplier_id,
        )
    )  # fmt: skip


@each_stand
def test_a_top_up_is_delivered_by_asking_alone(stand):
    stand.move(top_up_ms="300")
    before = len(stand.sales())
    sale = sold(stand, OfferKind.TOP_UP)
    drain()
    assert sale.state == "fulfilling"
    sale.asked_until("delivered")
    (there,) = stand.sales()[: len(stand.sales()) - before]
    assert there["state"] == "done"
    assert "13800000001" in there["inputs"].values()
    assert sale.purchases()[0][0] == "succeeded"


@each_stand
@pytest.mark.parametrize("kind", [OfferKind.CARD, OfferKind.TOP_UP], ids=["card", "top_up"])
def test_a_notice_alone_delivers(stand, kind):
    if not stand.can(SupplierCapability.CALLBACK):
        pytest.skip("it sends no notices")
    stand.move(callbacks="on", forged_callbacks="on", top_up_ms="50", card_ms="50")
    sale = sold(stand, kind)

    def told() -> bool:
        drain()  # a notice may only say "ask"; the job that asks by itself is never run
        return sale.state == "delivered"

    until(told)
    assert sale.purchases()[0][0] == "succeeded"
    until(lambda: stand.facts()["forged_accepted"] == 0)


def held_back(stand: Stand, sale: Sale) -> Notice:
    """The purchase is sent, and the notice of its end is in our hands; others may come first."""
    with stand.street.holding() as kept:
        stand.move(callbacks="on", top_up_ms="50", card_ms="50")
        drain()
        number = sale.purchases()[0][6].encode()
        notice: Notice = until(lambda: next((n for n in kept if number in n.body), None))
        stand.move(callbacks="off")
    return notice


FORGERIES = {
    "nothing in it": lambda n, _number: n.but(body=b""),
    "cut": lambda n, _number: n.but(body=n.body[: len(n.body) // 2]),
    "about another order": lambda n, number: n.but(body=n.body.replace(number, neighbour(number))),
    "another way": lambda n, _number: n.but(method="GET", query=n.body.decode("latin-1"), body=b""),
}


def neighbour(number: bytes) -> bytes:
    return number[:-1] + (b"7" if number[-1:] != b"7" else b"3")


@each_stand
def test_forged_notices_change_nothing_and_twenty_true_ones_deliver_once(stand, stands):
    if not stand.can(SupplierCapability.CALLBACK):
        pytest.skip("it sends no notices")
    sale = sold(stand, OfferKind.CARD, quantity=2)
    notice = held_back(stand, sale)
    assert sale.state == "fulfilling"
    moved, number = sale.moved(), sale.purchases()[0][6].encode()
    (order,) = stand.simulator.warehouse.orders(most=1)
    forged = stand.simulator.callback(order, forged=True)
    signed_wrongly = notice.but(headers=dict(forged.headers), body=forged.body)
    for name, bad in {
        "signed wrongly": signed_wrongly,
        **{name: forge(notice, number) for name, forge in FORGERIES.items()},
    }.items():
        answer = stand.street.send(bad)
        assert not stand.simulator.accepted(answer.status_code, answer.text), name
        assert sale.moved() == moved, name
    elsewhere = next(
        s for s in stands.values() if s is not stand and s.can(SupplierCapability.CALLBACK)
    )
    path = plugins.hook_path(1, elsewhere.stall.plugin_id, elsewhere.stall.name)
    answer = stand.street.send(notice, path)
    assert not stand.simulator.accepted(answer.status_code, answer.text)
    assert sale.moved() == moved

    answers = at_once([lambda: stand.street.send(notice) for _n in range(20)])
    heard = [(a.status_code, a.text) for a in answers]
    assert [each for each in heard if not stand.simulator.accepted(*each)] == []
    drain()
    assert sale.state == "delivered"
    delivered = "SELECT count(*) FROM order_event WHERE order_id = %s AND to_state = 'delivered'"
    assert sale.shop.one(delivered, sale.placed.order_id) == 1
    posted = "SELECT count(*) FROM transfer WHERE order_id = %s AND kind = 'purchase.cost'"
    assert sale.shop.one(posted, sale.placed.order_id) == 1
    assert len(set(sale.codes())) == 2


@each_stand
def test_a_purchase_that_fails_later_is_paid_back_and_so_is_the_shopper(stand):
    before = len(stand.sales())
    stand.move(top_up_ms="100")
    sale = sold(stand, OfferKind.TOP_UP, account=FAILS_LATER)
    drain()
    comes_to_nothing(sale, stand)
    (there,) = stand.sales()[: len(stand.sales()) - before]
    assert (there["state"], there["refunded"]) == ("failed", there["cost"])
    ((state, _code, waits, delivered, *_),) = sale.purchases()
    assert (state, waits, delivered) == ("declined", "", 0)


def comes_to_nothing(sale: Sale, stand: Stand) -> None:
    """Asking tells it; or, where the supplier has no word for it, a person finds out."""
    if stand.stall.shows_failures:
        sale.asked_until("refunding")
        return
    until(lambda: stand.sales()[0]["state"] == "failed")
    assert sale.ask() == "fulfilling"
    ((state, code, waits, *_, number, _connection, _ref),) = sale.purchases()
    assert state in ("sent", "unknown")
    assert code
    assert waits
    with main_scope(reason="test"):
        supply.fail(DEER, number, "供货方后台显示已退款", STAFF)
    drain()
    assert sale.state == "refunding"


@each_stand
def test_a_person_takes_back_what_is_not_delivered_yet(stand):
    sale = sold(stand, OfferKind.TOP_UP, account=NEVER_ENDS)
    drain()
    ((state, _code, waits, *_, number, _connection, _ref),) = sale.purchases()
    assert state == "sent"
    assert waits
    if not stand.can(SupplierCapability.CANCEL):
        with pytest.raises(Exception, match="cannot_cancel"):
            supply.take_back(DEER, number, "等太久", STAFF)
        stand.act(stand.sales()[0]["ref"], "fail")
        comes_to_nothing(sale, stand)
        return
    assert supply.take_back(DEER, number, "等太久", STAFF) == "declined"
    drain()
    assert sale.state == "refunding"
    there = stand.sales()[0]
    assert there["state"] == "cancelled"
    assert there["refunded"] == there["cost"]
    assert sale.purchases()[0][0] == "declined"


@each_stand
def test_what_comes_back_of_a_delivered_order_is_booked(stand):
    if not stand.stall.shows_refunds:
        pytest.skip("its orders do not show it")
    sale = sold(stand, OfferKind.TOP_UP)
    drain()
    if sale.state != "delivered":
        sale.asked_until("delivered")
    there = stand.sales()[0]
    half = Money.parse(there["cost"]).amount // 200 * 100
    stand.act(there["ref"], "refund", amount=Money(half).format(4))
    with main_scope(reason="test"):
        supply.ask_now(DEER, sale.purchases()[0][7], STAFF)
    drain()
    assert sale.purchases()[0][4] == half
    assert stand.shop.balance(1, "supplier", str(stand.supplier_id)) == owed(stand)
    assert sale.state == "delivered"


@each_stand
def test_the_balance_is_the_suppliers_own(stand):
    if not stand.can(SupplierCapability.BALANCE):
        assert stand.bound.balance().code == "not_supported"
        return
    assert stand.bound.balance().value == Money.parse(stand.facts()["balance"])


@each_stand
def test_with_a_wrong_key_nothing_is_bought_and_the_next_supplier_serves(stand, stands):
    other = next(s for s in stands.values() if s.simulator is not stand.simulator)
    sku = new_sku(stand.shop, OfferKind.CARD)
    for each in (stand, other):
        each.offer(OfferKind.CARD, sku)
    cheaper = "UPDATE supply_offer SET cost = %s WHERE connection_id = %s AND sku_id IS NOT NULL"
    before = stand.facts()["placed"]
    old = stand.shop.owner.execute(
        "SELECT id, cost FROM supply_offer WHERE connection_id = %s AND sku_id IS NOT NULL",
        (stand.connection_id,),
    ).fetchone()
    stand.shop.owner.execute(cheaper, (1, stand.connection_id))
    stand.configure(**{stand.key: "0000111122223333aaaabbbbccccdddd"})
    try:
        sale = Sale(stand.shop, sku, 1, inputs([stand, other]))
        drain()
        for _n in range(4):
            sale.ask()
            fulfilling.continue_unfinished(after_s=0)
    finally:
        stand.configure()
        stand.shop.owner.execute(
            "UPDATE supply_offer SET cost = %s WHERE id = %s", (old[1], old[0])
        )
    assert stand.facts()["placed"] == before
    first, *later = sale.purchases()
    assert first[8] == stand.connection_id
    if first[0] == "declined":
        assert later[-1][0] == "succeeded"
        assert sale.state == "delivered"
    else:
        assert (first[0], bool(first[1]), bool(first[2])) == ("unknown", True, True)
        assert not later
        assert sale.state == "fulfilling"
        # A person knows that nothing was bought there.
        with main_scope(reason="test"):
            supply.fail(DEER, first[7], "密钥填错，供货方没有收单", STAFF)
        drain()
        if sale.state != "delivered":
            sale.asked_until("delivered")
