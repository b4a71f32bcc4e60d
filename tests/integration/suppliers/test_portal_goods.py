"""S5: a supplier keeps its own list, sees its own purchases, and signs with keys of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from kameng import signing
from kameng.db import main_scope, supplier_scope
from kameng.errors import DomainError, NotFound
from kameng.suppliers import api as suppliers

LINE = suppliers.OfferLine("A-1", "星海点券 100", "游戏", "card", 93_2000, 12, True)


def test_S5_a_list_is_saved_once_and_changes_are_kept(trade: Any) -> None:
    supplier = trade.active()
    changed = suppliers.save_offers(supplier, [LINE, replace(LINE, sku_ref="A-2")])
    assert len(changed) == 2
    assert suppliers.save_offers(supplier, [LINE]) == []
    assert suppliers.save_offers(supplier, [replace(LINE, stock=3)]) == [changed[0]]
    assert suppliers.save_offers(supplier, [replace(LINE, cost=94_0000)]) == [changed[0]]
    history = trade.shop.owner.execute(
        "SELECT old_cost, new_cost, source FROM supply_offer_change WHERE offer_id = %s ORDER BY id",
        (changed[0],),
    ).fetchall()
    assert history == [(None, 93_2000, "portal"), (93_2000, 94_0000, "portal")]
    with pytest.raises(DomainError, match="kind_fixed"):
        suppliers.save_offers(supplier, [replace(LINE, kind="top_up")])
    with supplier_scope(supplier):
        assert [o.sku_ref for o in suppliers.offers_of(supplier, "星海")] == ["A-1", "A-2"]
        assert suppliers.sheet_rows(supplier)[1] == [
            "A-1", "星海点券 100", "游戏", "card", "94.0000", "12", "1",
        ]  # fmt: skip


def test_S5_a_sheet_says_what_is_wrong_line_by_line(trade: Any) -> None:
    supplier = trade.active()
    suppliers.save_offers(supplier, [LINE])
    lines = suppliers.read_sheet(
        [
            (1, ["货号", "名称", "分类", "种类", "供货价", "库存", "在售"]),
            (2, ["A-1", "星海点券 100", "游戏", "card", "93.2", "12", "1"]),
            (3, ["A-1", "星海点券 100", "游戏", "card", "93.2", "12", "1"]),
            (4, ["B", "", "", "card", "x", "many", "perhaps"]),
            (5, ["C", "比特币充值", "", "card", "1", "", ""]),
            (6, ["D", "新货", "", "top_up", "1.5", "", "否"]),
        ]
    )
    seen = suppliers.preview(supplier, lines)
    assert [(c.line.sku_ref, c.what) for c in seen.changes] == [("A-1", "same"), ("D", "new")]
    assert [(p.line, sorted(p.wrong)) for p in seen.problems] == [
        (3, ["sku_ref"]), (4, ["cost", "name", "on_sale", "stock"]), (5, ["name"]),
    ]  # fmt: skip
    assert "出现两次" in seen.problems[0].text
    with pytest.raises(DomainError, match="sheet_invalid"):
        suppliers.read_sheet([(1, ["foo", "bar"])])


def test_S5_a_purchase_shows_its_inputs_in_full_only_while_it_is_open(trade: Any) -> None:
    supplier, other = trade.active(), trade.active()
    waiting, number = trade.bought(supplier, delivered=False)
    _done, done = trade.bought(supplier)
    with supplier_scope(supplier):
        one = suppliers.sale(supplier, number)
        assert (one.inputs, one.by_hand, one.is_open) == ({"phone": "13800136021"}, True, True)
        assert suppliers.sale(supplier, done).inputs == {"phone": "138****6021"}
        assert {s.inputs["phone"] for s in suppliers.sales(supplier)} == {"138****6021"}
        assert [s.id for s in suppliers.open_sales(supplier)] == [waiting]
        figures = suppliers.today(supplier)
        assert (figures.purchases, figures.delivered, figures.open) == (2, 1, 1)
        assert figures.amount == 93_2000
    with supplier_scope(other):
        assert suppliers.sales(other) == []
        with pytest.raises(NotFound):
            suppliers.sale(other, number)
    with supplier_scope(other), pytest.raises(NotFound):
        suppliers.sale(supplier, number)


def signed(key: str, secret: str, **changes: Any) -> suppliers.Signed:
    given: dict[str, Any] = {
        "key_id": key, "timestamp": str(int(time.time())), "nonce": "n" * 15 + str(time.time_ns())[-8:],
        "method": "POST", "path": "/supplier/api/v1/offers", "body": b"[]", **changes,
    }  # fmt: skip
    given.setdefault(
        "signature",
        signing.signature(
            secret,
            given["method"],
            given["path"],
            given["timestamp"],
            given["nonce"],
            given["body"],
        ),
    )
    return suppliers.Signed(**given)


def test_S5_a_signature_opens_the_own_door_once(trade: Any) -> None:
    supplier = trade.active()
    key, secret = suppliers.make_key(supplier, "王海")
    request = signed(key, secret)
    assert suppliers.supplier_of(request) == supplier
    refused = {
        "nonce_used": request,
        "signature_invalid": replace(signed(key, secret), body=b"[1]"),
        "timestamp_invalid": signed(key, secret, timestamp=str(int(time.time()) - 301)),
        "nonce_invalid": signed(key, secret, nonce="short"),
        "key_unknown": signed("KS" + "0" * 16, secret),
    }
    for code, request in refused.items():
        with pytest.raises(suppliers.SignatureRefused, match=code):
            suppliers.supplier_of(request)
    with main_scope(reason="test"):
        suppliers.set_state(supplier, "closed", "结束", "staff:1")
    with pytest.raises(suppliers.SignatureRefused, match="supplier_closed"):
        suppliers.supplier_of(signed(key, secret))


def test_S5_a_key_that_was_stopped_opens_nothing_and_five_are_enough(trade: Any) -> None:
    supplier = trade.active()
    pairs = [suppliers.make_key(supplier, "王海") for _n in range(5)]
    with pytest.raises(DomainError, match="too_many_keys"):
        suppliers.make_key(supplier, "王海")
    with supplier_scope(supplier):
        newest = suppliers.keys_of(supplier)[0]
    assert suppliers.revoke_key(supplier, newest.id) == pairs[-1][0]
    with pytest.raises(suppliers.SignatureRefused, match="key_unknown"):
        suppliers.supplier_of(signed(*pairs[-1]))
    with pytest.raises(NotFound):
        suppliers.revoke_key(supplier, newest.id)
