"""The refusal matrix of notices."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from kameng_payment_wechatpay.account import WechatAccount
from kameng_payment_wechatpay.notices import read_notice
from kameng_payment_wechatpay.signing import PROBE, SCHEME, Keyring, PlatformKey, seal, sign
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEventKind, WebhookResult
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookRequest

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
API_V3_KEY = "0123456789abcdefghijABCDEFGHIJKL"
PUBLIC_KEY_ID, SERIAL = "PUB_KEY_ID_0119", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
AMOUNT = {"total": 9550, "payer_total": 9000, "currency": "CNY", "payer_currency": "CNY"}
TRADE = {
    "mchid": "1900000001", "appid": "wx0001", "out_trade_no": "P1", "transaction_id": "4200001",
    "trade_type": "NATIVE", "trade_state": "SUCCESS",
    "success_time": "2026-11-22T18:00:00+08:00",
    "amount": AMOUNT,
}  # fmt: skip
REFUND = {
    "mchid": "1900000001", "out_trade_no": "P1", "transaction_id": "4200001",
    "out_refund_no": "R1", "refund_id": "5030001", "refund_status": "SUCCESS",
    "success_time": "2026-11-22T18:00:00+08:00",
    "amount": {"total": 9550, "refund": 3000, "payer_total": 9000, "payer_refund": 2800},
}  # fmt: skip


@cache
def key(name: str) -> RSAPrivateKey:
    """Made once for each name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def account() -> WechatAccount:
    dates = (NOW - timedelta(days=1), NOW + timedelta(days=1))
    keys = {
        PUBLIC_KEY_ID: PlatformKey(key("public").public_key()),
        SERIAL: PlatformKey(key("certificate").public_key(), *dates),
    }
    return WechatAccount(
        mchid="1900000001",
        appid="wx0001",
        api_v3_key=Secret(API_V3_KEY),
        merchant_serial="AB",
        private_key=Secret(""),
        public_key_id=PUBLIC_KEY_ID,
        platform_keys=Keyring(keys),
        app_secret=Secret(""),
        gateway_url="",
        fee_bp=0,
    )


def body_of(
    thing: Any, kind: str = "TRANSACTION.SUCCESS", with_key: str = API_V3_KEY, **resource: Any
) -> bytes:
    plain = thing if isinstance(thing, bytes) else json.dumps(thing).encode()
    sealed = {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": seal(with_key, "abcdef012345", "transaction", plain),
        "associated_data": "transaction",
        "nonce": "abcdef012345",
    }
    notice = {
        "id": "N1",
        "create_time": "2026-11-22T18:00:00+08:00",
        "event_type": kind,
        "resource_type": "encrypt-resource",
        "resource": {**sealed, **resource},
    }
    return json.dumps(notice).encode()


def signed(
    body: bytes, signer: str = "public", serial: str = PUBLIC_KEY_ID, seconds: int = 0
) -> dict[str, str]:
    timestamp = str(int(NOW.timestamp()) + seconds)
    return {
        "wechatpay-serial": serial,
        "wechatpay-timestamp": timestamp,
        "wechatpay-nonce": "nonce1",
        "wechatpay-signature": sign(key(signer), timestamp, "nonce1", body),
        "wechatpay-signature-type": SCHEME,
    }


def post(body: bytes, headers: dict[str, str], method: str = "POST", query: str = "") -> Any:
    return WebhookRequest(method=method, path="/h", query=query, headers=headers, body=body)


def read(body: bytes, headers: dict[str, str] | None = None) -> WebhookResult:
    request = post(body, signed(body) if headers is None else headers)
    return read_notice(account(), request, NOW)


def changed(**changes: Any) -> dict[str, Any]:
    thing = {**TRADE, **changes}
    return {name: value for name, value in thing.items() if value is not None}


def with_amount(**changes: Any) -> dict[str, Any]:
    amount: dict[str, Any] = {**AMOUNT, **changes}
    return changed(amount={name: value for name, value in amount.items() if value is not None})


def test_a_genuine_notice_reports_the_order_s_total_although_a_coupon_paid_a_part() -> None:
    result = read(body_of(TRADE))
    (event,) = result.events
    assert (event.kind, event.attempt_no) == (PaymentEventKind.PAID, "P1")
    assert (event.provider_ref, event.amount) == ("4200001", Money.from_fen(9550))
    assert (event.paid_at, event.fresh) == (NOW, True)
    assert (result.reply.status, result.reply.content_type) == (200, "application/json")
    assert json.loads(result.reply.body)["code"] == "SUCCESS"


def test_a_refund_s_notice_names_the_host_s_refund() -> None:
    (event,) = read(body_of(REFUND, "REFUND.SUCCESS")).events
    assert (event.kind, event.refund_no) == (PaymentEventKind.REFUNDED, "R1")
    assert (event.attempt_no, event.provider_ref) == ("P1", "4200001")
    assert event.amount == Money.from_fen(3000)


