"""Offers are told apart by name and face value, and fields by name, label and known words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.supply.domain.mapping import (
    LEAST,
    Field,
    Goods,
    fits,
    map_fields,
    own_field,
    score,
    suggest,
)

YUAN = 10_000
SKUS = [
    Goods(id=1, name="星海点券 100 元", kind="card", face_value=100 * YUAN),
    Goods(id=2, name="星海点券 50 元", kind="card", face_value=50 * YUAN),
    Goods(id=3, name="移动话费 100 元", kind="top_up", face_value=100 * YUAN),
    Goods(id=4, name="移动话费 50 元", kind="top_up", face_value=50 * YUAN),
    Goods(id=5, name="视频会员 月卡", kind="top_up"),
]


@pytest.mark.parametrize(
    ("name", "kind", "sku"),
    [
        ("【秒到】星海点券100元 官方卡密", "card", 1),
        ("星海点券50元", "card", 2),
        ("全国移动话费慢充100元", "top_up", 3),
        ("移动话费快充 50.00", "top_up", 4),
        ("视频会员（月卡）直充", "top_up", 5),
    ],
)
def test_the_likeliest_sku_stands_first(name, kind, sku):
    assert suggest(Goods(id=9, name=name, kind=kind), SKUS)[0].sku_id == sku


def test_a_stranger_is_like_nothing():
    assert suggest(Goods(id=9, name="Steam wallet HKD", kind="top_up"), SKUS) == []


@given(st.text(max_size=40), st.sampled_from(["card", "top_up", "manual"]))
def test_suggestions_fit_in_kind_and_are_ordered(name, kind):
    found = suggest(Goods(id=9, name=name, kind=kind), SKUS)
    kinds = {sku.id: sku.kind for sku in SKUS}
    assert all(fits(kind, kinds[one.sku_id]) for one in found)
    assert all(LEAST <= one.score <= 100 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@given(st.text(min_size=1, max_size=40))
def test_nothing_is_more_alike_than_the_thing_itself(name):
    same = Goods(id=1, name=name, kind="card")
    other = Goods(id=2, name=f"{name}x1", kind="card")
    assert score(same, same) >= score(same, other)


def test_fields_meet_by_name_label_and_known_words():
    theirs = [
        Field(name="recharge_account", label="充值账号"), Field(name="QQ"),
        Field(name="f3", label="大区"), Field(name="f4", label="备注", required=False),
    ]  # fmt: skip
    ours = [
        Field(name="account", label="游戏账号"),
        Field(name="qq"),
        Field(name="area", label="区服"),
    ]
    assert map_fields(theirs, ours) == {"recharge_account": "account", "QQ": "qq", "f3": "area"}


@pytest.mark.parametrize("label", ["手机号码", "请输入手机号码", "请填写您的手机号"])
def test_a_field_that_asks_politely_is_known_too(label):
    ours = [Field(name="phone", label="充值手机号"), Field(name="city", label="城市")]
    assert map_fields([Field(name="x1", label=label), Field(name="x2")], ours)["x1"] == "phone"


def test_the_only_field_left_on_both_sides_is_the_one():
    assert map_fields([Field(name="x1", label="号")], [Field(name="phone", label="手机号")]) == {
        "x1": "phone"
    }


def test_two_strangers_stay_strangers():
    theirs = [Field(name="x"), Field(name="y")]
    assert map_fields(theirs, [Field(name="a"), Field(name="b")]) == {}


def test_an_own_field_gets_a_name_that_is_free_and_a_kind():
    assert own_field("Phone-No", "手机号", 1, set(), choices=False) == ("phone", "phone")
    assert own_field("账号", "充值账号", 2, {"account"}, choices=False) == ("field_2", "account")
    assert own_field("server", "区服", 3, set(), choices=True) == ("server", "choice")
