"""Plugin and simulator over real HTTP, with the official client between them."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from kameng_payment_stripe.provider import StripeProvider
from kameng_payment_stripe.simulator import StripeSimulator
from kameng_payment_stripe.simulator.objects import Objects
from kameng_payment_stripe.simulator.store import open_store
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentEvent, PaymentEventKind, RefundRequest
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.webhooks import WebhookRequest

Wait = Callable[..., Any]
PAID = "checkout.session.completed"


def read(scene: Any, provider: StripeProvider, notice: WebhookRequest) -> list[PaymentEvent]:
    return list(provider.parse_webhook(scene.ctx(), notice).events)


def refund_of(attempt: str, ref: str, no: str, fen: int = 9550) -> RefundRequest:
    return RefundRequest(
        attempt_no=attempt,
        provider_ref=ref,
        refund_no=no,
        amount=Money.from_fen(fen),
        total=Money.from_fen(9550),
    )


def test_a_paid_session_is_notified_and_queried_exactly(scene: Any, until: Wait) -> None:
    provider, ref = scene.open("pay")
    assert provider.query(scene.ctx(), "pay", ref).outcome is Outcome.PENDING
    scene.control("pay", "pay")
    (notice, *_) = until(lambda: scene.merchant.of(PAID))
    (event,) = read(scene, provider, notice)
    assert (event.kind, event.attempt_no) == (PaymentEventKind.PAID, "pay")
    assert (event.amount, event.provider_ref) == (Money.from_fen(9550), ref)
    result = provider.query(scene.ctx(), "pay", ref)
    assert (result.outcome, result.amount) == (Outcome.SUCCEEDED, Money.from_fen(9550))
    for other in scene.merchant.of("payment_intent.succeeded"):
        assert read(scene, provider, other) == []


def test_the_checkout_page_pays_without_script_and_returns_to_the_shop(
    scene: Any, until: Wait
) -> None:
    url = scene.provider().charge(scene.ctx(), scene.request("page")).redirect_url
    page = scene.web.get(url)
    assert "这是模拟收银台，不会真的扣钱" in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "话费充值 100 元 &amp; 赠品=1" in page.text
    assert scene.web.get(f"{scene.url}/cashier.css").status_code == 200
    answer = scene.web.post(f"{url}/pay")
    assert answer.status_code == 303
    assert urlsplit(answer.headers["Location"]).path == "/back"
    until(lambda: scene.merchant.of(PAID))
    assert "已付款" in scene.web.get(url).text
    assert "已经付过款" in scene.web.post(f"{url}/pay").text


def test_a_session_is_found_without_its_reference(scene: Any) -> None:
    provider, ref = scene.open("lost")
    scene.control("lost", "pay")
    result = provider.query(scene.ctx(), "lost", "")
    assert (result.outcome, result.provider_ref) == (Outcome.SUCCEEDED, ref)
    assert provider.query(scene.ctx(), "never-seen", "").outcome is Outcome.UNKNOWN


def test_a_reference_of_another_attempt_is_unknown(scene: Any) -> None:
    provider, ref = scene.open("one")
    scene.control("one", "pay")
    assert provider.query(scene.ctx(), "two", ref).outcome is Outcome.UNKNOWN


def test_a_refused_card_leaves_the_session_open(scene: Any, until: Wait) -> None:
    provider, ref = scene.open("refuse")
    page = scene.web.post(f"{scene.url}/c/pay/{ref}/refuse", follow_redirects=True)
    assert "付款被拒绝" in page.text
    (notice, *_) = until(lambda: scene.merchant.of("payment_intent.payment_failed"))
    assert read(scene, provider, notice) == []
    assert provider.query(scene.ctx(), "refuse", ref).outcome is Outcome.PENDING
    scene.control("refuse", "pay")
    assert provider.query(scene.ctx(), "refuse", ref).outcome is Outcome.SUCCEEDED


def test_a_late_payment_completes_unpaid_and_succeeds_later(scene: Any, until: Wait) -> None:
    provider, ref = scene.open("late")
    scene.control("late", "pay_late", seconds=1)
    (early, *_) = until(lambda: scene.merchant.of(PAID))
    assert read(scene, provider, early) == []
    assert provider.query(scene.ctx(), "late", ref).outcome is Outcome.PENDING
    assert "秒后到账" in scene.web.get(f"{scene.url}/c/pay/{ref}").text
    (late, *_) = until(lambda: scene.merchant.of("checkout.session.async_payment_succeeded"))
    assert read(scene, provider, late)[0].kind is PaymentEventKind.PAID
    assert provider.query(scene.ctx(), "late", ref).outcome is Outcome.SUCCEEDED


def test_paying_twice_gives_two_sessions_and_the_surplus_can_go_back(
    scene: Any, until: Wait
) -> None:
    provider, ref = scene.open("twice")
    scene.control("twice", "pay_twice")
    notices = until(lambda: len(scene.merchant.of(PAID)) == 2 and scene.merchant.of(PAID))
    events = [read(scene, provider, notice)[0] for notice in notices]
    assert {event.attempt_no for event in events} == {"twice"}
    (surplus,) = {event.provider_ref for event in events} - {ref}
    result = provider.refund(scene.ctx(), refund_of("twice", surplus, "R-twice"))
    assert result.outcome is Outcome.SUCCEEDED
    assert provider.query(scene.ctx(), "twice", ref).outcome is Outcome.SUCCEEDED


def test_every_copy_of_a_webhook_is_the_same_event(scene: Any, until: Wait) -> None:
    provider, _ = scene.open("copies")
    scene.control("copies", "pay", times=3)
    until(lambda: len(scene.merchant.of(PAID)) == 3)
    scene.control("copies", "notify", times=10)
    notices = until(lambda: len(scene.merchant.of(PAID)) == 13 and scene.merchant.of(PAID))
    assert len({read(scene, provider, notice)[0].event_id for notice in notices}) == 1


def test_a_webhook_is_repeated_until_it_is_taken(scene: Any, until: Wait) -> None:
    scene.merchant.status = 500
    scene.open("again")
    scene.control("again", "pay")
    until(lambda: len(scene.merchant.of(PAID)) >= 2)
    scene.merchant.status = 204
    until(lambda: all(row["state"] == "accepted" for row in scene.order("again")["callbacks"]))


def test_with_callbacks_off_only_the_query_tells(scene: Any, until: Wait) -> None:
    scene.settings(callbacks="off")
    provider, ref = scene.open("silent")
    scene.control("silent", "pay")
    time.sleep(0.7)
    assert not scene.merchant.notices
    assert provider.query(scene.ctx(), "silent", ref).outcome is Outcome.SUCCEEDED
    scene.settings(callbacks="on")
    until(lambda: scene.merchant.of(PAID))


def test_an_old_webhook_is_refused_later(scene: Any, until: Wait) -> None:
    provider, _ = scene.open("old")
    scene.control("old", "pay")
    (notice, *_) = until(lambda: scene.merchant.of(PAID))
    scene.clock.moved = timedelta(seconds=302)
    with pytest.raises(WebhookRefused):
        read(scene, provider, notice)


def test_refunds_go_back_in_parts_once_per_number_and_never_too_much(
    scene: Any, until: Wait
) -> None:
    provider, ref = scene.open("parts")
    with pytest.raises(Declined):
        provider.refund(scene.ctx(), refund_of("parts", ref, "R0"))
    scene.control("parts", "pay")
    for _ in range(3):
        result = provider.refund(scene.ctx(), refund_of("parts", ref, "R1", 3000))
        assert result.outcome is Outcome.SUCCEEDED
    too_much = refund_of("parts", ref, "R2", 6551)
    with pytest.raises(Declined, match="greater than unrefunded"):
        provider.refund(scene.ctx(), too_much)
    assert provider.query_refund(scene.ctx(), too_much).outcome is Outcome.UNKNOWN
    rest = refund_of("parts", "", "R3", 6550)
    assert provider.refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    intent = scene.order("parts")["payment_intent"]
    by_intent = refund_of("parts", intent, "R3", 6550)
    assert provider.query_refund(scene.ctx(), by_intent).outcome is Outcome.SUCCEEDED
    assert sorted(r["amount"] for r in scene.order("parts")["refunds"]) == [3000, 6550]
    notices = until(
        lambda: (
            len(scene.merchant.of("charge.refunded")) == 2 and scene.merchant.of("charge.refunded")
        )
    )
    amounts = {read(scene, provider, notice)[0].amount.to_fen() for notice in notices}
    assert amounts == {3000, 9550}


def test_an_expired_session_cannot_be_paid_and_a_paid_one_not_expired(
    scene: Any, until: Wait
) -> None:
    provider, ref = scene.open("cancel")
    for _ in range(2):
        assert provider.cancel(scene.ctx(), "cancel", ref) is Outcome.SUCCEEDED
    (notice, *_) = until(lambda: scene.merchant.of("checkout.session.expired"))
    assert read(scene, provider, notice)[0].kind is PaymentEventKind.FAILED
    assert provider.query(scene.ctx(), "cancel", ref).outcome is Outcome.DECLINED
    assert "付款页已过期" in scene.web.post(f"{scene.url}/c/pay/{ref}/pay").text
    provider, ref = scene.open("paid")
    scene.control("paid", "pay")
    assert provider.cancel(scene.ctx(), "paid", ref) is Outcome.UNKNOWN
    assert provider.cancel(scene.ctx(), "paid", "cs_test_missing") is Outcome.UNKNOWN


def test_the_same_number_again_is_the_same_session_and_other_terms_stay_unknown(
    scene: Any,
) -> None:
    provider = scene.provider()
    request = scene.request("same")
    first = provider.charge(scene.ctx(), request)
    assert provider.charge(scene.ctx(), request) == first
    with pytest.raises(HttpOutcomeUnknown, match="idempotency"):
        provider.charge(scene.ctx(), scene.request("same", fen=1))


def test_a_lost_answer_is_unknown_and_found_by_the_same_number(scene: Any) -> None:
    provider = scene.provider()
    scene.settings(fail_percent=100, fail_when="lost")
    with pytest.raises(HttpOutcomeUnknown):
        provider.charge(scene.ctx(), scene.request("cut"))
    scene.settings(fail_percent=0)
    scene.control("cut", "pay")
    assert provider.query(scene.ctx(), "cut", "").outcome is Outcome.SUCCEEDED
    assert len(scene.web.get(f"{scene.url}/control/orders?out_trade_no=cut").json()["orders"]) == 1


def test_a_failure_inside_stripe_is_stored_and_stays_unknown(scene: Any) -> None:
    provider = scene.provider()
    request = scene.request("broken")
    scene.settings(fail_percent=100, fail_when="after")
    with pytest.raises(HttpOutcomeUnknown):
        provider.charge(scene.ctx(), request)
    scene.settings(fail_percent=0)
    with pytest.raises(HttpOutcomeUnknown):
        provider.charge(scene.ctx(), request)
    assert provider.query(scene.ctx(), "broken", "").outcome is Outcome.PENDING


def test_the_test_button_finds_a_wrong_key(scene: Any) -> None:
    scene.provider().check(scene.ctx())
    with pytest.raises(Declined, match="account"):
        scene.provider(secret_key="sk_test_wrong").check(scene.ctx())


def test_a_question_that_is_refused_tells_nothing_of_the_money(scene: Any) -> None:
    _, ref = scene.open("asked")
    scene.control("asked", "pay")
    stranger = scene.provider(secret_key="sk_test_wrong")
    assert stranger.query(scene.ctx(), "asked", ref).outcome is Outcome.UNKNOWN
    assert stranger.query(scene.ctx(), "asked", "").outcome is Outcome.UNKNOWN
    request = refund_of("asked", ref, "R-asked")
    assert stranger.query_refund(scene.ctx(), request).outcome is Outcome.UNKNOWN
    assert stranger.cancel(scene.ctx(), "asked", ref) is Outcome.UNKNOWN


def test_levers_say_what_is_wrong(scene: Any) -> None:
    _, ref = scene.open("levers")
    post = scene.web.post
    assert post(f"{scene.url}/control/out:nothing/pay").status_code == 404
    assert post(f"{scene.url}/control/{ref}/fly").status_code == 400
    assert post(f"{scene.url}/control/{ref}/pay?times=x").status_code == 400
    assert post(f"{scene.url}/control/settings", data={"secret_key": "x"}).status_code == 400
    assert post(f"{scene.url}/control/{ref}/pay").status_code == 200
    assert post(f"{scene.url}/control/{ref}/pay").status_code == 409
    assert post(f"{scene.url}/c/pay/{ref}/fly").status_code == 404
    assert scene.web.get(f"{scene.url}/c/pay/cs_test_0").status_code == 404


def test_the_bill_lists_money_and_can_leave_a_line_out(scene: Any) -> None:
    scene.open("billed")
    scene.control("billed", "pay")
    number = scene.order("billed")["intent"]["latest_charge"]
    assert f"charge,{number},billed,9550," in scene.web.get(f"{scene.url}/control/bill").text
    scene.settings(bill_omit=number)
    assert number not in scene.web.get(f"{scene.url}/control/bill").text


def test_keys_and_undelivered_events_survive_a_restart(
    tmp_path: Any, scene: Any, until: Wait
) -> None:
    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://sim.test")
    first = StripeSimulator(environment)
    config = first.demo_config()
    first.close()
    with open_store(tmp_path / "stripe").write() as db:
        Objects(db).emit("test.event", {"id": "x"}, "", {f"{scene.shop_url}/notify"})
    time.sleep(0.3)
    assert not scene.merchant.notices
    second = StripeSimulator(environment)
    assert second.demo_config() == config
    (notice,) = until(lambda: scene.merchant.notices)
    assert json.loads(notice.body)["type"] == "test.event"
    second.close()
