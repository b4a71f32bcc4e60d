"""T6: margins become available after T+n, once, less what the terms say, to the unit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

CHINA = ZoneInfo("Asia/Shanghai")
AT_JIANGNAN, AT_DEER = 1_5000, 2_1050  # margins of one piece: Jiangnan's, Deer's


def give_back(desk: Any, placed: Any, amount: int, key: str) -> None:
    done = desk.shop.guarded(
        "refund_order", p_station=3, p_order_no=placed.order_no, p_amount=amount, p_note="test",
        p_actor="staff:1", p_key=key,
    )  # fmt: skip
    assert done["code"] == "ok"


def row(desk: Any, placed: Any, station: int = 3) -> Any:
    return desk.shop.owner.execute(
        "SELECT state, margin, returned, fee, gateway_fee FROM settlement"
        " WHERE station_id = %s AND order_station_id = 3 AND order_id = %s",
        (station, placed.order_id),
    ).fetchone()


@pytest.mark.parametrize("days", [0, 1, 7])
def test_T6_margins_are_due_at_midnight_in_china_n_days_later(desk: Any, days: int) -> None:
    desk.terms(release_days=days)
    placed = desk.sold(days_ago=None)
    due = desk.shop.one(
        "SELECT due_at FROM settlement WHERE station_id = 3 AND order_id = %s", placed.order_id
    )
    now = datetime.now(CHINA)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if days:
        assert due == midnight + timedelta(days=days)
    else:
        assert abs(due - now) < timedelta(minutes=1)
    assert desk.release() == (1 if days == 0 else 0)
    desk.shop.plant("UPDATE settlement SET due_at = now() WHERE state = 'pending'")
    desk.release()


def test_T6_every_level_of_the_tree_gets_its_margin_to_the_unit(desk: Any) -> None:
    pending = [desk.shop.balance(s, "margin_pending") for s in (2, 3)]
    desk.sold(quantity=3)
    assert desk.release() == 2
    assert [desk.shop.balance(s, "available") for s in (2, 3)] == [3 * AT_JIANGNAN, 3 * AT_DEER]
    assert [desk.shop.balance(s, "margin_pending") for s in (2, 3)] == pending
    assert desk.release() == 0


def test_T6_the_service_fee_is_rounded_half_up_and_the_gateways_share_is_the_sellers(
    desk: Any,
) -> None:
    desk.terms(3, fee_bp=333, pays_gateway_fee=True)
    desk.terms(2, pays_gateway_fee=True)
    revenue, fees = desk.shop.balance(1, "revenue"), desk.shop.balance(1, "gateway_fee")
    placed = desk.sold(fee=5900)
    kept = desk.shop.balance(1, "revenue") - revenue - 1_8000  # the main station's own margin
    desk.release()
    service = (AT_DEER * 333 + 5000) // 10000
    assert service == 701
    assert row(desk, placed) == ("released", AT_DEER, 0, service, 5900)
    assert row(desk, placed, 2)[4] == 0
    assert desk.shop.balance(3, "available") == AT_DEER - service - 5900
    assert desk.shop.balance(1, "revenue") - revenue - 1_8000 == kept + service
    assert desk.shop.balance(1, "gateway_fee") == fees  # collected −5900 when paid, borne now


def test_T6_the_release_stands_in_the_orders_money_trail(desk: Any) -> None:
    placed = desk.sold()
    desk.release()
    kinds = desk.shop.owner.execute(
        "SELECT kind FROM transfer WHERE station_id = 3 AND order_id = %s AND txn LIKE 'settlement:%%'",
        (placed.order_id,),
    ).fetchall()
    assert kinds == [("settle.release",), ("settle.release",)]


def test_T6_what_was_refunded_before_the_release_is_not_released(desk: Any) -> None:
    desk.terms(fee_bp=1000)
    placed = desk.sold()
    give_back(desk, placed, placed.payable // 200 * 100, "half")
    desk.release()
    _state, margin, returned, fee, _gateway = row(desk, placed)
    assert 0 < returned < margin
    assert fee == ((margin - returned) * 1000 + 5000) // 10000
    assert desk.shop.balance(3, "available") == margin - returned - fee


def test_T6_a_refund_after_the_payout_is_the_stations_debt_and_its_fee_comes_back(
    desk: Any,
) -> None:
    desk.terms(fee_bp=1000)
    placed = desk.sold()
    revenue = desk.shop.balance(1, "revenue")
    desk.release()
    fee = row(desk, placed)[3]
    desk.empty()  # taken out
    give_back(desk, placed, placed.payable, "all")
    assert desk.shop.balance(3, "available") == fee - AT_DEER < 0
    assert row(desk, placed)[2:4] == (AT_DEER, 0)
    assert desk.shop.balance(1, "revenue") == revenue - 1_8000
    from kameng.settlement.api import WithdrawalRefused

    with pytest.raises(WithdrawalRefused) as refused:
        desk.ask(1)
    assert refused.value.code == "above_available"


def test_T6_many_jobs_at_once_release_each_margin_once(desk: Any) -> None:
    for _ in range(6):
        desk.sold()
    with ThreadPoolExecutor(8) as jobs:
        counts = list(jobs.map(lambda _n: desk.release(), range(8)))
    assert sum(counts) == 12
    assert desk.shop.balance(3, "available") == 6 * AT_DEER
    assert desk.shop.balance(2, "available") == 6 * AT_JIANGNAN


def test_the_backlog_is_told(desk: Any) -> None:
    desk.sold()
    found = desk.main("backlog")
    assert found.due == found.pending == 2
    assert found.due_amount == AT_JIANGNAN + AT_DEER
    desk.release()
    assert desk.main("backlog").due == 0


def test_own_profit_of_a_day_is_not_changed_by_releases_and_payouts(desk: Any) -> None:
    from kameng.db import station_scope
    from kameng.ledger import api as ledger

    def profit() -> int:
        with desk.shop.app.app_context(), station_scope(3):
            return ledger.station_earnings(3, datetime(2020, 1, 1, tzinfo=CHINA)).since

    before = profit()
    desk.sold()
    desk.release()
    desk.ask(2)
    assert profit() == before + AT_DEER


def test_T6_the_books_explain_all_of_it(desk: Any) -> None:
    desk.shop.assert_books_balance()
