"""The refusal matrix of notices, and what genuine ones mean."""

import base64
import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kameng_payment_alipay.account import AlipayAccount
from kameng_payment_alipay.notices import read_notice
from kameng_payment_alipay.signing import notice_text, public_text, sign
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEvent, PaymentEventKind, WebhookResult
from kameng_sdk.secrets import Secret
from kameng_sdk.testing import plugin_config
from kameng_sdk.webhooks import WebhookRequest

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
APP, SELLER, TRADE = "2021000000000001", "2088000000000001", "2026112222001400000001"


def private(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


ALIPAY, STRANGER = private(KEY), private(OTHER)
ACCOUNT = AlipayAccount.from_config(
    plugin_config(
        {
            "app_id": APP, "seller_id": SELLER, "private_key": STRANGER,
            "alipay_public_key": public_text(KEY),
        },
        {"private_key"},
    )
)  # fmt: skip
FACTS = {
    "app_id": APP, "auth_app_id": APP, "seller_id": SELLER, "charset": "utf-8", "version": "1.0",
    "notify_type": "trade_status_sync", "notify_id": "2026112200222",
    "notify_time": "2026-11-22 18:00:05", "trade_no": TRADE, "out_trade_no": "P1",
    "trade_status": "TRADE_SUCCESS", "total_amount": "95.50", "subject": "点卡 & 50=元",
    "gmt_payment": "2026-11-22 18:00:00", "fund_bill_list": '[{"amount":"95.50"}]',
}  # fmt: skip
REFUND = {"refund_fee": "30.00", "gmt_refund": "2026-11-23 09:00:00.123", "out_biz_no": "R1"}


def notice(key: str = ALIPAY, **changes: str) -> dict[str, str]:
    """A genuine notice over changed parameters; an empty value leaves one out."""
    params = {name: value for name, value in (FACTS | changes).items() if value}
    return params | {"sign": sign(notice_text(params), key), "sign_type": "RSA2"}


def post(body: str | bytes, **changes: Any) -> WebhookRequest:
    content = body.encode() if isinstance(body, str) else body
    values: dict[str, Any] = {
        "method": "POST", "path": "/h", "query": "", "headers": {}, "body": content,
    }  # fmt: skip
    return WebhookRequest(**(values | changes))


def read(params: dict[str, str]) -> WebhookResult:
    return read_notice(ACCOUNT, post(urlencode(params)))


def event(params: dict[str, str]) -> PaymentEvent:
    (found,) = read(params).events
    return found


@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_FINISHED"])
def test_a_genuine_notice_reports_the_payment_exactly(status: str) -> None:
    result = read(notice(trade_status=status))
    (paid,) = result.events
    assert paid.kind is PaymentEventKind.PAID
    assert (paid.attempt_no, paid.provider_ref) == ("P1", TRADE)
    assert (paid.amount, paid.fresh) == (Money.from_fen(9550), False)
    assert paid.paid_at == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    assert (result.reply.status, result.reply.body) == (200, b"success")


def test_the_same_payment_is_the_same_event_however_often_and_late_it_is_told() -> None:
    copies = [notice(), notice(notify_time="2026-11-23 18:00:00"),
              notice(trade_status="TRADE_FINISHED", notify_id="another")]  # fmt: skip
    assert len({event(copy).event_id for copy in copies}) == 1


@pytest.mark.parametrize("money", ["95.49", "95.51", "95.5", "0.01", "955000"])
def test_P3_another_amount_is_reported_as_it_is_for_the_core_to_refuse(money: str) -> None:
    assert event(notice(total_amount=money)).amount == Money.parse(money)


@pytest.mark.parametrize("status", ["WAIT_BUYER_PAY", "SOMETHING_NEW"])
def test_a_genuine_notice_of_another_status_is_taken_and_means_nothing(status: str) -> None:
    result = read(notice(trade_status=status))
    assert (result.events, result.reply.body) == ((), b"success")


def test_a_trade_closed_unpaid_is_over_without_money() -> None:
    closed = event(notice(trade_status="TRADE_CLOSED", gmt_payment=""))
    assert (closed.kind, closed.amount) == (PaymentEventKind.FAILED, Money.from_fen(9550))


@pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"])
def test_a_notice_of_a_refund_is_never_another_payment_and_never_a_failure(status: str) -> None:
    back = event(notice(trade_status=status, **REFUND))
    assert back.kind is PaymentEventKind.REFUNDED
    assert (back.amount, back.refund_no) == (Money.from_fen(3000), "R1")
    assert back.event_id != event(notice()).event_id
    assert back.paid_at == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def test_each_refund_is_an_event_of_its_own() -> None:
    first, second = notice(**REFUND), notice(**REFUND | {"out_biz_no": "R2", "refund_fee": "60.00"})
    assert event(first).event_id != event(second).event_id
    assert event(first).event_id == event(notice(**REFUND, notify_time="later")).event_id


def test_a_closed_trade_that_was_paid_is_no_failed_payment_even_without_refund_fields() -> None:
    assert read(notice(trade_status="TRADE_CLOSED")).events == ()


def test_no_refund_of_zero_hides_a_payment() -> None:
    assert event(notice(refund_fee="0.00")).kind is PaymentEventKind.PAID


def test_another_kind_of_notice_is_taken_and_means_nothing() -> None:
    assert read(notice(notify_type="servicewindow_notify")).events == ()


WRONG_VALUES = {
    "another application": {"app_id": "2021000000000002"},
    "no application": {"app_id": ""},
    "another seller": {"seller_id": "2088000000000002"},
    "no seller": {"seller_id": ""},
    "no kind": {"notify_type": ""},
    "no order": {"out_trade_no": ""},
    "a long order": {"out_trade_no": "P" * 65},
    "no trade": {"trade_no": ""},
    "no status": {"trade_status": ""},
    "no amount": {"total_amount": ""},
    "amount zero": {"total_amount": "0.00"},
    "amount below zero": {"total_amount": "-95.50"},
    "part of a fen": {"total_amount": "95.501"},
    "no number": {"total_amount": "1e3"},
    "wide digits": {"total_amount": "９５.５０"},
    "refund without amount": {"gmt_refund": "2026-11-23 09:00:00"},
    "refund below zero": {"refund_fee": "-1.00"},
    "refund without number": {"refund_fee": "many"},
    "refund of the unpaid": REFUND | {"trade_status": "WAIT_BUYER_PAY"},
    "a long refund": REFUND | {"out_biz_no": "R" * 65},
}


@pytest.mark.parametrize("changes", WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
def test_P3_what_is_signed_and_yet_not_ours_or_not_whole_is_refused(
    changes: dict[str, str],
) -> None:
    with pytest.raises(WebhookRefused):
        read(notice(**changes))


def _sha1(params: dict[str, str]) -> dict[str, str]:
    made = KEY.sign(notice_text(params).encode(), padding.PKCS1v15(), hashes.SHA1())
    return {"sign": base64.b64encode(made).decode()}


WRONG_SIGNATURES: dict[str, dict[str, str]] = {
    "none": {"sign": ""},
    "no type": {"sign_type": ""},
    "downgraded to RSA": {**_sha1(FACTS), "sign_type": "RSA"},
    "RSA said to be RSA2": _sha1(FACTS),
    "RSA2 said to be RSA": {"sign_type": "RSA"},
    "MD5": {"sign_type": "MD5"},
    "lower case": {"sign_type": "rsa2"},
    "our own key": {"sign": sign(notice_text(FACTS), STRANGER)},
    "of another text": {"sign": sign("a=1", ALIPAY)},
    "not base64": {"sign": "!" + sign(notice_text(FACTS), ALIPAY)},
    "cut": {"sign": sign(notice_text(FACTS), ALIPAY)[:-8]},
    "chinese": {"sign": "签名"},
    "a probe": {"sign": "SIGNTEST" + sign(notice_text(FACTS), ALIPAY)[8:]},
    "one fen less": {"total_amount": "95.49"},
    "one fen more": {"total_amount": "95.51"},
    "more parameters": {"refund_fee": "1.00"},
    "another order": {"out_trade_no": "P2"},
}


@pytest.mark.parametrize("changes", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES.keys())
def test_P3_a_wrong_signature_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused):
        read(notice() | changes)


@pytest.mark.parametrize("name", ["app_id", "total_amount", "sign", "trade_status"])
def test_P3_a_parameter_given_twice_is_refused(name: str) -> None:
    pairs = [*notice().items(), (name, notice()[name])]
    with pytest.raises(WebhookRefused, match="twice"):
        read_notice(ACCOUNT, post(urlencode(pairs)))


@pytest.mark.parametrize("name", FACTS)
def test_P3_leaving_out_what_was_signed_is_refused(name: str) -> None:
    params = notice()
    del params[name]
    with pytest.raises(WebhookRefused, match="wrong signature"):
        read(params)


@pytest.mark.parametrize("name", ["sign", "sign_type"])
def test_P3_a_notice_without_its_signature_is_refused(name: str) -> None:
    params = notice()
    del params[name]
    with pytest.raises(WebhookRefused):
        read(params)


def test_P3_by_get_or_with_a_query_or_empty_it_is_refused() -> None:
    body = urlencode(notice())
    for request in (
        post("", method="GET", query=body), post(body, method="GET"), post(body, query="a=1"),
        post(body, method="PUT"), post(""), post("="), post(b"\xff\xfe"), post(b"{}"),
    ):  # fmt: skip
        with pytest.raises(WebhookRefused):
            read_notice(ACCOUNT, request)


def test_P3_names_cannot_move_what_is_signed() -> None:
    """`subject=a&total_amount=1` and a name of its own have one text: the name is refused."""
    params = {name: value for name, value in FACTS.items() if name not in ("subject", "app_id")}
    joined = params | {"app_id": APP, "subject": f"x&total_amount={params.pop('total_amount')}"}
    signature = {"sign": sign(notice_text(joined), ALIPAY), "sign_type": "RSA2"}
    with pytest.raises(WebhookRefused):
        read(joined | signature)
    with pytest.raises(WebhookRefused, match="odd name"):
        read(notice() | {"a=1&b": "2"})


def test_P3_the_signed_return_address_is_no_notice() -> None:
    back = {
        "app_id": APP, "seller_id": SELLER, "charset": "utf-8", "version": "1.0",
        "method": "alipay.trade.page.pay.return", "out_trade_no": "P1", "trade_no": TRADE,
        "total_amount": "95.50", "timestamp": "2026-11-22 18:00:00",
    }  # fmt: skip
    signed = back | {"sign": sign(notice_text(back), ALIPAY), "sign_type": "RSA2"}
    with pytest.raises(WebhookRefused, match="notify_type"):
        read(signed)


def test_P3_random_bytes_are_refused_and_never_an_error() -> None:
    rng = random.Random(7)
    for _ in range(300):
        with pytest.raises(WebhookRefused):
            read_notice(ACCOUNT, post(rng.randbytes(rng.randrange(200))))


def test_the_account_shows_no_key() -> None:
    assert STRANGER not in repr(ACCOUNT)
    assert isinstance(ACCOUNT.private_key, Secret)
