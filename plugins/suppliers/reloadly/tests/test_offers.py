"""Both catalogues as offers, and what they cost in yuan."""

from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng_sdk.errors import Declined, HttpOutcomeUnknown, Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.suppliers import OfferKind
from kameng_sdk.testing import call_context, plugin_config, simulating
from kameng_supplier_reloadly.account import ReloadlyAccount
from kameng_supplier_reloadly.exchange import Exchange, number, plain
from kameng_supplier_reloadly.giftcards import card_cost, product_offers
from kameng_supplier_reloadly.simulator import ReloadlySimulator, catalogue
from kameng_supplier_reloadly.skus import Sku
from kameng_supplier_reloadly.supplier import ReloadlySupplier
from kameng_supplier_reloadly.topups import operator_cost, operator_offers, sells_amount
from kameng_supplier_reloadly.transactions import page_of

USD = Exchange("USD", Money.parse("7.3"))
OPERATOR = {
    "operatorId": 88, "name": "MTN", "senderCurrencyCode": "USD", "destinationCurrencyCode": "NGN",
    "denominationType": "RANGE", "minAmount": 1, "maxAmount": 50, "suggestedAmounts": [5, 99],
    "internationalDiscount": Decimal("4.42"), "localDiscount": 9, "fixedAmounts": [],
    "country": {"isoName": "NG", "name": "尼日利亚"},
}  # fmt: skip
PRODUCT = {
    "productId": 4, "productName": "Amazon", "senderCurrencyCode": "USD",
    "senderFee": Decimal("0.5"), "recipientCurrencyCode": "EUR",
    "denominationType": "FIXED", "discountPercentage": 5,
    "fixedRecipientDenominations": [25, 50],
    "fixedRecipientToSenderDenominationsMap": {
        "25.00": Decimal("27.31"), "50.00": Decimal("54.62"),
    },
    "brand": {"brandId": 2, "brandName": "Amazon"},
}  # fmt: skip


def all_offers(scene):
    cursor, offers, pages = "", [], 0
    while cursor or not pages:
        page = scene.supplier().list_offers(scene.ctx(), cursor)
        offers += page.offers
        cursor, pages = page.next_cursor, pages + 1
    return offers, pages


def test_both_catalogues_become_offers(scene):
    offers, pages = all_offers(scene)
    assert pages == 2, "operators, then gift cards"
    assert {offer.sku_ref for offer in offers} == {goods.ref for goods in scene.simulator.goods}
    found = {offer.sku_ref: offer for offer in offers}
    mobile = found["topup:88:5"]
    assert (mobile.name, mobile.category) == ("中国移动 5 USD", "话费充值 / 中国")
    assert (mobile.kind, mobile.maximum) == (OfferKind.TOP_UP, 1)
    assert [field.name for field in mobile.fields] == ["phone"]
    assert mobile.cost == Money.parse("35.405"), "4.85 at 7.3"
    assert found["topup:535:5"].kind is OfferKind.CARD, "a PIN"
    steam = found["giftcard:13:25"]
    assert (steam.kind, steam.cost) == (OfferKind.CARD, Money.parse("175.20"))
    assert (steam.name, steam.stock, steam.fields) == ("Steam 美国 25 USD", None, ())


