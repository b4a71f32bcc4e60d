"""The pages of supply: connections, offers, mapping, SKUs and purchases, each with its guard."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

CODE = "HF100T"


@dataclass
class Goods:
    """A supplier with one connection and one offer, and a top-up SKU of the market."""

    supplier: int
    connection: int
    offer: int
    sku: int
    code: str


def one(console: Any, sql: str, *params: Any) -> Any:
    row = console.market.owner.execute(sql, params).fetchone()
    return row[0] if row else None


@pytest.fixture
def goods(console: Any) -> Goods:
    supplier = one(
        console,
        "INSERT INTO supplier(code, name, state, grade) VALUES ('north', '北方供货', 'active', 'A') "
        "ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id",
    )
    connection = one(
        console,
        "INSERT INTO supply_connection(supplier_id, plugin_id, account, name, balance, sync_goods) "
        "VALUES (%s, 'supplier-manual', '', '北方人工', 1000000, false) "
        "ON CONFLICT (supplier_id, plugin_id, account) DO UPDATE SET state = 'active' RETURNING id",
        supplier,
    )
    sku, code = console.market.owner.execute(
        "SELECT s.id, s.code FROM sku s JOIN product p ON p.id = s.product_id "
        "WHERE p.kind = 'top_up' ORDER BY s.id LIMIT 1"
    ).fetchone()
    ref = f"n-{one(console, 'SELECT count(*) FROM supply_offer')}"
    fields = json.dumps([{"name": "mobile", "label": "手机号", "required": True, "choices": []}])
    offer = one(
        console,
        "INSERT INTO supply_offer(supplier_id, connection_id, sku_ref, name, kind, cost, stock, fields) "
        "SELECT %s, %s, %s, p.name || ' ' || s.name, 'top_up', k.cost - 100, 50, %s FROM sku s "
        "JOIN product p ON p.id = s.product_id JOIN sku_cost k ON k.sku_id = s.id "
        "WHERE s.id = %s RETURNING id",
        supplier, connection, ref, fields, sku,
    )  # fmt: skip
    console.market.owner.execute(
        "INSERT INTO supply_offer_change(supplier_id, offer_id, new_cost, new_on_sale, source) "
        "VALUES (%s, %s, 900000, true, 'sync'), (%s, %s, 910000, false, 'staff')",
        (supplier, offer, supplier, offer),
    )
    yield Goods(supplier, connection, offer, sku, code)
    console.done(f"/admin/offers/{offer}/unmap")


def mapped(console: Any, goods: Goods) -> Any:
    return one(console, "SELECT sku_id FROM supply_offer WHERE id = %s", goods.offer)


@pytest.mark.parametrize("place", ["connections/", "offers/", "supply/", "purchases/"])
def test_S3_the_pages_of_supply_ask_for_their_permission(console: Any, goods: Goods, place: str):
    assert console.get(f"/admin/{place}", "purchasing")
    console.get(f"/admin/{place}", "nothing", 403)
    assert console.get(f"/admin/{place}?tab=all&search=x")


def test_a_connection_is_made_paused_resumed_and_configured(console: Any, goods: Goods):
    supplier = one(
        console,
        "INSERT INTO supplier(code, name, state) VALUES ('south', '南方供货', 'active') RETURNING id",
    )
    assert "南方供货" in console.get("/admin/connections/")
    page = console.done(
        "/admin/connections/add", supplier=supplier, plugin="supplier-manual", account="", name="南方",
    )  # fmt: skip
    assert "南方" in page
    number = one(console, "SELECT id FROM supply_connection WHERE supplier_id = %s", supplier)
    there = f"/admin/connections/{number}"
    again = console.post(
        "/admin/connections/add", supplier=supplier, plugin="supplier-manual", account="", name="x",
    )  # fmt: skip
    assert again.location.endswith("/admin/connections/")
    assert "对方维护" in console.done(f"{there}/pause", reason="对方维护")
    assert "接口已暂停" in console.get(there)
    assert "接口已暂停" not in console.done(f"{there}/resume")
    refused = console.post(f"{there}/terms", name="", sync_every_s="5")
    assert refused.status_code == 422
    console.done(f"{there}/terms", name="南方二", sync_every_s="60", low_balance="100")
    assert (
        one(console, "SELECT low_balance FROM supply_connection WHERE id = %s", number) == 100_0000
    )
    console.done(f"{there}/settings", **{"field-note": "请两小时内处理"})
    assert "请两小时内处理" in console.get(there)
    assert console.done(f"{there}/sync")
    console.market.owner.execute(
        "UPDATE supply_connection SET broken_until = now() + interval '1 hour' WHERE id = %s",
        (number,),
    )
    assert "熔断" in console.get(there)
    console.done(f"{there}/reset")
    assert one(console, "SELECT broken_until FROM supply_connection WHERE id = %s", number) is None
    assert console.post(f"{there}/pause", "finance", reason="不许").status_code == 403


def test_an_offer_shows_its_history_and_is_mapped_after_a_look(console: Any, goods: Goods):
    there = f"/admin/offers/{goods.offer}"
    page = console.get(there)
    assert 'data-chart="chart-cost"' in page
    assert goods.code in page, "the likeliest SKU is suggested"
    shown = console.get(f"{there}?sku={goods.code}")
    assert "确定映射" in shown
    assert mapped(console, goods) is None, "a look changes nothing"
    assert "没有编号是" in console.get(f"{there}?sku=NO-SUCH")
    console.done(f"{there}/map", sku=goods.code)
    assert mapped(console, goods) == goods.sku
    field = one(
        console, "SELECT f.name FROM purchase_field f JOIN sku s ON s.product_id = f.product_id "
        "WHERE s.id = %s LIMIT 1", goods.sku,
    )  # fmt: skip
    console.done(f"{there}/fields", **{"field-0": field})
    assert one(console, "SELECT input_map FROM supply_offer WHERE id = %s", goods.offer) == {
        "mobile": field
    }
    assert "已停用" in console.done(f"{there}/switch", on="0")
    assert console.post(f"{there}/map", "finance", sku=goods.code).status_code == 403


def test_many_offers_are_mapped_at_once_after_a_preview(console: Any, goods: Goods):
    sent = console.post(
        "/admin/offers/action/", action="map", rowid=f"{goods.supplier},{goods.offer}"
    )
    assert sent.location.endswith(f"/admin/offers/map?ids={goods.offer}")
    page = console.get(f"/admin/offers/map?ids={goods.offer}")
    assert f'value="{goods.code}"' in page, "a good suggestion is filled in"
    given = {"ids": str(goods.offer), f"sku-{goods.offer}": goods.code}
    look = console.post("/admin/offers/map", do="preview", **given)
    assert look.status_code == 200
    assert "成本" in look.text
    assert mapped(console, goods) is None
    console.done("/admin/offers/map", do="save", **given)
    assert mapped(console, goods) == goods.sku


def test_a_product_is_made_from_an_offer(console: Any, goods: Goods):
    category = one(console, "SELECT id FROM category ORDER BY id LIMIT 1")
    console.done(
        f"/admin/offers/{goods.offer}/product", name="新话费", sku_name="100 元", face_value="100",
        category=category,
    )  # fmt: skip
    made = mapped(console, goods)
    assert one(console, "SELECT face_value FROM sku WHERE id = %s", made) == 100_0000


def test_a_sku_shows_who_would_be_asked_and_keeps_its_rules(console: Any, goods: Goods):
    console.done(f"/admin/offers/{goods.offer}/map", sku=goods.code)
    there = f"/admin/supply/{goods.sku}"
    page = console.get(there)
    assert "北方供货" in page
    assert "只有这一家能供" in page
    assert "对方库存不足" in console.get(f"{there}?quantity=51")
    console.done(
        f"{there}/policy", follow="y", add_bp="0", on_rise="ask", loss_bp="0", when_none="desk"
    )
    assert one(console, "SELECT on_rise FROM supply_policy WHERE sku_id = %s", goods.sku) == "ask"
    console.market.owner.execute(
        "UPDATE supply_level SET available = 0, paused = 'ask' WHERE sku_id = %s", (goods.sku,)
    )
    assert "确认成本" in console.get(there)
    assert "已恢复销售" in console.done(f"{there}/confirm")
    assert console.post(f"{there}/policy", "finance").status_code == 403
    assert console.get("/admin/supply/?tab=paused")


@pytest.fixture
def purchase(console: Any, goods: Goods) -> tuple[int, str]:
    """A paid top-up that waits for a person at the supplier; its id and its order's address."""
    from kameng.supply import api as supply

    from .test_console_desks import order, paid

    console.done(f"/admin/offers/{goods.offer}/map", sku=goods.code)
    number, order_no = order(console, goods.code, "top_up")
    paid(console, number)
    with console.market.app.app_context():
        supply.fulfil(1, number)
    made = one(console, "SELECT id FROM purchase WHERE station_id = 1 AND order_id = %s", number)
    assert made
    return made, f"/admin/orders/1/{order_no}"


