"""Money out: the same number is one transfer, and a no must be certain."""

from typing import Any

import pytest

from kameng_sdk.errors import CapabilityNotSupported, Declined
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentCapability


def payouts(scene: Any) -> dict[str, dict[str, Any]]:
    answer = scene.web.get(f"{scene.url}/control/payouts").json()
    return {row["out_biz_no"]: row for row in answer["payouts"]}


def test_money_goes_out_once_per_number(scene: Any) -> None:
    provider = scene.provider()
    assert provider.capabilities & PaymentCapability.PAYOUT
    assert provider.payout_kinds() == ("alipay",)
    results = [provider.payout(scene.ctx(), scene.payout("W1")) for _ in range(3)]
    assert {result.outcome for result in results} == {Outcome.SUCCEEDED}
    assert len({result.provider_ref for result in results}) == 1
    sent = payouts(scene)["W1"]
    assert (sent["fen"], sent["identity"], sent["name"]) == (10_000, "13800138000", "张三")
    assert provider.query_payout(scene.ctx(), scene.payout("W1")).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("account", ["a@b.test", "2088123412341234"])
def test_an_account_is_a_phone_a_mail_or_a_number_of_alipay(scene: Any, account: str) -> None:
    request = scene.payout(f"W_{len(account)}", account=account)
    assert scene.provider().payout(scene.ctx(), request).outcome is Outcome.SUCCEEDED


def test_an_unknown_account_and_an_empty_purse_are_declined(scene: Any) -> None:
    provider = scene.provider()
    result = provider.payout(scene.ctx(), scene.payout("W2", account="nobody"))
    assert (result.outcome, "PAYEE_NOT_EXIST" in result.message) == (Outcome.DECLINED, True)
    scene.settings(payout="decline")
    result = provider.payout(scene.ctx(), scene.payout("W3"))
    assert (result.outcome, "余额不足" in result.message) == (Outcome.DECLINED, True)
    assert provider.query_payout(scene.ctx(), scene.payout("W3")).outcome is Outcome.UNKNOWN


def test_a_system_error_is_a_doubt_that_a_query_settles(scene: Any) -> None:
    provider = scene.provider()
    scene.settings(payout="unknown")
    assert provider.payout(scene.ctx(), scene.payout("W4")).outcome is Outcome.UNKNOWN
    assert provider.query_payout(scene.ctx(), scene.payout("W4")).outcome is Outcome.SUCCEEDED
    assert len([no for no in payouts(scene) if no == "W4"]) == 1


@pytest.mark.parametrize("end", ["succeed", "fail"])
def test_what_is_under_way_ends_one_way_or_the_other(scene: Any, end: str) -> None:
    provider, request = scene.provider(), scene.payout(f"W5_{end}")
    scene.settings(payout="dealing")
    assert provider.payout(scene.ctx(), request).outcome is Outcome.PENDING
    assert provider.query_payout(scene.ctx(), request).outcome is Outcome.PENDING
    scene.web.post(f"{scene.url}/control/payouts/W5_{end}/{end}").raise_for_status()
    result = provider.query_payout(scene.ctx(), request)
    wanted = Outcome.SUCCEEDED if end == "succeed" else Outcome.DECLINED
    assert result.outcome is wanted
    assert scene.web.post(f"{scene.url}/control/payouts/W5_{end}/{end}").status_code == 409


def test_the_same_number_with_another_amount_leaves_a_doubt(scene: Any) -> None:
    provider = scene.provider()
    provider.payout(scene.ctx(), scene.payout("W6"))
    changed = scene.payout("W6", amount=Money.from_fen(10_001))
    assert provider.payout(scene.ctx(), changed).outcome is Outcome.UNKNOWN
    assert provider.query_payout(scene.ctx(), changed).outcome is Outcome.UNKNOWN


SEND, ASK = "alipay_fund_trans_uni_transfer_response", "alipay_fund_trans_common_query_response"
NO = {"code": "40004", "sub_code": "PAYER_BALANCE_NOT_ENOUGH"}


def test_a_refusal_of_what_an_earlier_request_did_is_no_refusal(scene: Any) -> None:
    """The first request was done and its answer lost; the second one is refused."""
    done = {"code": "10000", "out_biz_no": "W7", "order_id": "1", "status": "SUCCESS"}
    ctx, sent = scene.scripted(scene.says(NO, SEND), scene.says(done, ASK))
    assert scene.provider().payout(ctx, scene.payout("W7")).outcome is Outcome.SUCCEEDED
    assert len(sent) == 2


@pytest.mark.parametrize(
    "second",
    [{"code": "20000"}, {"code": "10000", "out_biz_no": "other", "status": "FAIL"},
     {"code": "10000", "out_biz_no": "W7", "status": "NEW_WORD"},
     {"code": "10000", "out_biz_no": "W7", "status": "SUCCESS", "trans_amount": "99.99"}],
)  # fmt: skip
def test_a_refusal_that_the_query_does_not_confirm_is_a_doubt(scene: Any, second: Any) -> None:
    ctx, _ = scene.scripted(scene.says(NO, SEND), scene.says(second, ASK))
    assert scene.provider().payout(ctx, scene.payout("W7")).outcome is Outcome.UNKNOWN


def test_other_kinds_and_parts_of_a_fen_are_declined_before_anything_is_sent(scene: Any) -> None:
    provider = scene.provider()
    scene.settings(fail_percent=100)
    with pytest.raises(Declined):
        provider.payout(scene.ctx(), scene.payout("W8", kind="bank"))
    with pytest.raises(Declined):
        provider.payout(scene.ctx(), scene.payout("W8", amount=Money(10_001)))


def test_without_certificates_there_are_no_payouts(scene: Any) -> None:
    provider = scene.provider(app_cert="", alipay_root_cert="")
    for call in (provider.payout, provider.query_payout):
        with pytest.raises(CapabilityNotSupported):
            call(scene.ctx(), scene.payout("W9"))
