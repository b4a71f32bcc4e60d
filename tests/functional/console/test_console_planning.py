"""S10: plans, forecasts and seasons in the console."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

MAIN = "http://main.localhost:8000"
DAY = timedelta(days=1)
ROLE = "purchasing"


@pytest.fixture(scope="module")
def sold(console: Any) -> date:
    """Ten pieces of one SKU on each of the last ninety days; the day in China."""
    from kameng.planning import api as planning

    today = planning.today()
    console.market.owner.execute("UPDATE sku SET created_at = now() - interval '1 year'")
    console.market.owner.execute(
        "INSERT INTO orders(station_id, order_no, idempotency_key, request_hash, shopper_key, secret_hash, sku_id, kind, product_name,"
        " sku_name, quantity, unit_price, total, payable, price_version, state, created_at, expires_at, paid_at)"
        " SELECT 1, gen_random_uuid()::text, gen_random_uuid()::text, '', 'g:x', '', %s, 'card', 'p', 's', 10, 100, 1000, 1000, 1, 'completed',"
        " d, d, d FROM generate_series(now() - interval '90 days', now() - interval '1 day', interval '1 day') d",
        (console.market.skus["XH30"],),
    )
    return today


def make(console: Any, today: date, **changes: str) -> Any:
    given = {
        "name": "十天备货", "season": "", "first": today.isoformat(),
        "last": (today + 9 * DAY).isoformat(), "cover": "p50",
    }  # fmt: skip
    return console.post("/admin/plans/new", ROLE, **{**given, **changes})


def test_a_plan_is_made_edited_started_exported_and_closed(console, sold):
    assert "还没有备货计划" in console.get("/admin/plans/", ROLE)
    page = console.get("/admin/plans/new", ROLE)
    assert "双11" in page or "春节" in page or "元旦" in page
    answer = make(console, sold)
    assert answer.status_code == 303, answer.text[-900:]
    path = answer.location.removeprefix(MAIN)
    number = console.market.skus["XH30"]
    page = console.get(path, ROLE)
    for words in (
        "星海点券",
        "怎么算的",
        "平时每天 10.0 件",
        f'name="planned-{number}"',
        "开始计划",
    ):
        assert words in page, words
    supplier = console.market.count(
        "INSERT INTO supplier(code, name, state) VALUES ('plan-c', '备货商', 'active') RETURNING id"
    )
    page = console.done(
        f"{path}/lines", ROLE, **{f"planned-{number}": "77", f"supplier-{number}": str(supplier)}
    )
    assert "改动 1 行" in page
    assert "备货商" in page
    wrong = console.post(f"{path}/lines", ROLE, **{f"planned-{number}": "many"})
    assert "计划数量要填整数" in console.get(wrong.location, ROLE)
    assert "规格已加进计划" in console.done(f"{path}/add", ROLE, code="lone")
    lone = console.market.skus["LONE"]
    assert "规格已移出计划" in console.done(f"{path}/remove/{lone}", ROLE)
    again = console.post(f"{path}/add", ROLE, code="nope")
    assert "没有这个规格编号" in console.get(again.location, ROLE)

    assert "计划已开始" in console.done(f"{path}/start", ROLE)
    assert "时间已过" in console.get(path, ROLE)
    assert "按进度" in console.get("/admin/plans/", ROLE)
    sheet = console.as_(ROLE).get(f"{path}/sheet/csv?supplier={supplier}", base_url=MAIN)
    assert sheet.status_code == 200
    assert "XH30" in sheet.text
    assert ",77," in sheet.text
    book = console.as_(ROLE).get(f"{path}/sheet/xlsx?supplier={supplier}", base_url=MAIN)
    assert book.data[:2] == b"PK"
    console.get(f"{path}/sheet/csv?supplier=999999", ROLE, expected=404)
    audit = "SELECT count(*) FROM audit_event WHERE action = 'export' AND subject LIKE 'plan:%%'"
    assert console.market.count(audit) == 2
    assert "计划已结束" in console.done(f"{path}/close", ROLE)
    assert f'name="planned-{number}"' not in console.get(path, ROLE)


def test_a_draft_can_be_thrown_away(console, sold):
    path = make(console, sold, name="不要了").location.removeprefix(MAIN)
    assert "草稿已删除" in console.done(f"{path}/drop", ROLE)
    console.get(path, ROLE, expected=404)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "请填写名称"), ({"first": "", "last": ""}, "请选时令"), ({"first": "soon"}, "日期要写成"),
        ({"season": "spring_festival@2099", "first": "", "last": ""}, "还没有日期"), ({"cover": "all"}, "备货水平不对"),
        ({"last": "2099-01-01"}, "最长 120 天"),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_hold_comes_back_with_its_error(console, sold, changes, says):
    answer = make(console, sold, **changes)
    assert answer.status_code == 422
    assert says in answer.text


def test_forecasts_are_listed_shown_and_tested_against_the_past(console, sold):
    page = console.get("/admin/forecasts/?days=7", ROLE)
    assert "星海点券 XH30 元" in page
    assert "没有找到规格" in console.get("/admin/forecasts/?search=zzzz", ROLE)
    number = console.market.skus["XH30"]
    page = console.get(f"/admin/forecasts/{number}?days=60", ROLE)
    for words in ("chart-forecast", "markArea", "平时每天 10.0 件", "周一到周日的系数"):
        assert words in page, words
    console.get("/admin/forecasts/999999999", ROLE, expected=404)
    lone = console.get(f"/admin/forecasts/{console.market.skus['LONE']}", ROLE)
    assert "平时每天 0.0 件" in lone
    page = console.get("/admin/forecasts/backtest", ROLE)
    assert "预测误差" in page
    assert "星海点券 XH30 元" in page
    page = console.get(f"/admin/forecasts/backtest?first={sold}&last={sold}", ROLE, expected=422)
    assert "已经过去的日期" in page
    assert "这段时间没有销量" in console.get(
        "/admin/forecasts/backtest?first=2020-01-01&last=2020-01-05", ROLE
    )


def test_seasons_are_shown_and_own_ones_written_down(console):
    page = console.get("/admin/seasons/", ROLE)
    assert "双11" in page
    assert "还没有自己的时令" in page
    answer = console.post(
        "/admin/seasons/add", ROLE, name="暑假", first="2027-07-01", last="2026-01-01"
    )
    assert answer.status_code == 422
    assert "结束不能早于开始" in answer.text
    assert (
        console.post("/admin/seasons/add", ROLE, name="暑假", first="", last="").status_code == 422
    )
    page = console.done(
        "/admin/seasons/add", ROLE, name="暑假", first="2027-07-01", last="2027-08-20"
    )
    assert "时令已保存" in page
    assert "暑假" in page
    number = console.market.count("SELECT id FROM season WHERE name = '暑假'")
    assert "时令已删除" in console.done(f"/admin/seasons/{number}/drop", ROLE)


def test_years_without_data_are_told_and_filled_from_the_page(console):
    from kameng.planning import api as planning

    year = planning.last_year() + 1
    if year > planning.today().year + 2:
        pytest.skip("the calendar has data for all years that the page shows")
    page = console.get("/admin/seasons/", ROLE)
    assert f"还没有 {year} 年的放假安排" in page
    page = console.done(
        "/admin/seasons/add", ROLE, name="春节", first=f"{year}-02-05", last=f"{year}-02-11"
    )
    assert page.count("员工填写") == 1
    console.market.owner.execute("DELETE FROM season")


def test_others_plan_nothing(console):
    for path in ("plans", "forecasts", "seasons"):
        console.get(f"/admin/{path}/", "support", expected=403)
