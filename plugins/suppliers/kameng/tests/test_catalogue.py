"""What the other Kameng sells as offers, over real HTTP and of odd shapes."""

import pytest

from kameng_sdk.errors import HttpOutcomeUnknown, Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferKind
from kameng_sdk.testing import call_context, plugin_config, simulating
from kameng_supplier_kameng.account import KamengAccount
from kameng_supplier_kameng.goods import offers_of
from kameng_supplier_kameng.simulator import KamengSimulator
from kameng_supplier_kameng.supplier import KamengSupplier

ITEM = {
    "sku": "A-1", "product": "a", "name": "会员", "sku_name": "月卡", "category": "影视",
    "kind": "card", "price": "9.9050", "face_value": "10.00", "stock": 3, "on_sale": True,
    "minimum": 1, "maximum": 20, "fields": [],
}  # fmt: skip


class Large(KamengSimulator):
    """More than a page holds."""

    goods = tuple(
        Goods(ref=f"A-{n}", name=f"点卡 {n}元", category="点卡", cost=Money(n * 10_000))
        for n in range(1, 231)
    )


class Stingy(Large):
    """It gives no more than half of what is asked for."""

    page_most = 50


def supplier_at(simulator):
    config = plugin_config(simulator.demo_config(), ("secret",))
    return KamengSupplier(KamengAccount.from_config(config))


def test_everything_becomes_an_offer_with_its_limits_and_fields(scene):
    page = scene.supplier().list_offers(scene.ctx(), "")
    offers = {offer.sku_ref: offer for offer in page.offers}
    assert page.next_cursor == ""
    assert set(offers) == {goods.ref for goods in scene.simulator.goods}
    steam = offers["STEAM-50"]
    assert (steam.name, steam.category) == ("Steam 钱包卡 50元", "游戏点卡")
    assert (steam.cost, steam.kind) == (Money.parse("47.70"), OfferKind.CARD)
    assert offers["NETEASE-30"].cost == Money.parse("28.5550")
    assert offers["NETEASE-30"].stock is None, "a thousand or more, or not counted"
    assert offers["IQIYI-30"].maximum == 5
    assert offers["BOOST-1"].kind is OfferKind.MANUAL
    assert not offers["SKIN-1"].on_sale
    assert [(f.name, f.label, f.required, f.choices) for f in offers["PUBG-660"].fields] == [
        ("player_id", "角色编号", True, ()), ("server", "区服", True, ("一区", "二区")),
    ]  # fmt: skip


@pytest.mark.parametrize(("site", "count"), [(Large, 3), (Stingy, 5)])
def test_a_long_catalogue_is_read_page_by_page(tmp_path, site, count):
    with simulating(site, tmp_path) as (simulator, _):
        supplier = supplier_at(simulator)
        cursor, seen, pages = "", [], 0
        while cursor or not pages:
            page = supplier.list_offers(call_context(), cursor)
            seen += [offer.sku_ref for offer in page.offers]
            cursor, pages = page.next_cursor, pages + 1
    assert pages == count
    assert seen == [goods.ref for goods in Large.goods]


@pytest.mark.parametrize(
    "broken",
    [
        {"price": "9,90"}, {"price": "-1.00"}, {"price": 9}, {"sku": ""}, {"sku": 1},
        {"name": None}, {"stock": "3"}, {"stock": -1}, {"maximum": True}, {"kind": "bundle"},
        {"fields": None}, {"fields": [{"label": "no name"}]},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_left_out_and_the_others_stay(broken):
    assert [offer.sku_ref for offer in offers_of([ITEM | broken, ITEM, "no item"])] == ["A-1"]


@pytest.mark.parametrize(("stock", "left"), [(0, 0), (999, 999), (1000, None)])
def test_a_thousand_stands_for_more_than_is_told(stock, left):
    (offer,) = offers_of([ITEM | {"stock": stock}])
    assert offer.stock == left


@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_page_that_is_no_list_is_no_empty_catalogue(scene, lie):
    scene.settings(**{f"lie_{lie}": 100})
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().list_offers(scene.ctx(), "2")


def test_the_balance_is_the_members(scene):
    assert scene.supplier().balance(scene.ctx()).format(4) == scene.facts()["balance"]


@pytest.mark.parametrize(
    ("account", "why"), [({"currency": "USD"}, "USD"), ({"sandbox": True}, "沙箱")]
)
def test_an_account_that_cannot_serve_is_refused_before_its_list(tmp_path, account, why):
    class Other(KamengSimulator):
        def _account(self):
            return {**super()._account(), **account}

    with (
        simulating(Other, tmp_path) as (simulator, _),
        pytest.raises(Misconfigured, match=why),
    ):
        supplier_at(simulator).list_offers(call_context(), "")


def test_a_price_that_moves_is_seen_in_the_next_list(scene):
    scene.goods("IQIYI-30", cost="18.50")
    offers = scene.supplier().list_offers(scene.ctx(), "").offers
    (moved,) = [offer for offer in offers if offer.sku_ref == "IQIYI-30"]
    assert moved.cost == Money.parse("18.50")
