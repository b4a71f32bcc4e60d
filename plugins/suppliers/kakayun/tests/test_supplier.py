"""The supplier over HTTP against its simulator: goods, purchases, money, and every lie."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from kameng_sdk.context import HttpResponse
from kameng_sdk.errors import (
    Declined,
    HttpOutcomeUnknown,
    Misconfigured,
    TemporarilyUnavailable,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.suppliers import Offer, OfferKind, PurchaseResult
from kameng_sdk.testing import call_context
from kameng_supplier_kakayun.supplier import KakayunSupplier

CARD, PHONE, REALM = "完美一卡通", "中国移动话费", "剑网元宝直充"
ACCOUNT = {"充值帐号": "13800138000"}


class Says:
    """A way out on which the supplier says the same to everything, and counts."""

    def __init__(self, *answers: HttpResponse) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def request(self, method: str, url: str, **more: Any) -> HttpResponse:
        self.asked.append(url)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def answer(body: str, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, headers={}, body=body.encode())


def all_offers(scene: Any, supplier: KakayunSupplier) -> tuple[list[Offer], int]:
    offers, cursor, pages = list[Offer](), "", 0
    while pages == 0 or cursor:
        page = supplier.list_offers(scene.ctx(), cursor)
        offers, cursor, pages = [*offers, *page.offers], page.next_cursor, pages + 1
    return offers, pages


def codes(result: PurchaseResult) -> Sequence[str]:
    return [piece.code.reveal() for piece in result.deliveries if piece.code]


def test_goods_come_in_pages_with_categories_and_fields(scene: Any) -> None:
    offers, pages = all_offers(scene, scene.supplier())
    assert (pages, len(offers)) == (2, len(scene.simulator.goods))
    by_ref = {offer.sku_ref: offer for offer in offers}
    card, phone, realm = (by_ref[scene.ref(name)] for name in (CARD, PHONE, REALM))
    assert (card.kind, card.category, card.cost) == (
        OfferKind.CARD,
        "游戏点卡 / 点卡卡密",
        Money(9_5000),
    )
    assert (phone.kind, phone.stock) == (OfferKind.TOP_UP, 9999)
    assert [field.name for field in realm.fields] == ["游戏帐号", "游戏大区", "联系手机"]


def test_moved_goods_are_seen(scene: Any) -> None:
    ref = scene.ref(CARD)
    scene.goods(ref, cost="9.6001", stock=0, on_sale="off")
    offers, _ = all_offers(scene, scene.supplier())
    scene.goods(ref, cost="9.5", stock=500, on_sale="on")
    (moved,) = (offer for offer in offers if offer.sku_ref == ref)
    assert (moved.cost, moved.stock, moved.on_sale) == (Money(9_6001), 0, False)


def test_a_bad_line_is_left_out_and_a_page_that_is_none_is_doubt(scene: Any) -> None:
    rows = (
        '{"goodsid":1,"goodsname":"好","goodsprice":"1","goodsstatus":1,"goodstype":0,"stock":1},'
        '{"goodsid":2,"goodsprice":"x","goodstype":0,"stock":1},{"goodstype":7},7'
    )
    groups = answer('{"code":1,"data":[]}')
    http = Says(groups, answer('{"code":1,"data":[%s],"allpage":1}' % rows))  # noqa: UP031  # braces
    page = scene.supplier().list_offers(replace(call_context(), http=http), "")
    assert ([offer.sku_ref for offer in page.offers], page.next_cursor) == (["1"], "")
    http = Says(groups, answer('{"code":1,"data":{}}'))
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().list_offers(replace(call_context(), http=http), "")


def test_a_card_is_bought_once_and_delivered_by_query(scene: Any) -> None:
    supplier, number = scene.supplier(), scene.number()
    placed = supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(CARD), 2))
    assert placed.outcome is Outcome.PENDING
    assert placed.supplier_ref.startswith("SD")
    result = scene.settled(supplier, number)
    (sale,) = scene.sales(number)
    assert (result.outcome, result.cost) == (Outcome.SUCCEEDED, Money(19_0000))
    assert codes(result) == sale["codes"]
    assert result.supplier_ref == placed.supplier_ref
    again = supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(CARD), 2))
    assert again.outcome is Outcome.UNKNOWN
    assert len(scene.sales(number)) == 1


def test_a_top_up_is_pending_and_then_done(scene: Any) -> None:
    supplier, number = scene.supplier(), scene.number()
    request = scene.purchase_request(number, scene.ref(PHONE), inputs=ACCOUNT)
    assert supplier.purchase(scene.ctx(), request).outcome is Outcome.PENDING
    result = scene.settled(supplier, number)
    assert (result.outcome, len(result.deliveries)) == (Outcome.SUCCEEDED, 0)
    assert scene.order(number)["inputs"] == ACCOUNT


def test_several_fields_go_with_the_types_of_the_template(scene: Any) -> None:
    supplier, number = scene.supplier(), scene.number()
    inputs = {"游戏帐号": "abc", "游戏大区": "电信一区", "联系手机": "13800138000"}
    supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(REALM), inputs=inputs))
    assert scene.settled(supplier, number).outcome is Outcome.SUCCEEDED
    assert scene.order(number)["inputs"] == inputs
    wrong = scene.purchase_request(scene.number(), scene.ref(REALM), inputs={**inputs, "身高": "1"})
    with pytest.raises(Declined, match="bad_input"):
        supplier.purchase(scene.ctx(), wrong)
    scene.settings(lie_html=100)
    lost = scene.purchase_request(scene.number(), scene.ref(REALM), inputs=inputs)
    with pytest.raises(TemporarilyUnavailable):
        supplier.purchase(scene.ctx(), lost)
    assert scene.sales(lost.purchase_no) == []


def test_each_refusal_is_a_refusal_and_sells_nothing(scene: Any) -> None:
    supplier, ref = scene.supplier(), scene.ref(CARD)

    def refused(word: str, sku: str = ref, **changes: Any) -> None:
        request = scene.purchase_request(scene.number(), sku, **changes)
        with pytest.raises(Declined) as no:
            supplier.purchase(scene.ctx(), request)
        assert (no.value.code, scene.sales(request.purchase_no)) == (word, [])

    refused("above_cap", max_cost=Money(9_4999))
    refused("no_goods", sku="1")
    refused("bad_input", sku=scene.ref(PHONE))
    scene.goods(ref, on_sale="off")
    refused("off_shelf")
    scene.goods(ref, on_sale="on")
    money = supplier.balance(scene.ctx()).format(4)
    scene.balance_is("1")
    refused("no_balance")
    scene.balance_is(money)


def test_a_wrong_key_number_or_clock_is_said_so(scene: Any) -> None:
    request = scene.purchase_request(scene.number(), scene.ref(CARD))
    for changes, word in (({"key": "wrong"}, "bad_signature"), ({"userid": "7"}, "no_account")):
        supplier = scene.supplier(**changes)
        for call in (supplier.balance, lambda ctx, s=supplier: s.purchase(ctx, request)):
            with pytest.raises(Declined, match=word):
                call(scene.ctx())
    scene.clock.moved += scene.clock.moved.resolution * 301_000_000
    with pytest.raises(Declined, match="stale_timestamp"):
        scene.supplier().balance(scene.ctx())
    with pytest.raises(Misconfigured):
        scene.supplier(key="")


def test_buying_and_asking_go_to_two_addresses(scene: Any) -> None:
    config = scene.simulator.demo_config()
    swapped = scene.supplier(site_url=config["api_url"], api_url=config["site_url"])
    request = scene.purchase_request(scene.number(), scene.ref(CARD))
    with pytest.raises(HttpOutcomeUnknown):
        swapped.purchase(scene.ctx(), request)
    with pytest.raises(HttpOutcomeUnknown):
        swapped.balance(scene.ctx())
    assert scene.sales(request.purchase_no) == []


@pytest.mark.parametrize(
    "said",
    [
        answer('{"code":9999,"msg":"系统异常","data":""}'), answer('{"code":-1,"msg":"其他错误"}'),
        answer('{"code":1205,"msg":"用户订单号已存在"}'), answer('{"code":7777}'),
        answer('{"code":1,"data":{"orderno":"SD1","usorderno":"1"}}'),
    ],
)  # fmt: skip
def test_answers_in_doubt_stay_in_doubt(scene: Any, said: HttpResponse) -> None:
    http = Says(said)
    request = scene.purchase_request(scene.number(), "680001")
    result = scene.supplier().purchase(replace(call_context(), http=http), request)
    assert (result.outcome, len(http.asked)) == (Outcome.UNKNOWN, 1)


@pytest.mark.parametrize(
    "said",
    [
        answer("", 302), answer("", 502), answer('{"code":1}', 500), answer("<html>"), answer("[]"),
        answer('{"code":1,"data":'), answer("{}"), answer('{"code":true}'), answer('{"code":"x"}'),
        answer(""), answer('{"code":null}'),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_theirs_raises_doubt(scene: Any, said: HttpResponse) -> None:
    http, number = Says(said), scene.number()
    ctx, supplier = replace(call_context(), http=http), scene.supplier()
    with pytest.raises(HttpOutcomeUnknown):
        supplier.purchase(ctx, scene.purchase_request(number, "680001"))
    for call in (supplier.balance, lambda ctx: supplier.query(ctx, number, "")):
        with pytest.raises(HttpOutcomeUnknown):
            call(ctx)


def test_asked_too_often_waits(scene: Any) -> None:
    ctx = replace(call_context(), http=Says(answer('{"code":404,"msg":"请求频繁"}')))
    with pytest.raises(TemporarilyUnavailable):
        scene.supplier().list_offers(ctx, "")
    with pytest.raises(Declined, match="too_often"):
        scene.supplier().purchase(ctx, scene.purchase_request(scene.number(), "680001"))


@pytest.mark.parametrize(
    ("lie", "sold"),
    [
        ("html", 1), ("html_lost", 0), ("truncated", 1), ("ok_with_error", 1),
        ("ok_with_error_lost", 0), ("late_success", 1), ("silent", 0),
    ],
)  # fmt: skip
def test_a_lost_answer_is_unknown_and_a_query_tells(scene: Any, lie: str, sold: int) -> None:
    supplier, number = scene.supplier(), scene.number()
    scene.settings(**{f"lie_{lie}": 100, "lie_on": "buy"})
    try:
        result = supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(CARD)))
        outcome = result.outcome
    except HttpOutcomeUnknown:
        outcome = Outcome.UNKNOWN
    assert outcome is Outcome.UNKNOWN
    assert len(scene.sales(number)) == sold
    found = supplier.query(scene.ctx(), number, "")
    assert (found.outcome is Outcome.SUCCEEDED, found.found) == (bool(sold), bool(sold))
    scene.settings(lie_on="query")
    if lie not in ("ok_with_error", "ok_with_error_lost"):
        with pytest.raises(HttpOutcomeUnknown):
            supplier.query(scene.ctx(), number, "")


@pytest.mark.parametrize(("lie", "count"), [("fewer", 1), ("partial", 1), ("more", 3)])
def test_another_count_of_cards_is_shown_as_it_is(scene: Any, lie: str, count: int) -> None:
    """The host judges: this supplier does not declare partial deliveries."""
    supplier, number = scene.supplier(), scene.number()
    scene.settings(**{f"lie_{lie}": 100})
    supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(CARD), 2))
    result = scene.settled(supplier, number)
    assert (result.outcome, len(codes(result))) == (Outcome.SUCCEEDED, count)
    assert result.refunded == (Money(9_5000) if lie == "partial" else None)


def test_a_price_above_the_cap_and_a_card_sold_twice_are_shown(scene: Any) -> None:
    supplier, first, second = scene.supplier(), scene.number(), scene.number()
    supplier.purchase(scene.ctx(), scene.purchase_request(first, scene.ref(CARD)))
    sold = scene.settled(supplier, first)
    scene.settings(lie_above_cap=100)
    request = scene.purchase_request(second, scene.ref(CARD), max_cost=Money(9_5000))
    supplier.purchase(scene.ctx(), request)
    assert scene.settled(supplier, second).cost == Money(10_5000)
    scene.settings(lie_above_cap=0, lie_duplicate_card=100)
    third = scene.number()
    supplier.purchase(scene.ctx(), scene.purchase_request(third, scene.ref(CARD)))
    earlier = {code for sale in scene.sales() if sale["number"] != third for code in sale["codes"]}
    assert set(codes(scene.settled(supplier, third))) <= earlier
    assert codes(sold)


def test_not_found_at_first_is_said_so_and_found_later(scene: Any) -> None:
    supplier, number = scene.supplier(), scene.number()
    scene.settings(lie_not_found_first=100, hide_queries=1)
    supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(CARD)))
    first = supplier.query(scene.ctx(), number, "")
    assert (first.outcome, first.found) == (Outcome.UNKNOWN, False)
    assert supplier.query(scene.ctx(), number, "").outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("ending", "outcome", "back"),
    [
        ("90", Outcome.SUCCEEDED, Money(4_8500)),
        ("91", Outcome.DECLINED, Money(9_7000)),
        ("99", Outcome.UNKNOWN, None),
    ],
)
def test_failures_and_refunds_are_seen_by_query(
    scene: Any, ending: str, outcome: Outcome, back: Money | None
) -> None:
    supplier, number = scene.supplier(), scene.number()
    inputs = {"充值帐号": f"138001380{ending}"}
    supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(PHONE), inputs=inputs))
    result = scene.settled(supplier, number)
    assert (result.outcome, result.refunded) == (outcome, back)


def test_a_later_refund_is_seen_by_query(scene: Any) -> None:
    supplier, number = scene.supplier(), scene.number()
    supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(CARD)))
    scene.settled(supplier, number)
    scene.control(number, "refund", amount="2.5")
    result = supplier.query(scene.ctx(), number, "")
    assert (result.outcome, result.refunded) == (Outcome.SUCCEEDED, Money(2_5000))


def test_an_open_order_is_taken_back_and_a_done_one_is_not(scene: Any) -> None:
    supplier, number, done = scene.supplier(), scene.number(), scene.number()
    inputs = {"充值帐号": "13800138093"}
    supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(PHONE), inputs=inputs))
    taken = supplier.cancel(scene.ctx(), number, "", "买家申请")
    assert (taken.outcome, taken.refunded) == (Outcome.DECLINED, Money(9_7000))
    supplier.purchase(scene.ctx(), scene.purchase_request(done, scene.ref(CARD)))
    assert supplier.cancel(scene.ctx(), done, "", "").outcome is Outcome.SUCCEEDED
    assert not supplier.cancel(scene.ctx(), scene.number(), "", "").found


def test_the_balance_falls_by_what_is_bought_and_may_be_below_zero(scene: Any) -> None:
    supplier, number = scene.supplier(), scene.number()
    before = supplier.balance(scene.ctx())
    supplier.purchase(scene.ctx(), scene.purchase_request(number, scene.ref(CARD)))
    assert supplier.balance(scene.ctx()) == before - Money(9_5000)
    papers = '{"code":1,"data":{"money":"-2257.2900","creditquota":"10000.00"}}'
    ctx = replace(call_context(), http=Says(answer(papers)))
    assert supplier.funds(ctx) == (Money(-2257_2900), Money(10000_0000))
