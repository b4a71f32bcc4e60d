"""X1: the desks where a person decides do what they say, once, with a reason and a trace."""

from __future__ import annotations

from typing import Any

import pytest

MAIN = "http://main.localhost:8000"


def application(console: Any, slug: str) -> int:
    from kameng.stations import api as stations

    with console.market.app.app_context():
        return int(
            stations.apply_station(
                slug, f"店 {slug}", "qing", {"name": "周予安", "phone": "13800136021"},
                f"owner-{slug}", "owner-pass-2026",
            ).id
        )  # fmt: skip


def order(console: Any, sku: str = "XH30", kind: str = "card") -> tuple[int, str]:
    """An unpaid order of the main station, placed as the shop does."""
    from kameng.db import station_scope
    from kameng.orders import api as orders
    from kameng.orders.domain import PlaceRequest

    with console.market.app.app_context(), station_scope(1):
        wanted = orders.quote(sku, 1)
        key = f"console-{sku}-{console.market.count('SELECT count(*) FROM orders')}"
        inputs = {"phone": "13800136021"} if kind == "top_up" else {}
        placed = orders.place(
            PlaceRequest(sku, 1, inputs, f"{key}@example.com", wanted.payable, key, "198.51.100.7")
        )
        return placed.order_id, placed.order_no


def paid(console: Any, order_id: int) -> None:
    """Pay it as the gateway's notice would."""
    from kameng.db import call, station_scope

    number = f"A{order_id}"
    console.market.owner.execute(
        "INSERT INTO payment_attempt(station_id, attempt_no, purpose, order_id, plugin_id, method,"
        " amount, state, expires_at) SELECT 1, %s, 'order', id, 'payment-epay', 'alipay', payable,"
        " 'sent', now() + '1 hour' FROM orders WHERE station_id = 1 AND id = %s", (number, order_id),
    )  # fmt: skip
    amount = console.market.count("SELECT payable FROM orders WHERE id = %s", order_id)
    with console.market.app.app_context(), station_scope(1):
        call(
            "apply_payment", as_main=True, p_station=1, p_attempt_no=number, p_plugin="payment-epay",
            p_amount=amount, p_currency="CNY", p_provider_ref=number, p_source="webhook", p_wait=False,
        )  # fmt: skip


def state(console: Any, order_id: int) -> str:
    row = console.market.owner.execute(
        "SELECT state FROM orders WHERE id = %s", (order_id,)
    ).fetchone()
    return str(row[0])


def held(console: Any, sku: str = "XH30") -> tuple[int, str]:
    number, order_no = order(console, sku)
    console.market.owner.execute(
        "UPDATE orders SET risk = 'review', risk_reasons ="
        " '[{\"rule\": \"velocity\", \"text\": \"一分钟十一笔\"}]' WHERE id = %s", (number,)
    )  # fmt: skip
    paid(console, number)
    assert state(console, number) == "held"
    return number, order_no


def test_M1_an_application_is_approved_and_the_station_opens(console: Any) -> None:
    number = application(console, "lanhai")
    page = console.get(f"/admin/applications/{number}")
    assert "周予安" in page
    assert "通过并开店" in page
    console.done(f"/admin/applications/{number}/approve")
    station = console.market.count(
        "SELECT opened_station_id FROM station_application WHERE id = %s", number
    )
    assert "正常营业" in console.get(f"/admin/stations/{station}")
    again = console.post(f"/admin/applications/{number}/approve")
    assert "已经审核过" in console.get(again.location)


def test_M1_a_rejection_needs_a_reason_that_the_applicant_reads(console: Any) -> None:
    number = application(console, "heihai")
    empty = console.post(f"/admin/applications/{number}/reject", reason=" ")
    assert "请写明原因" in console.get(empty.location)
    assert "资料不全" in console.done(f"/admin/applications/{number}/reject", reason="资料不全")


def test_a_station_moves_along_its_states_with_a_reason(console: Any) -> None:
    console.done("/admin/stations/3/state", state="restricted", reason="虚假宣传")
    assert (
        console.market.count("SELECT count(*) FROM station WHERE id = 3 AND state = 'restricted'")
        == 1
    )
    wrong = console.post("/admin/stations/3/state", state="applied", reason="不可能")
    assert "不允许" in console.get(wrong.location)
    main = console.post("/admin/stations/1/state", state="closed", reason="不可能")
    assert "主站" in console.get(main.location)


def test_a_grade_changes_the_prices_of_the_station(console: Any) -> None:
    assert "个报价随之更新" in console.done("/admin/stations/2/grade", grade="gold")


