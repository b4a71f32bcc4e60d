"""O1, O2: goods, prices and cards are kept in the console, through the contexts' own services."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import load_workbook

MAIN = "http://main.localhost:8000"


def product(console: Any, slug: str, kind: str = "card") -> int:
    page = console.done(
        "/admin/products/new/", name=f"商品 {slug}", slug=slug, category_id="1", kind=kind,
        summary="一句话", delivery_note="", tags="热门、秒发", position="3", cover_title="100元",
        cover_hue="210", description="", how_to_use="", after_sales="",
    )  # fmt: skip
    assert "草稿" in page
    return int(console.market.count("SELECT id FROM product WHERE slug = %s", slug))


def row(n: int, code: str, cost: str = "9.50", **more: str) -> dict[str, str]:
    values = {"id": "0", "code": code, "name": f"{code} 规格", "face_value": "10", "cost": cost,
              "min_quantity": "1", "max_quantity": "5", "low_stock": "3", "state": "on_sale"}  # fmt: skip
    return {f"sku-{n}-{name}": value for name, value in {**values, **more}.items()}


def test_O1_a_product_goes_from_draft_to_the_shelf(console: Any) -> None:
    number = product(console, "first-goods")
    early = console.post(f"/admin/products/{number}/state", state="on_sale")
    assert "成本价" in console.get(early.location)
    console.done(f"/admin/products/{number}/skus", **row(0, "FG-1"), **row(1, "FG-2", "8"))
    assert console.market.count("SELECT cost FROM sku_cost c JOIN sku s ON s.id = c.sku_id"
                                " WHERE s.code = 'FG-1'") == 95_000  # fmt: skip
    console.done(f"/admin/products/{number}/state", state="on_sale")
    assert console.market.count("SELECT count(*) FROM product WHERE id = %s AND state = 'on_sale'",
                                number) == 1  # fmt: skip


def test_a_bad_row_is_shown_with_its_reason_and_the_good_one_is_kept(console: Any) -> None:
    number = product(console, "two-rows")
    answer = console.post(
        f"/admin/products/{number}/skus", **row(0, "TR-1"), **row(1, "TR 2 有空格")
    )
    assert answer.status_code == 422
    assert "规格编号只用字母" in answer.text
    assert "TR 2 有空格" in answer.text
    assert console.market.count("SELECT count(*) FROM sku WHERE product_id = %s", number) == 1


def test_a_wrong_amount_keeps_what_was_typed(console: Any) -> None:
    number = product(console, "wrong-amount")
    answer = console.post(f"/admin/products/{number}/skus", **row(0, "WA-1", "九块五"))
    assert answer.status_code == 422
    assert "不是金额" in answer.text
    assert "九块五" in answer.text


def test_a_sku_of_another_product_cannot_be_changed_from_here(console: Any) -> None:
    first, second = product(console, "mine"), product(console, "foreign")
    console.done(f"/admin/products/{first}/skus", **row(0, "MINE-1"))
    foreign = str(console.market.count("SELECT id FROM sku WHERE code = 'MINE-1'"))
    console.post(f"/admin/products/{second}/skus", **row(0, "STOLEN", id=foreign))
    assert console.market.count("SELECT count(*) FROM sku WHERE code = 'MINE-1'") == 1


def test_purchase_fields_are_saved_and_checked(console: Any) -> None:
    number = product(console, "with-fields", "top_up")
    good = {"field-0-name": "account", "field-0-label": "充值账号", "field-0-kind": "account",
            "field-0-required": "1", "field-0-help": "", "field-0-choices": "", "field-0-pattern": ""}  # fmt: skip
    assert "充值账号" in console.done(f"/admin/products/{number}/fields", **good)
    bad = {**good, "field-0-name": "大写", "field-0-kind": "no-kind"}
    answer = console.post(f"/admin/products/{number}/fields", **bad)
    assert answer.status_code == 422
    assert (
        console.market.count("SELECT count(*) FROM purchase_field WHERE product_id = %s", number)
        == 1
    )


def test_a_taken_slug_is_said_beside_the_field(console: Any) -> None:
    product(console, "taken-slug")
    answer = console.post(
        "/admin/products/new/", name="又一个", slug="taken-slug", category_id="1", kind="card",
        summary="", delivery_note="", tags="", position="0", cover_title="", cover_hue="1",
        description="", how_to_use="", after_sales="",
    )  # fmt: skip
    assert answer.status_code == 422
    assert "已经有了" in answer.text


def test_cost_stays_hidden_from_roles_that_may_not_see_it(console: Any) -> None:
    number = product(console, "secret-cost")
    console.done(f"/admin/products/{number}/skus", **row(0, "SC-1", "7.7731"))
    sku = console.market.count("SELECT id FROM sku WHERE code = 'SC-1'")
    assert "7.7731" in console.get(f"/admin/products/{number}")
    assert "7.7731" not in console.get(f"/admin/products/{number}", "support")
    assert "7.7731" in console.get(f"/admin/prices/sku/{sku}", "finance")


def test_O2_a_new_cost_changes_every_offer_at_once(console: Any) -> None:
    sku = console.market.skus["XH100"]
    before = console.market.count(
        "SELECT price FROM listing WHERE station_id = 2 AND sku_id = %s", sku
    )
    page = console.done(f"/admin/prices/sku/{sku}/cost", cost="97.25", reason="上游涨价")
    assert "个报价随之更新" in page
    after = console.market.count(
        "SELECT price FROM listing WHERE station_id = 2 AND sku_id = %s", sku
    )
    assert after > before
    assert "上游涨价" in page


def test_O2_a_rule_is_previewed_before_it_is_saved(console: Any) -> None:
    rule = {"purpose": "retail", "operation": "add", "value": "3.00", "grade": "", "sku_id": "",
            "for_station_id": "", "category_id": "", "rounding_step": "100", "rounding": "half_up",
            "floor_price": "", "ceiling_price": "", "note": "加三元", "active": "y"}  # fmt: skip
    shown = console.post("/admin/rules/new/", **rule, preview="1")
    assert shown.status_code == 200
    assert "还没有保存" in shown.text
    assert console.market.count("SELECT count(*) FROM price_rule WHERE note = '加三元'") == 0
    console.done("/admin/rules/new/", **rule)
    number = console.market.count("SELECT id FROM price_rule WHERE note = '加三元'")
    assert console.market.count("SELECT count(*) FROM audit_event WHERE action = 'price.rule'") >= 1
    console.done(f"/admin/rules/{number}/delete")
    assert console.market.count("SELECT count(*) FROM price_rule WHERE note = '加三元'") == 0


def test_a_price_below_the_purchase_price_is_refused(console: Any) -> None:
    sku = console.market.skus["XH30"]
    answer = console.post(f"/admin/prices/sku/{sku}/listing/2", fixed_price="0.01")
    assert "售价不能低于进货价" in console.get(answer.location)


def test_O1_cards_are_imported_by_a_worker_with_progress(console: Any) -> None:
    from kameng.jobs.discovery import load_tasks
    from kameng.jobs.inline import drain

    sku = console.market.skus["EMPTY"]
    lines = "E1----SECRET-CANARY-1\nE2----SECRET-CANARY-2\nE2----SECRET-CANARY-2\nE3----\n"
    answer = console.post(
        "/admin/batches/import", sku=str(sku), batch_name="B-TEST", expires_on="",
        cards=(io.BytesIO(lines.encode()), "cards.txt"),
    )  # fmt: skip
    assert answer.status_code == 303, answer.text[:400]
    page = console.get(answer.location)
    assert 'hx-trigger="every 1s"' in page
    with console.market.app.app_context():
        load_tasks()
        drain()
    page = console.get(answer.location)
    assert 'hx-trigger="every 1s"' not in page
    assert "CANARY" not in page
    number = answer.location.rpartition("/")[2]
    assert console.market.count("SELECT imported FROM card_batch WHERE id = %s", number) == 2
    sheet = console.get(f"/admin/batches/{number}/errors.csv")
    assert "CANARY" not in sheet
    voided = console.done(f"/admin/batches/{number}/void", reason="测试作废")
    assert "已作废 2 张" in voided


def test_an_import_without_a_file_says_what_is_missing(console: Any) -> None:
    sku = str(console.market.skus["EMPTY"])
    answer = console.post("/admin/batches/import", sku=sku, pasted="", expires_on="", batch_name="")
    assert answer.status_code == 422
    assert "请选择文件" in answer.text


def test_a_category_is_made_and_its_slug_is_unique(console: Any) -> None:
    data = {"name": "新分类", "slug": "new-shelf", "parent_id": "", "icon": "gift", "position": "9"}
    assert "新分类" in console.done("/admin/categories/new/", **data)
    answer = console.post("/admin/categories/new/", **data)
    assert answer.status_code == 422
    number = console.market.count("SELECT id FROM category WHERE slug = 'new-shelf'")
    address = f"/admin/categories/edit/?id={number}"
    assert "改名了" in console.done(address, **{**data, "name": "改名了"})
    below_itself = console.post(address, **{**data, "parent_id": str(number)})
    assert below_itself.status_code == 422
    assert "自己下面" in below_itself.text


def test_several_products_are_put_on_the_shelf_at_once(console: Any) -> None:
    ready, bare = product(console, "bulk-ready"), product(console, "bulk-bare")
    console.done(f"/admin/products/{ready}/skus", **row(0, "BR-1"))
    answer = console.post("/admin/products/action/", action="shelve", rowid=[str(ready), str(bare)])
    page = console.get(answer.location)
    assert "已上架 1 件" in page
    assert "要有成本价" in page
    console.post("/admin/products/action/", "support", action="unshelve", rowid=[str(ready)])
    on_sale = "SELECT count(*) FROM product WHERE id = %s AND state = 'on_sale'"
    assert console.market.count(on_sale, ready) == 1
    console.post("/admin/products/action/", action="delete", rowid=[str(ready)])
    assert console.market.count(on_sale, ready) == 1


def test_the_sheet_comes_back_unchanged(console: Any) -> None:
    answer = console.as_("admin").get("/admin/products/sheet", base_url=MAIN)
    assert load_workbook(io.BytesIO(answer.data)).active.max_row > 3
    again = console.post("/admin/products/import", sheet=(io.BytesIO(answer.data), "all.xlsx"))
    assert again.status_code == 200
    assert "导入结果" in again.text
    empty = console.post("/admin/products/import")
    assert empty.status_code == 422


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_X1_an_export_holds_no_formula(console: Any, kind: str) -> None:
    console.market.owner.execute(
        "INSERT INTO audit_event(station_id, actor, action, subject, detail, ip) VALUES"
        " (1, '=HYPERLINK(\"http://evil\")', '+cmd', '@SUM(1)', '{}', '-1')"
    )
    answer = console.as_("admin").get(f"/admin/audit/export/{kind}/", base_url=MAIN)
    assert answer.status_code == 200
    if kind == "csv":
        assert "'+cmd" in answer.text
        assert "'=HYPERLINK" in answer.text
        assert "\n+cmd" not in answer.text
    else:
        cells = [
            c for line in load_workbook(io.BytesIO(answer.data)).active.iter_rows() for c in line
        ]
        assert "f" not in {cell.data_type for cell in cells}
        assert any(cell.value == "'+cmd" for cell in cells)
    assert console.market.count("SELECT count(*) FROM audit_event WHERE action = 'export'") >= 1


def test_an_export_follows_the_filters_and_the_permission(console: Any) -> None:
    console.get("/admin/orders/export/csv/?state=held")
    console.get("/admin/transfers/export/csv/", "support", 403)
    console.get("/admin/stock/export/csv/", expected=404)
