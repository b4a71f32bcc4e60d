"""S10: seasons, a forecast that finds last year's season, and plans with their progress."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kameng.db import main_scope
from kameng.errors import Conflict, DomainError, NotFound
from kameng.planning import api as planning
from kameng.planning import tasks

DAY = timedelta(days=1)


def run(shop: Any, use_case: Any, *given: Any, **named: Any) -> Any:
    with shop.app.app_context(), main_scope(reason="test"):
        return use_case(*given, **named)


def sku_id(shop: Any, code: str) -> int:
    return int(shop.one("SELECT id FROM sku WHERE code = %s", code))


def sell(shop: Any, code: str, days: dict[date, int]) -> None:
    """Delivered orders in the past, one a day, put behind the product's back."""
    for day, pieces in days.items():
        shop.owner.execute(
            "INSERT INTO orders(station_id, order_no, idempotency_key, request_hash, shopper_key, secret_hash, sku_id, kind, product_name,"
            " sku_name, quantity, unit_price, total, payable, price_version, state, created_at, expires_at, paid_at)"
            " SELECT 3, gen_random_uuid()::text, gen_random_uuid()::text, '', 'g:x', '', s.id, 'card', 'p', 's', %s, 100, %s, %s, 1,"
            " 'completed', %s, %s, %s FROM sku s WHERE s.code = %s",
            (pieces, pieces * 100, pieces * 100, f"{day} 12:00+08", f"{day} 12:30+08", f"{day} 12:01+08", code),
        )  # fmt: skip


def every_day(pieces: int, first: date, last: date) -> dict[date, int]:
    return {first + n * DAY: pieces for n in range((last - first).days + 1)}


@pytest.fixture
def today(shop: Any) -> date:
    shop.plant("UPDATE sku SET created_at = '2024-01-01'")
    return planning.today()


def test_the_calendar_knows_its_years_and_staff_fill_the_rest(shop):
    last = planning.last_year()
    known, unknown = run(shop, planning.season_years, [last, last + 2])
    assert {"spring_festival", "national_day", "double_11"} <= {w.code for w in known.windows}
    assert known.missing == ()
    assert "spring_festival" in {festival.code for festival in unknown.missing}
    number = run(
        shop, planning.add_season, "春节", date(last + 2, 1, 25), date(last + 2, 2, 2), "staff:1"
    )
    (filled,) = run(shop, planning.season_years, [last + 2])
    assert "spring_festival" not in {festival.code for festival in filled.missing}
    window = run(shop, planning.window_of, "spring_festival", last + 2)
    assert (window.first, window.source) == (date(last + 2, 1, 11), "own")
    run(shop, planning.drop_season, number, "staff:1")
    with pytest.raises(NotFound):
        run(shop, planning.window_of, "spring_festival", last + 2)
    with pytest.raises(NotFound):
        run(shop, planning.drop_season, number, "staff:1")
    actions = shop.owner.execute(
        "SELECT action FROM audit_event WHERE subject = %s", (f"season:{number}",)
    )
    assert [row[0] for row in actions] == ["season.add", "season.drop"]


@pytest.mark.parametrize(
    ("name", "days", "field"), [("", 3, "name"), ("x", -1, "last"), ("x", 130, "last")]
)
def test_a_season_must_hold(shop, name, days, field):
    first = date(2027, 7, 1)
    with pytest.raises(DomainError) as refused:
        run(shop, planning.add_season, name, first, first + days * DAY, "staff:1")
    assert refused.value.facts == {"field": field}


def test_a_season_with_three_times_the_demand_last_year_is_found_and_used(shop, today):
    code = shop.sku(cards=30)
    shop.plant("UPDATE sku SET created_at = '2024-01-01'")
    then = today - 300 * DAY
    for first in (then, today + 20 * DAY):
        run(shop, planning.add_season, "周年庆", first, first + 9 * DAY, "staff:1")
    sell(shop, code, every_day(10, then - 60 * DAY, then - DAY))
    sell(shop, code, every_day(30, then, then + 9 * DAY))
    sell(shop, code, every_day(10, today - 90 * DAY, today - DAY))
    seen = run(shop, planning.outlook, today + 20 * DAY, today + 29 * DAY)
    assert "own:周年庆" in {window.kind for window in seen.windows}
    found = seen.by_sku[sku_id(shop, code)].forecast
    told = next(season for season in found.explain["seasons"] if season["kind"] == "own:周年庆")
    assert told["own"] == pytest.approx(3, abs=0.05)
    assert told["uplift"] > 2
    assert 200 < found.p50 <= found.p90
    calm = run(shop, planning.outlook, today, today + 9 * DAY).by_sku[sku_id(shop, code)].forecast
    assert calm.p50 < found.p50 / 1.8


def test_the_backtest_says_how_far_off_it_was(shop, today):
    code = shop.sku(cards=1)
    shop.plant("UPDATE sku SET created_at = '2024-01-01'")
    sell(shop, code, every_day(7, today - 120 * DAY, today - DAY))
    found = run(shop, planning.backtest, today - 7 * DAY, today - DAY)
    line = next(line for line in found.lines if line.sku.code == code)
    assert line.sold == 49
    assert abs(line.forecast - 49) <= 5
    assert found.error is not None
    assert found.error < 1
    with pytest.raises(DomainError, match="days_invalid"):
        run(shop, planning.backtest, today - DAY, today)