def test_an_unpaid_order_is_cancelled_and_tells_its_story(console: Any) -> None:
    number, order_no = order(console)
    page = console.get(f"/admin/orders/1/{order_no}")
    assert "取消订单" in page
    console.done(f"/admin/orders/1/{order_no}/cancel")
    assert state(console, number) == "cancelled"
    assert "t-admin" not in page
    assert "超级管理员员" in console.get(f"/admin/orders/1/{order_no}")


def test_a_sold_order_shows_where_its_money_went(console: Any) -> None:
    number, order_no = order(console)
    paid(console, number)
    assert state(console, number) == "delivered"
    page = console.get(f"/admin/orders/1/{order_no}")
    assert "笔合计平衡" in page
    assert "价格怎么来的" in page
    assert "SECRET" not in page


def test_S10_a_held_order_is_released_with_a_reason(console: Any) -> None:
    number, _order_no = held(console)
    assert "一分钟十一笔" in console.get("/admin/risk/")
    empty = console.post(f"/admin/risk/1/{number}/decide", decision="release", reason="")
    assert "请写明原因" in console.get(empty.location)
    console.done(f"/admin/risk/1/{number}/decide", decision="release", reason="核对过本人")
    assert state(console, number) == "delivered"
    again = console.post(f"/admin/risk/1/{number}/decide", decision="refuse", reason="第二次点击")
    assert again.status_code == 303
    assert state(console, number) == "delivered"


def test_S10_a_held_order_is_refused_and_the_money_goes_back(console: Any) -> None:
    number, order_no = held(console)
    console.done(f"/admin/orders/1/{order_no}/refuse", reason="盗刷")
    assert state(console, number) == "refunding"
    assert console.market.count("SELECT count(*) FROM refund WHERE order_id = %s", number) == 1
    assert "风控拒绝" in console.get("/admin/refunds/")


def test_only_risk_decides(console: Any) -> None:
    number, order_no = held(console)
    assert (
        console.post(f"/admin/orders/1/{order_no}/release", "support", reason="没有权").status_code
        == 403
    )
    assert state(console, number) == "held"


def test_an_attempt_shows_its_notices_and_its_order(console: Any) -> None:
    number, order_no = order(console)
    paid(console, number)
    attempt = console.market.count("SELECT id FROM payment_attempt WHERE order_id = %s", number)
    page = console.get(f"/admin/payments/1/{attempt}", "finance")
    assert order_no[:4] in page
    assert "网关通知" in page


def test_a_member_is_masked_locked_and_shown_only_with_a_trace(console: Any) -> None:
    browser = console.market.browser()
    member = console.market.member(browser, "13800136099")
    page = console.get(f"/admin/members/1/{member}", "support")
    assert "13800136099" not in page
    assert "138****6099" in page
    assert console.post(f"/admin/members/1/{member}/unmask", "support").status_code == 403
    shown = console.post(f"/admin/members/1/{member}/unmask")
    assert "13800136099" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert (
        console.market.count("SELECT count(*) FROM audit_event WHERE action = 'member.unmask'") == 1
    )
    console.done(f"/admin/members/1/{member}/state", reason="投诉")
    assert (
        console.market.count(
            "SELECT count(*) FROM member WHERE id = %s AND state = 'locked'", member
        )
        == 1
    )


def test_a_colleague_is_made_with_a_second_factor_shown_once(console: Any) -> None:
    answer = console.post(
        "/admin/staff/new", login="newbie", name="新同事", role_code="support", email="",
        password="first-pass-2026",
    )  # fmt: skip
    assert answer.status_code == 200
    assert "只显示这一次" in answer.text
    assert "<svg" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    taken = console.post(
        "/admin/staff/new", login="newbie", name="又一位", role_code="support", email="",
        password="first-pass-2026",
    )  # fmt: skip
    assert taken.status_code == 422


def test_nobody_locks_or_promotes_oneself(console: Any) -> None:
    me = console.market.count("SELECT id FROM staff WHERE login = 't-admin'")
    answer = console.post(f"/admin/staff/{me}/state", state="locked")
    assert "不能改自己" in console.get(answer.location)


def test_an_own_role_is_saved_and_a_builtin_one_is_not(console: Any) -> None:
    console.done(
        "/admin/roles/save", code="night", name="夜班", permission=["order.view", "no.such"]
    )
    assert "夜班" in console.get("/admin/roles/")
    refused = console.post(
        "/admin/roles/save", code="admin", name="篡改", permission=["order.view"]
    )
    assert "内置角色不能修改" in console.get(refused.location)


