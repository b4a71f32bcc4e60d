"""Plugin and simulator over real HTTP: catalogue, cards, top-ups, questions, and bad answers."""

import itertools
from typing import Any

import pytest

from kameng_sdk.errors import CapabilityNotSupported, Declined, HttpOutcomeUnknown, Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import OfferKind, PurchaseResult, SupplierCapability
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_acg_shared.goods import page_of
from kameng_supplier_acg_shared.signing import request_no

both = pytest.mark.parametrize("flavour", ["shared", "v4"])
CARD, PHONE = "c/1001", "t/2001"
numbers = (f"2608{number:016d}" for number in itertools.count(1))


def buy(scene: Any, flavour: str, sku: str, quantity: int = 1, **changes: Any) -> PurchaseResult:
    number = changes.pop("number", None) or next(numbers)
    request = scene.purchase_request(number, sku, quantity, **changes)
    result: PurchaseResult = scene.supplier(flavour).purchase(scene.ctx(), request)
    return result


def account(ending: str) -> dict[str, str]:
    return {"account": f"138000000{ending}"}


def placed(scene: Any) -> int:
    number: int = scene.facts()["placed"]
    return number


def codes(result: PurchaseResult) -> list[str]:
    return [piece.code.reveal() for piece in result.deliveries if piece.code]


@both
def test_the_catalogue_comes_whole(scene: Any, flavour: str) -> None:
    page = scene.supplier(flavour).list_offers(scene.ctx(), "")
    offers = {offer.name: offer for offer in page.offers}
    sold = scene.simulator.warehouse.shelf.all()
    assert {g.name: (g.cost, g.kind, g.category) for g in sold} == {
        name: (offer.cost, offer.kind, offer.category) for name, offer in offers.items()
    }
    assert page.next_cursor == ""
    player = offers["王者荣耀点券 600 点（人工）"]
    assert [(f.name, f.choices) for f in player.fields] == [
        ("account", ()), ("zone", ("微信区", "QQ 区")),
    ]  # fmt: skip
    assert offers["Steam 钱包充值码 50 元"].stock is not None


@both
def test_the_catalogue_is_the_same_in_small_pages(scene: Any, flavour: str) -> None:
    offers = scene.supplier(flavour).list_offers(scene.ctx(), "").offers
    found, cursor = [], ""
    for _ in range(len(offers)):
        page = page_of(offers, cursor, size=3)
        found += page.offers
        if not (cursor := page.next_cursor):
            break
    assert found == sorted(offers, key=lambda offer: offer.sku_ref)


def test_kinds_of_one_article_are_offers_of_their_own(scene: Any) -> None:
    offers = {o.sku_ref: o for o in scene.supplier("shared").list_offers(scene.ctx(), "").offers}
    assert offers["c/1003/年卡"].cost == Money.parse("128")
    assert offers["c/1003/年卡"].stock is None, "the store counts all kinds together"
    assert (offers[CARD].maximum, offers[CARD].minimum) == (50, 1)


@both
def test_bought_cards_are_those_that_were_sold(scene: Any, flavour: str) -> None:
    result = buy(scene, flavour, CARD, 3)
    assert result.outcome is Outcome.SUCCEEDED
    sale = scene.sales()[0]
    assert codes(result) == sale["codes"]
    assert all(piece.number for piece in result.deliveries)
    assert (result.cost, sale["quantity"]) == (Money.parse("143.4"), 3)


def test_a_kind_is_bought_by_its_name(scene: Any) -> None:
    assert buy(scene, "shared", "c/1003/年卡").cost == Money.parse("128")
    assert scene.sales()[0]["goods"] == "1003-年卡"


@both
def test_a_top_up_is_pending_then_done(scene: Any, flavour: str) -> None:
    number = next(numbers)
    first = buy(scene, flavour, PHONE, number=number, inputs=account("11"))
    assert (first.outcome, first.deliveries) == (Outcome.PENDING, ())
    done = scene.settled(scene.supplier(flavour), number, first.supplier_ref)
    assert done.outcome is Outcome.SUCCEEDED
    assert [(piece.note, piece.code) for piece in done.deliveries] == [("充值成功，请查收", None)]
    assert scene.sales()[0]["inputs"] == account("11")


@both
def test_cards_are_read_again_by_a_question(scene: Any, flavour: str) -> None:
    number = next(numbers)
    first = buy(scene, flavour, CARD, 2, number=number)
    again = scene.supplier(flavour).query(scene.ctx(), number, first.supplier_ref)
    assert (again.outcome, codes(again)) == (Outcome.SUCCEEDED, codes(first))


def test_our_number_over_there_is_short_and_known_again(scene: Any) -> None:
    number = next(numbers)
    buy(scene, "shared", CARD, number=number)
    assert [sale["number"] for sale in scene.sales(request_no(number))] == [request_no(number)]


