"""S1–S4, S8, R9: purchasing takes suppliers on, finance pays them, and each step asks for its right."""

from __future__ import annotations

import io
import re
import secrets
from datetime import date, timedelta
from typing import Any

import pytest

MAIN = "http://main.localhost:8000"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64
NAMES = iter(range(1, 100))


def applied(console: Any) -> int:
    from kameng.suppliers import api as suppliers

    n = next(NAMES)
    form = {
        "name": f"海源{n}号", "legal_name": f"海源第{n}科技有限公司", "contact_name": "王海",
        "phone": "13800136021", "email": f"hai{n}@example.com", "about": "游戏点券，有授权书一份",
    }  # fmt: skip
    files = [suppliers.Upload("business_licence", "", PNG)]
    with console.market.app.app_context():
        return suppliers.apply(form, files)


def taken_on(console: Any) -> int:
    supplier = applied(console)
    paper = console.market.count(
        "SELECT id FROM supplier_document WHERE supplier_id = %s", supplier
    )
    at = f"/admin/suppliers/{supplier}"
    console.done(f"{at}/documents/{paper}/review", "purchasing", decision="approve", number="91")
    console.done(f"{at}/approve", "purchasing", login=f"boss-{supplier}")
    return supplier


def bought(console: Any, supplier: int, cost: int = 90_0000) -> str:
    """A delivered top-up of this supplier; the purchase's number."""
    owner, number = console.market.owner, f"PC{secrets.token_hex(6)}"
    connection = console.market.count(
        "SELECT id FROM supply_connection WHERE supplier_id = %s", supplier
    )
    opened = owner.execute(
        "SELECT purchase_id FROM open_purchase(1, %s, %s, NULL, %s, %s, %s, '{}', '[]', NULL, 'x')",
        (console.market.paid_order("P100"), connection, cost, cost, number),
    ).fetchone()[0]
    owner.execute("SELECT * FROM take_purchase(1, %s)", (opened,))
    done = owner.execute(
        "SELECT code FROM receive_purchase(1, %s, 1, %s, NULL, '', '', 'ok', '', '', NULL, '{NULL}', 'x')",
        (opened, cost),
    ).fetchone()
    assert done == ("ok",)
    return number


def test_S1_S2_an_application_is_looked_at_and_decided(console: Any) -> None:
    supplier = applied(console)
    at = f"/admin/suppliers/{supplier}"
    assert "待审核" in console.get("/admin/suppliers/?tab=applied", "purchasing")
    page = console.get(at, "purchasing")
    paper = int(re.findall(rf"{at}/documents/(\d+)", page)[0])
    opened = console.as_("purchasing").get(f"{at}/documents/{paper}", base_url=MAIN)
    assert (opened.data, opened.mimetype) == (PNG, "image/png")
    policy = opened.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert opened.headers["Cache-Control"] == "no-store"
    assert console.as_("finance").get(f"{at}/documents/{paper}", base_url=MAIN).status_code == 403
    early = console.post(f"{at}/approve", "purchasing", login="early")
    assert "营业执照" in console.get(early.location, "purchasing")
    page = console.done(
        f"{at}/documents/{paper}/review", "purchasing", decision="approve",
        valid_until=(date.today() + timedelta(days=400)).isoformat(), number="91310000",
    )  # fmt: skip
    assert "已通过" in page
    page = console.done(f"{at}/approve", "purchasing", login="haiyuan-boss")
    assert "合作中" in page
    assert "等他设置密码" in page
    assert console.post(f"{at}/approve", "support", login="x").status_code == 403
    mail = "SELECT count(*) FROM notice WHERE kind = 'supplier.approved' AND body LIKE '%%/supplier/invitation/%%'"
    assert console.market.count(mail) >= 1


def test_S2_an_applicant_is_turned_away_with_a_reason(console: Any) -> None:
    supplier = applied(console)
    page = console.done(f"/admin/suppliers/{supplier}/refuse", "purchasing", reason="资料不全")
    assert "未通过" in page
    assert "资料不全" in page


