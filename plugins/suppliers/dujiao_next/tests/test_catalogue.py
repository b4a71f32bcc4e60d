"""The site's products as offers, over real HTTP and of odd shapes."""

import pytest

from kameng_sdk.errors import HttpOutcomeUnknown, Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.simulation.shelf import Goods
from kameng_sdk.suppliers import OfferKind
from kameng_sdk.testing import call_context, plugin_config, simulating
from kameng_supplier_dujiao_next.account import DujiaoAccount
from kameng_supplier_dujiao_next.goods import category_paths, offers_of, said
from kameng_supplier_dujiao_next.simulator import DujiaoSimulator
from kameng_supplier_dujiao_next.supplier import DujiaoSupplier

SKU = {
    "id": 11, "price_amount": "9.90", "stock_quantity": 3, "stock_status": "low_stock",
    "is_active": True, "spec_values": {"颜色": {"zh-CN": "红"}},
}  # fmt: skip
PRODUCT = {
    "id": 1, "title": {"zh-CN": "会员", "en": "Membership"}, "fulfillment_type": "auto",
    "is_active": True, "category_id": 2, "skus": [SKU],
}  # fmt: skip


class Large(DujiaoSimulator):
    """More products than a page holds."""

    goods = tuple(
        Goods(
            ref=f"{n}:{n + 5000}", name=f"点卡 {n} 元", category="游戏点卡", cost=Money(n * 10_000)
        )
        for n in range(1, 231)
    )


def test_everything_the_site_sells_becomes_an_offer(scene):
    page = scene.supplier().list_offers(scene.ctx(), "")
    offers = {offer.sku_ref: offer for offer in page.offers}
    assert page.next_cursor == ""
    assert set(offers) == {g.ref for g in scene.simulator.goods if g.on_sale}
    steam = offers["101:1001"]
    assert (steam.name, steam.category) == ("Steam 钱包卡 50元", "游戏点卡 / Steam")
    assert (steam.cost, steam.kind) == (Money.parse("47.80"), OfferKind.CARD)
    assert offers["102:1003"].stock is None, "unlimited"
    game = offers["105:1006"]
    assert game.kind is OfferKind.TOP_UP
    assert [(f.name, f.required, f.choices) for f in game.fields] == [
        ("player_id", True, ()), ("server", True, ("一区", "二区")),
    ]  # fmt: skip


class Stingy(Large):
    """It gives no more than half of what is asked for."""

    page_most = 50


@pytest.mark.parametrize(("site", "count"), [(Large, 3), (Stingy, 5)])
def test_a_long_catalogue_is_read_page_by_page(tmp_path, site, count):
    with simulating(site, tmp_path) as (simulator, _):
        config = plugin_config(simulator.demo_config(), ("api_secret",))
        supplier = DujiaoSupplier(DujiaoAccount.from_config(config))
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
        {"price_amount": "9,90"}, {"price_amount": "-1.00"}, {"price_amount": None},
        {"id": None}, {"stock_quantity": "many"},
    ],
)  # fmt: skip
def test_one_bad_sku_is_left_out_and_the_others_stay(broken):
    product = PRODUCT | {"skus": [SKU | broken, SKU, "not even a sku"]}
    assert [offer.sku_ref for offer in offers_of(product, {})] == ["1:11"]


def test_what_is_switched_off_or_sold_out_is_known_and_not_on_sale():
    off = offers_of(PRODUCT | {"is_active": False}, {})
    empty = SKU | {"stock_quantity": 0, "stock_status": "out_of_stock"}
    sold_out = offers_of(PRODUCT | {"skus": [empty]}, {})
    assert [offer.on_sale for offer in (*off, *sold_out)] == [False, False]


def test_a_manual_product_without_a_form_is_for_a_person():
    (offer,) = offers_of(PRODUCT | {"fulfillment_type": "manual"}, {2: "服务"})
    assert (offer.kind, offer.category, offer.name) == (OfferKind.MANUAL, "服务", "会员 红")


def test_categories_are_paths_whatever_is_missing():
    lists = [
        {"id": 1, "parent_id": 0, "name": {"zh-CN": "游戏"}},
        {"id": 2, "parent_id": 1, "name": {"en": "Steam"}},
        {"id": 3, "parent_id": 9, "name": "课程"},
        {"id": 4}, "odd",
    ]  # fmt: skip
    assert category_paths(lists) == {1: "游戏", 2: "游戏 / Steam", 3: "课程", 4: ""}


def test_a_text_is_said_in_the_best_language():
    assert said({"en": "a", "zh-TW": "b"}) == "b"
    assert said({"fr": "c"}) == "c"
    assert (said(None), said({"zh-CN": 1}), said("d")) == ("", "", "d")


@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_page_that_is_no_list_is_no_empty_catalogue(scene, lie):
    scene.settings(**{f"lie_{lie}": 100})
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().list_offers(scene.ctx(), "2")


def test_the_balance_is_the_sites(scene):
    assert scene.supplier().balance(scene.ctx()).format(4) == scene.facts()["balance"]


@pytest.mark.parametrize("change", [{"api_secret": "wrong"}, {"api_key": "wrong"}])
def test_a_wrong_key_is_a_matter_of_settings_in_every_question(scene, change):
    supplier = scene.supplier(**change)
    for ask in (
        lambda: supplier.balance(scene.ctx()),
        lambda: supplier.list_offers(scene.ctx(), ""),
        lambda: supplier.query(scene.ctx(), "1", "2"),
        lambda: supplier.purchase(scene.ctx(), scene.purchase_request("1", "101:1001")),
    ):
        with pytest.raises(Misconfigured):
            ask()
    assert scene.sales("1") == []


def test_a_site_that_trades_in_another_currency_is_refused(tmp_path):
    class Dollars(DujiaoSimulator):
        def _ping(self):
            return {**super()._ping(), "currency": "USD"}

    with simulating(Dollars, tmp_path) as (simulator, _):
        config = plugin_config(simulator.demo_config(), ("api_secret",))
        with pytest.raises(Misconfigured, match="USD"):
            DujiaoSupplier(DujiaoAccount.from_config(config)).list_offers(call_context(), "")


def test_a_price_that_moves_is_seen_in_the_next_page(scene):
    scene.goods("106:1007", cost="41.50")
    offers = scene.supplier().list_offers(scene.ctx(), "").offers
    (course,) = [offer for offer in offers if offer.sku_ref == "106:1007"]
    assert course.cost == Money.parse("41.50")
