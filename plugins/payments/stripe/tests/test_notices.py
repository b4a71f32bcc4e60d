"""The refusal matrix of webhooks, signed and checked by the official library."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from kameng_payment_stripe.account import StripeAccount
from kameng_payment_stripe.notices import read_notice
from kameng_sdk.config import PluginConfig
from kameng_sdk.errors import Misconfigured, WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.payments import PaymentEventKind, WebhookResult
from kameng_sdk.secrets import Secret
from kameng_sdk.webhooks import WebhookRequest

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
SECRET = "whsec_test"
ACCOUNT = StripeAccount(
    secret_key=Secret("sk_test_1"), webhook_secret=Secret(SECRET), gateway_url="", fee_bp=0
)
LIVE = StripeAccount(
    secret_key=Secret("sk_live_1"), webhook_secret=Secret(SECRET), gateway_url="", fee_bp=0
)


def session(**changes: Any) -> dict[str, Any]:
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "mode": "payment",
        "amount_total": 9550,
        "currency": "cny",
        "client_reference_id": "P1",
        "metadata": {"attempt_no": "P1"},
        "payment_status": "paid",
        "status": "complete",
    } | changes


def charge(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 9550,
        "amount_refunded": 3000,
        "currency": "cny",
        "payment_intent": "pi_1",
        "metadata": {"attempt_no": "P1"},
    } | changes


def event(kind: str, thing: dict[str, Any], **changes: Any) -> bytes:
    body = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": AT - 5,
        "livemode": False,
        "data": {"object": thing},
    }
    return json.dumps(body | changes).encode()


def signed(body: bytes, secret: str = SECRET, at: int = AT) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, at)
    return {"stripe-signature": header}


def read(
    body: bytes, headers: dict[str, str] | None = None, account: StripeAccount = ACCOUNT
) -> WebhookResult:
    given = signed(body) if headers is None else headers
    request = WebhookRequest(method="POST", path="/h", query="", headers=given, body=body)
    return read_notice(account, request, NOW)


def test_a_paid_session_reports_the_payment_exactly() -> None:
    result = read(event("checkout.session.completed", session()))
    (found,) = result.events
    assert found.kind is PaymentEventKind.PAID
    assert (found.attempt_no, found.provider_ref) == ("P1", "cs_test_1")
    assert found.amount == Money.from_fen(9550)
    assert (found.event_id, found.fresh) == ("evt_1", True)
    assert found.paid_at == NOW - timedelta(seconds=5)
    assert result.reply.status == 200


@pytest.mark.parametrize("fen", [9549, 9551, 1])
def test_another_amount_is_reported_as_it_is_for_the_core_to_refuse(fen: int) -> None:
    (found,) = read(event("checkout.session.completed", session(amount_total=fen))).events
    assert found.amount == Money.from_fen(fen)


def test_the_other_kinds_are_read() -> None:
    unpaid = session(payment_status="unpaid")
    assert not read(event("checkout.session.completed", unpaid)).events
    (late,) = read(event("checkout.session.async_payment_succeeded", session())).events
    assert late.kind is PaymentEventKind.PAID
    for kind in ("checkout.session.expired", "checkout.session.async_payment_failed"):
        (over,) = read(event(kind, unpaid)).events
        assert over.kind is PaymentEventKind.FAILED
        with pytest.raises(WebhookRefused):
            read(event(kind, session()))
    (back,) = read(event("charge.refunded", charge())).events
    assert (back.kind, back.amount) == (PaymentEventKind.REFUNDED, Money.from_fen(3000))
    assert (back.attempt_no, back.provider_ref) == ("P1", "pi_1")


def test_events_that_do_not_concern_us_are_taken_and_mean_nothing() -> None:
    foreign = session(client_reference_id=None, metadata={})
    for body in (
        event("payment_intent.succeeded", {"object": "payment_intent"}),
        event("customer.created", {"object": "customer"}),
        event("checkout.session.completed", foreign),
        event("charge.refunded", charge(metadata={})),
    ):
        assert (read(body).events, read(body).reply.status) == ((), 200)


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "usd"},
        {"currency": None},
        {"amount_total": 0},
        {"amount_total": -1},
        {"amount_total": "9550"},
        {"amount_total": 95.5},
        {"amount_total": True},
        {"amount_total": None},
        {"metadata": {"attempt_no": "P2"}},
        {"metadata": {}},
        {"metadata": []},
        {"client_reference_id": "P2"},
        {"client_reference_id": ""},
        {"client_reference_id": None},
        {"object": "payment_intent"},
        {"mode": "subscription"},
        {"id": None},
    ],
)
def test_signed_nonsense_is_refused_too(changes: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused):
        read(event("checkout.session.completed", session(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"livemode": True},
        {"livemode": None},
        {"object": "list"},
        {"id": ""},
        {"created": "now"},
        {"created": 10**12},
        {"data": None},
        {"data": {}},
    ],
)
def test_events_of_another_mode_or_form_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(WebhookRefused):
        read(event("checkout.session.completed", session(), **changes))


def test_a_test_event_cannot_pay_a_live_account() -> None:
    body = event("checkout.session.completed", session())
    with pytest.raises(WebhookRefused, match="mode"):
        read(body, account=LIVE)
    assert read(event("checkout.session.completed", session(), livemode=True), account=LIVE).events


@pytest.mark.parametrize("seconds", [-301, 301, 3600, -86_400])
def test_stale_and_future_signatures_are_refused(seconds: int) -> None:
    body = event("checkout.session.completed", session())
    with pytest.raises(WebhookRefused, match="stale or future"):
        read(body, signed(body, at=AT + seconds))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_taken(seconds: int) -> None:
    body = event("checkout.session.completed", session())
    assert read(body, signed(body, at=AT + seconds)).events


def test_wrong_missing_and_odd_signatures_are_refused() -> None:
    body = event("checkout.session.completed", session())
    good = signed(body)["stripe-signature"]
    digest = good.split("v1=")[1]
    for header in (
        "",
        "garbage",
        f"t={AT}",
        f"t={AT},v1=",
        f"t={AT},v0={digest}",
        f"v1={digest}",
        f"t=,v1={digest}",
        f"t={AT + 1},v1={digest}",
        f"t={AT},t={AT},v1={digest}",
        f"t={AT},v1={'0' * 64}",
        f"t={AT},v1=签名",
        f"t={'9' * 5000},v1={digest}",
        f"t=1e9,v1={digest}",
    ):
        with pytest.raises(WebhookRefused):
            read(body, {"stripe-signature": header})
    with pytest.raises(WebhookRefused):
        read(body, {})
    with pytest.raises(WebhookRefused):
        read(body, signed(body, secret="whsec_other"))
    with pytest.raises(WebhookRefused):
        read(body.replace(b"9550", b"0001"), {"stripe-signature": good})
    assert read(body, {"stripe-signature": f"t={AT},v1={'0' * 64},v1={digest}"}).events


def test_a_signature_lost_in_a_long_header_is_refused() -> None:
    body = event("checkout.session.completed", session())
    good = signed(body)["stripe-signature"]
    with pytest.raises(WebhookRefused):
        read(body, {"stripe-signature": "x=1," * 500 + good})


def test_what_comes_by_get_is_no_event() -> None:
    body = event("checkout.session.completed", session())
    request = WebhookRequest(method="GET", path="/h", query="", headers=signed(body), body=body)
    with pytest.raises(WebhookRefused):
        read_notice(ACCOUNT, request, NOW)


def test_a_name_given_twice_is_refused() -> None:
    body = event("checkout.session.completed", session())
    twice = body.replace(b'"livemode": false', b'"livemode": true, "livemode": false')
    assert twice != body
    with pytest.raises(WebhookRefused, match="twice"):
        read(twice)


def test_only_a_charge_is_given_back() -> None:
    with pytest.raises(WebhookRefused):
        read(event("charge.refunded", charge(object="refund")))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'"event"',
        b"[" * 100_000,
        b'{"object":"event","object":"event"}',
        b'{"object":"event","livemode":false,"data":{"object":[]}}',
        b'{"object":"event","livemode":false,"type":[],"data":{"object":{"metadata":1}}}',
    ],
)
def test_signed_garbage_is_refused_or_means_nothing(body: bytes) -> None:
    try:
        result = read(body)
    except WebhookRefused:
        return
    assert result.events == ()


def test_bytes_that_are_no_text_are_refused() -> None:
    rng = random.Random(7)
    for _ in range(300):
        body = rng.randbytes(rng.randrange(1, 200))
        with pytest.raises(WebhookRefused):
            read(body, {"stripe-signature": f"t={AT},v1={'0' * 64}"})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"secret_key": Secret("pk_test_1")},
        {"webhook_secret": Secret("secret")},
        {"secret_key": Secret("sk_live_1"), "gateway_url": "http://sim.test"},
    ],
)
def test_unusable_settings_are_refused(values: dict[str, Any]) -> None:
    good = {"secret_key": Secret("sk_test_1"), "webhook_secret": Secret(SECRET)}
    assert StripeAccount.from_config(PluginConfig(good)).live is False
    with pytest.raises(Misconfigured):
        StripeAccount.from_config(PluginConfig({**good, **values} if values else {}))
