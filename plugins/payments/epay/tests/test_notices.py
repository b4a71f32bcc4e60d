"""The refusal matrix of notices, for both versions."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kameng_payment_epay.account import EpayAccount
from kameng_payment_epay.notices import read_notice
from kameng_payment_epay.signing import md5_sign, rsa_sign
from kameng_sdk.errors import WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEventKind, WebhookResult
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookRequest

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KEY = "TESTKEY"


def new_key() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


PLATFORM_PRIVATE, PLATFORM_PUBLIC = new_key()


def account(version: str, **changes: Any) -> EpayAccount:
    values: dict[str, Any] = {
        "gateway_url": "https://pay.test",
        "version": version,
        "pid": "1001",
        "key": Secret(KEY),
        "private_key": Secret(PLATFORM_PRIVATE),
        "platform_key": PLATFORM_PUBLIC,
        "sign_type": "MD5" if version == "v1" else "RSA",
        "methods": ("alipay",),
        "fee_bp": 0,
    }
    return EpayAccount(**(values | changes))


def notice(version: str, **changes: str) -> dict[str, str]:
    """A genuine notice over changed parameters; an empty value leaves one out."""
    params = {
        "pid": "1001",
        "trade_no": "20261122000001",
        "out_trade_no": "P1",
        "type": "alipay",
        "name": "点卡 & 50=元",
        "money": "95.50",
        "trade_status": "TRADE_SUCCESS",
    }
    if version == "v2":
        params["timestamp"] = str(int(NOW.timestamp()))
    params = {name: value for name, value in (params | changes).items() if value}
    if version == "v1":
        return params | {"sign": md5_sign(params, KEY), "sign_type": "MD5"}
    return params | {"sign": rsa_sign(params, PLATFORM_PRIVATE), "sign_type": "RSA"}


def get(query: str, method: str = "GET", body: bytes = b"") -> WebhookRequest:
    return WebhookRequest(method=method, path="/h", query=query, headers={}, body=body)


def read(version: str, params: dict[str, str]) -> WebhookResult:
    return read_notice(account(version), get(urlencode(params)), NOW)


both = pytest.mark.parametrize("version", ["v1", "v2"])


@both
def test_a_genuine_notice_reports_the_payment_exactly(version: str) -> None:
    result = read(version, notice(version))
    (event,) = result.events
    assert event.kind is PaymentEventKind.PAID
    assert (event.attempt_no, event.provider_ref) == ("P1", "20261122000001")
    assert event.amount == Money.from_fen(9550)
    assert event.fresh is (version == "v2")
    assert (result.reply.status, result.reply.body) == (200, b"success")


@both
@pytest.mark.parametrize("money", ["95.49", "95.51", "95.5", "0.01", "955000"])
def test_another_amount_is_reported_as_it_is_for_the_core_to_refuse(
    version: str, money: str
) -> None:
    (event,) = read(version, notice(version, money=money)).events
    assert event.amount == Money.parse(money)


@both
def test_a_posted_form_is_read_like_a_query(version: str) -> None:
    body = urlencode(notice(version)).encode()
    assert read_notice(account(version), get("", "POST", body), NOW).events


@both
def test_a_genuine_notice_of_another_status_is_taken_and_means_nothing(version: str) -> None:
    result = read(version, notice(version, trade_status="TRADE_CLOSED"))
    assert (result.events, result.reply.body) == ((), b"success")


@both
@pytest.mark.parametrize(
    "name", ["pid", "trade_no", "out_trade_no", "type", "name", "money", "trade_status", "sign"]
)
def test_a_changed_or_missing_parameter_is_refused(version: str, name: str) -> None:
    changed = notice(version)
    changed[name] += "1"
    with pytest.raises(WebhookRefused):
        read(version, changed)
    del changed[name]
    with pytest.raises(WebhookRefused):
        read(version, changed)


@both
@pytest.mark.parametrize(
    "changes",
    [
        {"pid": "1002"},
        {"pid": ""},
        {"out_trade_no": ""},
        {"out_trade_no": "9" * 65},
        {"trade_no": ""},
        {"money": ""},
        {"money": "0.00"},
        {"money": "-95.50"},
        {"money": "95.501"},
        {"money": "1e3"},
        {"money": "NaN"},
        {"money": "９５.50"},
        {"money": "95,50"},
    ],
)
def test_signed_nonsense_is_refused_too(version: str, changes: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused):
        read(version, notice(version, **changes))


@both
@pytest.mark.parametrize("extra", ["money=95.50", "money=0.01", "pid=1001", "sign=x"])
def test_a_parameter_given_twice_is_refused(version: str, extra: str) -> None:
    query = urlencode(notice(version))
    for doubled in (f"{query}&{extra}", f"{extra}&{query}"):
        with pytest.raises(WebhookRefused):
            read_notice(account(version), get(doubled), NOW)
    with pytest.raises(WebhookRefused):
        read_notice(account(version), get(query, "POST", extra.encode()), NOW)


@both
def test_an_added_parameter_is_refused(version: str) -> None:
    with pytest.raises(WebhookRefused):
        read(version, notice(version) | {"param": "x"})


@both
@pytest.mark.parametrize("query", ["", "&&&", "=", "sign=", "%ff%fe=1", "a=%ff", "x" * 9000])
def test_garbage_is_refused(version: str, query: str) -> None:
    for request in (get(query), get("", "POST", query.encode()), get("", "POST", b"\xff\xfe")):
        with pytest.raises(WebhookRefused):
            read_notice(account(version), request, NOW)


@both
def test_random_bytes_are_refused_and_never_an_error(version: str) -> None:
    rng = random.Random(7)
    for _ in range(300):
        body = rng.randbytes(rng.randrange(200))
        with pytest.raises(WebhookRefused):
            read_notice(account(version), get("", "POST", body), NOW)


@pytest.mark.parametrize("seconds", [-301, 301, -86_400, 86_400])
def test_v2_refuses_stale_and_future_notices(seconds: int) -> None:
    timestamp = str(int((NOW + timedelta(seconds=seconds)).timestamp()))
    with pytest.raises(WebhookRefused, match="stale or future"):
        read("v2", notice("v2", timestamp=timestamp))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_v2_takes_notices_of_five_minutes_either_way(seconds: int) -> None:
    timestamp = str(int((NOW + timedelta(seconds=seconds)).timestamp()))
    assert read("v2", notice("v2", timestamp=timestamp)).events


@pytest.mark.parametrize("timestamp", ["", "soon", "１７９５３１３６００", "-1", "9" * 13, "1.5"])
def test_v2_refuses_a_notice_without_a_usable_time(timestamp: str) -> None:
    with pytest.raises(WebhookRefused):
        read("v2", notice("v2", timestamp=timestamp))


def test_v2_cannot_be_talked_down_to_md5() -> None:
    params = notice("v2")
    plain = {name: value for name, value in params.items() if not name.startswith("sign")}
    for key in (KEY, "", PLATFORM_PUBLIC):
        forged = plain | {"sign": md5_sign(plain, key), "sign_type": "MD5"}
        for sign_type in ("MD5", "RSA", "md5", ""):
            with pytest.raises(WebhookRefused):
                read("v2", forged | {"sign_type": sign_type})


def test_v1_does_not_take_a_notice_of_v2() -> None:
    with pytest.raises(WebhookRefused):
        read("v1", notice("v2"))


def test_v2_refuses_another_key_and_an_unconfigured_signature_type() -> None:
    other_private, other_public = new_key()
    params = notice("v2")
    forged = params | {"sign": rsa_sign(params, other_private)}
    with pytest.raises(WebhookRefused, match="wrong signature"):
        read("v2", forged)
    with pytest.raises(WebhookRefused, match="wrong signature"):
        read_notice(account("v2", platform_key=other_public), get(urlencode(params)), NOW)
    with pytest.raises(WebhookRefused, match="signature type"):
        read("v2", params | {"sign_type": "RSA2"})


def test_v1_replays_carry_the_same_event_so_that_they_are_harmless() -> None:
    first, again = read("v1", notice("v1")), read("v1", notice("v1"))
    assert first.events[0].event_id == again.events[0].event_id
    assert first.events[0].provider_ref


def test_v2_copies_with_another_time_carry_the_same_event() -> None:
    later = str(int(NOW.timestamp()) + 60)
    copies = [read("v2", notice("v2")), read("v2", notice("v2", timestamp=later))]
    assert len({copy.events[0].event_id for copy in copies}) == 1


def test_our_own_signed_request_is_no_notice() -> None:
    """The address of the cashier, which the shopper holds, cut apart so that it says "paid"."""
    request = {
        "money": "0.01", "name": "x", "notify_url": "https://shop.test/hooks", "out_trade_no": "P1",
        "pid": "1001", "type": "alipay",
        "return_url": "https://shop.test/o/1?k=A&trade_no=T&trade_status=TRADE_SUCCESS",
    }  # fmt: skip
    sign = {"sign": md5_sign(request, KEY), "sign_type": "MD5"}
    facts = {"out_trade_no": "P1", "pid": "1001", "trade_no": "T", "trade_status": "TRADE_SUCCESS",
             "type": "alipay", "money": "0.01"}  # fmt: skip
    back, hook = "https://shop.test/o/1?k=A", "https://shop.test/hooks"
    cuts: list[dict[str, str]] = [
        {**facts, "name": "x", "notify_url": hook, "return_url": back},
        {**facts, "name": f"x&notify_url={hook}", "return_url": back},
        {**facts, "name": f"x&notify_url={hook}", "return_url=https://shop.test/o/1?k": "A"},
    ]
    for params in cuts:
        assert md5_sign(params, KEY) == sign["sign"]  # the signature itself is right
        with pytest.raises(WebhookRefused, match=r"came back|odd name"):
            read("v1", {**params, **sign})


@pytest.mark.parametrize("name", ["pid[]", "money[0]", "a b", "", "名", "x" * 65])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_parameter_with_an_odd_name_is_refused(version: str, name: str) -> None:
    with pytest.raises(WebhookRefused, match="odd name"):
        read(version, notice(version) | {name: "1"})