@both
def test_the_same_number_is_bought_once_and_the_second_answer_is_unknown(
    scene: Any, flavour: str
) -> None:
    number, before = next(numbers), placed(scene)
    assert buy(scene, flavour, CARD, number=number).outcome is Outcome.SUCCEEDED
    assert buy(scene, flavour, CARD, number=number).outcome is Outcome.UNKNOWN
    assert placed(scene) - before == 1


def test_only_where_the_source_shows_it_a_number_counts_as_idempotent(scene: Any) -> None:
    assert scene.supplier("shared").rules.number_is_idempotent
    assert not scene.supplier("v4").rules.number_is_idempotent


@pytest.mark.parametrize("sku", [CARD, PHONE])
def test_a_lost_purchase_is_found_by_our_number_in_v4(scene: Any, sku: str) -> None:
    number = next(numbers)
    scene.settings(lie_on="buy", lie_late_success=100)
    with pytest.raises(HttpOutcomeUnknown):
        buy(scene, "v4", sku, number=number, inputs=account("11") if sku == PHONE else {})
    found = scene.settled(scene.supplier("v4"), number)
    assert found.outcome is Outcome.SUCCEEDED
    assert codes(found) == scene.sales()[0]["codes"]


def test_a_lost_purchase_of_a_shared_store_is_a_matter_for_a_person(scene: Any) -> None:
    asked = scene.supplier("shared").query(scene.ctx(), next(numbers), "")
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, True)


@both
def test_an_order_nobody_made_is_not_found(scene: Any, flavour: str) -> None:
    number = next(numbers)
    ref = {"shared": "999.c", "v4": f"{number}c"}[flavour]
    asked = scene.supplier(flavour).query(scene.ctx(), number, ref)
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, False)


@both
def test_an_order_that_is_not_found_at_first_is_not_given_up(scene: Any, flavour: str) -> None:
    number, supplier = next(numbers), scene.supplier(flavour)
    first = buy(scene, flavour, PHONE, number=number, inputs=account("97"))
    for _ in range(2):
        assert not supplier.query(scene.ctx(), number, first.supplier_ref).found
    done = scene.settled(supplier, number, first.supplier_ref)
    assert done.outcome is Outcome.SUCCEEDED


def test_a_shared_store_never_tells_of_a_failure(scene: Any) -> None:
    number = next(numbers)
    first = buy(scene, "shared", PHONE, number=number, inputs=account("11"))
    scene.control(request_no(number), "fail")
    asked = scene.supplier("shared").query(scene.ctx(), number, first.supplier_ref)
    assert asked.outcome is Outcome.PENDING


def test_a_failure_of_v4_is_a_matter_for_a_person(scene: Any) -> None:
    number = next(numbers)
    first = buy(scene, "v4", PHONE, number=number, inputs=account("91"))
    done = scene.settled(scene.supplier("v4"), number, first.supplier_ref)
    assert done.outcome is Outcome.UNKNOWN


@both
def test_the_balance_is_told(scene: Any, flavour: str) -> None:
    scene.balance_is("1234.5")
    assert scene.supplier(flavour).balance(scene.ctx()) == Money.parse("1234.5")
    scene.balance_is("100000")


@both
def test_a_price_above_the_cap_buys_nothing(scene: Any, flavour: str) -> None:
    before = placed(scene)
    with pytest.raises(Declined) as refused:
        buy(scene, flavour, CARD, 2, max_cost=Money.parse("95.59"))
    assert (refused.value.code, placed(scene)) == ("price_above_cap", before)
    assert buy(scene, flavour, CARD, 2, max_cost=Money.parse("95.6")).deliveries


@both
def test_an_empty_shelf_and_an_empty_purse_are_refusals(scene: Any, flavour: str) -> None:
    before = placed(scene)
    scene.goods("1002", stock=0)
    with pytest.raises(Declined) as gone:
        buy(scene, flavour, "c/1002")
    scene.goods("1002", stock=300, on_sale="off")
    with pytest.raises(Declined) as closed:
        buy(scene, flavour, "c/1002")
    scene.goods("1002", on_sale="on")
    scene.balance_is("0.01")
    with pytest.raises(Declined) as poor:
        buy(scene, flavour, "c/1002")
    scene.balance_is("100000")
    assert [e.value.code for e in (gone, closed, poor)] == ["no_stock", "off_sale", "balance"]
    assert placed(scene) == before


@both
@pytest.mark.parametrize("sku", ["c/999", "nonsense"])
def test_unknown_goods_are_refused_before_anything_is_bought(
    scene: Any, flavour: str, sku: str
) -> None:
    before = placed(scene)
    with pytest.raises(Declined):
        buy(scene, flavour, sku)
    assert placed(scene) == before


