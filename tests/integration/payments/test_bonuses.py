"""What a page promises for a top-up is what the books then give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kameng.db import main_scope, station_scope

OWN = 3
NOW = datetime.now(UTC)


def terms(**changes: Any) -> Any:
    from kameng.payments import api as payments

    return payments.BonusTerms(**{"minimum": 100_0000, "kind": "fixed", "value": 5_0000, **changes})


def save(shop: Any, station: int, **changes: Any) -> int:
    from kameng.payments import api as payments

    with shop.app.app_context(), main_scope(reason="test"):
        return int(payments.save_bonus(station, None, terms(**changes), "test"))


def promised(shop: Any, station: int, amount: int, member: int) -> int:
    from kameng.payments import api as payments

    with shop.app.app_context(), station_scope(station):
        return int(payments.bonus_for(station, amount, member))


def topped_up(shop: Any, station: int, amount: int, member: int) -> int:
    """Pay a top-up; what it was given beside itself."""
    number = shop.attempt(station, amount, member=member, purpose="top_up")
    assert shop.pay(station, number, amount)["code"] == "topped_up"
    return int(
        shop.one(
            "SELECT coalesce((SELECT g.amount FROM bonus_grant g JOIN payment_attempt a ON"
            " a.station_id = g.station_id AND a.id = g.attempt_id"
            " WHERE a.attempt_no = %s AND g.state = 'granted'), 0)",
            number,
        )
    )


@pytest.fixture(autouse=True)
def no_rules(shop: Any) -> None:
    shop.owner.execute("DELETE FROM bonus_rule")


def test_the_page_promises_what_is_given(shop: Any) -> None:
    save(shop, 1)
    save(shop, 1, minimum=200_0000, kind="percent", value=333, cap=20_0000)
    save(shop, 1, value=90_0000, active=False)
    save(shop, 1, value=80_0000, ends_at=NOW - timedelta(days=1))
    save(shop, 1, value=70_0000, starts_at=NOW + timedelta(days=1))
    save(shop, 1, minimum=500_0000, value=66_0000, first_only=True)
    member = shop.member(1)
    for amount in (99_9900, 100_0000, 199_9900, 200_0100, 777_7700, 500_0000, 9000_0000):
        expected = promised(shop, 1, amount, member)
        assert topped_up(shop, 1, amount, member) == expected
    assert promised(shop, 1, 500_0000, member) == 16_6500  # no longer the first
    assert promised(shop, 1, 500_0000, shop.member(1)) == 66_0000
    shop.assert_books_balance()


def test_a_station_without_money_promises_and_gives_nothing(shop: Any) -> None:
    save(shop, OWN)
    member = shop.member(OWN)
    left = shop.balance(OWN, "prepaid")
    if left < 5_0000:
        assert promised(shop, OWN, 100_0000, member) == 0
        assert topped_up(shop, OWN, 100_0000, member) == 0
    shop.pay(OWN, shop.attempt(OWN, 50_0000, purpose="prepaid"), 50_0000)
    assert promised(shop, OWN, 100_0000, member) == 5_0000
    assert topped_up(shop, OWN, 100_0000, member) == 5_0000
    assert shop.balance(OWN, "prepaid") == left + 45_0000


def test_rules_of_another_station_count_nothing(shop: Any) -> None:
    save(shop, 1)
    assert promised(shop, OWN, 100_0000, shop.member(OWN)) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"minimum": 0}, "minimum"),
        ({"minimum": 100_0001}, "minimum"),
        ({"kind": "gift"}, "kind"),
        ({"value": 0}, "value"),
        ({"value": 101_0000}, "value"),
        ({"kind": "percent", "value": 10_001}, "value"),
        ({"kind": "percent", "value": 500, "cap": 0}, "cap"),
        ({"starts_at": NOW, "ends_at": NOW}, "ends_at"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_field(
    shop: Any, changes: dict[str, Any], field: str
) -> None:
    from kameng.payments import api as payments

    with pytest.raises(payments.BonusInvalid) as refused:
        save(shop, 1, **changes)
    assert refused.value.facts["field"] == field


def test_rules_are_read_as_they_are_written(shop: Any) -> None:
    from kameng.payments import api as payments

    with shop.app.test_request_context():
        given = terms(kind="percent", value=350, cap=20_0000, starts_at=NOW, note="双十一")
        again = payments.read_bonus(payments.written_bonus(given))
        assert again == payments.read_bonus(payments.written_bonus(again))
        assert (again.value, again.cap, again.minimum) == (350, 20_0000, 100_0000)
        assert payments.bonus_text(again) == "充 100 元起送 3.5%，最多 20 元"
        for raw in ("", "x", "1.234", "-1", "１００", "1e3"):
            with pytest.raises(payments.BonusInvalid):
                payments.read_bonus({**payments.written_bonus(given), "minimum": raw})
