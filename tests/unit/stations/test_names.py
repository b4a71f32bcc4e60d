"""Slugs, names and states of stations."""

from __future__ import annotations

import pytest

from kameng.stations import domain


@pytest.mark.parametrize(
    ("slug", "problem"),
    [
        ("xiaoman", ""),
        ("shop88", ""),
        ("a-b-c", ""),
        ("ab", "length"),
        ("a" * 33, "length"),
        ("-abc", "format"),
        ("abc-", "format"),
        ("a_b_c", "format"),
        ("a.b", "format"),
        ("店铺", "format"),
        ("ｓｈｏｐ", "format"),
        ("xn--fiqs8s", "punycode"),
        ("a--b", "double_hyphen"),
        ("www", "reserved"),
        ("console", "reserved"),
        ("c0ns0le", "reserved_look_alike"),
        ("ma1n", "reserved_look_alike"),
        ("ad-min", "reserved_look_alike"),
        ("adrnin", "reserved_look_alike"),
    ],
)
def test_a_slug_may_stand_in_a_host_name_or_says_why_not(slug: str, problem: str) -> None:
    assert domain.slug_problem(slug) == problem


@pytest.mark.parametrize(
    ("slug", "other"),
    [("paypa1", "paypal"), ("g00d", "good"), ("good-shop", "goodshop"), ("rnary", "mary"),
     ("vvin", "win"), ("5hop", "shop"), ("il1", "ll1"), ("vvv0", "vw0")],
)  # fmt: skip
def test_slugs_that_look_alike_share_a_skeleton(slug: str, other: str) -> None:
    assert domain.look_alike(slug, ["unrelated", other]) == other


def test_slugs_that_differ_to_the_eye_do_not_collide() -> None:
    assert domain.look_alike("shop2", ["shop3", "shop4", "chop", "sheep"]) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("小满点卡", ""),
        ("Lin's 点卡·旗舰店（上海）", ""),
        ("カード屋", ""),
        ("x", "length"),
        ("很" * 21, "length"),
        ("<b>店</b>", "markup"),
        ("店{{7*7}}", "markup"),
        ("javascript:alert", "markup"),
        ("点\u200b卡店", "invisible"),
        ("点\u202e卡店", "invisible"),
        ("Аррle 点卡", "script"),
        ("αβγ 点卡", "script"),
        ("点卡😀店", "characters"),
        ("····", "characters"),
        ("官方点卡", "impersonation"),
        ("OFFICIAL 点卡", "impersonation"),
    ],
)
def test_a_name_can_be_shown_or_says_why_not(name: str, problem: str) -> None:
    assert domain.name_problem(domain.normalise_name(name)) == problem


def test_names_that_look_alike_share_a_key() -> None:
    assert domain.name_key("金 卡 Shop") == domain.name_key("金卡·SH0P")
    assert domain.name_key("金卡") != domain.name_key("银卡")


def test_every_state_is_reached_and_closed_is_final() -> None:
    reached = set().union(*domain.TRANSITIONS.values())
    assert reached | {"applied"} == set(domain.TRANSITIONS)
    assert not domain.TRANSITIONS["closed"]
    assert not domain.may_become("suspended", "training")
    assert not domain.may_become("nonsense", "active")
    assert "suspended" not in domain.SELLING_STATES
