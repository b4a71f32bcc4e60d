"""From an order to a member's program, over a real port, through answers of every kind."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.integration.conftest import DEER
from tests.integration.jobs.helpers import with_worker

from kameng.db import db, main_scope, station_scope
from kameng.jobs.relay import relay_batch
from kameng.orders.api import cancel
from kameng.plugins.api import InTransaction
from kameng.redis import client
from kameng.webhooks import api as webhooks
from kameng.webhooks import tasks
from kameng.webhooks.domain.outgoing import Outgoing
from kameng.webhooks.services.claiming import take
from kameng.webhooks.services.formats import standard_request
from kameng.webhooks.services.sending import send

from .conftest import Hooks


def signed_by(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver checks, written down from the specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{mine}" in headers["webhook-signature"].split(" ")


def test_a_delivered_order_is_told_signed_and_without_its_cards(hooks: Hooks) -> None:
    _id, secret = hooks.endpoint("shop")
    placed = hooks.order("M-1001")
    hooks.listen()
    assert hooks.send() == ["delivered"]
    [(path, headers, body)] = hooks.receiver.seen
    assert path == "/shop"
    assert headers["content-type"] == "application/json"
    assert signed_by(secret, headers, body)
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    told = json.loads(body)
    assert told["type"] == "order.delivered"
    assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None
    assert told["data"] == {
        "order_no": placed.order_no, "merchant_order_no": "M-1001", "state": "delivered",
        "sku": hooks.code, "quantity": 1, "total": "98.61", "refunded": "0.00", "sandbox": False,
    }  # fmt: skip


def test_the_whole_way_over_the_outbox_and_a_worker(hooks: Hooks) -> None:
    hooks.endpoint("way")
    app = hooks.shop.app
    with app.app_context():
        client().flushdb()
        hooks.order()

        def arrived() -> list[str]:
            relay_batch(app)
            return hooks.receiver.ids("/way")

        with_worker(app, arrived)
    assert len(hooks.receiver.ids()) == 1


def test_what_happens_once_is_told_once(hooks: Hooks) -> None:
    hooks.endpoint()
    placed = hooks.order()
    hooks.listen()
    hooks.shop.owner.execute(
        "INSERT INTO outbox(station_id, topic, payload) VALUES (%s, 'order.delivered',"
        " jsonb_build_object('order_id', %s::bigint))", (DEER, placed.order_id),
    )  # fmt: skip
    hooks.listen()
    assert len(hooks.rows("d.id")) == 1


def test_only_who_wants_to_hear_it_is_told(hooks: Hooks) -> None:
    hooks.endpoint("all")
    hooks.endpoint("delivered", ("order.delivered", "order.refunded"))
    hooks.endpoint("paid", ("order.paid",))
    hooks.order()
    hooks.listen()
    assert hooks.send() == ["delivered", "delivered"]
    assert {path for path, _h, _b in hooks.receiver.seen} == {"/all", "/delivered"}
    assert len(set(hooks.receiver.ids())) == 1  # one message, whoever hears it


def test_an_order_of_nobody_who_listens_leaves_nothing(hooks: Hooks) -> None:
    hooks.order()
    hooks.listen()
    assert hooks.rows("d.id") == []
    assert hooks.shop.one(
        "SELECT count(*) FROM webhook_message WHERE member_id = %s", hooks.member
    ) == 0  # fmt: skip


def test_the_wallet_and_a_waiting_order_are_told_too(hooks: Hooks) -> None:
    hooks.endpoint()
    attempt = hooks.shop.attempt(DEER, 50_0000, purpose="top_up", member=hooks.member)
    hooks.shop.pay(DEER, attempt, 50_0000)
    code = hooks.shop.sku("top_up")
    placed = hooks.shop.place(code, DEER, member_id=hooks.member)
    with hooks.shop.app.app_context(), station_scope(DEER):
        cancel(placed.order_no, "test")
    hooks.listen()
    hooks.send()
    told = [json.loads(body) for _p, _h, body in hooks.receiver.seen]
    assert [one["type"] for one in told] == ["wallet.topped_up", "order.cancelled"]
    assert told[0]["data"] == {"top_up_no": attempt, "amount": "50.00", "sandbox": False}
    assert told[1]["data"]["merchant_order_no"] == ""


def test_money_back_is_told_with_what_has_come_back(hooks: Hooks) -> None:
    hooks.endpoint(events=("order.refunding", "order.refunded"))
    placed = hooks.order()
    hooks.shop.guarded(
        "refund_order", p_station=DEER, p_order_no=placed.order_no, p_amount=placed.payable,
        p_note="x", p_actor="test", p_key="k1",
    )  # fmt: skip
    hooks.listen()
    hooks.send()
    [told] = [json.loads(body) for _p, _h, body in hooks.receiver.seen]
    assert (told["type"], told["data"]["refunded"]) == ("order.refunding", "98.61")


def test_a_decided_refund_request_is_told(hooks: Hooks) -> None:
    hooks.endpoint(events=("refund_request.accepted",))
    placed = hooks.order()
    request = hooks.shop.one(
        "INSERT INTO refund_request(station_id, request_no, order_id, member_id, amount, reason,"
        " state, answer, decided_at) VALUES (%s, 'RR1', %s, %s, 100000, 'x', 'accepted', 'yes',"
        " now()) RETURNING id", DEER, placed.order_id, hooks.member,
    )  # fmt: skip
    hooks.shop.owner.execute(
        "INSERT INTO outbox(station_id, topic, payload) VALUES (%s, 'refund_request.accepted',"
        " jsonb_build_object('request_id', %s::bigint))", (DEER, request),
    )  # fmt: skip
    hooks.listen()
    hooks.send()
    [told] = [json.loads(body) for _p, _h, body in hooks.receiver.seen]
    assert told["data"] == {
        "request_no": "RR1", "order_no": placed.order_no, "state": "accepted",
        "amount": "10.00", "answer": "yes", "sandbox": False,
    }  # fmt: skip


def state_of(hooks: Hooks) -> Any:
    [row] = hooks.rows("d.state, d.tries, extract(epoch FROM d.next_try_at - now())::int")
    return row


def test_a_failure_is_tried_again_on_schedule_and_logged(hooks: Hooks) -> None:
    hooks.endpoint()
    hooks.order()
    hooks.listen()
    hooks.receiver.answer(500, b"\x00 broken " + b"x" * 2000)
    assert hooks.send() == ["due"]
    state, tries, wait = state_of(hooks)
    assert (state, tries) == ("due", 1)
    assert 3 <= wait <= 6
    hooks.receiver.answer(503)
    hooks.send()
    assert 295 <= state_of(hooks)[2] <= 331
    assert hooks.send() == ["delivered"]
    assert len(set(hooks.receiver.ids())) == 1  # the same webhook-id each time
    log = hooks.shop.owner.execute(
        "SELECT t.status, length(t.answer) FROM webhook_try t JOIN webhook_delivery d"
        " ON d.id = t.delivery_id JOIN webhook_message m ON m.id = d.message_id"
        " WHERE m.member_id = %s ORDER BY t.id", (hooks.member,),
    ).fetchall()  # fmt: skip
    assert log == [(500, 500), (503, 0), (204, 0)]


def test_after_the_last_try_it_has_failed(hooks: Hooks) -> None:
    hooks.endpoint()
    hooks.order()
    hooks.listen()
    for _each in webhooks.STANDARD_SCHEDULE_S:
        hooks.receiver.answer(500)
        hooks.send()
    assert hooks.rows("d.state, d.tries, d.next_try_at") == [("failed", 10, None)]
    assert hooks.send() == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_S7_a_redirect_is_a_failure_and_leads_nowhere(hooks: Hooks, status: int) -> None:
    hooks.endpoint("moved")
    hooks.order()
    hooks.listen()
    hooks.receiver.answer(status, location=f"{hooks.receiver.base}/inside")
    assert hooks.send() == ["due"]
    assert [path for path, _h, _b in hooks.receiver.seen] == ["/moved"]


def test_410_ends_the_endpoint_and_what_was_due(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    for _two in range(2):
        hooks.order()
    hooks.listen()
    hooks.receiver.answer(410)
    assert hooks.send() == ["dropped", "over"]
    assert hooks.rows("d.state") == [("dropped",), ("dropped",)]
    view = hooks.do("endpoint_of", endpoint)
    assert (view.state, view.reason) == ("gone", "gone")
    hooks.order()
    hooks.listen()
    assert hooks.send() == []


def test_a_receiver_that_asks_for_time_gets_it(hooks: Hooks) -> None:
    hooks.endpoint()
    hooks.order()
    hooks.listen()
    hooks.receiver.answer(429, retry_after="900")
    hooks.send()
    assert 895 <= state_of(hooks)[2] <= 900


def test_what_cannot_be_reached_is_told_in_the_log(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    hooks.shop.owner.execute(
        "UPDATE webhook_endpoint SET url = 'http://10.0.0.1/inside' WHERE id = %s", (endpoint,)
    )
    hooks.order()
    hooks.listen()
    assert hooks.send() == ["due"]
    page = hooks.do("deliveries", endpoint)
    [one] = page.items
    assert one.log[0].status == 0
    assert "not a public address" in one.log[0].answer


def test_an_endpoint_that_fails_for_days_is_paused_with_its_reason(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    hooks.order()
    hooks.listen()
    hooks.receiver.answer(500)
    hooks.send()
    assert hooks.do("endpoint_of", endpoint).failing_since is not None
    hooks.shop.owner.execute(
        "UPDATE webhook_endpoint SET failing_since = now() - interval '5 days' WHERE id = %s",
        (endpoint,),
    )
    hooks.receiver.answer(500)
    hooks.send()
    view = hooks.do("endpoint_of", endpoint)
    assert (view.state, view.reason) == ("paused", "failing")
    assert hooks.rows("d.state") == [("dropped",)]
    hooks.do("resume_endpoint", endpoint)
    assert hooks.do("replay_failed", endpoint, datetime.now(UTC) - timedelta(days=1), "member") == 1
    assert hooks.send() == ["delivered"]
    view = hooks.do("endpoint_of", endpoint)
    assert (view.state, view.failing_since) == ("active", None)
    assert view.last_ok_at is not None


def test_a_worker_that_dies_after_sending_leads_to_the_same_message_again(hooks: Hooks) -> None:
    hooks.endpoint()
    hooks.order()
    hooks.listen()
    [(delivery,)] = hooks.rows("d.id")
    with hooks.shop.app.app_context():
        one = take(DEER, delivery, 0)
        assert one is not None
        send(standard_request(one.facts, []), one.facts.url)  # and then it is killed
        assert take(DEER, delivery, 0) is None  # the same job again: this try is over
        with main_scope(reason="test"):
            assert (DEER, delivery, 1) not in webhooks.claim_due()  # it may still be at work
    hooks.shop.owner.execute(
        "UPDATE webhook_delivery SET next_try_at = now() WHERE id = %s", (delivery,)
    )
    with hooks.shop.app.app_context():
        with main_scope(reason="test"):
            assert (DEER, delivery, 1) in webhooks.claim_due()
            assert (DEER, delivery, 1) not in webhooks.claim_due()  # put off for the next one
        assert webhooks.send_delivery(DEER, delivery, 1) == "delivered"
    first, second = hooks.receiver.ids()
    assert first == second


def test_a_flushed_redis_loses_nothing(hooks: Hooks) -> None:
    hooks.endpoint()
    hooks.order()
    hooks.listen()
    with hooks.shop.app.app_context():
        client().flushdb()
    hooks.shop.owner.execute(
        "UPDATE webhook_delivery SET next_try_at = next_try_at - interval '11 seconds'"
    )
    with hooks.shop.app.app_context():
        with main_scope(reason="test"):
            assert tasks.push_due_webhooks() >= 1
        with_worker(hooks.shop.app, lambda: hooks.rows("d.state") == [("delivered",)])


def test_of_an_endpoint_that_fails_one_is_tried_at_a_time(hooks: Hooks) -> None:
    endpoint, _secret = hooks.endpoint()
    for _three in range(3):
        hooks.order()
    hooks.listen()
    hooks.shop.owner.execute("UPDATE webhook_delivery SET next_try_at = now()")
    hooks.shop.owner.execute(
        "UPDATE webhook_endpoint SET failing_since = now() WHERE id = %s", (endpoint,)
    )
    mine = {row[0] for row in hooks.rows("d.id")}
    with hooks.shop.app.app_context(), main_scope(reason="test"):
        due = webhooks.claim_due()
    assert len(mine & {delivery for _s, delivery, _t in due}) == 1


def test_nothing_is_sent_inside_a_transaction(hooks: Hooks) -> None:
    with hooks.shop.app.app_context(), station_scope(DEER):
        db.session.execute(text("SELECT 1"))
        with pytest.raises(InTransaction):
            send(Outgoing("POST", {}, b"{}"), hooks.receiver.base)
    assert hooks.receiver.seen == []
