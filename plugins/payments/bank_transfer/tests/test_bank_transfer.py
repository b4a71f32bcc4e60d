"""What the shopper is told to do at the bank, and that nothing else is pretended."""

from datetime import UTC, datetime
from typing import Any

import pytest

from kameng_payment_bank_transfer import plugin
from kameng_payment_bank_transfer.provider import word_of
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import CapabilityNotSupported, Declined, Misconfigured
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import ChargeRequest, PaymentCapability, RefundRequest
from kameng_sdk.webhooks import WebhookRequest

NO_CALL: Any = None  # a context that would break at the first use
NUMBER = "2607" + "1234567890123456"
CONFIG: dict[str, Any] = {
    "bank": "示例银行", "branch": "示例支行", "holder": "示例商户有限公司",
    "account": "6200 0000 0000 0000 000", "note": "工作日当天确认",
    "minimum": Money.from_fen(10_000),
}  # fmt: skip


def provider(**changes: Any) -> Any:
    (made,) = plugin.kameng_payment_providers(PluginConfig({**CONFIG, **changes}))
    return made


def request(**changes: Any) -> ChargeRequest:
    values: dict[str, Any] = {
        "attempt_no": NUMBER, "amount": Money.from_fen(123_456), "method": "bank_transfer",
        "subject": "点卡", "notify_url": "", "return_url": "", "client_ip": "203.0.113.9",
        "expires_at": datetime(2026, 8, 1, tzinfo=UTC),
    }  # fmt: skip
    return ChargeRequest(**(values | changes))


def shown(result: Any) -> dict[str, tuple[str, bool]]:
    return {detail.label: (detail.value, detail.copy) for detail in result.details}


def test_the_shopper_is_told_everything_that_the_bank_asks_for() -> None:
    result = provider().charge(NO_CALL, request())
    assert result.outcome is Outcome.PENDING
    assert shown(result) == {
        "开户银行": ("示例银行", False),
        "开户支行": ("示例支行", False),
        "户名": ("示例商户有限公司", True),
        "账号": ("6200 0000 0000 0000 000", True),
        "转账金额": ("1234.56", True),
        "附言（必填）": ("90123456", True),
        "说明": ("工作日当天确认", False),
    }
    assert not any((result.redirect_url, result.qr_content, result.form, result.provider_ref))


def test_the_labels_are_english_for_english_readers() -> None:
    labels = list(shown(provider().charge(NO_CALL, request(locale="en"))))
    assert labels[0] == "Bank"
    assert all(label.isascii() for label in labels)


def test_what_is_not_set_is_not_shown() -> None:
    labels = shown(provider(branch=None, note=None).charge(NO_CALL, request()))
    assert "开户支行" not in labels
    assert "说明" not in labels


def test_the_same_attempt_gets_the_same_words_again() -> None:
    assert provider().charge(NO_CALL, request()) == provider().charge(NO_CALL, request())
    assert word_of(NUMBER) == NUMBER[-8:]


def test_amounts_that_no_bank_moves_are_refused() -> None:
    for amount in (Money(10_001), Money.from_fen(100, "USD")):
        with pytest.raises(Declined):
            provider().charge(NO_CALL, request(amount=amount))


def test_the_method_has_the_configured_minimum_or_none() -> None:
    (method,) = provider().methods()
    assert (method.code, method.minimum) == ("bank_transfer", Money.from_fen(10_000))
    assert not method.devices
    for nothing in (None, Money.zero()):
        assert provider(minimum=nothing).methods()[0].minimum is None


def test_only_a_person_confirms_and_nothing_else_is_declared() -> None:
    made = provider()
    assert made.capabilities == PaymentCapability.MANUAL_CONFIRM
    refund = RefundRequest(
        attempt_no=NUMBER, provider_ref="", refund_no="R1", amount=Money(1), total=Money(1)
    )
    notice = WebhookRequest(method="GET", path="/", query="", headers={}, body=b"")
    for call in (
        lambda: made.query(NO_CALL, NUMBER, ""),
        lambda: made.refund(NO_CALL, refund),
        lambda: made.query_refund(NO_CALL, refund),
        lambda: made.cancel(NO_CALL, NUMBER, ""),
        lambda: made.parse_webhook(NO_CALL, notice),
        lambda: made.bill(NO_CALL, datetime(2026, 8, 1).date()),
    ):
        with pytest.raises(CapabilityNotSupported):
            call()


@pytest.mark.parametrize("name", ["bank", "holder", "account"])
def test_a_missing_account_is_refused_before_a_shopper_sees_it(name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        provider(**{name: None})
    with pytest.raises(Misconfigured):
        provider(minimum=Money(-1))


def test_the_manifest_declares_each_setting_and_hides_none() -> None:
    fields = plugin.kameng_manifest().config_fields
    assert {field.name for field in fields} == set(CONFIG)
    assert not any(field.secret for field in fields)
