"""Names that claim to be the main station, however they are dressed up."""

import pytest

from kameng.stations.domain import name_problem, normalise_name, slug_problem


@pytest.mark.parametrize(
    "name",
    ["官方点卡", "官 方点卡", "官·方点卡", "主-站直营", "平台 客服", "Official Shop", "0fficial", "OFFICIA1",
     "Ｏｆｆｉｃｉａｌ", "off.icial"],
)  # fmt: skip
def test_a_name_cannot_claim_to_be_official(name: str) -> None:
    assert name_problem(normalise_name(name)) == "impersonation"


@pytest.mark.parametrize("name", ["晴选数卡", "小鹿 Game", "夜航 2026", "主力站长", "方官小铺"])
def test_ordinary_names_are_not_taken_for_it(name: str) -> None:
    assert name_problem(normalise_name(name)) == ""


@pytest.mark.parametrize(
    "slug",
    ["аlpha", "ａｌｐｈａ", "al\u200bpha", "al\u202epha", "xn--80ak6aa92e", "admin", "adm1n", "a-dmin", "-ab", "a--b"],
)  # fmt: skip
def test_a_slug_is_plain_and_nobodys_double(slug: str) -> None:
    assert slug_problem(slug) != ""
