"""Plugin and simulator over real HTTP: charge, pay, notice, query, refund, and the bad days."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kameng_payment_alipay.simulator import AlipaySimulator
from kameng_payment_alipay.simulator.bank import Bank, NewOrder
from kameng_payment_alipay.simulator.store import open_store
from kameng_sdk.errors import Declined, HttpOutcomeUnknown, WebhookRefused
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import Device, PaymentCapability, PaymentEventKind
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.testing import LeverRefused

Wait = Callable[..., Any]
ways = pytest.mark.parametrize("method", ["page", "wap", "qr"])


def test_the_three_ways_are_one_wallet_on_their_devices(scene: Any) -> None:
    methods = scene.provider().methods()
    assert {method.same_as for method in methods} == {"alipay"}
    first = {
        device: next(m.code for m in methods if device in m.devices)
        for device in (Device.DESKTOP, Device.PHONE, Device.ALIPAY)
    }
    assert first == {Device.DESKTOP: "page", Device.PHONE: "wap", Device.ALIPAY: "wap"}
    assert not any(Device.WECHAT in method.devices for method in methods)


@ways
def test_a_paid_order_is_notified_and_queried_exactly(scene: Any, until: Wait, method: str) -> None:
    no = f"pay_{method}"
    provider = scene.open(no, method=method)
    assert provider.query(scene.ctx(), no, "").outcome is Outcome.PENDING
    scene.control(no, "pay")
    until(lambda: scene.merchant.notices)
    (event,) = scene.events()
    assert (event.kind, event.attempt_no) == (PaymentEventKind.PAID, no)
    assert event.amount == Money.from_fen(9550)
    result = provider.query(scene.ctx(), no, event.provider_ref)
    assert (result.outcome, result.amount) == (Outcome.SUCCEEDED, Money.from_fen(9550))
    assert result.provider_ref == event.provider_ref
    assert result.paid_at is not None
    assert abs(result.paid_at - scene.clock.now()) < timedelta(seconds=60)


def test_a_page_is_an_address_and_costs_no_call(scene: Any) -> None:
    scene.settings(fail_percent=100)
    for method in ("page", "wap"):
        result = scene.provider().charge(scene.ctx(), scene.request("quiet", method=method))
        params = parse_qs(urlsplit(result.redirect_url).query)
        assert (result.outcome, params["sign_type"]) == (Outcome.PENDING, ["RSA2"])
        assert params["notify_url"] == [f"{scene.shop_url}/notify"]
        assert len(result.redirect_url) < 8000
    assert not scene.web.get(f"{scene.url}/control/orders?out_trade_no=quiet").json()["orders"]


def test_the_time_sent_is_beijings_in_any_zone_of_the_machine(
    scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        url = scene.provider().charge(scene.ctx(), scene.request("zone")).redirect_url
        assert scene.provider().check(scene.ctx()) == ""
    finally:
        monkeypatch.undo()
        time.tzset()
    sent = datetime.strptime(parse_qs(urlsplit(url).query)["timestamp"][0], "%Y-%m-%d %H:%M:%S")
    assert abs(sent - timedelta(hours=8) - datetime.now(UTC).replace(tzinfo=None)) < timedelta(
        seconds=60
    )


def test_nothing_is_known_of_a_page_or_code_that_nobody_has_opened(scene: Any) -> None:
    provider = scene.provider()
    assert provider.charge(scene.ctx(), scene.request("unseen", method="qr")).qr_content
    for number in ("unseen", "never_seen"):
        assert provider.query(scene.ctx(), number, "").outcome is Outcome.UNKNOWN
        assert provider.cancel(scene.ctx(), number, "") is Outcome.UNKNOWN


def test_a_refused_order_stays_unpaid_and_can_still_be_paid(scene: Any) -> None:
    provider = scene.open("refuse")
    scene.control("refuse", "refuse")
    trade_no = scene.order("refuse")["trade_no"]
    assert "付款被拒绝" in scene.web.get(f"{scene.url}/cashier/{trade_no}").text
    assert provider.query(scene.ctx(), "refuse", "").outcome is Outcome.PENDING
    scene.control("refuse", "pay")
    assert provider.query(scene.ctx(), "refuse", "").outcome is Outcome.SUCCEEDED


def test_a_late_payment_arrives_by_itself(scene: Any, until: Wait) -> None:
    provider = scene.open("late")
    scene.control("late", "pay_late", seconds=1)
    trade_no = scene.order("late")["trade_no"]
    assert "秒后付款" in scene.web.get(f"{scene.url}/cashier/{trade_no}").text
    assert provider.query(scene.ctx(), "late", "").outcome is Outcome.PENDING
    until(lambda: scene.merchant.notices)
    assert provider.query(scene.ctx(), "late", "").outcome is Outcome.SUCCEEDED


def test_paying_twice_gives_two_payments_and_the_surplus_can_go_back(
    scene: Any, until: Wait
) -> None:
    provider = scene.open("twice")
    scene.control("twice", "pay_twice")
    until(lambda: len(scene.merchant.notices) == 2)
    events = scene.events()
    assert {event.attempt_no for event in events} == {"twice"}
    assert len({event.event_id for event in events}) == 2
    own = scene.order("twice")["trade_no"]
    surplus = next(e.provider_ref for e in events if e.provider_ref != own)
    request = scene.refund("twice", surplus, "R_twice")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    refunded = {p["trade_no"]: p["refunded_fen"] for p in scene.order("twice")["payments"]}
    assert refunded == {own: 0, surplus: 9550}


def test_every_copy_of_a_notice_is_the_same_event(scene: Any, until: Wait) -> None:
    scene.open("copies")
    scene.control("copies", "pay", times=3)
    until(lambda: len(scene.merchant.notices) == 3)
    scene.control("copies", "notify", times=20)
    until(lambda: len(scene.merchant.notices) == 23)
    assert len({event.event_id for event in scene.events()}) == 1


def test_a_notice_is_repeated_until_it_is_answered_exactly(scene: Any, until: Wait) -> None:
    scene.merchant.answer = "success\n"
    scene.open("again")
    scene.control("again", "pay")
    until(lambda: len(scene.merchant.notices) >= 2)
    scene.merchant.answer = "success"
    scene.web.post(f"{scene.url}/control/out:again/notify")
    until(lambda: scene.order("again")["callbacks"][-1]["state"] == "accepted")


def test_with_callbacks_off_only_the_query_tells(scene: Any, until: Wait) -> None:
    scene.settings(callbacks="off")
    provider = scene.open("silent")
    scene.control("silent", "pay")
    time.sleep(0.6)
    assert not scene.merchant.notices
    assert provider.query(scene.ctx(), "silent", "").outcome is Outcome.SUCCEEDED
    scene.settings(callbacks="on")
    until(lambda: scene.merchant.notices)


@pytest.mark.parametrize("lever", ["wrong", "rsa"])
def test_a_notice_signed_wrongly_is_refused(scene: Any, until: Wait, lever: str) -> None:
    scene.settings(notice_sign=lever)
    scene.open(f"sign_{lever}")
    scene.control(f"sign_{lever}", "pay")
    until(lambda: scene.merchant.notices)
    with pytest.raises(WebhookRefused):
        scene.events()


def test_a_notice_about_another_amount_says_so(scene: Any, until: Wait) -> None:
    scene.settings(notice_amount="off")
    scene.open("amount")
    scene.control("amount", "pay")
    until(lambda: scene.merchant.notices)
    assert scene.events()[0].amount == Money.from_fen(9551)


def test_a_closed_order_cannot_be_paid_and_a_paid_one_not_closed(scene: Any) -> None:
    provider = scene.open("close")
    assert provider.cancel(scene.ctx(), "close", "") is Outcome.SUCCEEDED
    assert provider.query(scene.ctx(), "close", "").outcome is Outcome.DECLINED
    with pytest.raises(LeverRefused, match="409"):
        scene.control("close", "pay")
    scene.paid("open")
    assert provider.cancel(scene.ctx(), "open", "") is Outcome.UNKNOWN
    assert provider.query(scene.ctx(), "open", "").outcome is Outcome.SUCCEEDED


def test_an_order_closes_by_itself_at_its_end(scene: Any) -> None:
    provider = scene.open("ends")
    with scene.simulator._store.write() as db:
        db.execute("UPDATE orders SET expires_at = 1 WHERE out_trade_no = 'ends'")
    assert provider.query(scene.ctx(), "ends", "").outcome is Outcome.DECLINED
    with pytest.raises(LeverRefused, match="409"):
        scene.control("ends", "pay")


def test_the_same_number_again_is_the_same_order_and_another_amount_is_refused(scene: Any) -> None:
    provider = scene.provider()
    first = provider.charge(scene.ctx(), scene.request("same", method="qr"))
    assert first.qr_content
    again = provider.charge(scene.ctx(), scene.request("same", method="qr"))
    assert again.qr_content == first.qr_content
    with pytest.raises(Declined, match="CONTEXT_INCONSISTENT"):
        provider.charge(scene.ctx(), scene.request("same", fen=1, method="qr"))


def test_failures_at_the_gateway_stay_unknown(scene: Any) -> None:
    provider, ref = scene.paid("faulty")
    scene.settings(fail_percent=100, fail_when="after")
    request = scene.refund("faulty", ref, "RF", 100)
    for call in (
        lambda: provider.charge(scene.ctx(), scene.request("faulty_2", method="qr")),
        lambda: provider.query(scene.ctx(), "faulty", ""),
        lambda: provider.refund(scene.ctx(), request),
        lambda: provider.payout(scene.ctx(), scene.payout("faulty")),
    ):
        with pytest.raises(HttpOutcomeUnknown):
            call()
    scene.settings(fail_percent=0)
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    assert provider.query_payout(scene.ctx(), scene.payout("faulty")).outcome is Outcome.SUCCEEDED
    assert scene.order("faulty")["payments"][0]["refunded_fen"] == 100


def test_the_test_button_finds_wrong_settings(scene: Any) -> None:
    assert scene.provider().check(scene.ctx()) == ""
    assert "AppID" in scene.provider(app_id="2021000000000009").check(scene.ctx())
    plain = {"app_cert": "", "alipay_root_cert": ""}
    other = scene.simulator._keys.alipay_private
    assert "无效签名" in scene.provider(private_key=other, **plain).check(scene.ctx())
    swapped = scene.simulator._keys.app_cert  # the usual mistake: one's own public key
    with pytest.raises(HttpOutcomeUnknown, match="not signed by its key"):
        scene.provider(alipay_public_key=swapped, **plain).check(scene.ctx())


def test_a_wrong_clock_is_refused_by_the_gateway(scene: Any) -> None:
    scene.clock.moved = timedelta(hours=-8)
    with pytest.raises(Declined, match="时间戳"):
        scene.provider().charge(scene.ctx(), scene.request("clock", method="qr"))


def test_in_plain_key_mode_all_works_but_payouts(scene: Any) -> None:
    provider = scene.provider(app_cert="", alipay_root_cert="")
    assert provider.charge(scene.ctx(), scene.request("plain", method="qr")).qr_content
    assert not provider.capabilities & PaymentCapability.PAYOUT
    assert provider.payout_kinds() == ()


def test_levers_say_what_is_wrong(scene: Any) -> None:
    scene.open("levers")
    post = scene.web.post
    assert post(f"{scene.url}/control/out:nothing/pay").status_code == 404
    assert post(f"{scene.url}/control/out:levers/fly").status_code == 400
    assert post(f"{scene.url}/control/out:levers/pay?times=x").status_code == 400
    assert post(f"{scene.url}/control/settings", data={"app_private": "x"}).status_code == 400
    assert post(f"{scene.url}/control/settings", data={"payout": "maybe"}).status_code == 400
    assert post(f"{scene.url}/control/payouts/none/fail").status_code == 404
    assert scene.web.get(f"{scene.url}/cashier/1").status_code == 404
    assert scene.web.get(f"{scene.url}/qr/1").status_code == 404
    assert scene.web.get(f"{scene.url}/downloadBillFile.resource?bizDates=x").status_code == 404
    assert scene.web.get(f"{scene.url}/nothing").status_code == 404


def test_keys_and_undelivered_notices_survive_a_restart(
    tmp_path: Any, scene: Any, until: Wait
) -> None:
    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://sim.test")
    first = AlipaySimulator(environment)
    config = first.demo_config()
    first.close()
    bank = Bank(open_store(tmp_path / "alipay"))
    order = bank.open_order(new_order(scene.shop_url))
    bank.pay(order["trade_no"])
    assert not scene.merchant.notices
    second = AlipaySimulator(environment)
    assert second.demo_config() == config
    until(lambda: scene.merchant.notices)
    second.close()


def new_order(shop_url: str) -> NewOrder:
    return NewOrder(
        kind="page",
        out_trade_no="restart",
        notify_url=f"{shop_url}/notify",
        return_url=f"{shop_url}/back",
        subject="点卡",
        fen=100,
        expires_at=time.time() + 900,
        begun=True,
    )
