"""T6, X1: finance settles, pays and agrees in the console; nobody else does."""

from __future__ import annotations

import io
from typing import Any

import pytest

MAIN = "http://main.localhost:8000"


def earn(console: Any, yuan: int, station: int = 2) -> None:
    console.market.owner.execute(
        "SELECT _post('test:' || gen_random_uuid(), %s, NULL, NULL, NULL, ARRAY[_account(1, 'adjustment')],"
        " ARRAY[_account(%s, 'available')], ARRAY[%s::bigint], ARRAY['adjust.adjustment'])",
        (station, station, yuan * 10_000),
    )


def asked(console: Any, yuan: int = 200, actor: str = "staff:99") -> int:
    from kameng.db import station_scope
    from kameng.settlement import api as settlement

    earn(console, yuan)
    key = f"c{console.market.count('SELECT count(*) FROM withdrawal')}"
    payee = {"account": "shen@example.com", "name": "沈一舟"}
    with console.market.app.app_context(), station_scope(2):
        return settlement.request_withdrawal(2, yuan * 10_000, "alipay", payee, actor, key)


def approval_of(console: Any, number: int) -> int:
    statement = "SELECT id FROM approval WHERE kind = 'withdrawal' AND subject = %s"
    return int(console.market.count(statement, str(number)))


def state(console: Any, number: int) -> str:
    row = console.market.owner.execute("SELECT state FROM withdrawal WHERE id = %s", (number,))
    return str(row.fetchone()[0])


def test_T6_a_withdrawal_goes_from_the_request_to_the_bank(console: Any) -> None:
    number = asked(console)
    assert "沈一舟" in console.get("/admin/approvals/", "finance")
    page = console.get(f"/admin/withdrawals/2/{number}", "finance")
    assert "等批准" in page
    assert "已人工打款" not in page
    back = f"/admin/withdrawals/2/{number}"
    vote = f"/admin/approvals/2/{approval_of(console, number)}/vote"
    page = console.done(vote, "finance", agrees="1", back=back)
    assert "待打款" in page
    assert "用支付渠道打款" in page
    wrong = console.post(
        f"{back}/by-hand", "finance", ref="BANK-1", proof=(io.BytesIO(b"MZ"), "x.exe")
    )
    assert "凭证只收" in console.get(wrong.location, "finance")
    picture = b"\x89PNG\r\n\x1a\n" + b"0" * 64
    page = console.done(
        f"{back}/by-hand", "finance", ref="BANK-20261125", proof=(io.BytesIO(picture), "slip.png")
    )
    assert "已打款" in page
    assert "BANK-20261125" in page
    proof = console.as_("finance").get(f"{back}/proof", base_url=MAIN)
    assert (proof.data, proof.mimetype) == (picture, "image/png")
    assert proof.headers["Content-Disposition"].startswith("attachment")
    assert state(console, number) == "succeeded"


def test_X5_a_withdrawal_is_paid_by_a_gateway_that_can(console: Any) -> None:
    from kameng.settlement import api as settlement

    number = asked(console)
    console.done(f"/admin/approvals/2/{approval_of(console, number)}/vote", "finance", agrees="1")
    back = f"/admin/withdrawals/2/{number}"
    assert 'value="payment-alipay:"' in console.get(back, "finance")
    assert console.post(f"{back}/pay", "support", payer="payment-alipay:").status_code == 403
    unable = console.post(f"{back}/pay", "finance", payer="payment-stripe:")
    assert "不能付到这种收款方式" in console.get(unable.location, "finance")
    console.done(f"{back}/pay", "finance", payer="payment-alipay:")
    with console.market.app.app_context():
        assert settlement.step_payout(2, number) == "succeeded"
    page = console.get(back, "finance")
    assert "已打款" in page
    reference = "SELECT length(provider_ref) FROM withdrawal WHERE id = %s"
    assert console.market.count(reference, number) > 5


def test_T6_a_refusal_needs_a_reason_and_gives_the_money_back(console: Any) -> None:
    number = asked(console)
    vote = f"/admin/approvals/2/{approval_of(console, number)}/vote"
    empty = console.post(vote, "finance", agrees="0", reason="")
    assert "请写明拒绝的原因" in console.get(empty.location, "finance")
    console.done(vote, "finance", agrees="0", reason="收款人与主体不符")
    assert "收款人与主体不符" in console.get(f"/admin/withdrawals/2/{number}", "finance")
    assert state(console, number) == "declined"


def test_T6_two_people_for_a_great_one_and_nobody_twice(console: Any) -> None:
    console.market.owner.execute(
        "INSERT INTO settlement_terms(station_id, two_person_above) VALUES (2, 1000000)"
        " ON CONFLICT (station_id) DO UPDATE SET two_person_above = 1000000"
    )
    number = asked(console, 300)
    vote = f"/admin/approvals/2/{approval_of(console, number)}/vote"
    assert "还需要其他人批准" in console.done(vote, "finance", agrees="1")
    again = console.post(vote, "finance", agrees="1")
    assert "同一个人不能批准两次" in console.get(again.location, "finance")
    early = console.post(f"/admin/withdrawals/2/{number}/by-hand", "finance", ref="BANK-1")
    assert "还没有批准" in console.get(early.location, "finance")
    console.done(vote, "admin", agrees="1")
    console.done(f"/admin/withdrawals/2/{number}/refuse", "finance", reason="账号已注销")
    assert state(console, number) == "declined"