def test_S2_state_grade_and_people_are_managed(console: Any) -> None:
    supplier = taken_on(console)
    at = f"/admin/suppliers/{supplier}"
    assert "已暂停采购" in console.done(f"{at}/state", "purchasing", state="paused", reason="测试")
    assert "合作中" in console.done(f"{at}/state", "purchasing", state="active", reason="测试")
    assert "人工定的" in console.done(f"{at}/grade", "purchasing", grade="A", reason="老伙伴")
    assert "由评分决定" in console.done(f"{at}/grade", "purchasing", grade="", reason="按评分")
    page = console.done(
        f"{at}/people", "purchasing", login=f"second-{supplier}", name="李", email="li@example.com"
    )
    assert f"second-{supplier}" in page
    person = console.market.count("SELECT max(id) FROM supplier_user")
    console.done(f"{at}/people/{person}/invite", "purchasing")
    console.done(f"{at}/people/{person}/totp", "purchasing")
    assert console.post(f"{at}/state", "finance", state="paused", reason="xx").status_code == 403
    desk = console.market.count("SELECT id FROM supplier WHERE code = 'desk'")
    assert "人工台" in console.get(f"/admin/suppliers/{desk}", "purchasing")


def test_S4_a_contract_goes_from_draft_to_its_end(console: Any) -> None:
    supplier = taken_on(console)
    day = date.today()
    data = {
        "terms": "exclusive", "settlement_cycle": "weekly", "valid_from": day.isoformat(),
        "valid_until": (day + timedelta(days=20)).isoformat(), "credit_limit": "5000",
        "duty_contact": "李值班", "duty_phone": "139", "duty_minutes": "20", "note": "",
    }  # fmt: skip
    new = f"/admin/contracts/new/{supplier}"
    wrong = console.post(new, "purchasing", **{**data, "valid_until": "2020-01-01"})
    assert wrong.status_code == 422
    assert "结束日期" in wrong.text
    page = console.done(new, "purchasing", **data)
    number = console.market.count("SELECT max(id) FROM supplier_contract")
    at = f"/admin/contracts/{supplier}/{number}"
    assert "草稿" in page
    console.done(f"{at}/edit", "purchasing", **{**data, "duty_minutes": "25"})
    console.done(f"{at}/cost", "purchasing", code="P100", cost="97.5")
    refused = console.post(f"{at}/cost", "purchasing", code="NOPE", cost="1")
    assert "没有规格" in console.get(refused.location, "purchasing")
    sheet = console.as_("purchasing").get(f"{at}/costs.csv", base_url=MAIN).data
    assert b"P100" in sheet
    again = io.BytesIO(sheet + b"XH30,x,28.1\r\n")
    page = console.done(f"{at}/costs", "purchasing", sheet=(again, "c.csv"))
    assert "已按表格更新 2 个" in page
    page = console.done(f"{at}/sign", "purchasing")
    assert "执行中" in page
    assert "双方已签" not in page
    rival = taken_on(console)
    console.done(f"/admin/contracts/new/{rival}", "purchasing", **data)
    other = console.market.count("SELECT max(id) FROM supplier_contract")
    there = f"/admin/contracts/{rival}/{other}"
    console.done(f"{there}/cost", "purchasing", code="P100", cost="97")
    clash = console.post(f"{there}/sign", "purchasing")
    assert "独家冲突" in console.get(clash.location, "purchasing")
    assert "供货合同" in console.get(f"{at}/print", "purchasing")
    assert "97.5000" in console.get(f"{at}/print", "purchasing")
    assert "30 天内到期" in console.get("/admin/contracts/?tab=ending", "purchasing")
    assert "已结束" in console.done(f"{at}/end", "purchasing", reason="不续了")
    assert console.post(f"{there}/sign", "finance").status_code == 403


def test_R9_a_payment_waits_for_the_second_person(console: Any) -> None:
    supplier = taken_on(console)
    bought(console, supplier)
    page = console.get(f"/admin/supplier-payments/ask?supplier={supplier}", "purchasing")
    key = re.findall(r'name="key" value="([^"]+)"', page)[0]
    assert "90.0000" in page
    data = {
        "supplier": str(supplier), "amount": "50", "paid_on": "2026-11-25", "method": "银行转账",
        "reference": "BANK-77", "note": "", "key": key,
    }  # fmt: skip
    for _twice in range(2):
        page = console.done("/admin/supplier-payments/ask", "purchasing", **data)
    assert page.count("BANK-77") == 1
    bad = console.post("/admin/supplier-payments/ask", "purchasing", **{**data, "paid_on": "x"})
    assert "付款日期" in console.get(bad.location, "purchasing")
    waiting = console.market.count(
        "SELECT id FROM approval WHERE kind = 'supplier_payment' ORDER BY id DESC LIMIT 1"
    )
    assert "供应商付款" in console.get("/admin/approvals/", "finance")
    console.done(f"/admin/approvals/1/{waiting}/vote", "finance", agrees="1")
    assert "已入账" in console.get(f"/admin/supplier-payments/?supplier={supplier}", "finance")
    assert '40<span class="d">.0000' in console.get(f"/admin/suppliers/{supplier}", "finance")
    assert console.post("/admin/supplier-payments/ask", "support", **data).status_code == 403


