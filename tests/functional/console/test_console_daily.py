"""X1: what an operator meets every day: masked buyers, odd input, two people at one thing."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

MAIN = "http://main.localhost:8000"
BUYER = "13955512345"


def order(console: Any, key: str, sku: str = "XH30", contact: str = BUYER) -> str:
    """An unpaid guest order; returns its number."""
    from kameng.db import station_scope
    from kameng.orders import api as orders

    with console.market.app.app_context(), station_scope(1):
        payable = orders.quote(sku, 1).payable
        inputs = {"phone": "13800136021"} if sku == "P100" else {}
        return str(
            orders.place(
                orders.PlaceRequest(sku, 1, inputs, contact, payable, key, "198.51.100.9")
            ).order_no
        )


def test_R5_a_guests_contact_stays_masked_in_every_corner_of_the_order(console: Any) -> None:
    number = order(console, "daily-mask")
    page = console.get(f"/admin/orders/1/{number}")
    assert BUYER not in page
    assert "139****2345" in page
    assert "买家下单" in page


def test_R5_the_contact_is_shown_on_request_and_that_is_written_down(console: Any) -> None:
    number = order(console, "daily-unmask", "P100", "13955567890")
    path = f"/admin/orders/1/{number}/unmask"
    assert console.post(path, "support").status_code == 403
    assert "您的角色只能看遮盖的" in console.get(f"/admin/orders/1/{number}", "support")
    shown = console.post(path)
    assert "13955567890" in shown.text
    assert "13800136021" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    traced = "SELECT count(*) FROM audit_event WHERE action = 'order.unmask'"
    assert console.market.count(traced) == 1
    assert "查看买家联系方式" in console.get("/admin/audit/")


def test_purchase_fields_are_named_as_the_shopper_saw_them(console: Any) -> None:
    number = order(console, "daily-labels", "P100", "13955511111")
    label = console.market.owner.execute("SELECT label FROM purchase_field LIMIT 1").fetchone()[0]
    assert label in console.get(f"/admin/orders/1/{number}")


@pytest.mark.parametrize(
    ("path", "query"),
    [("orders", "station=²"), ("transfers", "account=²"), ("audit", "station=²"),
     ("prices", "station=²"), ("accounts", "station=²"), ("desk", "id=²-²")],
)  # fmt: skip
def test_digits_that_are_no_numbers_never_break_a_list(console: Any, path: str, query: str) -> None:
    console.get(f"/admin/{path}/?{query}")


@pytest.mark.parametrize("raw", ["1e999999", "-1e999999", "NaN", "Infinity", "9" * 40])
def test_a_number_beyond_all_measure_is_refused_in_words(console: Any, raw: str) -> None:
    answer = console.post(
        "/admin/rules/new/", purpose="retail", operation="add", value=raw, grade="",
        rounding_step="100", rounding_mode="half_up",
    )  # fmt: skip
    assert answer.status_code == 422
    assert raw[:20] in answer.text
    assert "km-error" in answer.text


def test_a_new_form_shows_its_defaults(console: Any) -> None:
    page = console.get("/admin/categories/new/")
    assert re.search(r"<input[^>]*checked[^>]*name=\"visible\"", page)
    page = console.get("/admin/rules/new/")
    assert re.search(r"<input[^>]*checked[^>]*name=\"active\"", page)


def test_a_select_looks_like_one(console: Any) -> None:
    page = console.get("/admin/categories/new/")
    assert re.search(r'<select class="form-select"[^>]*name="icon"', page)


def facts(slug: str, **more: str) -> dict[str, str]:
    known = {
        "name": f"商品 {slug}", "slug": slug, "category_id": "1", "kind": "card", "summary": "",
        "delivery_note": "", "tags": "", "position": "1", "cover_title": "100", "cover_hue": "20",
        "description": "", "how_to_use": "", "after_sales": "",
    }  # fmt: skip
    return {**known, **more}


def made(console: Any, slug: str) -> int:
    console.done("/admin/products/new/", **facts(slug))
    return int(console.market.count("SELECT id FROM product WHERE slug = %s", slug))


def test_two_people_at_one_product_hear_of_each_other(console: Any) -> None:
    number = made(console, "shared-goods")
    path = f"/admin/products/{number}"
    first = re.search(r'name="seen" value="([^"]+)"', console.get(path))
    assert first
    console.done(path, **facts("shared-goods", summary="同事写的", seen=first[1]))
    late = console.post(path, **facts("shared-goods", summary="我写的", seen=first[1]))
    assert late.status_code == 409
    assert "别人保存过这件商品" in late.text
    assert "我写的" in late.text
    kept = "SELECT count(*) FROM product WHERE id = %s AND summary = '同事写的'"
    assert console.market.count(kept, number) == 1
    again = re.search(r'name="seen" value="([^"]+)"', late.text)
    assert again
    console.done(path, **facts("shared-goods", summary="我写的", seen=again[1]))
    assert console.market.count(kept, number) == 0


def test_saving_facts_keeps_the_drawn_parts_of_the_cover(console: Any) -> None:
    number = made(console, "covered-goods")
    console.market.owner.execute(
        'UPDATE product SET cover = cover || \'{"glyph": "sword", "pattern": 2}\' WHERE id = %s',
        (number,),
    )
    console.done(f"/admin/products/{number}", **facts("covered-goods", cover_hue="40"))
    kept = 'SELECT count(*) FROM product WHERE cover @> \'{"glyph": "sword", "hue": 40}\''
    assert console.market.count(kept) == 1


def test_X2_the_board_shows_the_last_24_hours_right_after_midnight(console: Any) -> None:
    from kameng.db import main_scope
    from kameng_admin.board import load_board

    console.market.owner.execute(
        "UPDATE orders SET paid_at = '2026-03-02 15:40+00', created_at = '2026-03-02 15:39+00'"
        " WHERE order_no = %s",
        (order(console, "daily-board", contact="13955522222"),),
    )
    late = datetime(2026, 3, 3, 0, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
    with console.market.app.app_context(), main_scope(reason="test"):
        day, today = load_board("24h", late), load_board("today", late)
    assert (day.total.orders, today.total.orders) == (1, 0)
    assert [bucket.orders for bucket in day.buckets][-2:] == [1, 0]
    assert (day.buckets[0].at.hour, day.buckets[-1].at.hour, len(day.buckets)) == (1, 0, 24)
    assert day.current == 23


def test_the_language_is_one_click_away_and_keeps_the_filters(console: Any) -> None:
    page = console.get("/admin/orders/?tab=held&state=held")
    link = re.search(r'href="(/admin/orders/\?[^"]*lang=en)"', page)
    assert link
    english = console.get(link[1].replace("&amp;", "&"))
    assert '<html lang="en"' in english
    assert "tab=held" in link[1]
    assert '<html lang="zh-CN"' in console.get("/admin/orders/?lang=zh")


def test_an_alert_of_the_database_speaks_the_readers_language(console: Any) -> None:
    console.market.owner.execute(
        "INSERT INTO alert(station_id, kind, subject, title, detail) VALUES"
        " (1, 'refund_declined', 'refund:1:7', 'refund declined', '{\"message\": \"账户已注销\"}')"
    )
    page = console.get("/admin/alerts/")
    assert "退款被网关拒绝：账户已注销" in page
    assert "refund declined" not in page
    assert "/admin/refunds/?tab=stuck" in page


def test_R5_the_audit_sheet_holds_no_contact(console: Any) -> None:
    console.market.owner.execute(
        "INSERT INTO audit_event(station_id, actor, action, subject)"
        " VALUES (1, %s, 'order.cancel', 'order:1')",
        (f"g:{BUYER}",),
    )
    assert BUYER not in console.get("/admin/audit/")
    sheet = console.get("/admin/audit/export/csv/")
    assert BUYER not in sheet
    assert "guest" in {line[2] for line in csv.reader(io.StringIO(sheet)) if len(line) > 2}


def test_a_login_leads_to_the_work_without_a_greeting_in_its_way(console: Any) -> None:
    page = console.as_("operations").get("/admin/", base_url=MAIN)
    assert "km-flash is-ok" not in page.text


def test_X3_unpaid_orders_are_cancelled_in_bulk_and_the_rest_say_why(console: Any) -> None:
    unpaid = order(console, "daily-bulk-1", contact="13955533331")
    gone = order(console, "daily-bulk-2", contact="13955533332")
    console.market.owner.execute("UPDATE orders SET state = 'expired' WHERE order_no = %s", (gone,))
    ids = [
        f"1,{console.market.count('SELECT id FROM orders WHERE order_no = %s', number)}"
        for number in (unpaid, gone)
    ]
    answer = console.post("/admin/orders/action/", action="cancel", rowid=ids, url="/admin/orders/")
    assert answer.status_code == 302
    page = console.get("/admin/orders/")
    assert "已取消 1 单，库存已放回" in page
    assert "不能取消" in page
    held = "SELECT count(*) FROM orders WHERE order_no = %s AND state = 'cancelled'"
    assert console.market.count(held, unpaid) == 1
    assert "data-amount=" in page
    assert 'name="rowid"' not in console.get("/admin/orders/", "finance")


def test_a_product_name_is_not_said_twice() -> None:
    from kameng_admin.base.cells import joined_cell

    assert joined_cell("方块远征 双周礼包", "双周礼包") == "方块远征 双周礼包"
    assert joined_cell("星海点券", "100 元", 2) == "星海点券 100 元 × 2"


def test_T7_who_may_not_see_costs_sees_none_on_an_order_or_the_board(console: Any) -> None:
    number = order(console, "daily-cost", contact="13955544444")
    cost = console.market.count(
        "SELECT c.cost FROM order_cost c JOIN orders o ON o.id = c.order_id WHERE o.order_no = %s",
        number,
    )
    shown = f"{cost / 10_000:,.4f}"
    assert shown in console.get(f"/admin/orders/1/{number}", "finance")
    page = console.get(f"/admin/orders/1/{number}", "support")
    assert shown not in page
    assert "权限才能看" in page
    assert "主站毛利" in console.get("/admin/", "finance")
    assert "主站毛利" not in console.get("/admin/", "support")


def test_T7_the_main_stations_buying_price_is_its_cost_and_stays_hidden(console: Any) -> None:
    sku = console.market.skus["XH30"]
    cost = console.market.count("SELECT cost FROM sku_cost WHERE sku_id = %s", sku)
    shown = f"{cost / 10_000:,.4f}"
    for path in (f"/admin/prices/sku/{sku}", "/admin/prices/?station=1"):
        assert shown in own_row(console.get(path), f"/sku/{sku}?station=1")
        assert shown not in own_row(console.get(path, "operations"), f"/sku/{sku}?station=1")


def own_row(page: str, link: str) -> str:
    """The table row that holds a link."""
    return next(row for row in page.split("<tr") if f'{link}"' in row)


def test_a_refused_form_comes_back_with_what_was_typed(console: Any) -> None:
    answer = console.post("/admin/stations/3/state", state="applied", reason="连续三天无人值守")
    page = console.get(answer.location)
    assert "不允许" in page
    assert 'value="连续三天无人值守"' in page
    assert "连续三天无人值守" not in console.get(answer.location)  # once, not for ever


def test_words_for_one_order_never_land_at_another(console: Any) -> None:
    number = order(console, "daily-desk", "P100", "13955566666")
    console.market.owner.execute(
        "INSERT INTO purchase(station_id, purchase_no, order_id, plugin_id, state, waits_for,"
        " connection_id, supplier_id, sku_id) SELECT 1, 'P-DAILY', o.id, 'supplier-manual', 'sent',"
        " 'desk', c.id, c.supplier_id, o.sku_id FROM orders o, supply_connection c"
        " WHERE o.order_no = %s AND c.plugin_id = 'supplier-manual' LIMIT 1",
        (number,),
    )
    answer = console.post("/admin/desk/1/999999/complete", "support", text="卡号 42")
    assert answer.location.endswith("id=1-999999")
    page = console.get(answer.location, "support")
    assert "没有这张采购单" in page
    assert "完成发货" in page
    assert "卡号 42" not in page
    assert "卡号 42" not in console.get("/admin/desk/", "support")


def test_an_alert_about_stock_and_deadlines_leads_to_its_thing(console: Any) -> None:
    number = order(console, "daily-overdue", contact="13955588888")
    sku = console.market.skus["XH30"]
    console.market.owner.execute(
        "INSERT INTO alert(station_id, kind, subject, title, detail) VALUES"
        " (1, 'fulfil_overdue', %s, '订单超时', '{}'),"
        " (1, 'low_stock', %s, '旧的说法', jsonb_build_object('sku_id', %s::bigint, 'free', 3))",
        (f"order:{number}", f"sku:{sku}", sku),
    )
    page = console.get("/admin/alerts/")
    assert f"/admin/orders/1/{number}" in page
    assert f"/admin/prices/sku/{sku}" in page
    assert "只剩 3 张" in page
    assert "旧的说法" not in page
    assert "only 3 left" in console.get("/admin/alerts/?lang=en")
    console.get("/admin/alerts/?lang=zh")
