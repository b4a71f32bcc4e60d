"""Rules of webhooks: signatures, the schedule, what an answer means, who wants to hear what."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.webhooks.domain.events import EVENTS, body_of, event_payload, wants
from kameng.webhooks.domain.outgoing import DeliveryFacts, Formats, Outgoing
from kameng.webhooks.domain.signing import secret_bytes, secret_text, sign
from kameng.webhooks.domain.trying import (
    STANDARD_SCHEDULE_S,
    delay_s,
    has_failed_too_long,
    is_success,
    pause_s,
    verdict,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330


def test_the_signature_is_that_of_the_specification() -> None:
    headers = sign([SECRET], MESSAGE, AT, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": MESSAGE, "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }  # fmt: skip


def test_two_secrets_sign_side_by_side() -> None:
    both = sign([SECRET, secret_text(b"k" * 32)], MESSAGE, AT, b"{}")["webhook-signature"]
    first, second = both.split(" ")
    assert first == sign([SECRET], MESSAGE, AT, b"{}")["webhook-signature"]
    digest = hmac.new(b"k" * 32, f"{MESSAGE}.{AT}.{{}}".encode(), hashlib.sha256).digest()
    assert second == f"v1,{base64.b64encode(digest).decode()}"


@given(st.binary(min_size=24, max_size=64))
def test_a_shown_secret_is_the_key_again(raw: bytes) -> None:
    assert secret_bytes(secret_text(raw)) == raw
    assert secret_bytes(secret_text(raw).removeprefix("whsec_")) == raw


@pytest.mark.parametrize("text", ["whsec_!!!", "whsec_abc"])
def test_what_is_no_base64_is_no_secret(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        secret_bytes(text)


def test_ten_tries_at_the_times_of_the_standard() -> None:
    waits = [delay_s(STANDARD_SCHEDULE_S, tries, 0.0) for tries in range(11)]
    assert waits == [0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None]


@given(st.integers(0, 9), st.floats(0, 1, exclude_max=True))
def test_chance_lengthens_a_wait_by_a_tenth_at_most(tries: int, chance: float) -> None:
    wait = delay_s(STANDARD_SCHEDULE_S, tries, chance)
    plain = STANDARD_SCHEDULE_S[tries]
    assert wait is not None
    assert plain <= wait <= plain * 1.1


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (301, "again"), (302, "again"),
     (199, "again"), (400, "again"), (404, "again"), (410, "gone"), (500, "again"), (0, "again")],
)  # fmt: skip
def test_only_2xx_counts_as_taken(status: int, expected: str) -> None:
    assert verdict(status, is_success(status)) == expected


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [(429, "120", 120), (503, " 7 ", 7), (429, "999999999999", 86_400), (500, "120", None),
     (429, "", None), (429, "soon", None), (429, "-5", None), (429, "٣", None),
     (503, "Mon, 04 May 2026 12:02:00 GMT", 120), (503, "Mon, 04 May 2026 11:00:00 GMT", 0),
     (503, "Mon, 11 May 2026 12:00:00 GMT", 86_400)],
)  # fmt: skip
def test_a_receiver_may_ask_to_wait_up_to_a_day(
    status: int, header: str, expected: int | None
) -> None:
    assert pause_s(status, header, NOW) == expected


@given(st.text(max_size=60))
def test_no_retry_after_whatever_it_holds_breaks_the_rule(header: str) -> None:
    wait = pause_s(503, header, NOW)
    assert wait is None or 0 <= wait <= 86_400


def test_five_days_without_success_are_too_long() -> None:
    assert not has_failed_too_long(None, NOW)
    assert not has_failed_too_long(NOW - timedelta(days=4, hours=23), NOW)
    assert has_failed_too_long(NOW - timedelta(days=5), NOW)


def test_no_choice_is_every_event() -> None:
    assert all(wants((), event) for event in EVENTS)
    assert wants(["order.paid"], "order.paid")
    assert not wants(["order.paid"], "order.delivered")


def test_a_body_is_compact_and_always_the_same() -> None:
    payload = event_payload("order.paid", NOW, {"order_no": "2605", "sku": "星海"})
    body = body_of(payload)
    assert body.decode() == (
        '{"type":"order.paid","timestamp":"2026-05-04T12:00:00+00:00",'
        '"data":{"order_no":"2605","sku":"星海"}}'
    )
    shuffled = json.loads(json.dumps(payload, sort_keys=True))
    assert body_of(shuffled) == body


def test_a_body_of_20_kb_is_not_made() -> None:
    with pytest.raises(ValueError, match="bytes"):
        body_of(event_payload("order.paid", NOW, {"text": "x" * 20_000}))


def test_a_request_does_not_show_what_it_holds() -> None:
    request = Outgoing("POST", {"X-Key": "secret-key"}, b"card-code", ("secret-key",))
    facts = DeliveryFacts(1, 2, 3, "no", "order.paid", "https://x.test/?token=t1", "msg", {})
    assert "secret-key" not in repr(request)
    assert "card-code" not in repr(request)
    assert "t1" not in repr(facts)


def test_a_format_that_never_tries_is_refused() -> None:
    known = Formats()
    with pytest.raises(ValueError, match="never tries"):
        known.register("kakayun", lambda facts: None, (), is_success)
    known.register("kakayun", lambda facts: None, (0, 5), is_success)
    found = known.find("kakayun")
    assert found is not None
    assert found.schedule_s == (0, 5)
    assert known.find("other") is None
