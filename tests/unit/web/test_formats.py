"""How amounts and numbers read."""

from __future__ import annotations

import pytest

from kameng.web import formats
from kameng.web.gateways import origin_of
from kameng.web.i18n import known_locale


@pytest.mark.parametrize(
    ("amount", "places", "text"),
    [(955_000, 4, "95.5000"), (125, 4, "0.0125"), (12_345_678_900, 2, "1,234,567.89"),
     (-25_000, 2, "−2.50"), (49, 2, "0.00"), (50, 2, "0.01"), (-49, 2, "0.00"), (10_000, 0, "1")],
)  # fmt: skip
def test_amounts_are_plain_text_with_commas(amount: int, places: int, text: str) -> None:
    assert formats.plain_money(amount, places) == text


def test_money_has_a_small_sign_and_small_decimals() -> None:
    html = '<span class="km-money"><span class="y">¥</span>95<span class="d">.50</span></span>'
    assert formats.money(955_000) == html


def test_order_numbers_read_in_groups_of_four() -> None:
    assert formats.order_no("2611123456789012") == "2611 1234 5678 9012"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("13812345678", "138****5678"), ("+8613812345678", "+86****5678"), ("lin@example.com",
      "l***@example.com"), ("张三丰", "张***丰"), ("ab", "ab"), ("", "")],
)  # fmt: skip
def test_contacts_are_masked(value: str, shown: str) -> None:
    assert formats.mask_phone(value) == shown


@pytest.mark.parametrize(
    ("tag", "locale"),
    [("zh-CN", "zh_Hans_CN"), ("zh", "zh_Hans_CN"), ("zh_Hans", "zh_Hans_CN"), ("EN-us", "en"),
     ("fr", None), ("", None), (None, None), ("../en", None)],
)  # fmt: skip
def test_language_tags_are_mapped_by_hand(tag: str | None, locale: str | None) -> None:
    assert known_locale(tag) == locale


@pytest.mark.parametrize(
    ("url", "origin"),
    [("https://Pay.example/submit.php?x=1", "https://pay.example"),
     ("http://127.0.0.1:8001/epay", "http://127.0.0.1:8001"),
     ("https://user:key@pay.example/", "https://pay.example"), ("javascript:1", ""), ("", "")],
)  # fmt: skip
def test_an_origin_is_all_that_stands_in_the_policy(url: str, origin: str) -> None:
    assert origin_of(url) == origin