def test_O7_secrets_of_a_plugin_go_in_and_never_out(console: Any) -> None:
    from kameng.plugins import api as plugins

    page = console.get("/admin/plugins/payment-epay")
    with console.market.app.app_context():
        fields = {f.field.name: f for f in plugins.config_form("payment-epay", 1).fields}
    secret = next(f.field for f in fields.values() if f.field.secret and f.field.kind == "str")
    data = {f"field-{n}": str(f.value or "") for n, f in fields.items() if not f.field.secret}
    data[f"field-{secret.name}"] = "CANARY-SECRET-VALUE-42"
    assert "CANARY" not in page
    page = console.done("/admin/plugins/payment-epay/settings", station="1", **data)
    assert "CANARY" not in page
    assert "尾号 42" in page
    refused = console.post("/admin/plugins/payment-epay/settings", "operations", station="1")
    assert refused.status_code == 403


def test_O7_a_plugin_is_switched_per_station(console: Any) -> None:
    console.done("/admin/plugins/payment-stripe/switch", station="2", on="1")
    row = "SELECT enabled::int FROM station_plugin WHERE station_id = 2 AND plugin_id = 'payment-stripe'"
    assert console.market.count(row) == 1
    console.done("/admin/plugins/payment-stripe/switch", station="2", on="0")
    assert console.market.count(row) == 0


def test_the_books_prove_themselves_from_the_console(console: Any) -> None:
    answer = console.post("/admin/ledger/verify/run", "finance")
    assert answer.status_code == 200
    assert "账是平的" in answer.text
    assert "每种币所有账户合计为零" in answer.text
    assert (
        console.market.count("SELECT count(*) FROM audit_event WHERE action = 'ledger.verify'") == 1
    )


def test_an_alert_is_closed_once(console: Any) -> None:
    console.market.owner.execute(
        "INSERT INTO alert(station_id, kind, subject, title) VALUES (1, 'ledger', 'test:1', '要看一眼')"
    )
    number = console.market.count("SELECT id FROM alert WHERE subject = 'test:1'")
    assert "要看一眼" in console.get("/admin/alerts/")
    console.done(f"/admin/alerts/1/{number}/close")
    assert (
        console.market.count(
            "SELECT count(*) FROM alert WHERE id = %s AND state = 'closed'", number
        )
        == 1
    )


def test_T14_a_dead_letter_is_retried(console: Any) -> None:
    console.market.owner.execute(
        "INSERT INTO job_run(station_id, actor, queue, state, error) VALUES"
        " (1, 'test.actor', 'bulk', 'dead', 'ConnectTimeout')"
    )
    number = console.market.count("SELECT max(id) FROM job_run")
    assert "ConnectTimeout" in console.get("/admin/jobs/")
    console.done(f"/admin/jobs/{number}/retry")
    assert (
        console.market.count(
            "SELECT count(*) FROM job_run WHERE id = %s AND state = 'dead'", number
        )
        == 0
    )


def test_the_search_finds_by_number_name_and_only_what_the_role_may_see(console: Any) -> None:
    _number, order_no = order(console)
    straight = console.as_("admin").get(
        "/admin/search/", base_url=MAIN, query_string={"q": order_no}
    )
    assert straight.status_code == 302
    assert order_no in straight.location
    assert "夜航电玩" in console.get("/admin/search/?q=夜航")
    assert "没有找到" in console.get("/admin/search/?q=XH100", "risk")
    assert "星海点券" in console.get("/admin/search/?q=星海")
    console.get("/admin/search/?q=%25%00_'\"")


def test_the_board_gives_its_figures_as_json_and_as_a_table(console: Any) -> None:
    data = console.as_("admin").get("/admin/board/data?span=7d", base_url=MAIN).get_json()
    assert len(data["buckets"]) == 7
    assert "." in data["buckets"][0]["turnover"]
    assert "看数据表" in console.get("/admin/?span=30d")
    console.get("/admin/board?span=nonsense")


@pytest.mark.parametrize("text", ["", "卡号 123 密码 456"])
def test_a_manual_purchase_is_completed_with_a_text(console: Any, text: str) -> None:
    from kameng.jobs.discovery import load_tasks
    from kameng.jobs.inline import drain

    number, _no = order(console, "P100", "top_up")
    paid(console, number)
    with console.market.app.app_context():
        load_tasks()
        drain()
    assert "全国话费" in console.get("/admin/desk/")
    purchase = console.market.count("SELECT id FROM purchase WHERE order_id = %s", number)
    answer = console.post(f"/admin/desk/1/{purchase}/complete", "support", text=text)
    assert answer.status_code == 303
    assert state(console, number) == ("delivered" if text else "fulfilling")
    if not text:
        failed = console.post(f"/admin/desk/1/{purchase}/fail", "support", reason="号码停机")
        assert failed.status_code == 303
        with console.market.app.app_context():
            drain()  # nobody else sells it: the money goes back
        assert state(console, number) == "refunding"
