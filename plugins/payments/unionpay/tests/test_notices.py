"""The refusal matrix of back notices."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from kameng_payment_unionpay.account import UnionpayAccount
from kameng_payment_unionpay.certificates import Trust, load_certificates, load_key
from kameng_payment_unionpay.notices import read_notice
from kameng_payment_unionpay.signing import sign
from kameng_payment_unionpay.simulator.keys import SIGNER, key_pem, new_key, new_keys
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEventKind, WebhookResult
from kameng_sdk.webhooks import WebhookRequest

NOW = datetime.now(UTC)
KEYS = new_keys()
UNIONPAY_KEY = load_key(KEYS.sign_key)
STRANGER_KEY = load_key(key_pem(new_key()))
ACCOUNT = UnionpayAccount(
    gateway_url="https://pay.test", file_url="https://files.test", mer_id="777290000000001",
    key=load_key(KEYS.merchant_key), cert_id="1", fee_bp=0,
    trust=Trust((), load_certificates(KEYS.middle_cert), load_certificates(KEYS.root_cert), SIGNER),
)  # fmt: skip
GENUINE = {
    "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "accessType": "0",
    "bizType": "000201", "txnType": "01", "txnSubType": "01", "merId": "777290000000001",
    "orderId": "26071234567890123456", "txnTime": "20260722101500", "txnAmt": "9550",
    "currencyCode": "156", "queryId": "952607221016001234567", "respCode": "00",
    "respMsg": "成功[0000000]", "settleAmt": "9550", "settleDate": "0722",
    "traceNo": "234567", "traceTime": "0722101600", "accNo": "6221********0000",
    "signPubKeyCert": KEYS.sign_cert,
}  # fmt: skip


def notice(key: Any = UNIONPAY_KEY, **changes: str | None) -> dict[str, str]:
    """A notice signed over changed fields; None leaves one out."""
    merged = {**GENUINE, **changes}
    fields = {name: value for name, value in merged.items() if value is not None}
    return fields | {"signature": sign(fields, key)}


def post(body: bytes, method: str = "POST", query: str = "") -> WebhookRequest:
    return WebhookRequest(method=method, path="/h", query=query, headers={}, body=body)


def read(fields: dict[str, str], now: datetime = NOW) -> WebhookResult:
    return read_notice(ACCOUNT, post(urlencode(fields).encode()), now)


@pytest.mark.parametrize("code", ["00", "A6"])
def test_a_genuine_notice_reports_the_payment_exactly(code: str) -> None:
    result = read(notice(respCode=code))
    (event,) = result.events
    assert event.kind is PaymentEventKind.PAID
    assert event.attempt_no == "26071234567890123456"
    assert event.provider_ref == "952607221016001234567"
    assert event.amount == Money.from_fen(9550)
    assert event.paid_at == datetime(2026, 7, 22, 2, 16, tzinfo=UTC)
    assert not event.fresh
    assert (result.reply.status, result.reply.body) == (200, b"ok")


@pytest.mark.parametrize("fen", ["9549", "9551", "1", "955000"])
def test_another_amount_is_reported_as_it_is_for_the_core_to_refuse(fen: str) -> None:
    assert read(notice(txnAmt=fen)).events[0].amount == Money.from_fen(int(fen))


@pytest.mark.parametrize(
    "changes",
    [{"respCode": code} for code in ("01", "03", "05", "34", "", "000", "a6", "0")]
    + [{"respCode": None}, {"txnType": "04"}, {"txnType": "31"}, {"txnType": None}],
)
def test_genuine_notices_that_tell_of_no_payment_are_taken_and_mean_nothing(
    changes: dict[str, Any],
) -> None:
    result = read(notice(**changes))
    assert (result.events, result.reply.body) == ((), b"ok")


REFUSED: dict[str, dict[str, Any]] = {
    "wrong signature": {"key": STRANGER_KEY},
    "signed by the merchant's own key": {"key": ACCOUNT.key},
    "the merchant's certificate with the merchant's key": {
        "key": ACCOUNT.key, "signPubKeyCert": KEYS.merchant_cert},
    "another certificate": {"signPubKeyCert": KEYS.merchant_cert},
    "the middle certificate": {"signPubKeyCert": KEYS.middle_cert},
    "no certificate and no number": {"signPubKeyCert": None},
    "an unknown certificate number": {"signPubKeyCert": None, "certId": "68759663125"},
    "an empty certificate": {"signPubKeyCert": ""},
    "a broken certificate": {"signPubKeyCert": KEYS.sign_cert[:-60]},
    "two certificates": {"signPubKeyCert": KEYS.sign_cert * 2},
    "a shared word instead of a key": {"signMethod": "11"},
    "a shared word, SM3": {"signMethod": "12"},
    "no method": {"signMethod": None},
    "the older version with SHA-1": {"version": "5.0.0"},
    "no version": {"version": None},
    "another merchant": {"merId": "777290000000002"},
    "no merchant": {"merId": None},
    "dollars": {"currencyCode": "840"},
    "no currency": {"currencyCode": None},
    "the currency in letters": {"currencyCode": "CNY"},
    "no order": {"orderId": None},
    "a long order": {"orderId": "1" * 41},
    "no query number": {"queryId": None},
    "an odd query number": {"queryId": "95260722101600123456x"},
    "digits of another script": {"queryId": "９５２６０７２２１０１６"},
    "no amount": {"txnAmt": None},
    "nothing": {"txnAmt": "0"},
    "a negative amount": {"txnAmt": "-9550"},
    "yuan": {"txnAmt": "95.50"},
    "a huge amount": {"txnAmt": "9" * 13},
    "digits of another script in the amount": {"txnAmt": "９５５０"},
}  # fmt: skip


@pytest.mark.parametrize("changes", REFUSED.values(), ids=list(REFUSED))
def test_P3_a_notice_that_is_not_to_be_believed_is_refused(changes: dict[str, Any]) -> None:
    changes = dict(changes)
    make = partial(notice, changes.pop("key")) if "key" in changes else notice
    with pytest.raises(WebhookRefused):
        read(make(**changes))


@pytest.mark.parametrize("name", [*GENUINE, "signature"])
def test_P3_a_field_changed_or_taken_away_after_signing_is_refused(name: str) -> None:
    fields = notice()
    with pytest.raises(WebhookRefused):
        read(fields | {name: fields[name] + "1"})
    with pytest.raises(WebhookRefused):
        read({key: value for key, value in fields.items() if key != name})


@pytest.mark.parametrize("signature", ["", "AAAA", "签名", "not base64!", "WECHATPAY/SIGNTEST/x"])
def test_P3_a_malformed_signature_is_refused(signature: str) -> None:
    with pytest.raises(WebhookRefused, match="wrong signature"):
        read(notice() | {"signature": signature})


@pytest.mark.parametrize("name", ["txnAmt", "orderId", "signature", "respCode", "merId"])
def test_P3_a_field_given_twice_is_refused(name: str) -> None:
    fields = notice()
    body = urlencode([*fields.items(), (name, fields[name])]).encode()
    with pytest.raises(WebhookRefused, match="twice"):
        read_notice(ACCOUNT, post(body), NOW)


@pytest.mark.parametrize("name", ["merId[]", "a b", "", "名", "x" * 65])
def test_P3_a_field_with_an_odd_name_is_refused(name: str) -> None:
    with pytest.raises(WebhookRefused, match="odd name"):
        read(notice() | {name: "1"})


@pytest.mark.parametrize("body", [b"", b"&&", b"\xff\xfe", b"{}", b"a=%FF", b"=" * 50])
def test_P3_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        read_notice(ACCOUNT, post(body), NOW)


def test_P3_only_a_posted_form_counts() -> None:
    text = urlencode(notice())
    for request in (post(b"", "POST", text), post(b"", "GET", text), post(text.encode(), "GET")):
        with pytest.raises(WebhookRefused):
            read_notice(ACCOUNT, request, NOW)


def test_P3_our_own_form_and_our_own_query_are_no_notice(scene: Any) -> None:
    """The shopper holds the form: it is signed, by us, and names amount and order."""
    provider = scene.provider()
    form = dict(provider.charge(scene.ctx(), scene.request("ownform01")).form)
    lies = form | {"respCode": "00", "queryId": "952607221016001234567"}
    for fields in (form, lies, lies | {"signPubKeyCert": scene.config()["sign_cert"]}):
        with pytest.raises(WebhookRefused):
            provider.parse_webhook(scene.ctx(), post(urlencode(fields).encode()))


def test_random_bytes_are_refused_and_never_an_error() -> None:
    rng = random.Random(7)
    for _ in range(300):
        with pytest.raises(WebhookRefused):
            read_notice(ACCOUNT, post(rng.randbytes(rng.randrange(200))), NOW)


def test_a_replay_carries_the_same_event_so_that_it_is_harmless() -> None:
    fields = notice()
    first, again = read(fields), read(fields, NOW + timedelta(days=1))
    assert first.events == again.events


def test_the_certificates_own_time_still_counts() -> None:
    with pytest.raises(WebhookRefused, match="certificate"):
        read(notice(), NOW + timedelta(days=5000))


def test_the_year_of_a_payment_is_the_one_next_to_its_order() -> None:
    late = read(notice(txnTime="20251231235900", traceTime="0101000100")).events[0]
    assert late.paid_at == datetime(2025, 12, 31, 16, 1, tzinfo=UTC)
    for changes in ({"traceTime": "9999999999"}, {"traceTime": None}, {"txnTime": "soon"}):
        assert read(notice(**changes)).events[0].paid_at is None
