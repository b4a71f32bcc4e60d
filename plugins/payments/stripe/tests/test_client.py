"""The official client as the judge of the simulator."""

import time
from typing import Any

import pytest
import stripe

from kameng_payment_stripe.simulator.forms import BadForm, flat, nested


@pytest.fixture
def client(scene: Any) -> stripe.StripeClient:
    key = str(scene.simulator.demo_config()["secret_key"])
    addresses: Any = {"api": scene.url}
    return stripe.StripeClient(key, base_addresses=addresses, max_network_retries=0)


def terms(reference: str, fen: int = 500, **changes: Any) -> Any:
    price = {"currency": "cny", "unit_amount": fen, "product_data": {"name": "点卡"}}
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 2}],
        "client_reference_id": reference,
        "metadata": {"attempt_no": reference},
        "success_url": "https://shop.test/ok",
    } | changes


def test_a_session_lives_and_dies_as_the_client_expects(client: stripe.StripeClient) -> None:
    sessions = client.v1.checkout.sessions
    made = sessions.create(terms("c1"))
    assert (made.amount_total, made.status, made.payment_status) == (1000, "open", "unpaid")
    assert made.payment_intent is None
    assert sessions.retrieve(made.id).client_reference_id == "c1"
    assert sessions.expire(made.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        sessions.expire(made.id)
    events = client.v1.events.list({"limit": 1})
    assert events.data[0].type == "checkout.session.expired"
    assert client.v1.events.retrieve(events.data[0].id).id == events.data[0].id


def test_lists_are_paged_for_the_clients_own_paging(client: stripe.StripeClient) -> None:
    sessions = client.v1.checkout.sessions
    made = [sessions.create(terms(f"page-{n}")).id for n in range(5)]
    page = sessions.list({"limit": 2})
    assert page.has_more
    seen = [session.id for session in page.auto_paging_iter()]
    assert seen[:5] == made[::-1]
    assert len(seen) == len(set(seen))


def test_a_key_gives_the_first_answer_again_and_guards_its_parameters(
    client: stripe.StripeClient,
) -> None:
    sessions = client.v1.checkout.sessions
    options: Any = {"idempotency_key": "key-1"}
    first = sessions.create(terms("k1"), options)
    again = sessions.create(terms("k1"), options)
    assert again.id == first.id
    headers: Any = again.last_response.headers if again.last_response else {}
    assert headers.get("Idempotent-Replayed") == "true"
    with pytest.raises(stripe.IdempotencyError):
        sessions.create(terms("k1", fen=1), options)


def test_a_failed_validation_does_not_use_the_key_up(client: stripe.StripeClient) -> None:
    sessions = client.v1.checkout.sessions
    options: Any = {"idempotency_key": "key-2"}
    with pytest.raises(stripe.InvalidRequestError):
        sessions.create(terms("k2", fen=0), options)
    assert sessions.create(terms("k2"), options).id


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "setup"},
        {"line_items": []},
        {"success_url": ""},
        {"cancel_url": "javascript:alert(1)"},
        {"expires_at": int(time.time()) + 60},
        {"expires_at": int(time.time()) + 100_000},
    ],
)
def test_what_stripe_refuses_the_simulator_refuses(
    client: stripe.StripeClient, changes: dict[str, Any]
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(terms("bad", **changes))


def test_refunds_are_bounded_and_listed(client: stripe.StripeClient, scene: Any) -> None:
    made = client.v1.checkout.sessions.create(terms("r1"))
    scene.control("r1", "pay")
    intent = client.v1.checkout.sessions.retrieve(made.id).payment_intent
    assert isinstance(intent, str)
    found = client.v1.payment_intents.retrieve(intent)
    assert (found.status, found.amount_received) == ("succeeded", 1000)
    part = client.v1.refunds.create({"payment_intent": intent, "amount": 400})
    assert client.v1.refunds.retrieve(part.id).amount == 400
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent, "amount": 601})
    assert client.v1.refunds.create({"payment_intent": intent}).amount == 600
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent})
    assert caught.value.code == "charge_already_refunded"
    listed = client.v1.refunds.list({"payment_intent": intent})
    assert sorted(refund.amount for refund in listed.data) == [400, 600]


def test_unknown_things_and_keys_are_errors_of_the_right_kind(
    client: stripe.StripeClient, scene: Any
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.retrieve("cs_test_0")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.list()
    addresses: Any = {"api": scene.url}
    stranger = stripe.StripeClient("sk_test_0", base_addresses=addresses)
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.balance.retrieve()


def test_webhooks_pass_the_clients_own_check(scene: Any, until: Any) -> None:
    scene.open("oracle")
    scene.control("oracle", "pay")
    (notice, *_) = until(lambda: scene.merchant.of("checkout.session.completed"))
    secret = str(scene.simulator.demo_config()["webhook_secret"])
    event = stripe.Webhook.construct_event(notice.body, notice.header("stripe-signature"), secret)
    assert event.data.object["client_reference_id"] == "oracle"


def test_nested_forms_are_read_as_the_client_writes_them() -> None:
    pairs = [("a[0][b]", "1"), ("a[1][b]", "2"), ("m[k]", "v"), ("e[]", "x"), ("e[]", "y")]
    assert nested(pairs) == {"a": [{"b": "1"}, {"b": "2"}], "m": {"k": "v"}, "e": ["x", "y"]}
    for bad in ([("a", "1"), ("a", "2")], [("a", "1"), ("a[b]", "2")], [("[", "1")], [("", "1")]):
        with pytest.raises(BadForm):
            nested(bad)
    assert flat({"b": {"y": "1", "x": "2"}, "a": ["3"]}) == flat(
        {"a": ["3"], "b": {"x": "2", "y": "1"}}
    )
    assert flat({"a": "1&b='2'"}) != flat({"a": "1", "b": "2"})
