"""People say what an offer is; what that brings is shown before, and done at once."""

from __future__ import annotations

import pytest

from kameng.db import db, main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.jobs.api import drain
from kameng.jobs.discovery import load_tasks
from kameng.supply import api as supply
from kameng.supply.models import SupplyOffer
from kameng.supply.services import syncing
from kameng_sdk.suppliers import OfferField, OfferKind

from .street import PLUGIN, STAFF, offer

COST = 93_2000


@pytest.fixture
def main(street):
    """The street with an open main scope."""
    load_tasks()
    drain()
    with main_scope(reason="test"):
        yield street


def shelf(street, *offers):
    one = street.connection()
    street.up(one).sells(*offers)
    syncing.sync(one)
    return one


def mapped(street, number):
    return street.shop.owner.execute(
        "SELECT sku_id, input_map, active FROM supply_offer WHERE id = %s", (number,)
    ).fetchone()


def stored(number):
    return db.session.query(SupplyOffer).filter(SupplyOffer.id == number).one()


def add_field(street, code, name, label):
    street.shop.owner.execute(
        "INSERT INTO purchase_field(product_id, name, label, kind) "
        "SELECT product_id, %s, %s, 'text' FROM sku WHERE code = %s",
        (name, label, code),
    )


def test_mapping_takes_over_cost_level_and_fields_and_unmapping_ends_them(main):
    code = main.shop.sku(kind="top_up")
    add_field(main, code, "phone", "手机号")
    one = shelf(main, offer("a", COST - 1_0000, stock=5))
    number = main.offer_id(one, "a")
    sku = main.sku_id(code)
    assert supply.map_offers([supply.MappedTo(offer_id=number, sku_id=sku)], STAFF) == 1
    assert mapped(main, number) == (sku, {"account": "phone"}, True)
    assert (main.cost(code), main.level(code)) == (COST - 1_0000, (5, ""))
    supply.switch_offer(number, False, STAFF)
    assert main.level(code) == (0, "")
    supply.unmap_offer(number, STAFF)
    assert (mapped(main, number)[:2], main.level(code)) == ((None, {}), None)
    events = "SELECT array_agg(action ORDER BY id) FROM audit_event WHERE subject = %s"
    told = main.shop.one(events, f"offer:{number}")
    assert told == ["supply.map", "supply.offer_off", "supply.unmap"]


def test_a_preview_shows_what_would_be_and_leaves_nothing(main):
    code = main.shop.sku(kind="top_up")
    one = shelf(main, offer("a", COST + 1_0000), offer("b", COST))
    number, sku = main.offer_id(one, "a"), main.sku_id(code)
    shown = supply.mapping_preview(number, sku)
    assert (shown.old_cost, shown.new_cost, shown.paused) == (COST, COST + 1_0000, "")
    assert shown.margin == shown.lowest - (COST + 1_0000)
    assert mapped(main, number)[0] is None
    assert (main.cost(code), main.level(code)) == (COST, None)
    main.shop.plant(f"INSERT INTO supply_policy(sku_id, on_rise) VALUES ({sku}, 'ask')")
    main.shop.plant(f"UPDATE supply_offer SET cost = 9990000 WHERE id = {number}")
    assert supply.mapping_preview(number, sku).paused == "ask"
    with pytest.raises(NotFound):
        supply.mapping_preview(10**9, sku)


def test_cards_and_top_ups_do_not_mix_and_all_or_none_are_mapped(main):
    code, cards = main.shop.sku(kind="top_up"), main.shop.sku()
    one = shelf(main, offer("a", COST), offer("b", COST))
    first, second = main.offer_id(one, "a"), main.offer_id(one, "b")
    wanted = [
        supply.MappedTo(offer_id=first, sku_id=main.sku_id(code)),
        supply.MappedTo(offer_id=second, sku_id=main.sku_id(cards)),
    ]
    with pytest.raises(DomainError, match="kind_differs"):
        supply.map_offers(wanted, STAFF)
    db.session.rollback()
    assert mapped(main, first)[0] is None
    wrong = supply.MappedTo(offer_id=first, sku_id=main.sku_id(code), input_map={"account": "no"})
    with pytest.raises(DomainError, match="field_unknown"):
        supply.map_offers([wrong], STAFF)


def test_suggestions_come_with_a_score(main):
    code = main.shop.sku(kind="top_up")
    one = shelf(main, offer("a", COST, name=f"Product {code} 100 快充"))
    found = supply.suggestions([stored(main.offer_id(one, "a"))])
    (best, *_rest) = found[main.offer_id(one, "a")]
    assert best.sku_id == main.sku_id(code)
    assert best.score > 60