def plan_for(shop: Any, today: date, code: str) -> int:
    sell(shop, code, every_day(5, today - 60 * DAY, today - DAY))
    return int(
        run(shop, planning.make_plan, f"备货 {code}", today, today + 9 * DAY, "staff:1", season="")
    )


def line_of(shop: Any, plan_id: int, code: str) -> Any:
    view = run(shop, planning.plan, plan_id)
    return next(line for line in run(shop, planning.plan_lines, view) if line.code == code)


def test_a_plan_goes_from_the_forecast_to_its_end(shop, today):
    code = shop.sku(cards=12)
    shop.plant("UPDATE sku SET created_at = '2024-01-01'")
    plan_id = plan_for(shop, today, code)
    line = line_of(shop, plan_id, code)
    assert line.in_stock == 12
    assert line.forecast <= line.p90
    assert line.planned == line.suggested == line.p90 - 12
    assert line.explain["from"] == "own"

    supplier = shop.one(
        "INSERT INTO supplier(code, name, state) VALUES ('plan-s', '计划供应商', 'active') RETURNING id"
    )
    edit = planning.Edit(planned=40, supplier_id=supplier)
    number = sku_id(shop, code)
    assert run(shop, planning.save_lines, plan_id, {number: edit}, "staff:1") == 1
    assert run(shop, planning.save_lines, plan_id, {number: edit}, "staff:1") == 0
    with pytest.raises(DomainError):
        run(
            shop,
            planning.save_lines,
            plan_id,
            {number: planning.Edit(planned=-1, supplier_id=None)},
            "staff:1",
        )

    shop.add_cards(code, 3)
    run(shop, planning.start_plan, plan_id, "staff:1")
    with pytest.raises(Conflict):
        run(shop, planning.start_plan, plan_id, "staff:1")
    shop.plant(
        f"UPDATE card_batch SET created_at = now() - interval '1 day' WHERE sku_id = {number}"
    )
    assert line_of(shop, plan_id, code).in_stock == 15

    shop.plant("INSERT INTO card_batch(sku_id, name, source, state, imported, created_by)"
               f" VALUES ({number}, 'b', 'hand.csv', 'done', 8, 'staff:1'), ({number}, 'p', 'purchase', 'done', 5, 'system')")  # fmt: skip
    placed, _code = shop.buy(shop.sku(kind="top_up"))
    shop.plant(
        "INSERT INTO purchase(station_id, purchase_no, order_id, plugin_id, connection_id, supplier_id, sku_id, quantity, delivered, state, sends, done_at)"
        f" SELECT 3, 'P' || {plan_id}, {placed.order_id}, 'supplier-manual', id, supplier_id, {number}, 5, 5, 'succeeded', 1, now()"
        " FROM supply_connection WHERE plugin_id = 'supplier-manual'"
    )
    line = line_of(shop, plan_id, code)
    assert (
        line.got == 13
    )  # eight by hand and five bought; the batch of the purchase is the same five
    view = run(shop, planning.plan, plan_id)
    assert view.progress.days_left == 10
    assert run(shop, planning.sheet_of, [line], supplier) == [line]
    assert run(shop, planning.sheet_of, [line], None) == []
    run(shop, planning.close_plan, plan_id, "staff:1")
    assert run(shop, planning.plan, plan_id).state == "closed"
    with pytest.raises(Conflict):
        run(shop, planning.save_lines, plan_id, {number: edit}, "staff:1")


def test_a_plan_that_falls_behind_becomes_an_alert_and_is_closed_when_it_catches_up(shop, today):
    code = shop.sku(cards=1)
    shop.plant("UPDATE sku SET created_at = '2024-01-01'")
    plan_id = plan_for(shop, today, code)
    run(shop, planning.start_plan, plan_id, "staff:1")
    run(shop, tasks.watch_purchase_plans)
    alert = "SELECT state FROM alert WHERE kind = 'plan_behind' AND subject = %s"
    assert shop.one(alert, f"plan:{plan_id}") is None
    shop.plant(
        f"UPDATE purchase_plan SET started_at = started_at - interval '5 days' WHERE id = {plan_id}"
    )
    run(shop, tasks.watch_purchase_plans)
    assert shop.one(alert, f"plan:{plan_id}") == "open"
    run(shop, planning.close_plan, plan_id, "staff:1")
    run(shop, tasks.watch_purchase_plans)
    assert shop.one(alert, f"plan:{plan_id}") == "closed"


def test_a_draft_takes_more_skus_and_can_be_thrown_away(shop, today):
    code, new = shop.sku(cards=1), shop.sku()
    plan_id = plan_for(shop, today, code)
    run(shop, planning.add_line, plan_id, new.lower(), "staff:1")
    line = line_of(shop, plan_id, new)
    assert (line.forecast, line.planned) == (0, 0) or line.explain["from"] in (
        "newcomers",
        "blended",
    )
    with pytest.raises(Conflict):
        run(shop, planning.add_line, plan_id, new, "staff:1")
    with pytest.raises(DomainError, match="sku_unknown"):
        run(shop, planning.add_line, plan_id, "NOPE", "staff:1")
    run(shop, planning.drop_line, plan_id, sku_id(shop, new), "staff:1")
    run(shop, planning.drop_plan, plan_id, "staff:1")
    with pytest.raises(NotFound):
        run(shop, planning.plan, plan_id)
    with pytest.raises(DomainError, match="days_invalid"):
        run(shop, planning.make_plan, "x", today, today + 200 * DAY, "staff:1")
    with pytest.raises(DomainError, match="plan_invalid"):
        run(shop, planning.make_plan, " ", today, today, "staff:1")
