"""The whole catalogue over HTTP, and lists that cannot be read."""

import json
from typing import Any

import pytest

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.suppliers import Offer, OfferKind
from kameng_sdk.testing import HandClock
from kameng_supplier_kayixin.simulator.goods import GOODS

LINE = {
    "goodsId": 7, "name": "点卡", "goodsType": 1, "salesPrice": 2, "status": 1, "multiple": 1,
    "skuType": 0, "dirIds": [1, 2],
}  # fmt: skip
DETAILS = {"stockCount": 3, "minQuantity": 2, "maxQuantity": 5, "skuType": 0}
TREE = [{"id": 1, "name": "甲", "children": [{"id": 2, "name": "乙"}, 5, {"name": "?"}]}]


class Said:
    """An `HttpClient` whose answers are given by path; what is missing is HTTP 404."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def request(self, method: str, url: str, **sent: Any) -> HttpResponse:
        path = url.rpartition("/")[2]
        self.asked.append(f"{path} {sent['content'].decode()}")
        if path not in self.answers:
            return HttpResponse(status=404, headers={}, body=b"")
        data = self.answers[path]
        refused = isinstance(data, str) and data.startswith("no: ")
        answer = {"code": 2400, "msg": data} if refused else {"code": 1000, "data": data}
        return HttpResponse(status=200, headers={}, body=json.dumps(answer).encode())


def context(http: Said) -> CallContext:
    clock = HandClock()
    return CallContext(deadline=clock.monotonic() + 9, correlation_id="t", http=http, clock=clock)


def page_of(scene: Any, *lines: object, details: object = DETAILS, **answers: Any) -> Any:
    found = {"allPage": 1, "allCount": len(lines), "items": list(lines)}
    said = Said({"getDirs": TREE, "getList": found, "getDetail": details} | answers)
    return scene.supplier().list_offers(context(said), "")


def whole_catalogue(scene: Any) -> tuple[list[Offer], int]:
    supplier, cursor, pages = scene.supplier(), "", 0
    offers: list[Offer] = []
    while pages == 0 or cursor:
        page = supplier.list_offers(scene.ctx(), cursor)
        offers += page.offers
        cursor, pages = page.next_cursor, pages + 1
    return offers, pages


def test_every_article_and_variant_is_listed_once(scene: Any) -> None:
    offers, pages = whole_catalogue(scene)
    assert pages == 4
    assert {o.sku_ref: (o.name, o.category, o.cost, o.kind, o.stock) for o in offers} == {
        a.ref: (a.name, a.category, a.cost, a.kind, a.stock) for a in GOODS
    }
    assert len(offers) == len(GOODS)
    assert all(offer.on_sale for offer in offers)


def test_limits_and_purchase_fields_come_from_the_details(scene: Any) -> None:
    offers = {offer.sku_ref: offer for offer in whole_catalogue(scene)[0]}
    game = offers["6511"]
    assert (game.minimum, game.maximum, game.kind) == (1, 10, OfferKind.TOP_UP)
    assert [(f.name, f.label, f.choices, f.required) for f in game.fields] == [
        ("游戏账号", "游戏账号", (), True), ("区服", "区服", ("一区", "二区"), True),
    ]  # fmt: skip
    assert offers["6501"].fields == ()


def test_what_is_taken_off_sale_is_known_and_not_for_sale(scene: Any) -> None:
    scene.goods("6601:Y1", on_sale="off", cost="97.1234", stock="2")
    offers = {o.sku_ref: o for o in whole_catalogue(scene)[0] if o.sku_ref.startswith("6601")}
    scene.goods("6601:Y1", on_sale="on", cost="98.8", stock="5000")
    year = offers["6601:Y1"]
    assert (year.on_sale, year.cost, year.stock) == (False, Money(971_234), 2)
    assert offers["6601:M1"].on_sale


@pytest.mark.parametrize(
    "bad",
    [
        {"goodsId": "x"}, {"goodsId": None}, {"name": ""}, {"salesPrice": "gratis"},
        {"salesPrice": -1}, {"salesPrice": True}, {"goodsType": 9}, {"salesPrice": 0.00001},
    ],
)  # fmt: skip
def test_one_bad_line_is_left_out(scene: Any, bad: dict[str, Any]) -> None:
    page = page_of(scene, LINE | bad, 5, LINE)
    assert [(o.sku_ref, o.minimum, o.maximum, o.stock, o.category) for o in page.offers] == [
        ("7", 2, 5, 3, "甲 / 乙")
    ]
    assert page.next_cursor == ""


@pytest.mark.parametrize("found", [None, [], {"items": None}, {"allPage": 3}, "none"])
def test_a_page_that_is_no_list_is_unknown(scene: Any, found: object) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        page_of(scene, getList=found)


def test_categories_that_are_no_list_are_unknown(scene: Any) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        page_of(scene, LINE, getDirs={"id": 1})


def test_a_refused_list_says_why(scene: Any) -> None:
    with pytest.raises(Declined) as refused:
        page_of(scene, LINE, getList="no: 签名错误")
    assert refused.value.code == "auth"


@pytest.mark.parametrize("details", [None, [], "no: 商品不存在"])
def test_goods_without_readable_details_are_listed_and_not_for_sale(
    scene: Any, details: object
) -> None:
    page = page_of(scene, LINE, details=details)
    assert [(o.sku_ref, o.on_sale) for o in page.offers] == [("7", False)]


def test_several_pieces_for_one_multiply_the_cost(scene: Any) -> None:
    cards, top_up = page_of(
        scene, LINE | {"multiple": 3}, LINE | {"multiple": 3, "goodsType": 3, "goodsId": 8}
    ).offers
    assert cards.cost == top_up.cost == Money(60_000)
    assert (cards.on_sale, top_up.on_sale) == (False, True), "three cards for one are too many"


def test_a_long_page_is_read_in_portions_and_both_counts_may_be_swapped(scene: Any) -> None:
    items = [LINE | {"goodsId": number} for number in range(1, 46)]
    for counts in ({"allPage": 2, "allCount": 90}, {"allPage": 90, "allCount": 2}):
        answers = {"getDirs": TREE, "getList": counts | {"items": items}, "getDetail": DETAILS}
        cursor, seen = "", []
        for _ in range(6):
            said = Said(answers)
            cursor = scene.supplier().list_offers(context(said), cursor).next_cursor
            seen.append(cursor)
        assert seen == ["1.20", "1.40", "2.0", "2.20", "2.40", ""]
        assert '"page":2,' in said.asked[1]


def test_variants_of_both_kinds_are_offers_of_their_own(scene: Any) -> None:
    specs = [{"name": "套餐", "items": [
        {"title": "大", "sku": "B", "money": 3.5, "count": 4, "status": 1},
        {"title": "小", "sku": "S", "money": 1, "count": 0, "status": 0},
        {"title": "无编码", "sku": "", "money": 1, "count": 1, "status": 1}, 5]}]  # fmt: skip
    page = page_of(scene, LINE, details=DETAILS | {"skuType": 2, "goodsSpec": specs})
    assert [(o.sku_ref, o.name, o.cost, o.stock, o.on_sale) for o in page.offers] == [
        ("7:B", "点卡 套餐 大", Money(35_000), 4, True),
        ("7:S", "点卡 套餐 小", Money(10_000), 0, False),
    ]
    nothing = page_of(scene, LINE, details=DETAILS | {"skuType": 1, "goodsSku": []})
    assert nothing.offers == []


def test_a_choice_is_sent_by_its_value_and_shown_by_its_name(scene: Any) -> None:
    templates = [
        {"type": 14, "title": "区服", "required": 0, "options": [
            {"name": "一区", "value": "1"}, {"name": "2", "value": "2"}, {"name": "?"}]},
        {"type": 0, "title": ""}, "x",
    ]  # fmt: skip
    page = page_of(scene, LINE, details=DETAILS | {"rechargeTemplates": templates})
    (field,) = page.offers[0].fields
    assert (field.name, field.choices, field.required) == ("区服", ("1", "2"), False)
    assert field.label.startswith("区服（1=一区")
