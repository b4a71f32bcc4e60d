"""Plugin and simulator over real HTTP: charge, pay, notice, query, close, and the bad days."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kameng_payment_wechatpay.simulator import WechatSimulator
from kameng_payment_wechatpay.simulator.bank import Bank, NewOrder
from kameng_payment_wechatpay.simulator.store import open_store
from kameng_sdk.errors import (
    Declined,
    HttpOutcomeUnknown,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import Device, PaymentCapability, PaymentEventKind
from kameng_sdk.simulators import SimulatorEnvironment
from kameng_sdk.testing import LeverRefused

Wait = Callable[..., Any]


def test_a_paid_order_is_notified_and_queried_exactly(scene: Any, until: Wait) -> None:
    provider = scene.open("pay-exact")
    assert provider.query(scene.ctx(), "pay-exact", "").outcome is Outcome.PENDING
    scene.control("pay-exact", "pay")
    until(lambda: scene.merchant.notices)
    event = scene.read(provider, scene.merchant.notices[0])
    assert (event.kind, event.attempt_no) == (PaymentEventKind.PAID, "pay-exact")
    assert (event.amount, event.fresh) == (Money.from_fen(9550), True)
    result = provider.query(scene.ctx(), "pay-exact", "")
    assert (result.outcome, result.amount) == (Outcome.SUCCEEDED, Money.from_fen(9550))
    assert result.provider_ref == event.provider_ref
    assert result.paid_at == event.paid_at
    assert abs(result.paid_at - scene.clock.now()) < timedelta(seconds=60)


def test_each_device_has_its_own_method_and_all_are_one_to_the_shopper(scene: Any) -> None:
    methods = scene.provider(fee_bp=60).methods()
    assert {m.code: set(m.devices) for m in methods} == {
        "native": {Device.DESKTOP},
        "h5": {Device.PHONE},
        "jsapi": {Device.WECHAT},
    }
    assert {(m.same_as, m.label, m.fee_bp) for m in methods} == {("wechatpay", "微信支付", 60)}
    assert [m.code for m in methods if m.needs_payer] == ["jsapi"]


def test_without_the_apps_secret_nothing_is_offered_inside_wechat(scene: Any) -> None:
    provider = scene.provider(app_secret="")
    assert [method.code for method in provider.methods()] == ["native", "h5"]
    assert PaymentCapability.IDENTIFY not in provider.capabilities
    with pytest.raises(Declined):
        provider.charge(scene.ctx(), scene.request("no-secret", method="jsapi", payer="o1"))


def test_a_phone_is_sent_to_a_page_that_knows_the_way_back(scene: Any, until: Wait) -> None:
    result = scene.charge("phone-1", "h5")
    assert not result.qr_content
    query = parse_qs(urlsplit(result.redirect_url).query)
    assert query["redirect_url"] == [f"{scene.shop_url}/back?order=1"]
    page = scene.web.get(result.redirect_url, follow_redirects=True)
    answer = scene.web.post(f"{page.url}/pay")
    assert answer.headers["Location"] == f"{scene.shop_url}/back?order=1"
    assert "返回商家" in scene.web.get(page.url).text
    until(lambda: scene.merchant.notices)


def test_a_code_on_a_screen_is_paid_on_a_page_without_script(scene: Any) -> None:
    page = scene.web.get(scene.charge("screen").qr_content, follow_redirects=True)
    assert "这是模拟收银台，不会真的扣钱" in page.text
    assert "可以关闭这个页面" not in page.text  # nothing has happened yet
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "话费充值 100 元, &amp; 赠品=1" in page.text
    assert "可以关闭这个页面" in scene.web.post(f"{page.url}/pay", follow_redirects=True).text
    assert "该订单已支付" in scene.web.post(f"{page.url}/pay").text
    assert len(scene.order("screen")["payments"]) == 1


def test_a_refused_order_stays_unpaid_and_can_still_be_paid(scene: Any) -> None:
    provider = scene.open("refused-1")
    scene.control("refused-1", "refuse")
    prepay_id = scene.order("refused-1")["prepay_id"]
    assert "付款被拒绝" in scene.web.get(f"{scene.url}/cashier/{prepay_id}").text
    assert provider.query(scene.ctx(), "refused-1", "").outcome is Outcome.PENDING
    scene.control("refused-1", "pay")
    assert provider.query(scene.ctx(), "refused-1", "").outcome is Outcome.SUCCEEDED


def test_a_late_payment_arrives_by_itself(scene: Any, until: Wait) -> None:
    provider = scene.open("late-1")
    scene.control("late-1", "pay_late", seconds=1)
    prepay_id = scene.order("late-1")["prepay_id"]
    assert "秒后付款" in scene.web.get(f"{scene.url}/cashier/{prepay_id}").text
    assert provider.query(scene.ctx(), "late-1", "").outcome is Outcome.PENDING
    until(lambda: scene.merchant.notices)
    assert provider.query(scene.ctx(), "late-1", "").outcome is Outcome.SUCCEEDED


def test_a_second_payment_is_another_transaction_and_can_go_back(scene: Any, until: Wait) -> None:
    provider = scene.open("double")
    scene.control("double", "pay_twice")
    until(lambda: len(scene.merchant.notices) == 2)
    events = [scene.read(provider, notice) for notice in scene.merchant.notices]
    assert {event.attempt_no for event in events} == {"double"}
    first, second = (p["transaction_id"] for p in scene.order("double")["payments"])
    assert {event.provider_ref for event in events} == {first, second}
    result = provider.refund(scene.ctx(), scene.refund_of("double", "R-double", ref=second))
    assert result.outcome is Outcome.SUCCEEDED
    assert [p["refunded_fen"] for p in scene.order("double")["payments"]] == [0, 9550]


def test_every_copy_of_a_notice_is_the_same_event(scene: Any, until: Wait) -> None:
    provider = scene.open("copies")
    scene.control("copies", "pay", times=3)
    until(lambda: len(scene.merchant.notices) == 3)
    scene.control("copies", "notify", times=20)
    until(lambda: len(scene.merchant.notices) == 23)
    assert len({scene.read(provider, n).event_id for n in scene.merchant.notices}) == 1


def test_a_notice_is_repeated_until_it_is_accepted(scene: Any, until: Wait) -> None:
    scene.merchant.status = 500
    scene.paid("again-1")
    until(lambda: scene.merchant.notices)
    scene.merchant.status = 204
    until(lambda: scene.order("again-1")["callbacks"][0]["state"] == "accepted")
    assert len(scene.merchant.notices) == 2


def test_with_callbacks_off_only_the_query_tells(scene: Any, until: Wait) -> None:
    scene.settings(callbacks="off")
    provider = scene.paid("silent")
    time.sleep(0.6)
    assert not scene.merchant.notices
    assert provider.query(scene.ctx(), "silent", "").outcome is Outcome.SUCCEEDED
    scene.settings(callbacks="on")
    until(lambda: scene.merchant.notices)


def test_another_amount_is_reported_as_it_is_for_the_core_to_hold(scene: Any, until: Wait) -> None:
    provider = scene.open("cheaper")
    scene.control("cheaper", "pay", fen=9549)
    until(lambda: scene.merchant.notices)
    assert scene.read(provider, scene.merchant.notices[0]).amount == Money.from_fen(9549)
    assert provider.query(scene.ctx(), "cheaper", "").amount == Money.from_fen(9549)


def test_a_closed_order_cannot_be_paid_and_a_paid_one_not_closed(scene: Any) -> None:
    provider = scene.open("close-1")
    for _ in range(2):
        assert provider.cancel(scene.ctx(), "close-1", "") is Outcome.SUCCEEDED
    with pytest.raises(LeverRefused, match="409"):
        scene.control("close-1", "pay")
    assert provider.query(scene.ctx(), "close-1", "").outcome is Outcome.DECLINED
    scene.paid("close-2")
    assert provider.cancel(scene.ctx(), "close-2", "") is Outcome.UNKNOWN
    assert provider.cancel(scene.ctx(), "never-seen", "") is Outcome.UNKNOWN


def test_an_unknown_order_is_unknown(scene: Any) -> None:
    result = scene.provider().query(scene.ctx(), "never-seen", "")
    assert (result.outcome, result.message[:15]) == (Outcome.UNKNOWN, "ORDER_NOT_EXIST")


def test_the_same_number_again_is_the_same_order_and_another_amount_is_refused(scene: Any) -> None:
    assert scene.charge("same-no").qr_content == scene.charge("same-no").qr_content
    with pytest.raises(Declined):
        scene.charge("same-no", fen=1)
    scene.control("same-no", "pay")
    with pytest.raises(HttpOutcomeUnknown, match="ORDERPAID"):
        scene.charge("same-no")


def test_failures_and_slowness_at_wechat_pay_stay_unknown(scene: Any) -> None:
    provider = scene.paid("faulty")
    scene.settings(fail_percent=100, fail_when="after")
    request = scene.refund_of("faulty", "R-faulty", 100)
    for call in (
        lambda: provider.charge(scene.ctx(), scene.request("faulty-2")),
        lambda: provider.query(scene.ctx(), "faulty", ""),
        lambda: provider.refund(scene.ctx(), request),
        lambda: provider.identify(scene.ctx(), "x") or provider.check(scene.ctx()),
    ):
        with pytest.raises((HttpOutcomeUnknown, Declined)):
            call()
    scene.settings(fail_percent=0)
    assert provider.query_refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    assert scene.order("faulty")["payments"][0]["refunded_fen"] == 100


def test_amounts_finer_than_fen_and_other_currencies_are_refused_before_sending(scene: Any) -> None:
    request = scene.request("finer")
    for amount in (Money(1), Money.from_fen(100, "USD")):
        with pytest.raises(Declined):
            scene.provider().charge(scene.ctx(), replace(request, amount=amount))


def test_names_are_cut_between_letters_and_hold_no_border_of_a_bill(scene: Any) -> None:
    request = replace(scene.request("longname"), subject="`点\n卡`" + "卡" * 200)
    scene.provider().charge(scene.ctx(), request)
    name = scene.order("longname")["description"]
    assert name.startswith("'点 卡'卡卡")
    assert 120 < len(name.encode()) <= 127


def test_a_phone_s_address_is_needed_and_a_screen_s_is_not(scene: Any) -> None:
    nobody = replace(scene.request("without-ip"), client_ip="")
    assert scene.provider().charge(scene.ctx(), nobody).qr_content
    with pytest.raises(Declined, match="client_ip"):
        scene.provider().charge(scene.ctx(), replace(nobody, method="h5"))


def test_many_shoppers_at_once_pay_each_order_once(scene: Any, until: Wait) -> None:
    provider = scene.provider()
    numbers = [f"many-{n:02d}" for n in range(12)]

    def pay(number: str) -> int:
        return int(scene.web.post(f"{scene.url}/control/out:{number}/pay?times=3").status_code)

    with ThreadPoolExecutor(12) as pool:
        charges = pool.map(lambda no: provider.charge(scene.ctx(), scene.request(no)), numbers)
        assert {result.outcome for result in charges} == {Outcome.PENDING}
        codes = Counter(pool.map(pay, numbers * 2))
    assert codes == {200: 12, 409: 12}
    until(lambda: len(scene.merchant.notices) == 36)
    assert {len(scene.order(number)["payments"]) for number in numbers} == {1}


def test_levers_say_what_is_wrong(scene: Any) -> None:
    scene.open("levers")
    post = scene.web.post
    assert post(f"{scene.url}/control/out:nothing/pay").status_code == 404
    assert post(f"{scene.url}/control/out:levers/fly").status_code == 400
    assert post(f"{scene.url}/control/out:levers/pay?times=x").status_code == 400
    for wrong in ({"api_v3_key": "x"}, {"sign_with": "md5"}, {"refund_seconds": "soon"}):
        assert post(f"{scene.url}/control/settings", data=wrong).status_code == 400
    assert scene.web.get(f"{scene.url}/cashier/1").status_code == 404
    assert scene.web.get(f"{scene.url}/v3/nothing").status_code == 401
    assert scene.web.get(f"{scene.url}/nothing").status_code == 404


def test_keys_and_undelivered_notices_survive_a_restart(
    tmp_path: Any, scene: Any, until: Wait
) -> None:
    environment = SimulatorEnvironment(state_folder=tmp_path, base_url="http://sim.test")
    first = WechatSimulator(environment)
    config = first.demo_config()
    first.close()
    bank = Bank(open_store(tmp_path / "wechatpay"))
    new = NewOrder("native", "restart", "点卡", f"{scene.shop_url}/notify", 100, "", "")
    bank.pay(bank.open_order(new)["prepay_id"])
    assert not scene.merchant.notices
    second = WechatSimulator(environment)
    assert second.demo_config() == config
    until(lambda: scene.merchant.notices)
    second.close()