@pytest.mark.parametrize("kind", list(OfferKind))
def test_a_product_made_from_an_offer_is_a_draft_that_is_supplied_by_it(main, kind):
    fields = (
        OfferField(name="手机", label="充值手机号"),
        OfferField(name="area", label="区服", choices=("一区", "二区")),
    )
    one = shelf(main, offer("a", COST, kind=kind, fields=fields, minimum=2))
    number = main.offer_id(one, "a")
    category = main.shop.one("SELECT id FROM category LIMIT 1")
    product = supply.make_product(
        stored(number), category, "新商品", "100 元", 100_0000, STAFF
    )  # fmt: skip
    row = main.shop.owner.execute(
        "SELECT p.state, p.kind, s.sourcing, s.min_quantity, k.cost, s.id FROM product p "
        "JOIN sku s ON s.product_id = p.id JOIN sku_cost k ON k.sku_id = s.id WHERE p.id = %s",
        (product,),
    ).fetchone()
    sourcing = "supplier" if kind is OfferKind.CARD else "pool"
    assert row[:5] == ("draft", kind.value, sourcing, 2, COST)
    assert mapped(main, number)[:2] == (row[5], {"手机": "phone", "area": "area"})
    with pytest.raises(Conflict):
        supply.make_product(stored(number), category, "新商品", "100 元", 0, STAFF)


def test_the_routing_preview_ranks_every_offer_with_its_reason(main):
    code = main.shop.sku(kind="top_up")
    sku = main.sku_id(code)
    for cost, stock in ((COST, 1), (COST + 1, 100), (500_0000, 100)):
        one = shelf(main, offer("a", cost, stock=stock))
        number = main.offer_id(one, "a")
        supply.map_offers([supply.MappedTo(offer_id=number, sku_id=sku)], STAFF)
    one_piece = supply.routing_preview(sku)
    assert [(r.outcome, r.why) for r in one_piece.ranked] == [
        ("chosen", "cheapest"), ("next", "behind"), ("out", "above_cap"),
    ]  # fmt: skip
    two = supply.routing_preview(sku, 2)
    assert [(r.outcome, r.why) for r in two.ranked] == [
        ("chosen", "only_one"), ("out", "no_stock"), ("out", "above_cap"),
    ]  # fmt: skip


def test_sourcing_and_policy_are_kept_and_felt_at_once(main):
    code = main.shop.sku(cards=1)
    sku = main.sku_id(code)
    one = shelf(main, offer("a", COST + 1_0000, kind=OfferKind.CARD, fields=()))
    supply.map_offers([supply.MappedTo(offer_id=main.offer_id(one, "a"), sku_id=sku)], STAFF)
    assert main.cost(code) == COST, "the pool's cards have their own cost"
    supply.set_sourcing(sku, "pool_first", STAFF)
    assert main.cost(code) == COST + 1_0000
    supply.save_policy(sku, supply.Policy(add_amount=500, least_cost=1), STAFF)
    assert main.cost(code) == COST + 1_0500
    with pytest.raises(DomainError, match="policy_refused"):
        supply.save_policy(sku, supply.Policy(add_bp=-1), STAFF)
    with pytest.raises(DomainError, match="sourcing_refused"):
        supply.set_sourcing(sku, "sky", STAFF)


def test_a_connection_is_made_with_its_account_once(main):
    supplier = main.supplier()
    number = supply.add_connection(supplier, PLUGIN, "north", " 北区 ", STAFF)
    assert main.shop.owner.execute(
        "SELECT plugin_id, account, name, state FROM supply_connection WHERE id = %s", (number,)
    ).fetchone() == (PLUGIN, "north", "北区", "active")
    with pytest.raises(Conflict, match="account_connected"):
        supply.add_connection(main.supplier(), PLUGIN, "north", "again", STAFF)
    with pytest.raises(DomainError, match="name_needed"):
        supply.add_connection(supplier, PLUGIN, "south", " ", STAFF)
    people = [
        supply.add_connection(main.supplier(), "supplier-manual", "", "人", STAFF) for _ in "ab"
    ]
    assert len(set(people)) == 2, "people may serve several suppliers"


def test_a_paused_connection_sells_nothing_until_it_is_resumed(main):
    code = main.shop.sku(kind="top_up")
    one = shelf(main, offer("a", COST))
    wanted = supply.MappedTo(offer_id=main.offer_id(one, "a"), sku_id=main.sku_id(code))
    supply.map_offers([wanted], STAFF)
    supply.pause_connection(one, "对方维护", STAFF)
    assert main.level(code) == (0, "")
    with pytest.raises(Conflict, match="connection_paused"):
        supply.sync_now(one, STAFF)
    db.session.rollback()
    supply.resume_connection(one, STAFF)
    assert main.level(code) == (100, "")
    main.shop.plant(
        f"UPDATE supply_connection SET broken_until = now() + interval '1 hour' WHERE id = {one}"
    )
    supply.reset_breaker(one, STAFF)
    assert main.shop.one("SELECT broken_until FROM supply_connection WHERE id = %s", one) is None


def test_pace_and_limit_of_a_connection_are_checked(main):
    one = main.connection()
    supply.change_connection(
        one, STAFF, name="新名字", sync_every_s=60, sync_goods=False, low_balance=5
    )
    with pytest.raises(DomainError, match="pace_refused"):
        supply.change_connection(
            one, STAFF, name="x", sync_every_s=5, sync_goods=True, low_balance=0
        )
