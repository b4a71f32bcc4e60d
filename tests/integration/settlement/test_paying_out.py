"""X5: a payout has one number: sent once, asked about until it is known, and then it is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from kameng.errors import Conflict, DomainError
from kameng.plugins.api import Answer, PluginUnavailable
from kameng.settlement.services import paying_out
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentCapability, PayoutRequest, PayoutResult

EPAY = ("payment-epay", "")


@dataclass
class Bank:
    """An account that pays; answers as it was told and notes what it was asked."""

    answers: list[Answer[PayoutResult]] = field(default_factory=list)
    calls: list[tuple[str, PayoutRequest]] = field(default_factory=list)
    capabilities: PaymentCapability = PaymentCapability.PAYOUT | PaymentCapability.QUERY
    away: bool = False

    def payout_kinds(self) -> tuple[str, ...]:
        return ("alipay",)

    def payout(self, request: PayoutRequest) -> Answer[PayoutResult]:
        self.calls.append(("payout", request))
        return self.answers.pop(0)

    def query_payout(self, request: PayoutRequest) -> Answer[PayoutResult]:
        self.calls.append(("query", request))
        return self.answers.pop(0)

    def find(self, plugin_id: str, account: str) -> Bank:
        if self.away or plugin_id != EPAY[0]:
            raise PluginUnavailable(plugin_id, None, "switched off")
        return self

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _request in self.calls]


def said(outcome: Outcome, ref: str = "", message: str = "") -> Answer[PayoutResult]:
    return Answer(
        outcome=outcome, value=PayoutResult(outcome=outcome, provider_ref=ref), message=message
    )


SILENCE: Answer[PayoutResult] = Answer(outcome=Outcome.UNKNOWN, message="timed out")
PAID = said(Outcome.SUCCEEDED, "PAY-1")


@pytest.fixture
def bank(desk: Any) -> Bank:
    """An account of the main station that can pay to Alipay; Deer has 100 yuan."""
    desk.shop.owner.execute(
        "INSERT INTO station_plugin(station_id, plugin_id, enabled, token) VALUES (1, 'payment-epay', true, 't1')"
        " ON CONFLICT (station_id, plugin_id, account) DO UPDATE SET enabled = true"
    )
    desk.earn(100)
    return Bank()


def started(desk: Any, bank: Bank, yuan: int = 100) -> int:
    number = int(desk.approved(yuan))
    desk.main("start_payout", 3, number, *EPAY, "staff:2", find=bank.find)
    return number


def step(desk: Any, bank: Bank, number: int, due: bool = True) -> str:
    if due:
        desk.shop.owner.execute(
            "UPDATE withdrawal SET next_try_at = now() WHERE id = %s", (number,)
        )
    with desk.shop.app.app_context():
        return paying_out.step_payout(3, number, find=bank.find)


def test_X5_a_payout_is_sent_and_posted(desk: Any, bank: Bank) -> None:
    desk.terms(withdraw_fee=2_0000)
    gateway = desk.shop.balance(1, "gateway_clearing", "payment-epay")
    number = started(desk, bank)
    bank.answers = [PAID]
    assert step(desk, bank, number, due=False) == "succeeded"
    request = bank.calls[0][1]
    assert (request.amount.amount, request.kind, request.name) == (98_0000, "alipay", "沈一舟")
    assert request.payout_no.startswith("W")
    assert len(request.payout_no) == 17
    assert desk.money() == (0, 0)
    assert desk.shop.balance(1, "gateway_clearing", "payment-epay") == gateway + 98_0000
    assert desk.shop.one("SELECT provider_ref FROM withdrawal WHERE id = %s", number) == "PAY-1"
    assert step(desk, bank, number) == "not_due"


def test_X5_a_declined_one_gives_the_money_back_and_says_why(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    bank.answers = [said(Outcome.DECLINED, message="收款账户不存在")]
    assert step(desk, bank, number) == "declined"
    assert desk.money() == (100_0000, 0)
    assert desk.main("withdrawal", 3, number).reason == "收款账户不存在"


def test_X5_an_unknown_one_is_asked_about_and_never_sent_again(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    bank.answers = [SILENCE, SILENCE, said(Outcome.UNKNOWN), said(Outcome.PENDING), PAID]
    found = [step(desk, bank, number) for _ in range(5)]
    assert found == ["unknown", "unknown", "unknown", "sent", "succeeded"]
    assert bank.verbs == ["payout", "query", "query", "query", "query"]
    assert len({request.payout_no for _verb, request in bank.calls}) == 1
    assert desk.money() == (0, 0)


def test_X5_killed_after_sending_it_is_asked_about(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    taken = desk.shop.guarded("claim_payout", p_station=3, p_id=number)  # and the worker dies
    assert taken["was"] == "created"
    assert desk.state(number) == "sent"
    bank.answers = [PAID]
    assert step(desk, bank, number) == "succeeded"
    assert bank.verbs == ["query"]


def test_X5_not_sent_for_sure_is_sent_again_under_the_same_number(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    bank.answers = [
        Answer(outcome=Outcome.DECLINED, retry_after_s=30, message="busy"),
        Answer(outcome=Outcome.DECLINED, misconfigured=True, message="bad key"),
        PAID,
    ]
    assert [step(desk, bank, number) for _ in range(3)] == ["created", "created", "succeeded"]
    assert bank.verbs == ["payout"] * 3
    assert len({request.payout_no for _verb, request in bank.calls}) == 1


def test_X5_an_account_that_is_away_changes_nothing(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    bank.away = True
    assert step(desk, bank, number) == "created"
    bank.away = False
    bank.answers = [SILENCE]
    step(desk, bank, number)
    bank.away = True
    assert step(desk, bank, number) == "unknown"
    assert desk.money() == (0, 100_0000)


def test_X5_many_workers_send_once(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    bank.answers = [SILENCE] * 8
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda _n: step(desk, bank, number, due=False), range(8)))
    assert bank.verbs == ["payout"]


def test_X5_what_was_sent_is_not_paid_by_hand_or_called_off(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    bank.answers = [SILENCE]
    step(desk, bank, number)
    for name, more in (("pay_by_hand", ("BANK-1",)), ("refuse_withdrawal", ("算了",))):
        with pytest.raises(Conflict, match="bad_state"):
            desk.main(name, 3, number, "staff:2", *more)
    with pytest.raises(Conflict, match="ref_missing"):
        desk.main("decide_unknown", 3, number, True, "", "", "staff:2")
    desk.main("decide_unknown", 3, number, True, "LOOKED-UP-1", "", "staff:2")
    assert (desk.state(number), desk.money()) == ("succeeded", (0, 0))


def test_X5_a_person_finds_out_that_it_never_arrived(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    bank.answers = [SILENCE]
    step(desk, bank, number)
    desk.main("decide_unknown", 3, number, False, "", "银行退票", "staff:2")
    assert (desk.state(number), desk.money()) == ("declined", (100_0000, 0))


def test_X5_only_accounts_that_can_pay_there_are_offered(desk: Any, bank: Bank) -> None:
    def names(kind: str) -> list[str]:
        return [one.plugin_id for one in desk.main("payout_accounts", kind, bank.find)]

    assert names("alipay") == ["payment-epay"]
    assert names("bank") == []
    bank.capabilities = PaymentCapability.QUERY
    assert names("alipay") == []
    number = desk.approved(10)
    with pytest.raises(DomainError, match="payer_unable"):
        desk.main("start_payout", 3, number, *EPAY, "staff:2", find=bank.find)


def test_X5_nothing_is_started_before_it_is_agreed_to(desk: Any, bank: Bank) -> None:
    number = desk.ask(10)
    with pytest.raises(Conflict, match="not_approved"):
        desk.main("start_payout", 3, number, *EPAY, "staff:2", find=bank.find)


def test_T5_due_payouts_are_found_by_the_job(desk: Any, bank: Bank) -> None:
    number = started(desk, bank)
    assert (3, number) in desk.main("due_payouts")
    bank.answers = [SILENCE]
    step(desk, bank, number)
    assert (3, number) not in desk.main("due_payouts")  # asked again later


def test_T6_the_books_explain_all_of_it(desk: Any) -> None:
    desk.shop.assert_books_balance()
