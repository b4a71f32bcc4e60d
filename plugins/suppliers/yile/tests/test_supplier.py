"""Plugin and simulator over real HTTP: catalogue, cards, top-ups, questions, and bad answers."""

from typing import Any

import pytest

from kameng_sdk.errors import CapabilityNotSupported, Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import Offer, OfferKind, PurchaseResult, SupplierCapability
from kameng_sdk.webhooks import WebhookRequest
from kameng_supplier_yile.supplier import PAGE

both = pytest.mark.parametrize("flavour", ["community", "sup"])
CARD, PHONE = "101", "201"
NO = "26080000000000000001"


def catalogue(scene: Any, flavour: str) -> list[Offer]:
    supplier, cursor, offers = scene.supplier(flavour), "", []
    for _ in range(5):
        page = supplier.list_offers(scene.ctx(), cursor)
        offers += page.offers
        if not (cursor := page.next_cursor):
            return offers
    raise AssertionError("the list has no end")


def buy(scene: Any, flavour: str, sku: str, quantity: int = 1, **changes: Any) -> PurchaseResult:
    request = scene.purchase_request(NO, sku, quantity, **changes)
    result: PurchaseResult = scene.supplier(flavour).purchase(scene.ctx(), request)
    return result


def ask(scene: Any, flavour: str, ref: str) -> PurchaseResult:
    result: PurchaseResult = scene.settled(scene.supplier(flavour), NO, ref)
    return result


def phone(ending: str) -> dict[str, str]:
    return {"value1": f"138000000{ending}"}


def placed(scene: Any) -> int:
    number: int = scene.facts()["placed"]
    return number


@both
def test_the_catalogue_comes_whole_over_several_pages(scene: Any, flavour: str) -> None:
    offers = {offer.sku_ref: offer for offer in catalogue(scene, flavour)}
    sold = scene.simulator.warehouse.shelf.all()
    assert len(sold) > PAGE
    assert {goods.ref: (goods.name, goods.cost, goods.kind) for goods in sold} == {
        ref: (offer.name, offer.cost, offer.kind) for ref, offer in offers.items()
    }
    assert (offers[CARD].maximum, offers[CARD].fields) == (100, ())
    assert [f.label for f in offers["221"].fields] == ["QQ 号", "游戏大区"]
    assert [f.name for f in offers["221"].fields] == ["value1", "value2"]


def test_only_sup_tells_stock_category_and_what_is_closed_by_state(scene: Any) -> None:
    scene.goods("102", on_sale="off")
    offers = {offer.sku_ref: offer for offer in catalogue(scene, "sup")}
    closed = {offer.sku_ref: offer for offer in catalogue(scene, "community")}["102"]
    scene.goods("102", on_sale="on")
    assert (offers["111"].stock, offers["111"].category) == (500, "游戏点卡 / 网易")
    assert offers[PHONE].stock is None
    assert not offers["102"].on_sale
    assert not closed.on_sale
    assert offers["103"].on_sale


@both
def test_bought_cards_are_those_that_were_sold(scene: Any, flavour: str) -> None:
    result = buy(scene, flavour, CARD, 3)
    assert result.outcome is Outcome.SUCCEEDED
    sale = scene.sales()[0]
    assert [d.code.reveal() for d in result.deliveries if d.code] == sale["codes"]
    assert all(d.number for d in result.deliveries)
    assert (sale["quantity"], sale["cost"]) == (3, "29.1000")
    assert result.cost == (Money.parse("29.1") if flavour == "sup" else None)


@both
def test_a_top_up_is_pending_then_done(scene: Any, flavour: str) -> None:
    first = buy(scene, flavour, PHONE, inputs=phone("11"))
    assert (first.outcome, first.deliveries) == (Outcome.PENDING, ())
    done = ask(scene, flavour, first.supplier_ref)
    assert (done.outcome, len(done.deliveries)) == (Outcome.SUCCEEDED, 1)
    assert done.deliveries[0].code is None
    assert scene.sales()[0]["inputs"] == phone("11")