@pytest.mark.parametrize("kind", ["REFUND.CLOSED", "REFUND.ABNORMAL", "PAYSCORE.USER_PAID", "X"])
def test_genuine_notices_of_other_kinds_are_taken_and_mean_nothing(kind: str) -> None:
    result = read(body_of(REFUND, kind))
    assert (result.events, result.reply.status) == ((), 200)


def test_either_key_may_sign_and_a_serial_may_be_written_in_small_letters() -> None:
    body = body_of(TRADE)
    for serial in (SERIAL, SERIAL.lower(), f"00{SERIAL}"):
        assert read(body, signed(body, "certificate", serial)).events


@pytest.mark.parametrize("total", [9549, 9551, 1, 955_000])
def test_another_amount_is_reported_as_it_is_for_the_core_to_refuse(total: int) -> None:
    (event,) = read(body_of(with_amount(total=total, payer_total=0))).events
    assert event.amount == Money.from_fen(total)


def test_copies_with_another_time_carry_the_same_event() -> None:
    body = body_of(TRADE)
    copies = [read(body, signed(body, seconds=at)) for at in (0, 60)]
    assert len({copy.events[0].event_id for copy in copies}) == 1


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_notices_of_five_minutes_either_way_are_taken(seconds: int) -> None:
    body = body_of(TRADE)
    assert read(body, signed(body, seconds=seconds)).events


Headers = dict[str, str]
FORGED: dict[str, Callable[[Headers, bytes], Headers]] = {
    "wrong signature": lambda h, b: h | {"wechatpay-signature": sign(key("public"), "x")},
    "signed by a stranger": lambda h, b: signed(b, "stranger"),
    "signed by the other key": lambda h, b: signed(b, "certificate", PUBLIC_KEY_ID),
    "a probe": lambda h, b: h | {"wechatpay-signature": PROBE + h["wechatpay-signature"]},
    "signature in no base64": lambda h, b: h | {"wechatpay-signature": "!!!"},
    "signature beyond ASCII": lambda h, b: h | {"wechatpay-signature": "签名"},
    "signature given twice": lambda h, b: (
        h | {"wechatpay-signature": f"{h['wechatpay-signature']},{h['wechatpay-signature']}"}
    ),
    "unknown public key": lambda h, b: signed(b, serial="PUB_KEY_ID_0120"),
    "unknown certificate": lambda h, b: signed(b, "certificate", "7" * 40),
    "serial of no key": lambda h, b: signed(b, serial="PUB_KEY_ID_"),
    "serial that is no serial": lambda h, b: signed(b, serial="../0119"),
    "serial given twice": lambda h, b: signed(b, serial=f"{PUBLIC_KEY_ID},{PUBLIC_KEY_ID}"),
    "weaker algorithm": lambda h, b: h | {"wechatpay-signature-type": "WECHATPAY2-SHA1-RSA1024"},
    "another algorithm": lambda h, b: h | {"wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"},
    "empty algorithm": lambda h, b: h | {"wechatpay-signature-type": ""},
    "algorithm given twice": lambda h, b: h | {"wechatpay-signature-type": f"{SCHEME},{SCHEME}"},
    "stale": lambda h, b: signed(b, seconds=-301),
    "a day old": lambda h, b: signed(b, seconds=-86_400),
    "in the future": lambda h, b: signed(b, seconds=301),
    "a day in the future": lambda h, b: signed(b, seconds=86_400),
    "fresh time under an old signature": lambda h, b: (
        signed(b, seconds=-400) | {"wechatpay-timestamp": str(int(NOW.timestamp()))}
    ),
    "time in other digits": lambda h, b: h | {"wechatpay-timestamp": "１７９５３４１６００"},
    "no number for a time": lambda h, b: h | {"wechatpay-timestamp": "-1"},
    "time beyond all": lambda h, b: h | {"wechatpay-timestamp": "9" * 40},
    "time given twice": lambda h, b: (
        h | {"wechatpay-timestamp": f"{h['wechatpay-timestamp']},{h['wechatpay-timestamp']}"}
    ),
    "another nonce": lambda h, b: h | {"wechatpay-nonce": "nonce2"},
    "nonce with a line feed": lambda h, b: h | {"wechatpay-nonce": "nonce1\n"},
    "nonce given twice": lambda h, b: h | {"wechatpay-nonce": "nonce1,nonce1"},
    "no headers": lambda h, b: {},
    **{
        f"no {name}": lambda h, b, name=name: {n: v for n, v in h.items() if n != name}
        for name in (
            "wechatpay-serial", "wechatpay-signature", "wechatpay-timestamp", "wechatpay-nonce",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("case", FORGED)
def test_a_notice_that_is_not_proven_is_refused(case: str) -> None:
    body = body_of(TRADE)
    with pytest.raises(WebhookRefused):
        read(body, FORGED[case](signed(body), body))


def test_a_certificate_counts_within_its_dates_only() -> None:
    body = body_of(TRADE)
    moment = NOW + timedelta(days=1, seconds=1)
    headers = signed(body, "certificate", SERIAL, 86_401)
    with pytest.raises(WebhookRefused, match="dates"):
        read_notice(account(), post(body, headers), moment)


def test_a_changed_byte_of_the_body_is_refused() -> None:
    body = body_of(TRADE)
    for other in (body + b" ", body[:-1] + b" }", b"", body.replace(b"N1", b"N2")):
        with pytest.raises(WebhookRefused, match="wrong signature"):
            read(other, signed(body))


def test_a_line_cannot_wander_from_the_body_into_the_nonce() -> None:
    """Both texts under the signature are the same; only one of them is a notice."""
    body = body_of(TRADE)
    headers = signed(b"x\n" + body)
    with pytest.raises(WebhookRefused, match="nonce"):
        read(body, headers | {"wechatpay-nonce": "nonce1\nx"})


@pytest.mark.parametrize(
    "thing",
    [
        changed(mchid="1900000002"),
        changed(mchid=None),
        changed(mchid=1900000001),
        changed(appid="wx0002"),
        changed(appid=None),
        changed(trade_state="NOTPAY"),
        changed(trade_state="REFUND"),
        changed(trade_state=None),
        changed(out_trade_no=None),
        changed(out_trade_no=""),
        changed(out_trade_no=1),
        changed(out_trade_no="9" * 65),
        changed(transaction_id=None),
        changed(amount=None),
        changed(amount=9550),
        changed(success_time="soon"),
        changed(success_time="2026-11-22T18:00:00"),
        changed(success_time=1),
        with_amount(total=None),
        with_amount(total=0),
        with_amount(total=-9550),
        with_amount(total="9550"),
        with_amount(total=95.5),
        with_amount(total=True),
        with_amount(total=10**12),
        with_amount(currency="USD"),
        with_amount(currency=None),
        with_amount(payer_currency="USD"),
        with_amount(payer_total=9551),
        with_amount(payer_total=-1),
        with_amount(payer_total="9000"),
        b"[]",
        b"",
        b"null",
        b'{"mchid":"1900000001","mchid":"1900000001"}',
        json.dumps(TRADE).replace('"total": 9550', '"total": 1, "total": 9550').encode(),
        json.dumps(TRADE).replace("9550", "NaN").encode(),
    ],
)
def test_signed_and_sealed_nonsense_is_refused_too(thing: Any) -> None:
    with pytest.raises(WebhookRefused):
        read(body_of(thing))


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": "1900000002"},
        {"refund_status": "PROCESSING"},
        {"refund_id": ""},
        {"out_refund_no": ""},
        {"amount": {"total": 9550, "refund": 0}},
        {"amount": {"total": 9550, "refund": 3000, "currency": "USD"}},
    ],
)
def test_odd_notices_of_refunds_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused):
        read(body_of({**REFUND, **changes}, "REFUND.SUCCESS"))