@both
def test_a_wrong_key_reads_nothing_and_buys_nothing(scene: Any, flavour: str) -> None:
    stranger, before = scene.supplier(flavour, app_key="another"), placed(scene)
    with pytest.raises(HttpOutcomeUnknown, match="密钥错误"):
        stranger.list_offers(scene.ctx(), "")
    with pytest.raises(Declined) as refused:
        stranger.purchase(scene.ctx(), scene.purchase_request(next(numbers), CARD))
    assert (refused.value.code, placed(scene)) == ("signature", before)


@both
@pytest.mark.parametrize(
    ("lie", "sold"),
    [
        ("html", 1), ("html_lost", 0), ("truncated", 1), ("ok_with_error", 1),
        ("ok_with_error_lost", 0), ("late_success", 1), ("silent", 0),
    ],
)  # fmt: skip
def test_a_lost_answer_is_unknown_and_never_bought_twice(
    scene: Any, flavour: str, lie: str, sold: int
) -> None:
    scene.settings(lie_on="buy", **{f"lie_{lie}": 100})
    before = placed(scene)
    try:
        outcome = buy(scene, flavour, CARD).outcome
    except HttpOutcomeUnknown:
        outcome = Outcome.UNKNOWN
    assert outcome is Outcome.UNKNOWN
    assert placed(scene) - before == sold
    assert scene.facts()["by_number"] == []


@both
@pytest.mark.parametrize(("lie", "cards"), [("fewer", 1), ("more", 3), ("partial", 1)])
def test_fewer_and_more_cards_are_reported_as_they_came(
    scene: Any, flavour: str, lie: str, cards: int
) -> None:
    scene.settings(**{f"lie_{lie}": 100})
    assert len(buy(scene, flavour, CARD, 2).deliveries) == cards
    assert SupplierCapability.PARTIAL not in scene.supplier(flavour).capabilities


@both
def test_a_card_sold_before_is_reported_as_it_came(scene: Any, flavour: str) -> None:
    buy(scene, flavour, CARD)
    scene.settings(lie_duplicate_card=100)
    assert codes(buy(scene, flavour, CARD)) == scene.sales()[0]["codes"]


@both
def test_a_text_in_the_place_of_cards_is_no_card(scene: Any, flavour: str) -> None:
    scene.settings(card_ms=60_000)
    result = buy(scene, flavour, CARD)
    # A shared store has no word for "not yet": only the text, which may be an apology.
    told = {"shared": Outcome.UNKNOWN, "v4": Outcome.PENDING}
    assert result.outcome is told[flavour]
    assert (result.deliveries, bool(result.supplier_ref)) == ((), True)


@both
@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_bad_answer_to_a_question_says_nothing(scene: Any, flavour: str, lie: str) -> None:
    number, supplier = next(numbers), scene.supplier(flavour)
    first = buy(scene, flavour, CARD, number=number)
    scene.settings(**{f"lie_{lie}": 100})
    for call in (
        lambda: supplier.query(scene.ctx(), number, first.supplier_ref),
        lambda: supplier.list_offers(scene.ctx(), ""),
        lambda: supplier.balance(scene.ctx()),
    ):
        with pytest.raises(HttpOutcomeUnknown):
            call()


@both
def test_no_price_no_purchase(scene: Any, flavour: str) -> None:
    scene.settings(lie_on="query", lie_html=100)
    before = placed(scene)
    with pytest.raises(Declined) as refused:
        buy(scene, flavour, CARD)
    assert (refused.value.code, placed(scene)) == ("no_price", before)


def test_what_a_shared_store_has_not_is_not_declared(scene: Any) -> None:
    supplier = scene.supplier("shared")
    notice = WebhookRequest(method="POST", path="/", query="", headers={}, body=b"")
    for call in (
        lambda: supplier.parse_callback(scene.ctx(), notice),
        lambda: supplier.cancel(scene.ctx(), "1", "1.c", ""),
    ):
        with pytest.raises(CapabilityNotSupported):
            call()


@pytest.mark.parametrize("url", ["http://shop.example.com", "http://127.0.0.1.example.com"])
def test_a_key_in_the_clear_goes_over_tls_only(scene: Any, url: str) -> None:
    with pytest.raises(Misconfigured):
        scene.supplier("shared", base_url=url)
    assert scene.supplier("shared", base_url="https://shop.example.com")
    assert scene.supplier("shared", base_url="http://simulators.localhost:8000/acg_shared")
    assert scene.supplier("v4", base_url=url)


def test_kinds_of_goods(scene: Any) -> None:
    offers = {o.sku_ref: o.kind for o in scene.supplier("v4").list_offers(scene.ctx(), "").offers}
    assert (offers[CARD], offers[PHONE]) == (OfferKind.CARD, OfferKind.TOP_UP)