def test_a_purchase_tells_why_it_went_there_and_is_completed(console: Any, purchase: Any):
    number, order_page = purchase
    there = f"/admin/purchases/1/{number}"
    page = console.get(there)
    assert "为什么是这一家" in page
    assert "只有这一家能供" in page
    assert "查看报文" in page
    assert "只有这一家能供" in console.get(order_page)
    assert console.get("/admin/purchases/?tab=people&waits=desk&age=10")
    shown = console.post(f"{there}/exchanges")
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    told = "SELECT count(*) FROM audit_event WHERE action = 'purchase.exchanges'"
    assert one(console, told) == 1
    assert console.post(f"{there}/exchanges", "finance").status_code == 403
    console.done(f"{there}/complete", text="已充值")
    assert one(console, "SELECT state FROM purchase WHERE station_id = 1 AND id = %s", number) == (
        "succeeded"
    )
    assert "完成发货" not in console.get(there), "what has ended is not handed over again"


def test_a_purchase_is_asked_about_sent_again_or_failed_by_hand(console: Any, purchase: Any):
    number, _order_page = purchase
    there = f"/admin/purchases/1/{number}"
    console.post(f"{there}/again")
    assert "不能重发" in console.get(there), "a person may have done it already"
    console.done(f"{there}/ask")
    assert "不能撤单" in console.as_("admin").get(
        console.post(f"{there}/take-back", reason="不要了").location,
        base_url="http://main.localhost:8000",
    ).text  # fmt: skip
    console.done(f"{there}/fail", reason="号码不对")
    state = "SELECT state || ' ' || message FROM purchase WHERE station_id = 1 AND id = %s"
    assert one(console, state, number) == "declined 号码不对"


def test_cards_are_typed_one_a_line():
    from kameng.errors import DomainError
    from kameng_admin.views.purchases import card_of

    assert card_of("NO1 CODE1") == ("NO1", "CODE1")
    assert card_of("NO1,CODE1") == ("NO1", "CODE1")
    assert card_of(" CODE1 ") == ("", "CODE1")
    with pytest.raises(DomainError, match="card_line"):
        card_of("a b c")
