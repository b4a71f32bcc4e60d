"""Plugin and simulator over real HTTP: charge, pay, notice, query, refund, and the bad days."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from kameng_payment_unionpay.provider import UnionpayProvider
from kameng_payment_unionpay.references import Reference
from kameng_payment_unionpay.simulator import UnionpaySimulator
from kameng_payment_unionpay.simulator.bank import Bank, NewOrder
from kameng_payment_unionpay.simulator.store import open_store
from kameng_payment_unionpay.times import stamp
from kameng_sdk.errors import CapabilityNotSupported, Declined, HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import Device, PaymentCapability, PaymentEvent
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.webhooks import WebhookRequest

Wait = Callable[..., Any]
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def read(scene: Any, provider: UnionpayProvider, notice: WebhookRequest) -> PaymentEvent:
    (event,) = provider.parse_webhook(scene.ctx(), notice).events
    return event


@pytest.mark.parametrize(
    ("device", "channel"), [(Device.DESKTOP, "07"), (Device.PHONE, "08"), (Device.WECHAT, "08")]
)
def test_a_charge_is_a_signed_form_and_no_call(scene: Any, device: Device, channel: str) -> None:
    scene.settings(fail_percent=100)
    request = scene.request("form00001", device=device)
    result = scene.provider().charge(scene.ctx(), request)
    assert result.outcome is Outcome.PENDING
    assert result.redirect_url == f"{scene.url}/gateway/api/frontTransReq.do"
    form = dict(result.form)
    now = stamp(scene.clock.now())
    assert form["txnTime"][:12] in (now[:12], stamp(scene.clock.now() - timedelta(minutes=1))[:12])
    assert result.provider_ref == f"{form['txnTime']}-{form['payTimeout']}"
    assert form.items() >= {
        "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "txnType": "01",
        "txnSubType": "01", "bizType": "000201", "channelType": channel, "accessType": "0",
        "orderId": "form00001", "txnAmt": "9550", "currencyCode": "156",
        "payTimeout": stamp(request.expires_at), "frontUrl": request.return_url,
        "backUrl": request.notify_url, "customerIp": "203.0.113.9",
        "riskRateInfo": "{commodityName=话费充值 100 元 赠品 1}",
    }.items()  # fmt: skip


@pytest.mark.parametrize(
    "number", ["1234567", "with-hyphen", "with_line", "1" * 41, "订单号订单号订单"]
)
def test_numbers_that_the_gateway_does_not_take_are_declined(scene: Any, number: str) -> None:
    with pytest.raises(Declined, match="attempt_no"):
        scene.provider().charge(scene.ctx(), scene.request(number))


def test_what_cannot_be_collected_is_declined(scene: Any) -> None:
    for amount in (Money(95_501), Money.from_fen(1, "USD")):
        with pytest.raises(Declined):
            scene.provider().charge(scene.ctx(), scene.request("amount001", amount=amount))
    late = scene.request("expired01", expires_at=scene.clock.now())
    with pytest.raises(Declined, match="expired"):
        scene.provider().charge(scene.ctx(), late)


def test_a_paid_order_is_notified_and_queried_exactly(scene: Any, until: Wait) -> None:
    provider, ref = scene.open("pay000001")
    assert provider.query(scene.ctx(), "pay000001", ref).outcome is Outcome.PENDING
    scene.control("pay000001", "pay")
    (notice,) = until(lambda: scene.merchant.notices)
    event = read(scene, provider, notice)
    assert (event.attempt_no, event.amount) == ("pay000001", Money.from_fen(9550))
    for reference in (ref, event.provider_ref):
        result = provider.query(scene.ctx(), "pay000001", reference)
        assert (result.outcome, result.amount) == (Outcome.SUCCEEDED, Money.from_fen(9550))
        assert result.provider_ref == event.provider_ref
        assert result.paid_at is not None
        assert result.paid_at == event.paid_at
        assert abs(result.paid_at - scene.clock.now()) < timedelta(seconds=60)


def test_the_cashier_page_pays_without_script_and_posts_back_to_the_shop(
    scene: Any, until: Wait
) -> None:
    provider = scene.provider()
    result = provider.charge(scene.ctx(), scene.request("page00001"))
    page = scene.post(result)
    assert "这是模拟收银台，不会真的扣钱" in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    number = scene.order("page00001")["no"]
    done = scene.web.post(f"{scene.url}/cashier/{number}/pay", follow_redirects=True)
    assert "已付款" in done.text
    assert f'<form method="post" action="{scene.shop_url}/back?order=1">' in done.text
    until(lambda: scene.merchant.notices)
    assert "订单已支付" in scene.web.post(f"{scene.url}/cashier/{number}/pay").text
    assert len(scene.order("page00001")["payments"]) == 1
    # What the browser carries back is signed as well, but it is not sent to the notice address.
    carried = {name: unescape(value) for name, value in HIDDEN.findall(done.text)}
    assert carried["queryId"] == scene.order("page00001")["payments"][0]["query_id"]


def test_a_refused_card_leaves_the_order_open_until_its_time_is_over(scene: Any) -> None:
    provider, ref = scene.open("refuse001")
    scene.control("refuse001", "refuse")
    number = scene.order("refuse001")["no"]
    assert "付款被拒绝" in scene.web.get(f"{scene.url}/cashier/{number}").text
    result = provider.query(scene.ctx(), "refuse001", ref)
    assert result.outcome is Outcome.PENDING
    assert "卡余额不足" in result.message
    scene.clock.moved = timedelta(minutes=16)
    assert provider.query(scene.ctx(), "refuse001", ref).outcome is Outcome.DECLINED
    scene.clock.moved = timedelta()
    scene.control("refuse001", "pay")
    assert provider.query(scene.ctx(), "refuse001", ref).outcome is Outcome.SUCCEEDED
    scene.clock.moved = timedelta(minutes=16)
    assert provider.query(scene.ctx(), "refuse001", ref).outcome is Outcome.SUCCEEDED


def test_an_unpaid_order_is_never_declined_by_the_clock_alone(scene: Any) -> None:
    provider, ref = scene.open("open00001")
    scene.clock.moved = timedelta(days=1)
    assert provider.query(scene.ctx(), "open00001", ref).outcome is Outcome.PENDING  # it says 05


def test_after_its_time_an_order_cannot_be_paid(scene: Any) -> None:
    provider = scene.provider()
    result = provider.charge(scene.ctx(), scene.request("short0001"))
    page = scene.post(result)
    with scene.simulator._store.write() as db:
        past = (stamp(scene.clock.now() - timedelta(minutes=1)), "short0001")
        db.execute("UPDATE orders SET pay_timeout = ? WHERE order_id = ?", past)
    assert "订单已超时" in scene.web.get(page.url).text
    post, number = scene.web.post, scene.order("short0001")["no"]
    assert post(f"{scene.url}/control/out:short0001/pay").status_code == 409
    assert "订单已超时" in post(f"{scene.url}/cashier/{number}/pay").text
    scene.clock.moved = timedelta(minutes=16)
    ended = provider.query(scene.ctx(), "short0001", result.provider_ref)
    assert ended.outcome is Outcome.DECLINED
    assert scene.post(result).status_code == 400


def test_a_late_payment_arrives_by_itself(scene: Any, until: Wait) -> None:
    provider, ref = scene.open("late00001")
    scene.control("late00001", "pay_late", seconds=1)
    number = scene.order("late00001")["no"]
    assert "秒后付款" in scene.web.get(f"{scene.url}/cashier/{number}").text
    assert provider.query(scene.ctx(), "late00001", ref).outcome is Outcome.PENDING
    until(lambda: scene.merchant.notices)
    assert provider.query(scene.ctx(), "late00001", ref).outcome is Outcome.SUCCEEDED


def test_paying_twice_gives_two_query_numbers_and_the_surplus_can_go_back(
    scene: Any, until: Wait
) -> None:
    provider, ref = scene.open("twice0001")
    scene.control("twice0001", "pay_twice")
    until(lambda: len(scene.merchant.notices) == 2)
    events = [read(scene, provider, notice) for notice in scene.merchant.notices]
    assert {event.attempt_no for event in events} == {"twice0001"}
    own = provider.query(scene.ctx(), "twice0001", ref).provider_ref
    (surplus,) = {event.provider_ref for event in events} - {own}
    assert provider.query(scene.ctx(), "twice0001", surplus).provider_ref == surplus
    request = scene.refund_of("twice0001", surplus, "Rtwice0001")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.PENDING
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    refunded = {p["query_id"]: p["refunded_fen"] for p in scene.order("twice0001")["payments"]}
    assert refunded == {own: 0, surplus: 9550}


def test_every_copy_of_a_notice_is_the_same_event(scene: Any, until: Wait) -> None:
    provider, _ = scene.open("copies001")
    scene.control("copies001", "pay", times=3)
    until(lambda: len(scene.merchant.notices) == 3)
    scene.control("copies001", "notify", times=10)
    until(lambda: len(scene.merchant.notices) == 13)
    assert len({read(scene, provider, n).event_id for n in scene.merchant.notices}) == 1


def test_a_notice_is_repeated_until_it_is_accepted(scene: Any, until: Wait) -> None:
    scene.merchant.status = 500
    scene.open("again0001")
    scene.control("again0001", "pay")
    until(lambda: len(scene.merchant.notices) >= 2)
    scene.merchant.status = 200
    until(lambda: scene.order("again0001")["callbacks"][0]["state"] == "accepted")


def test_with_callbacks_off_only_the_query_tells(scene: Any, until: Wait) -> None:
    scene.settings(callbacks="off")
    provider, ref = scene.open("silent001")
    scene.control("silent001", "pay")
    time.sleep(0.6)
    assert not scene.merchant.notices
    assert provider.query(scene.ctx(), "silent001", ref).outcome is Outcome.SUCCEEDED
    scene.settings(callbacks="on")
    until(lambda: scene.merchant.notices)


def test_a_form_that_never_arrived_is_unknown(scene: Any) -> None:
    provider = scene.provider()
    result = provider.charge(scene.ctx(), scene.request("never0001"))
    answer = provider.query(scene.ctx(), "never0001", result.provider_ref)
    assert answer.outcome is Outcome.UNKNOWN
    assert answer.message.startswith("34")
    scene.clock.moved = timedelta(days=1)
    answer = provider.query(scene.ctx(), "never0001", result.provider_ref)
    assert answer.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "ref", ["", "cs_test_1", "20260722101500", "20261322101500-x", "１２３４５６７８"]
)
def test_without_a_reference_nothing_is_asked(scene: Any, ref: str) -> None:
    scene.open("noref0001")
    scene.settings(fail_percent=100)  # a call would raise
    assert scene.provider().query(scene.ctx(), "noref0001", ref).outcome is Outcome.UNKNOWN


def test_references_are_read_as_they_were_written() -> None:
    now = datetime(2026, 7, 22, 2, 15, tzinfo=UTC)
    made = Reference.of_charge(now, now + timedelta(minutes=15))
    assert str(made) == "20260722101500-20260722103000"
    assert Reference.read(str(made)) == made
    assert not made.over(now + timedelta(minutes=15))
    assert made.over(now + timedelta(minutes=15, seconds=1))


def test_an_answer_about_another_order_is_unknown(scene: Any) -> None:
    provider, query_id = scene.paid("mine00001")
    assert provider.query(scene.ctx(), "yours0001", query_id).outcome is Outcome.UNKNOWN
    request = scene.refund_of("mine00001", query_id, "Rmine00001")
    provider.refund(scene.ctx(), request)
    # A refund's number is no payment's.
    assert scene.order("mine00001")["refunds"][0]["order_id"] == "Rmine00001"
    refund_id = scene.order("mine00001")["refunds"][0]["query_id"]
    assert provider.query(scene.ctx(), "Rmine00001", refund_id).outcome is Outcome.UNKNOWN


def test_it_cannot_close_and_does_not_say_so(scene: Any) -> None:
    provider = scene.provider()
    assert not provider.capabilities & PaymentCapability.CANCEL
    with pytest.raises(CapabilityNotSupported):
        provider.cancel(scene.ctx(), "anything0", "")
    (method,) = provider.methods()
    assert (method.code, method.same_as) == ("unionpay", "unionpay")
    assert method.devices == {Device.DESKTOP, Device.PHONE}


def test_failures_and_lost_answers_stay_unknown(scene: Any) -> None:
    provider, query_id = scene.paid("faulty001")
    scene.settings(fail_percent=100, fail_when="after")
    request = scene.refund_of("faulty001", query_id, "Rfaulty001", 100)
    for call in (
        lambda: provider.query(scene.ctx(), "faulty001", query_id),
        lambda: provider.refund(scene.ctx(), request),
        lambda: provider.query_refund(scene.ctx(), request),
        lambda: provider.bill(scene.ctx(), scene.clock.now().date()),
    ):
        with pytest.raises(HttpOutcomeUnknown):
            call()
    scene.settings(fail_percent=0)
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    assert scene.order("faulty001")["payments"][0]["refunded_fen"] == 100


def test_an_answer_that_nobody_trustworthy_has_signed_is_unknown(scene: Any) -> None:
    _, query_id = scene.paid("forged001")
    stranger = scene.provider(signer="中国银联股份有限公司")  # the simulator is not UnionPay
    with pytest.raises(HttpOutcomeUnknown, match="somebody else"):
        stranger.query(scene.ctx(), "forged001", query_id)
    with pytest.raises(HttpOutcomeUnknown):
        stranger.bill(scene.ctx(), scene.clock.now().date())
    nowhere = scene.provider(gateway_url=scene.shop_url)
    with pytest.raises(HttpOutcomeUnknown, match="not an answer"):
        nowhere.query(scene.ctx(), "forged001", query_id)


def test_the_test_button_finds_what_is_wrong(scene: Any) -> None:
    assert scene.provider().check(scene.ctx()) == ""
    assert "商户状态" in scene.provider(mer_id="777290000000000").check(scene.ctx())
    other = scene.simulator._keys.sign_key, scene.simulator._keys.sign_cert
    wrong = scene.provider(sign_key=other[0], sign_cert=other[1])
    assert "签名" in wrong.check(scene.ctx())


def test_levers_say_what_is_wrong(scene: Any) -> None:
    scene.open("levers001")
    post = scene.web.post
    assert post(f"{scene.url}/control/out:nothing/pay").status_code == 404
    assert post(f"{scene.url}/control/out:levers001/fly").status_code == 400
    assert post(f"{scene.url}/control/out:levers001/pay?times=x").status_code == 400
    assert post(f"{scene.url}/control/settings", data={"keys": "x"}).status_code == 400
    assert post(f"{scene.url}/control/settings", data={"refund_seconds": "x"}).status_code == 400
    assert post(f"{scene.url}/control/settings", data={"bill_ready": "maybe"}).status_code == 400
    assert scene.web.get(f"{scene.url}/cashier/1").status_code == 404
    assert scene.web.get(f"{scene.url}/nothing").status_code == 404


def test_keys_and_undelivered_notices_survive_a_restart(
    tmp_path: Any, scene: Any, until: Wait
) -> None:
    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://sim.test")
    first = UnionpaySimulator(environment)
    config = first.demo_config()
    first.close()
    bank = Bank(open_store(tmp_path / "unionpay"))
    now = datetime.now(UTC)
    order = bank.open_order(
        NewOrder(
            order_id="restart01", txn_time=stamp(now), channel="07", fen=100,
            pay_timeout=stamp(now + timedelta(minutes=5)), front_url=f"{scene.shop_url}/back",
            back_url=f"{scene.shop_url}/notify", name="点卡", reserved="",
        )
    )  # fmt: skip
    bank.pay(order["no"])
    assert not scene.merchant.notices
    second = UnionpaySimulator(environment)
    assert second.demo_config() == config
    (notice,) = until(lambda: scene.merchant.notices)
    second.close()
    with pytest.raises(WebhookRefused):  # signed by another installation's keys
        scene.provider().parse_webhook(scene.ctx(), notice)