def test_R9_a_bill_is_laid_beside_the_statement(console: Any) -> None:
    from kameng.db import main_scope
    from kameng.suppliers import api as suppliers

    supplier = taken_on(console)
    numbers = [bought(console, supplier) for _n in range(2)]
    console.market.owner.execute(
        "UPDATE transfer SET at = at - interval '40 days' WHERE kind = 'purchase.cost'"
    )
    with console.market.app.app_context(), main_scope(reason="test"):
        suppliers.draw_up_due()
        (one,) = [s for s in suppliers.statements_of(supplier) if s.lines]
    at = f"/admin/supplier-statements/{supplier}/{one.id}"
    assert "180.0000" in console.get(at, "finance")
    bill = f"purchase_no,amount\n{numbers[0]},90\n{numbers[1]},95\nXX1,3\n"
    page = console.done(f"{at}/bill", "finance", bill=(io.BytesIO(bill.encode()), "b.csv"))
    for word in ("差异 2 处", "金额不一致", "只在对方账单", "相差 ¥8.0000"):
        assert word in page
    broken = console.post(f"{at}/bill", "finance", bill=(io.BytesIO(b"a,b\nc,d\n"), "b.csv"))
    assert "第 2 行读不懂" in console.get(broken.location, "finance")
    assert "相差" not in console.done(f"{at}/total", "finance", amount="180")
    sheet = console.as_("finance").get(f"{at}/sheet.xlsx", base_url=MAIN)
    assert sheet.data.startswith(b"PK")
    assert console.post(f"{at}/total", "support", amount="1").status_code == 403


def test_S8_a_dispute_is_opened_answered_and_ended(console: Any) -> None:
    from kameng.suppliers import api as suppliers

    supplier = taken_on(console)
    number = bought(console, supplier)
    page = console.get(f"/admin/disputes/new?purchase={number}", "purchasing")
    assert number in page
    data = {"purchase": number, "kind": "not_delivered", "amount": "20", "text": "没有到账"}
    unknown = console.post("/admin/disputes/new", "purchasing", **{**data, "purchase": "NOPE"})
    assert "没有这张" in console.get(unknown.location, "purchasing")
    assert "等供应商答复" in console.done("/admin/disputes/new", "purchasing", **data)
    dispute = console.market.count("SELECT max(id) FROM supply_dispute")
    with console.market.app.app_context():
        suppliers.answer_dispute(supplier, dispute, "同意退一半", 10_0000)
    at = f"/admin/disputes/{supplier}/{dispute}"
    page = console.get(at, "purchasing")
    assert "愿意退回 ¥10.0000" in page
    console.done(f"{at}/reply", "purchasing", text="能退十二块吗")
    without = console.post(f"{at}/agree", "purchasing", amount="12", reason="")
    assert "怎么同意的" in console.get(without.location, "purchasing")
    page = console.done(f"{at}/agree", "purchasing", amount="12", reason="电话里同意")
    assert "已达成一致" in page
    assert '78<span class="d">.0000' in console.get(f"/admin/suppliers/{supplier}", "purchasing")
    assert console.post(f"{at}/agree", "finance", amount="1").status_code == 403
    over = console.post(f"{at}/close", "purchasing", decision="closed", reason="算了")
    assert "已经有结果" in console.get(over.location, "purchasing")


@pytest.mark.parametrize(
    "path", ["suppliers", "contracts", "supplier-payments", "supplier-statements", "disputes"]
)
def test_the_lists_ask_for_the_right_to_see_suppliers(console: Any, path: str) -> None:
    for role, expected in (("purchasing", 200), ("finance", 200), ("nothing", 403)):
        assert console.get(f"/admin/{path}/", role, expected)
