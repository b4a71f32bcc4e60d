"""T6: a station's money leaves once, by its rules, and never on one person's word."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from kameng.errors import Conflict, DomainError, Forbidden
from kameng.settlement.api import WithdrawalRefused


def test_T6_a_request_freezes_the_money_and_waits_for_somebody_else(desk: Any) -> None:
    desk.earn(100)
    number = desk.ask(60)
    assert desk.money() == (40_0000, 60_0000)
    assert desk.state(number) == "created"
    with pytest.raises(Conflict) as early:
        desk.main("pay_by_hand", 3, number, "staff:2", "BANK-1")
    assert early.value.code == "not_approved"


def test_T6_paid_by_hand_with_its_fee_and_proof(desk: Any) -> None:
    desk.terms(withdraw_fee=1_0000, withdraw_fee_bp=50)
    desk.earn(100)
    revenue, hand = (
        desk.shop.balance(1, "revenue"),
        desk.shop.balance(1, "gateway_clearing", "hand"),
    )
    number = desk.approved(100)
    desk.main("pay_by_hand", 3, number, "staff:2", "BANK-20261125", "image/png", b"\x89PNG")
    desk.main("pay_by_hand", 3, number, "staff:2", "BANK-20261125")  # pressed twice
    assert desk.state(number) == "succeeded"
    assert desk.money() == (0, 0)
    assert desk.shop.balance(1, "revenue") == revenue + 1_5000
    assert desk.shop.balance(1, "gateway_clearing", "hand") == hand + 98_5000
    assert desk.main("proof_of", 3, number) == ("image/png", b"\x89PNG")
    with pytest.raises(Conflict) as other:
        desk.main("pay_by_hand", 3, number, "staff:2", "ANOTHER-REF")
    assert other.value.code == "conflict"


def test_T6_a_refusal_gives_the_money_back_and_says_why(desk: Any) -> None:
    desk.earn(50)
    number = desk.ask(50)
    with pytest.raises(DomainError, match="reason_missing"):
        desk.vote(number, "staff:2", agrees=False)
    assert desk.vote(number, "staff:2", agrees=False, reason="姓名与主体不符") == "refused"
    assert desk.money() == (50_0000, 0)
    assert desk.shop.one("SELECT reason FROM withdrawal WHERE id = %s", number) == "姓名与主体不符"


def test_T6_an_agreed_one_is_called_off_before_it_is_sent(desk: Any) -> None:
    desk.earn(50)
    number = desk.approved(50)
    desk.main("refuse_withdrawal", 3, number, "staff:2", "账号已注销")
    assert (desk.state(number), desk.money()) == ("declined", (50_0000, 0))
    with pytest.raises(Conflict):
        desk.main("pay_by_hand", 3, number, "staff:2", "BANK-9")


def test_the_station_takes_its_own_request_back(desk: Any) -> None:
    from kameng.db import station_scope
    from kameng.settlement import api as settlement

    desk.earn(50)
    first, second = desk.ask(20), desk.approved(20)
    with desk.shop.app.app_context(), station_scope(3):
        settlement.cancel_withdrawal(3, first, "staff:77")
        with pytest.raises(Conflict):
            settlement.cancel_withdrawal(3, second, "staff:77")
    assert desk.money() == (30_0000, 20_0000)
    with pytest.raises(Conflict) as over:
        desk.vote(first, "staff:2")
    assert over.value.code == "over"


@pytest.mark.parametrize(
    ("terms", "yuan", "code"),
    [
        ({"withdraw_minimum": 100_0000}, 99.99, "below_minimum"),
        ({"withdraw_fee": 5_0000}, 5, "below_minimum"),
        ({}, 100.01, "above_available"),
        ({"withdraw_daily_limit": 50_0000}, 50.01, "above_daily_limit"),
        ({"deposit_required": 1_0000}, 10, "deposit_short"),
        ({}, 0, "amount_invalid"),
        ({}, -5, "amount_invalid"),
        ({}, 1.001, "amount_invalid"),
    ],
)
def test_T6_what_the_terms_do_not_allow_is_refused_with_the_reason(
    desk: Any, terms: dict[str, int], yuan: float, code: str
) -> None:
    desk.shop.plant("UPDATE withdrawal SET created_at = created_at - interval '2 days'")
    desk.terms(**terms)
    desk.earn(100)
    with desk.shop.app.test_request_context(), pytest.raises(WithdrawalRefused) as refused:
        desk.ask(yuan)
    assert refused.value.code == code
    assert str(refused.value.message)
    assert desk.money()[0] == 100_0000


def test_T6_the_limit_is_of_one_day_and_counts_what_was_not_refused(desk: Any) -> None:
    desk.shop.plant("UPDATE withdrawal SET created_at = created_at - interval '2 days'")
    desk.terms(withdraw_daily_limit=50_0000)
    desk.earn(200)
    first = desk.ask(30)
    with pytest.raises(WithdrawalRefused):
        desk.ask(30)
    desk.vote(first, "staff:2", agrees=False, reason="重新填写")
    assert desk.ask(50)


@pytest.mark.parametrize(
    "changes",
    [
        {"payee_kind": "cash"},
        {"payee": {"account": "x", "name": "沈一舟"}},
        {"payee": {"account": "deer@example.com", "name": ""}},
        {"payee_kind": "bank", "payee": {"account": "6222020200112233", "name": "沈一舟"}},
        {
            "payee_kind": "bank",
            "payee": {"account": "not digits", "name": "沈一舟", "bank": "工行"},
        },
    ],
)
def test_a_payee_that_cannot_be_one_is_refused(desk: Any, changes: dict[str, Any]) -> None:
    desk.earn(100)
    with pytest.raises(WithdrawalRefused, match="payee_invalid"):
        desk.ask(10, **changes)


def test_T1_the_same_key_is_the_same_request(desk: Any) -> None:
    desk.earn(100)
    number = desk.ask(10, key="once")
    assert desk.ask(10, key="once") == number
    with pytest.raises(WithdrawalRefused, match="conflict"):
        desk.ask(11, key="once")
    assert desk.money() == (90_0000, 10_0000)


def test_a_restricted_station_cannot_take_money_out(desk: Any) -> None:
    desk.earn(100)
    desk.shop.plant("UPDATE station SET state = 'restricted' WHERE id = 3")
    try:
        with pytest.raises(WithdrawalRefused, match="station_restricted"):
            desk.ask(10)
    finally:
        desk.shop.plant("UPDATE station SET state = 'active' WHERE id = 3")


def test_T6_a_great_one_needs_two_people_and_nobody_counts_twice(desk: Any) -> None:
    desk.terms(two_person_above=99_0000)
    desk.earn(100)
    number = desk.ask(100)
    with pytest.raises(Forbidden) as asker:
        desk.vote(number, "staff:77")
    assert "申请人" in str(asker.value.message)
    assert desk.vote(number, "staff:2") == "ok"
    with pytest.raises(Forbidden) as again:
        desk.vote(number, "staff:2")
    assert "同一个人" in str(again.value.message)
    with pytest.raises(Conflict):
        desk.main("pay_by_hand", 3, number, "staff:2", "BANK-7")
    assert desk.vote(number, "staff:5") == "approved"
    desk.main("pay_by_hand", 3, number, "staff:2", "BANK-7")
    assert desk.state(number) == "succeeded"


def test_T6_the_database_itself_refuses_what_nobody_has_agreed_to(desk: Any) -> None:
    desk.earn(100)
    number = desk.ask(100)
    desk.shop.owner.execute("UPDATE withdrawal SET approved_at = now() WHERE id = %s", (number,))
    with pytest.raises(DBAPIError) as refused:
        desk.shop.guarded(
            "start_payout", p_station=3, p_id=number, p_plugin="payment-epay", p_account="",
            p_actor="staff:2",
        )  # fmt: skip
    assert isinstance(refused.value.orig, psycopg.Error)
    assert refused.value.orig.sqlstate == "KM403"
    with pytest.raises(Conflict) as by_hand:
        desk.main("pay_by_hand", 3, number, "staff:2", "BANK-8")
    assert by_hand.value.code == "not_approved"
    desk.shop.owner.execute("UPDATE withdrawal SET approved_at = NULL WHERE id = %s", (number,))


def test_T6_twenty_requests_for_everything_at_once_are_one(desk: Any) -> None:
    desk.earn(100)

    def ask(_n: int) -> str:
        try:
            desk.ask(100)
        except WithdrawalRefused as refused:
            return refused.code
        return "ok"

    with ThreadPoolExecutor(20) as people:
        answers = list(people.map(ask, range(20)))
    assert sorted(answers) == ["above_available"] * 19 + ["ok"]
    assert desk.money() == (0, 100_0000)


def test_T6_a_request_that_nobody_answers_expires_and_its_money_comes_back(desk: Any) -> None:
    from kameng.db import main_scope
    from kameng.identity import api as identity

    desk.earn(30)
    number = desk.ask(30)
    desk.shop.owner.execute(
        "UPDATE approval SET expires_at = now() WHERE kind = 'withdrawal' AND subject = %s",
        (str(number),),
    )
    with desk.shop.app.app_context(), main_scope(reason="test"):
        assert identity.expire_approvals() == 1
    assert (desk.state(number), desk.money()) == ("declined", (30_0000, 0))


def test_what_an_effect_refuses_undoes_the_vote(desk: Any) -> None:
    from kameng.db import db, main_scope
    from kameng.identity import api as identity

    def too_poor(_station: int, _subject: str, _approved: bool) -> None:
        raise Conflict("insufficient_funds", "余额不足")

    identity.on_decision("test-kind", too_poor)
    number = desk.shop.one(
        "INSERT INTO approval(station_id, kind, subject, title, requested_by)"
        " VALUES (3, 'test-kind', '1', 'x', 'staff:77') RETURNING id"
    )
    with desk.shop.app.app_context(), main_scope(reason="test"):
        with pytest.raises(Conflict, match="insufficient_funds"):
            identity.vote(3, number, "staff:2", True)
        db.session.rollback()
        found = identity.approval(3, number)
    assert (found.state, found.votes) == ("waiting", [])


def test_a_withdrawal_that_waits_too_long_is_an_alert_until_it_ends(desk: Any) -> None:
    desk.earn(30)
    number = desk.approved(30)
    desk.shop.owner.execute(
        "UPDATE withdrawal SET approved_at = now() - interval '2 days' WHERE id = %s", (number,)
    )
    assert desk.main("watch") == 1
    assert desk.main("watch") == 0
    desk.main("pay_by_hand", 3, number, "staff:2", "BANK-3")
    open_ = "SELECT count(*) FROM alert WHERE kind = 'withdrawal' AND state = 'open'"
    assert desk.shop.one(open_) == 0


def test_T12_a_station_sees_its_own_withdrawals_and_not_who_pays(desk: Any) -> None:
    from sqlalchemy import text

    from kameng.db import db, station_scope
    from kameng.settlement import api as settlement

    desk.earn(30)
    number = desk.ask(30)
    with desk.shop.app.app_context(), station_scope(3):
        assert settlement.withdrawals(3)[0].id == number
        with pytest.raises(DBAPIError):
            db.session.execute(text("SELECT message FROM withdrawal"))
        db.session.rollback()
    with desk.shop.app.app_context(), station_scope(2):
        assert [w for w in settlement.withdrawals(2) if w.id == number] == []
        with pytest.raises(DBAPIError):
            settlement.request_withdrawal(
                3, 1_0000, "alipay", {"account": "abc", "name": "沈一舟"}, "staff:9", "k"
            )


def test_T6_the_books_explain_every_withdrawal(desk: Any) -> None:
    desk.shop.assert_books_balance()