@both
def test_money_wholly_back_is_a_refusal_and_money_not_back_is_none(
    scene: Any, flavour: str
) -> None:
    back = buy(scene, flavour, PHONE, inputs=phone("91"))
    owed = buy(scene, flavour, PHONE, inputs=phone("99"))
    assert ask(scene, flavour, back.supplier_ref).outcome is Outcome.DECLINED
    assert ask(scene, flavour, owed.supplier_ref).outcome is Outcome.UNKNOWN


def test_sup_tells_a_refund_after_the_delivery(scene: Any) -> None:
    first = buy(scene, "sup", PHONE, inputs=phone("90"))
    done = ask(scene, "sup", first.supplier_ref)
    assert (done.outcome, done.refunded) == (Outcome.SUCCEEDED, Money.parse("4.775"))
    assert done.cost == Money.parse("9.55")


def test_late_cards_of_sup_are_read_by_the_question(scene: Any) -> None:
    scene.settings(card_ms=150)
    first = buy(scene, "sup", CARD, 2)
    assert first.outcome is Outcome.PENDING
    done = ask(scene, "sup", first.supplier_ref)
    assert [d.code.reveal() for d in done.deliveries if d.code] == scene.sales()[0]["codes"]


def test_a_community_that_is_done_without_cards_is_a_matter_for_a_person(scene: Any) -> None:
    scene.settings(card_ms=150)
    first = buy(scene, "community", CARD)
    done = ask(scene, "community", first.supplier_ref)
    assert (first.outcome, done.outcome) == (Outcome.PENDING, Outcome.UNKNOWN)
    assert "取卡" in done.message


def test_only_sup_has_a_balance(scene: Any) -> None:
    scene.balance_is("1234.5")
    assert scene.supplier("sup").balance(scene.ctx()) == Money.parse("1234.5")
    community = scene.supplier("community")
    assert SupplierCapability.BALANCE not in community.capabilities
    with pytest.raises(CapabilityNotSupported):
        community.balance(scene.ctx())
    scene.balance_is("100000")


@both
def test_what_no_document_has_is_not_declared(scene: Any, flavour: str) -> None:
    supplier = scene.supplier(flavour)
    assert not supplier.rules.number_is_idempotent
    assert supplier.rules.not_found_means_nothing_s is None
    notice = WebhookRequest(method="POST", path="/", query="", headers={}, body=b"")
    for call in (
        lambda: supplier.parse_callback(scene.ctx(), notice),
        lambda: supplier.cancel(scene.ctx(), NO, "1.t", ""),
    ):
        with pytest.raises(CapabilityNotSupported):
            call()


@both
def test_a_price_above_the_cap_buys_nothing(scene: Any, flavour: str) -> None:
    before = placed(scene)
    with pytest.raises(Declined) as refused:
        buy(scene, flavour, CARD, 3, max_cost=Money.parse("29.0999"))
    assert refused.value.code == "price_above_cap"
    assert placed(scene) == before
    assert buy(scene, flavour, CARD, 3, max_cost=Money.parse("29.1")).outcome is Outcome.SUCCEEDED


@both
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stock": 0}, "no_stock"),
        ({"on_sale": "off"}, "off_sale"),
    ],
)
def test_a_sure_refusal_is_declined(
    scene: Any, flavour: str, change: dict[str, object], code: str
) -> None:
    scene.goods("104", **change)
    before = placed(scene)
    with pytest.raises(Declined) as refused:
        buy(scene, flavour, "104")
    scene.goods("104", stock=500, on_sale="on")
    assert refused.value.code == code
    assert placed(scene) == before


