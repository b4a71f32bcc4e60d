"""The console's desk of accounts at gateways: add, set, switch, put back, remove; each audited."""

from typing import Any

import pytest

PAGE = "/admin/payment-accounts/"
EPAY = f"{PAGE}1/payment-epay"
FIELDS = {
    "field-gateway_url": "https://pay.example.com", "field-version": "v1", "field-pid": "1002",
    "field-key": "CANARY-KEY-OF-ACCOUNT-77", "field-methods": "alipay", "field-fee_bp": "60",
    "field-sign_type": "RSA",
}  # fmt: skip


def test_a_second_account_is_added_set_and_removed(console: Any) -> None:
    page = console.done(f"{PAGE}add", station="1", plugin="payment-epay", account="b")
    assert "payment-epay" in page or "易支付" in page
    page = console.done(f"{EPAY}/settings", account="b", **FIELDS)
    assert "CANARY" not in page
    assert "尾号 77" in page
    page = console.done(
        f"{EPAY}/terms", account="b", name="夜班账户", weight="30", daily_limit="5000",
        opens="22:00", closes="06:00", wechat="y",
    )  # fmt: skip
    assert "夜班账户" in page
    assert "22:00" in page
    console.done(f"{EPAY}/switch", account="b", on="1")
    shown = console.get(PAGE)
    assert "夜班账户" in shown
    assert "5000.00" in shown.replace(",", "")
    row = "SELECT weight FROM payment_account WHERE account = 'b' AND devices = '{wechat}'"
    assert console.market.count(row) == 30
    console.done(f"{EPAY}/reset", account="b")
    console.done(f"{EPAY}/clear", account="b", name="key")
    console.done(f"{EPAY}/remove", account="b")
    assert console.market.count("SELECT count(*) FROM station_plugin WHERE account = 'b'") == 0
    told = (
        "SELECT count(DISTINCT action) FROM audit_event WHERE subject = 'plugin:payment-epay:b'"
        " AND starts_with(actor, 'staff:')"
    )
    assert console.market.count(told) == 7


@pytest.mark.parametrize(
    ("terms", "words"),
    [({"weight": "2000"}, ""), ({"weight": "x"}, ""), ({"minimum": "abc"}, "不是金额"),
     ({"minimum": "10", "maximum": "5"}, "单笔最低不能高于单笔最高"),
     ({"opens": "25:00", "closes": "06:00"}, "09:30"), ({"opens": "09:00"}, "开始和结束")],
)  # fmt: skip
def test_terms_that_cannot_be_come_back_with_what_was_typed(
    console: Any, terms: dict[str, str], words: str
) -> None:
    answer = console.post(f"{EPAY}/terms", account="", **({"weight": "100"} | terms))
    assert answer.status_code == 422
    assert words in answer.text
    for value in terms.values():
        assert value in answer.text


@pytest.mark.parametrize("code", ["UPPER", "a b", "x" * 21, "../x", "支"])
def test_a_code_that_is_none_is_refused_in_words(console: Any, code: str) -> None:
    answer = console.post(f"{PAGE}add", station="1", plugin="payment-epay", account=code)
    assert answer.status_code == 303
    assert "小写字母" in console.get(answer.location)


def test_wrong_settings_come_back_and_unknown_accounts_are_404(console: Any) -> None:
    wrong = {**FIELDS, "field-gateway_url": "ftp://x"}
    assert console.post(f"{EPAY}/settings", account="", **wrong).status_code == 422
    console.get(f"{EPAY}?account=none", expected=404)
    console.get(f"{PAGE}1/payment-balance", expected=404)
    console.get(f"{PAGE}999999/payment-epay", expected=404)
    assert console.post(f"{PAGE}add", station="x", plugin="payment-epay").status_code == 404
    assert console.post(f"{EPAY}/switch", account="none", on="1").status_code == 404


def test_the_first_account_is_not_removed_and_finance_may_manage(console: Any) -> None:
    answer = console.post(f"{EPAY}/remove", "finance", account="")
    assert "不能删除" in console.get(answer.location, "finance")
    assert (
        console.as_("support").get(PAGE, base_url="http://main.localhost:8000").status_code == 403
    )


def test_a_resting_account_is_shown_and_can_be_put_back(console: Any) -> None:
    from kameng.payments.services.breaking import note_failure

    with console.market.app.app_context():
        for _ in range(5):
            note_failure((1, "payment-epay", ""), "timed_out")
    page = console.get(EPAY)
    assert "连续失败，已自动暂停" in page
    assert "timed_out" in page
    assert "收款账户连续失败" in console.get("/admin/alerts/")
    assert "连续失败，已自动暂停" not in console.done(f"{EPAY}/reset", account="")


def test_a_stations_first_account_is_set_from_here_too(console: Any) -> None:
    answer = console.post(f"{PAGE}add", station="2", plugin="payment-stripe", account="")
    assert "使用条件" not in console.get(answer.location)
    page = console.done(f"{PAGE}2/payment-stripe/settings", account="", **{"field-fee_bp": "1"})
    assert "使用条件" in page
    console.done("/admin/payment-accounts/2/payment-stripe/switch", account="", on="0")