@pytest.mark.parametrize(
    "resource",
    [
        {"algorithm": "AEAD_AES_128_GCM"},
        {"algorithm": None},
        {"nonce": "abcdef012346"},
        {"nonce": ""},
        {"nonce": "short"},
        {"associated_data": "refund"},
        {"associated_data": None},
        {"associated_data": ""},
        {"ciphertext": seal(API_V3_KEY, "abcdef012345", "transaction", b"{}")[:-4] + "AAA="},
        {"ciphertext": "!!!"},
        {"ciphertext": ""},
        {"ciphertext": None},
    ],
)
def test_a_resource_that_is_not_sealed_for_us_is_refused(resource: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused):
        read(body_of(TRADE, **resource))


def test_a_resource_sealed_with_another_key_is_refused() -> None:
    with pytest.raises(WebhookRefused, match="decrypted"):
        read(body_of(TRADE, with_key="x" * 32))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"event_type":"TRANSACTION.SUCCESS"}',
        b'{"event_type":"TRANSACTION.SUCCESS","resource_type":"encrypt-resource"}',
        b'{"event_type":"TRANSACTION.SUCCESS","event_type":"X"}',
        body_of(TRADE).replace(b"encrypt-resource", b"plain"),
        body_of(TRADE)[:-1] + b',"event_type":"TRANSACTION.SUCCESS"}',
    ],
)
def test_signed_bodies_of_another_form_are_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        read(body)


@pytest.mark.parametrize(("method", "query"), [("GET", ""), ("PUT", ""), ("POST", "a=1")])
def test_only_what_is_posted_to_the_bare_address_counts(method: str, query: str) -> None:
    body = body_of(TRADE)
    with pytest.raises(WebhookRefused):
        read_notice(account(), post(body, signed(body), method, query), NOW)


def test_random_bytes_are_refused_and_never_an_error() -> None:
    rng = random.Random(7)
    for _ in range(200):
        body = rng.randbytes(rng.randrange(200))
        with pytest.raises(WebhookRefused):
            read(body, signed(body) if rng.random() < 0.1 else {})