def test_T6_who_has_asked_may_not_agree(console: Any) -> None:
    me = console.market.count("SELECT id FROM staff WHERE login = 't-finance'")
    number = asked(console, actor=f"staff:{me}")
    page = console.get(f"/admin/withdrawals/2/{number}", "finance")
    assert "申请人不能批准自己的申请" in page
    vote = f"/admin/approvals/2/{approval_of(console, number)}/vote"
    answer = console.post(vote, "finance", agrees="1")
    assert "申请人不能批准自己的申请" in console.get(answer.location, "finance")


@pytest.mark.parametrize("role", ["support", "risk", "operations", "nothing"])
def test_T7_only_finance_sees_and_moves_stations_money(console: Any, role: str) -> None:
    number = asked(console)
    for path in (
        "settlements",
        "terms",
        "statements",
        "withdrawals",
        "approvals",
        f"withdrawals/2/{number}",
    ):
        answer = console.as_(role).get(
            f"/admin/{path}/".replace(f"{number}/", f"{number}"), base_url=MAIN
        )
        assert answer.status_code == 403, path
    for path, data in (
        (f"approvals/2/{approval_of(console, number)}/vote", {"agrees": "1"}),
        (f"withdrawals/2/{number}/by-hand", {"ref": "BANK-1"}),
        ("terms/2", {"release_days": "0"}),
        ("terms/2/default", {}),
    ):
        assert console.post(f"/admin/{path}", role, **data).status_code == 403, path
    assert state(console, number) == "created"


def test_T6_terms_are_changed_with_a_trace(console: Any) -> None:
    form = {
        "release_days": "7", "fee_bp": "150", "withdraw_minimum": "50", "withdraw_daily_limit": "20000",
        "withdraw_fee": "2", "withdraw_fee_bp": "10", "two_person_above": "5000", "deposit_required": "0",
        "pays_gateway_fee": "y",
    }  # fmt: skip
    assert "还没有自己的条款" in console.get("/admin/terms/3", "finance")
    page = console.done("/admin/terms/3", "finance", **form)
    assert "T+7" in page
    assert "1.50%" in page
    row = console.market.owner.execute(
        "SELECT release_days, withdraw_fee, pays_gateway_fee FROM settlement_terms WHERE station_id = 3"
    ).fetchone()
    assert row == (7, 2_0000, True)
    trail = "SELECT count(*) FROM audit_event WHERE action = 'settlement.terms' AND subject = 'station:3'"
    assert console.market.count(trail) == 1
    for wrong in (
        {"release_days": "91"},
        {"withdraw_minimum": "0"},
        {"withdraw_fee": "1.005"},
        {"fee_bp": "x"},
    ):
        answer = console.post("/admin/terms/3", "finance", **{**form, **wrong})
        assert answer.status_code == 422, wrong
    console.done("/admin/terms/3/default", "finance")
    assert console.market.count("SELECT count(*) FROM settlement_terms WHERE station_id = 3") == 0
    assert console.post("/admin/terms/77", "finance", **form).status_code == 404


def test_T6_statements_of_any_station_on_the_page_and_as_a_sheet(console: Any) -> None:
    earn(console, 120)
    page = console.get("/admin/statements/?station=2", "finance")
    assert "期初" in page
    assert "调账" in page
    sheet = console.as_("finance").get("/admin/statements/sheet/csv?station=2", base_url=MAIN)
    assert sheet.status_code == 200
    assert "期末" in sheet.data.decode("utf-8-sig")
    book = console.as_("finance").get("/admin/statements/sheet/xlsx?station=2", base_url=MAIN)
    assert book.data.startswith(b"PK")
    for odd in ("station=99", "station=x", "station=2&day=2026-02-30", "station=2&page=99999"):
        answer = console.as_("finance").get(f"/admin/statements/?{odd}", base_url=MAIN)
        assert answer.status_code in (200, 404), odd


def test_the_lists_show_and_export(console: Any) -> None:
    asked(console)
    for path in (
        "settlements/",
        "settlements/?tab=due",
        "withdrawals/",
        "withdrawals/?tab=to_pay&station=2",
    ):
        console.get(f"/admin/{path}", "finance")
    for path in ("settlements", "withdrawals"):
        answer = console.as_("finance").get(f"/admin/{path}/export/csv/", base_url=MAIN)
        assert answer.status_code == 200
    assert "资金审批" in console.get("/admin/", "finance")
    for tab in ("approved", "refused", "expired", "nonsense"):
        console.get(f"/admin/approvals/?state={tab}&kind=withdrawal", "finance")
