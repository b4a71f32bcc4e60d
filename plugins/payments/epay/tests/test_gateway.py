"""Plugin and simulator over real HTTP: charge, pay, notice, query, refund, and the bad days."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kameng_payment_epay.provider import EpayProvider
from kameng_payment_epay.simulator import EpaySimulator
from kameng_payment_epay.simulator.bank import Bank, NewOrder
from kameng_payment_epay.simulator.store import open_store
from kameng_sdk.errors import CapabilityNotSupported, Declined, HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentCapability, PaymentEvent, RefundRequest
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.testing import LeverRefused
from kameng_sdk.webhooks import WebhookRequest

Wait = Callable[..., Any]
both = pytest.mark.parametrize("version", ["v1", "v2"])


def read(scene: Any, provider: EpayProvider, query: str) -> PaymentEvent:
    request = WebhookRequest(method="GET", path="/notify", query=query, headers={}, body=b"")
    (event,) = provider.parse_webhook(scene.ctx(), request).events
    return event


def refund_of(attempt: str, ref: str, no: str, fen: int = 9550) -> RefundRequest:
    return RefundRequest(
        attempt_no=attempt,
        provider_ref=ref,
        refund_no=no,
        amount=Money.from_fen(fen),
        total=Money.from_fen(9550),
    )


@both
def test_a_paid_order_is_notified_and_queried_exactly(
    scene: Any, until: Wait, version: str
) -> None:
    no = f"pay-{version}"
    provider = scene.open(version, no)
    assert provider.query(scene.ctx(), no, "").outcome is Outcome.PENDING
    scene.control(no, "pay")
    until(lambda: scene.merchant.notices)
    event = read(scene, provider, scene.merchant.notices[0].query)
    assert (event.attempt_no, event.amount) == (no, Money.from_fen(9550))
    result = provider.query(scene.ctx(), no, event.provider_ref)
    assert (result.outcome, result.amount) == (Outcome.SUCCEEDED, Money.from_fen(9550))
    assert result.provider_ref == event.provider_ref
    assert result.paid_at is not None
    assert abs(result.paid_at - scene.clock.now()) < timedelta(seconds=60)


@both
def test_the_cashier_page_pays_without_script_and_returns_to_the_shop(
    scene: Any, until: Wait, version: str
) -> None:
    no = f"page-{version}"
    url = scene.provider(version).charge(scene.ctx(), scene.request(no)).redirect_url
    page = scene.web.get(url, follow_redirects=True)
    assert "这是模拟收银台，不会真的扣钱" in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert scene.web.get(f"{scene.url}/cashier.css").headers["Content-Type"].startswith("text/css")
    assert "话费充值 100 元 &amp; 赠品=1" in page.text
    trade_no = scene.order(no)["trade_no"]
    answer = scene.web.post(f"{scene.url}/cashier/{trade_no}/pay")
    assert answer.status_code == 303
    back = urlsplit(answer.headers["Location"])
    assert (back.path, parse_qs(back.query)["order"]) == ("/back", ["1"])
    until(lambda: scene.merchant.notices)
    assert "已付款" in scene.web.get(url, follow_redirects=True).text
    again = scene.web.post(f"{scene.url}/cashier/{trade_no}/pay")
    assert "订单已支付" in again.text
    assert len(scene.order(no)["payments"]) == 1


@both
def test_a_refused_order_stays_unpaid_and_can_still_be_paid(scene: Any, version: str) -> None:
    no = f"refuse-{version}"
    provider = scene.open(version, no)
    scene.control(no, "refuse")
    order = scene.order(no)
    assert "付款被拒绝" in scene.web.get(f"{scene.url}/cashier/{order['trade_no']}").text
    assert provider.query(scene.ctx(), no, "").outcome is Outcome.PENDING
    scene.control(no, "pay")
    assert provider.query(scene.ctx(), no, "").outcome is Outcome.SUCCEEDED


def test_a_late_payment_arrives_by_itself(scene: Any, until: Wait) -> None:
    provider = scene.open("v2", "late")
    scene.control("late", "pay_late", seconds=1)
    trade_no = scene.order("late")["trade_no"]
    assert "秒后付款" in scene.web.get(f"{scene.url}/cashier/{trade_no}").text
    assert provider.query(scene.ctx(), "late", "").outcome is Outcome.PENDING
    until(lambda: scene.merchant.notices)
    assert provider.query(scene.ctx(), "late", "").outcome is Outcome.SUCCEEDED


@both
def test_paying_twice_gives_two_payments_and_the_surplus_can_go_back(
    scene: Any, until: Wait, version: str
) -> None:
    no = f"twice-{version}"
    provider = scene.open(version, no)
    scene.control(no, "pay_twice")
    until(lambda: len(scene.merchant.notices) == 2)
    events = [read(scene, provider, notice.query) for notice in scene.merchant.notices]
    assert {event.attempt_no for event in events} == {no}
    assert len({event.provider_ref for event in events}) == 2
    own = scene.order(no)["trade_no"]
    surplus = next(e.provider_ref for e in events if e.provider_ref != own)
    if version == "v2":
        result = provider.refund(scene.ctx(), refund_of(no, surplus, f"R-{no}"))
        assert result.outcome is Outcome.SUCCEEDED
        refunded = {p["trade_no"]: p["refunded_fen"] for p in scene.order(no)["payments"]}
        assert refunded == {own: 0, surplus: 9550}


@both
def test_every_copy_of_a_notice_is_the_same_event(scene: Any, until: Wait, version: str) -> None:
    no = f"copies-{version}"
    provider = scene.open(version, no)
    scene.control(no, "pay", times=3)
    until(lambda: len(scene.merchant.notices) == 3)
    scene.control(no, "notify", times=20)
    until(lambda: len(scene.merchant.notices) == 23)
    events = {read(scene, provider, n.query).event_id for n in scene.merchant.notices}
    assert len(events) == 1


def test_a_notice_is_repeated_until_it_is_accepted(scene: Any, until: Wait) -> None:
    scene.merchant.answer = "fail"
    scene.open("v2", "again")
    scene.control("again", "pay")
    until(lambda: len(scene.merchant.notices) >= 2)
    scene.merchant.answer = "success"
    until(lambda: scene.order("again")["callbacks"][0]["state"] == "accepted")
    sent = len(scene.merchant.notices)
    time.sleep(0.7)
    assert len(scene.merchant.notices) == sent


def test_with_callbacks_off_only_the_query_tells(scene: Any, until: Wait) -> None:
    scene.settings(callbacks="off")
    provider = scene.open("v2", "silent")
    scene.control("silent", "pay")
    time.sleep(0.7)
    assert not scene.merchant.notices
    assert provider.query(scene.ctx(), "silent", "").outcome is Outcome.SUCCEEDED
    scene.settings(callbacks="on")
    until(lambda: scene.merchant.notices)


def test_an_old_notice_of_v2_is_refused_later(scene: Any, until: Wait) -> None:
    provider = scene.open("v2", "old")
    scene.control("old", "pay")
    until(lambda: scene.merchant.notices)
    scene.clock.moved = timedelta(seconds=302)
    with pytest.raises(WebhookRefused):
        read(scene, provider, scene.merchant.notices[0].query)


def test_v2_refunds_in_parts_once_per_number_and_never_too_much(scene: Any) -> None:
    provider = scene.open("v2", "parts")
    scene.control("parts", "pay")
    ref = scene.order("parts")["trade_no"]
    for _ in range(3):
        result = provider.refund(scene.ctx(), refund_of("parts", ref, "R1", 3000))
        assert result.outcome is Outcome.SUCCEEDED
    assert scene.order("parts")["payments"][0]["refunded_fen"] == 3000
    too_much = refund_of("parts", ref, "R2", 6551)
    assert provider.refund(scene.ctx(), too_much).outcome is Outcome.UNKNOWN
    assert provider.query_refund(scene.ctx(), too_much).outcome is Outcome.UNKNOWN
    rest = refund_of("parts", ref, "R3", 6550)
    assert provider.refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    # Refunded orders are no longer "paid": a person decides what that means.
    assert provider.query(scene.ctx(), "parts", "").outcome is Outcome.UNKNOWN


def test_v1_refunds_the_whole_once_although_it_has_no_refund_number(scene: Any) -> None:
    provider = scene.open("v1", "whole")
    scene.control("whole", "pay")
    whole = refund_of("whole", scene.order("whole")["trade_no"], "R1")
    for _ in range(3):
        assert provider.refund(scene.ctx(), whole).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), whole).outcome is Outcome.SUCCEEDED
    assert scene.order("whole")["payments"][0]["refunded_fen"] == 9550


def test_v1_refunds_a_surplus_although_the_first_payment_has_gone_back(scene: Any) -> None:
    provider = scene.open("v1", "both")
    scene.control("both", "pay_twice")
    own, surplus = (payment["trade_no"] for payment in scene.order("both")["payments"])
    first, second = refund_of("both", own, "R1"), refund_of("both", surplus, "R2")
    assert provider.refund(scene.ctx(), first).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), second).outcome is Outcome.UNKNOWN
    for _ in range(2):
        assert provider.refund(scene.ctx(), second).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), second).outcome is Outcome.SUCCEEDED
    assert [p["refunded_fen"] for p in scene.order("both")["payments"]] == [9550, 9550]


def test_what_v1_cannot_do_it_does_not_declare_and_refuses(scene: Any) -> None:
    provider = scene.provider("v1")
    missing = PaymentCapability.PARTIAL_REFUND | PaymentCapability.CANCEL
    assert not provider.capabilities & missing
    with pytest.raises(CapabilityNotSupported):
        provider.refund(scene.ctx(), refund_of("x", "", "R", 1))
    with pytest.raises(CapabilityNotSupported):
        provider.cancel(scene.ctx(), "x", "")


def test_a_closed_order_cannot_be_paid_and_a_paid_one_not_closed(scene: Any) -> None:
    provider = scene.open("v2", "close")
    assert provider.cancel(scene.ctx(), "close", "") is Outcome.SUCCEEDED
    with pytest.raises(LeverRefused, match="409"):
        scene.control("close", "pay")
    scene.open("v2", "open")
    scene.control("open", "pay")
    assert provider.cancel(scene.ctx(), "open", "") is Outcome.UNKNOWN


@both
def test_an_unknown_order_is_unknown(scene: Any, version: str) -> None:
    result = scene.provider(version).query(scene.ctx(), "never-seen", "")
    assert result.outcome is Outcome.UNKNOWN


def test_the_same_number_again_is_the_same_order_and_another_amount_is_refused(scene: Any) -> None:
    provider = scene.open("v2", "same")
    first = provider.charge(scene.ctx(), scene.request("same"))
    assert first.redirect_url == provider.charge(scene.ctx(), scene.request("same")).redirect_url
    with pytest.raises(Declined):
        provider.charge(scene.ctx(), scene.request("same", fen=1))


def test_a_v1_address_with_a_changed_amount_is_refused_at_the_cashier(scene: Any) -> None:
    result = scene.provider("v1").charge(scene.ctx(), scene.request("cheap"))
    cheap = result.redirect_url.replace("money=95.50", "money=0.01")
    page = scene.web.get(cheap, follow_redirects=True)
    assert (page.status_code, "签名校验失败" in page.text) == (400, True)


def test_failures_and_slowness_at_the_gateway_stay_unknown(scene: Any) -> None:
    provider = scene.open("v2", "faulty")
    scene.control("faulty", "pay")
    ref = scene.order("faulty")["trade_no"]
    scene.settings(fail_percent=100, fail_when="after")
    request = refund_of("faulty", ref, "RF", 100)
    for call in (
        lambda: provider.charge(scene.ctx(), scene.request("faulty-2")),
        lambda: provider.query(scene.ctx(), "faulty", ""),
        lambda: provider.refund(scene.ctx(), request),
    ):
        with pytest.raises(HttpOutcomeUnknown):
            call()
    scene.settings(fail_percent=0)
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    assert scene.order("faulty")["payments"][0]["refunded_fen"] == 100


@both
def test_the_test_button_finds_wrong_keys(scene: Any, version: str) -> None:
    assert scene.provider(version).check(scene.ctx()) == ""
    assert "商户不存在" in scene.provider("v2", pid="1").check(scene.ctx())
    assert "密钥" in scene.provider("v1", key="wrong").check(scene.ctx())


def test_v2_calls_with_a_stale_clock_are_refused_by_the_gateway(scene: Any) -> None:
    scene.clock.moved = timedelta(seconds=-400)
    with pytest.raises(Declined, match="时间戳"):
        scene.provider("v2").charge(scene.ctx(), scene.request("clock"))


def test_levers_say_what_is_wrong(scene: Any) -> None:
    scene.open("v2", "levers")
    post = scene.web.post
    assert post(f"{scene.url}/control/out:nothing/pay").status_code == 404
    assert post(f"{scene.url}/control/out:levers/fly").status_code == 400
    assert post(f"{scene.url}/control/out:levers/pay?times=x").status_code == 400
    assert post(f"{scene.url}/control/settings", data={"md5_key": "x"}).status_code == 400
    assert post(f"{scene.url}/control/settings", data={"callbacks": "maybe"}).status_code == 400
    assert scene.web.get(f"{scene.url}/cashier/1").status_code == 404
    assert scene.web.get(f"{scene.url}/nothing").status_code == 404


def test_the_bill_lists_money_and_can_leave_a_line_out(scene: Any) -> None:
    scene.open("v2", "billed")
    scene.control("billed", "pay")
    number = scene.order("billed")["trade_no"]
    assert f"payment,{number},billed,9550," in scene.web.get(f"{scene.url}/control/bill").text
    scene.settings(bill_omit=number)
    assert number not in scene.web.get(f"{scene.url}/control/bill").text


def test_keys_and_undelivered_notices_survive_a_restart(
    tmp_path: Any, scene: Any, until: Wait
) -> None:
    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://sim.test")
    first = EpaySimulator(environment)
    config = first.demo_config()
    first.close()
    bank = Bank(open_store(tmp_path / "epay"))
    order = bank.open_order(new_order(str(config["pid"]), scene.shop_url))
    bank.pay(order["trade_no"])
    assert not scene.merchant.notices
    second = EpaySimulator(environment)
    assert second.demo_config() == config
    until(lambda: scene.merchant.notices)
    second.close()


def new_order(pid: str, shop_url: str) -> NewOrder:
    return NewOrder(
        version="v2",
        pid=pid,
        type="alipay",
        out_trade_no="restart",
        notify_url=f"{shop_url}/notify",
        return_url=f"{shop_url}/back",
        name="点卡",
        fen=100,
        param="",
    )