def test_long_catalogues_are_read_page_by_page(tmp_path):
    """Reloadly decides how many come at once: here it gives two."""

    class Short(ReloadlySimulator):
        def _page(self, request, show, numbers):
            page, pages = request.args.get("page", 1, type=int), -(-len(numbers) // 2)
            shown = [self._one(show, n) for n in list(numbers)[page * 2 - 2 : page * 2]]
            return {"content": shown, "totalPages": pages, "last": page >= pages}

    with simulating(Short, tmp_path) as (simulator, _):
        values = simulator.demo_config() | {"rate": Money.parse("7.3")}
        config = plugin_config(values, ("client_secret", "webhook_secret"))
        supplier = ReloadlySupplier(ReloadlyAccount.from_config(config))
        cursors, cursor = [], ""
        offers = []
        while cursor or not cursors:
            page = supplier.list_offers(call_context(), cursor)
            offers += page.offers
            cursor = page.next_cursor
            cursors.append(cursor)
    assert cursors == ["topup:2", "giftcard:1", "giftcard:2", "giftcard:3", ""]
    assert len(offers) == len(catalogue.GOODS)


def test_a_range_offers_what_is_suggested_within_it():
    (offer,) = operator_offers(OPERATOR, USD)
    assert (offer.sku_ref, offer.cost) == ("topup:88:5", USD.cost(Decimal("4.779")))
    (least,) = operator_offers(OPERATOR | {"suggestedAmounts": []}, USD)
    assert least.sku_ref == "topup:88:1"


def test_at_home_the_local_discount_counts_and_fees_come_on_top():
    home = OPERATOR | {"destinationCurrencyCode": "USD"}
    assert operator_cost(home, Decimal(10)) == Decimal("9.1")
    fees = {"international": Decimal("0.2"), "internationalPercentage": 1, "local": 9}
    assert operator_cost(OPERATOR | {"fees": fees}, Decimal(10)) == Decimal("9.858")


@pytest.mark.parametrize(
    ("amount", "sold"), [("1", True), ("50", True), ("0.99", False), ("51", False)]
)
def test_a_range_has_two_ends(amount, sold):
    assert sells_amount(OPERATOR, Decimal(amount)) is sold


def test_a_gift_card_costs_its_price_less_the_discount_plus_the_fee():
    offers = list(product_offers(PRODUCT, USD))
    assert [offer.sku_ref for offer in offers] == ["giftcard:4:25", "giftcard:4:50"]
    assert card_cost(PRODUCT, Decimal(25)) == Decimal("26.4445")
    assert offers[0].cost == Money(1_930_449), "26.4445 at 7.3 is 193.04485: rounded up"
    with pytest.raises(Declined):
        card_cost(PRODUCT, Decimal(26))


def test_a_range_of_gift_cards_is_offered_in_steps():
    ranged = PRODUCT | {
        "denominationType": "RANGE", "minRecipientDenomination": 8, "maxRecipientDenomination": 30,
        "minSenderDenomination": 10, "maxSenderDenomination": Decimal("37.5"), "senderFee": 0,
    }  # fmt: skip
    offers = list(product_offers(ranged, USD))
    assert [offer.sku_ref.split(":")[2] for offer in offers] == ["8", "10", "15", "20", "25", "30"]
    assert card_cost(ranged, Decimal(20)) == Decimal("23.75")
    for outside in ("7.99", "31"):
        with pytest.raises(Declined):
            card_cost(ranged, Decimal(outside))


def test_prices_come_as_one_map_or_as_a_list_of_maps():
    prices = PRODUCT["fixedRecipientToSenderDenominationsMap"]
    listed = PRODUCT | {"fixedRecipientToSenderDenominationsMap": [prices]}
    assert card_cost(listed, Decimal(50)) == card_cost(PRODUCT, Decimal(50))


@pytest.mark.parametrize(
    "broken",
    [{"senderCurrencyCode": "EUR"}, {"country": None}, {"operatorId": None}, {"fees": [1]},
     {"denominationType": "FIXED", "fixedAmounts": [-1]}],
)  # fmt: skip
def test_one_bad_operator_is_left_out_and_the_others_stay(scene, broken):
    supplier = scene.supplier()
    assert supplier._offers("topup", OPERATOR | broken) == []
    assert len(supplier._offers("topup", OPERATOR)) == 1


@pytest.mark.parametrize("lie", ["html", "truncated", "ok_with_error", "silent"])
def test_a_page_that_is_no_list_is_no_empty_catalogue(scene, lie):
    scene.settings(**{f"lie_{lie}": 100})
    for cursor in ("topup:2", "giftcard:1"):
        with pytest.raises(HttpOutcomeUnknown):
            scene.supplier().list_offers(scene.ctx(), cursor)


def test_lists_are_pages_or_bare():
    assert page_of([{}, 1], 3).rows == [{}]
    assert page_of([{}, {}, {}], 3).last is False
    assert page_of({"content": [{}], "last": False}, 9).last is False
    assert page_of({"content": [], "last": False}, 9).last is True, "or it would never end"
    for odd in ({}, "x", None, {"content": {}}):
        with pytest.raises(HttpOutcomeUnknown):
            page_of(odd, 9)


def test_the_balance_is_in_yuan_and_rounded_down(scene):
    left = Decimal(scene.facts()["balance"]) * Decimal("7.3333")
    balance = scene.supplier(rate=Money.parse("7.3333")).balance(scene.ctx())
    assert balance.amount == int(left * 10_000)


@pytest.mark.parametrize("currency", ["EUR", "CNH"])
def test_another_currency_than_the_accounts_is_a_matter_of_settings(scene, currency):
    supplier = scene.supplier(currency=currency)
    for ask in (supplier.balance, lambda ctx: supplier.list_offers(ctx, "")):
        with pytest.raises(Misconfigured, match="USD"):
            ask(scene.ctx())


@pytest.mark.parametrize(
    "change", [{"rate": Money(0)}, {"currency": "US"}, {"currency": "CNY"}, {"client_id": None}]
)
def test_settings_that_cannot_work_are_refused(scene, change):
    with pytest.raises(Misconfigured):
        scene.supplier(**change)


@given(st.decimals(0, 10**6, places=6), st.integers(1, 10**6))
def test_a_cost_is_never_too_low_and_off_by_less_than_a_unit(amount, rate):
    exchange = Exchange("USD", Money(rate))
    exact = amount * rate
    assert 0 <= exchange.cost(amount).amount - exact < 1
    assert 0 <= exact - exchange.worth(amount).amount < 1
    assert exchange.cost(amount).amount == exact.to_integral_value(ROUND_CEILING)


@given(st.integers(1, 10**9), st.decimals(0, 10**6, places=4))
def test_a_name_is_read_back_as_it_was_written(number_, amount):
    sku = Sku("topup", number_, amount)
    assert Sku.parse(str(sku)) == sku


@pytest.mark.parametrize(
    "name",
    [
        "",
        "topup:1",
        "topup:1:-5",
        "gift:1:5",
        "topup:1:5e1",
        "topup:1:NaN",
        "topup:１:5",
        "topup:1:5 ",
    ],
)
def test_other_names_buy_nothing(name):
    with pytest.raises(Declined):
        Sku.parse(name)


@pytest.mark.parametrize("odd", [True, None, 1.5, "x", "NaN", "-1", "Infinity", [], 10**13])
def test_only_amounts_are_numbers(odd):
    with pytest.raises(ValueError, match="not a"):
        number(odd)


def test_amounts_are_written_plainly():
    assert [plain(Decimal(d)) for d in ("5.00", "100", "0.50", "1E+2")] == [
        "5",
        "100",
        "0.5",
        "100",
    ]