@both
def test_an_empty_purse_and_a_missing_account_are_refusals(scene: Any, flavour: str) -> None:
    scene.balance_is("0.01")
    with pytest.raises(Declined) as poor:
        buy(scene, flavour, CARD)
    scene.balance_is("100000")
    with pytest.raises(Declined) as nameless:
        buy(scene, flavour, PHONE)
    assert (poor.value.code, nameless.value.code) == ("balance", "fields")


@both
def test_unknown_goods_are_refused_before_anything_is_bought(scene: Any, flavour: str) -> None:
    with pytest.raises(Declined) as refused:
        buy(scene, flavour, "999")
    assert refused.value.code == "no_price"


@both
def test_a_wrong_key_reads_nothing_and_buys_nothing(scene: Any, flavour: str) -> None:
    stranger, before = scene.supplier(flavour, secret="another"), placed(scene)
    with pytest.raises(HttpOutcomeUnknown):
        stranger.list_offers(scene.ctx(), "")
    with pytest.raises(Declined):
        stranger.purchase(scene.ctx(), scene.purchase_request(NO, CARD))
    assert placed(scene) == before


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
        result = buy(scene, flavour, CARD)
    except HttpOutcomeUnknown:
        result = PurchaseResult(outcome=Outcome.UNKNOWN)
    assert (result.outcome, result.supplier_ref) == (Outcome.UNKNOWN, "")
    assert placed(scene) - before == sold
    asked = scene.supplier(flavour).query(scene.ctx(), NO, "")
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, True)


@both
@pytest.mark.parametrize(("lie", "cards"), [("fewer", 1), ("more", 3), ("partial", 1)])
def test_fewer_and_more_cards_are_reported_as_they_came(
    scene: Any, flavour: str, lie: str, cards: int
) -> None:
    scene.settings(**{f"lie_{lie}": 100})
    result = buy(scene, flavour, CARD, 2)
    assert len(result.deliveries) == cards
    assert SupplierCapability.PARTIAL not in scene.supplier(flavour).capabilities


@both
def test_a_card_sold_before_is_reported_as_it_came(scene: Any, flavour: str) -> None:
    buy(scene, flavour, CARD)
    scene.settings(lie_duplicate_card=100)
    result = buy(scene, flavour, CARD)
    assert [d.code.reveal() for d in result.deliveries if d.code] == scene.sales()[0]["codes"]


@both
def test_an_order_that_is_not_found_at_first_is_not_given_up(scene: Any, flavour: str) -> None:
    first = buy(scene, flavour, PHONE, inputs=phone("97"))
    supplier = scene.supplier(flavour)
    asked = supplier.query(scene.ctx(), NO, first.supplier_ref)
    assert (asked.outcome, asked.found) == (Outcome.UNKNOWN, False)
    supplier.query(scene.ctx(), NO, first.supplier_ref)
    assert ask(scene, flavour, first.supplier_ref).outcome is Outcome.SUCCEEDED


@both
@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_bad_answer_to_a_question_says_nothing(scene: Any, flavour: str, lie: str) -> None:
    first = buy(scene, flavour, PHONE, inputs=phone("11"))
    scene.settings(**{f"lie_{lie}": 100})
    supplier = scene.supplier(flavour)
    with pytest.raises(HttpOutcomeUnknown):
        supplier.query(scene.ctx(), NO, first.supplier_ref)
    with pytest.raises(HttpOutcomeUnknown):
        supplier.list_offers(scene.ctx(), "")


@both
def test_no_price_no_purchase(scene: Any, flavour: str) -> None:
    scene.settings(lie_on="query", lie_html=100)
    before = placed(scene)
    with pytest.raises(Declined) as refused:
        buy(scene, flavour, CARD)
    assert refused.value.code == "no_price"
    assert placed(scene) == before


def test_cards_are_codes_of_the_right_kind(scene: Any) -> None:
    kinds = {offer.sku_ref: offer.kind for offer in catalogue(scene, "sup")}
    assert (kinds[CARD], kinds[PHONE]) == (OfferKind.CARD, OfferKind.TOP_UP)
