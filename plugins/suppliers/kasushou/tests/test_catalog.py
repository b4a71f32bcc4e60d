"""The whole catalogue over HTTP, and lists that cannot be read."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kameng_sdk.context import CallContext, HttpResponse
from kameng_sdk.errors import Declined, HttpOutcomeUnknown
from kameng_sdk.money import Money
from kameng_sdk.suppliers import Offer, OfferKind
from kameng_sdk.testing import HandClock
from kameng_supplier_kasushou.simulator.goods import GOODS

LINE = {
    "id": 7, "goods_name": "点卡", "goods_type": 1, "goods_price": "2.00", "status": 1,
    "stock_num": 3,
}  # fmt: skip
TREE = [{"id": 1, "name": "甲", "children": [{"id": 2, "name": "乙"}]}]


class Said:
    """An `HttpClient` whose answers are given by path; what is missing is HTTP 404."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **sent: Any) -> HttpResponse:
        self.asked.append(json.loads(sent["content"]))
        answer = self.answers.get(url.rpartition("/")[2])
        if answer is None:
            return HttpResponse(status=404, headers={}, body=b"")
        text = json.dumps(answer if "code" in answer else {"code": 200, "data": answer["data"]})
        return HttpResponse(status=200, headers={}, body=text.encode())


def context(http: Said) -> CallContext:
    clock = HandClock()
    return CallContext(deadline=clock.monotonic() + 10, correlation_id="t", http=http, clock=clock)


def first_page(scene: Any, lines: object, details: Mapping[str, Any] | None = None) -> Any:
    answers: dict[str, Any] = {"cate": {"data": TREE}, "list": {"data": lines}}
    if details is not None:
        answers["info"] = {"data": details}
    return scene.supplier().list_offers(context(Said(**answers)), "")


def whole_catalogue(scene: Any) -> tuple[list[Offer], int]:
    supplier, cursor, pages = scene.supplier(), "", 0
    offers: list[Offer] = []
    while pages == 0 or cursor:
        page = supplier.list_offers(scene.ctx(), cursor)
        offers += page.offers
        cursor, pages = page.next_cursor, pages + 1
    return offers, pages


def test_every_article_is_listed_once_with_its_category(scene: Any) -> None:
    offers, pages = whole_catalogue(scene)
    assert pages > len({article.category for article in GOODS})
    assert {o.sku_ref: (o.name, o.category, o.cost, o.kind, o.stock) for o in offers} == {
        a.ref: (a.name, a.category, a.cost, a.kind, a.stock or 9999) for a in GOODS
    }
    assert len(offers) == len(GOODS)
    assert all(offer.on_sale for offer in offers)


def test_limits_and_purchase_fields_come_from_the_details(scene: Any) -> None:
    offers = {offer.sku_ref: offer for offer in whole_catalogue(scene)[0]}
    game = offers["2911"]
    assert (game.minimum, game.maximum, game.kind) == (1, 10, OfferKind.TOP_UP)
    assert [(f.name, f.label, f.choices) for f in game.fields] == [
        ("recharge_account", "游戏账号", ()), ("lblName1", "区服", ("微信区", "QQ区")),
    ]  # fmt: skip
    assert (offers["2901"].maximum, offers["2901"].fields) == (None, ())


def test_what_is_taken_off_sale_is_known_and_not_for_sale(scene: Any) -> None:
    scene.goods("5001", on_sale="off", cost="41.2345", stock="2")
    (offer,) = [o for o in whole_catalogue(scene)[0] if o.sku_ref == "5001"]
    scene.goods("5001", on_sale="on", cost="39.9", stock="5000")
    assert (offer.on_sale, offer.cost, offer.stock) == (False, Money(412_345), 2)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "x"}, {"id": None}, {"goods_name": ""}, {"goods_price": "gratis"},
        {"goods_price": -1}, {"goods_price": True}, {"goods_type": 9}, {"goods_price": "0.00001"},
    ],
)  # fmt: skip
def test_one_bad_line_is_left_out(scene: Any, bad: dict[str, Any]) -> None:
    page = first_page(scene, {"list": [LINE | bad, 5, LINE], "total": 3}, {"start_count": 2})
    assert [(o.sku_ref, o.minimum, o.category) for o in page.offers] == [("7", 2, "甲 / 乙")]
    assert page.next_cursor == ""


@pytest.mark.parametrize("lines", [None, [], {"list": None}, {"total": 3}, "none"])
def test_a_page_that_is_no_list_is_unknown(scene: Any, lines: object) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        first_page(scene, lines)


def test_goods_without_readable_details_are_listed_and_not_for_sale(scene: Any) -> None:
    page = first_page(scene, {"list": [LINE], "total": 1})
    assert [(o.sku_ref, o.on_sale) for o in page.offers] == [("7", False)]


def test_without_categories_all_goods_are_one_list(scene: Any) -> None:
    http = Said(cate={"data": []}, list={"data": {"list": [LINE], "total": 1}})
    page = scene.supplier().list_offers(context(http), "")
    assert (len(page.offers), http.asked[1]["cate_id"], page.next_cursor) == (1, 0, "")


def test_three_levels_are_walked_and_only_those_that_hold_goods(scene: Any) -> None:
    deep = [{"id": 1, "name": "甲", "children": [
        {"id": 2, "name": "乙", "children": [{"id": 3, "name": "丙"}]}]}, {"id": 4, "name": "丁"},
        {"name": "没有编号"}, 5]  # fmt: skip
    http = Said(cate={"data": deep}, list={"data": {"list": [], "total": 0}})
    cursor, seen = "", []
    for _ in range(3):
        cursor = scene.supplier().list_offers(context(http), cursor).next_cursor
        seen.append(cursor)
    assert seen == ["3.1", "4.1", ""]


@pytest.mark.parametrize("cursor", ["99.1", "2.x", "2", "2.0"])
def test_a_category_that_has_gone_makes_the_page_unknown(scene: Any, cursor: str) -> None:
    http = Said(cate={"data": TREE}, list={"data": {"list": [], "total": 0}})
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().list_offers(context(http), cursor)


def test_categories_that_are_no_list_are_unknown(scene: Any) -> None:
    with pytest.raises(HttpOutcomeUnknown):
        scene.supplier().list_offers(context(Said(cate={"data": {"id": 1}})), "")


def test_a_refused_list_says_why(scene: Any) -> None:
    http = Said(cate={"code": 400, "msg": "签名错误"})
    with pytest.raises(Declined, match="签名错误") as refused:
        scene.supplier().list_offers(context(http), "")
    assert refused.value.code == "auth"


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        ("a,b，c", ("a", "b", "c")), (["a", 5], ("a", "5")), ('["x","y"]', ("x", "y")),
        ('{"options":[{"label":"甲","value":"1"},{"label":"乙"}]}', ("1", "乙")), (None, ()),
    ],
)  # fmt: skip
def test_choices_are_read_in_every_form_that_was_seen(
    scene: Any, options: object, choices: tuple[str, ...]
) -> None:
    attach = [{"key": "k", "name": "区", "type": "select", "options": options}, {"name": "?"}, 1]
    page = first_page(scene, {"list": [LINE], "total": 1}, {"attach": attach})
    assert [field.choices for field in page.offers[0].fields] == [choices]
