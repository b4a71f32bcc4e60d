"""Plugin and simulator over real HTTP: charge, pay, notice, query, refund, and the bad days."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from kameng_payment_wechatpay.simulator import WechatSimulator
from kameng_payment_wechatpay.simulator.bank import Bank, NewOrder
from kameng_payment_wechatpay.simulator.store import open_store
from kameng_sdk.errors import (
    Declined,
    HttpOutcomeUnknown,
    TemporarilyUnavailable,
    WebhookRefused,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import Device, PaymentCapability, PaymentEventKind
from kameng_sdk.simulators import SimulatorEnvironment

Wait = Callable[..., Any]
KEY_MODES = {
    "public_key": {"platform_certificates": ""},
    "certificate": {"public_key_id": "", "public_key": ""},
}


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


@pytest.mark.parametrize("mode", KEY_MODES)
def test_either_kind_of_platform_key_serves_alone(scene: Any, until: Wait, mode: str) -> None:
    number, provider = f"keys-{mode}", scene.provider(**KEY_MODES[mode])
    scene.settings(sign_with=mode)
    provider.charge(scene.ctx(), scene.request(number))
    scene.control(number, "pay")
    until(lambda: scene.merchant.notices)
    assert scene.read(provider, scene.merchant.notices[0]).attempt_no == number
    assert provider.query(scene.ctx(), number, "").outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("mode", KEY_MODES)
def test_a_notice_signed_by_the_key_not_configured_is_refused(
    scene: Any, until: Wait, mode: str
) -> None:
    (other,) = KEY_MODES.keys() - {mode}
    scene.settings(sign_with=other)
    scene.paid(f"other-{mode}")
    until(lambda: scene.merchant.notices)
    with pytest.raises(WebhookRefused, match="unknown serial"):
        scene.read(scene.provider(**KEY_MODES[mode]), scene.merchant.notices[0])


def test_while_changing_over_notices_of_both_keys_are_believed(scene: Any, until: Wait) -> None:
    scene.settings(sign_with="rotate")
    provider = scene.open("changing")
    scene.control("changing", "pay", times=8)
    until(lambda: len(scene.merchant.notices) == 8)
    serials = {notice.header("wechatpay-serial")[:11] for notice in scene.merchant.notices}
    assert len(serials) == 2
    assert len({scene.read(provider, n).event_id for n in scene.merchant.notices}) == 1


@pytest.mark.parametrize(
    ("manner", "reason"),
    [("wrong", "wrong signature"), ("signtest", "probe"), ("unknown_serial", "unknown serial")],
)
def test_probes_and_strangers_are_refused(
    scene: Any, until: Wait, manner: str, reason: str
) -> None:
    scene.settings(notice_sign=manner)
    provider = scene.paid(f"probe-{manner}")
    until(lambda: scene.merchant.notices)
    with pytest.raises(WebhookRefused, match=reason):
        scene.read(provider, scene.merchant.notices[0])


def test_refunds_go_in_parts_once_per_number_and_never_too_much(scene: Any) -> None:
    provider = scene.paid("parts-1")
    for _ in range(3):
        result = provider.refund(scene.ctx(), scene.refund_of("parts-1", "R1-parts", 3000))
        assert result.outcome is Outcome.SUCCEEDED
    assert scene.order("parts-1")["payments"][0]["refunded_fen"] == 3000
    too_much = scene.refund_of("parts-1", "R2-parts", 6551)
    assert provider.refund(scene.ctx(), too_much).outcome is Outcome.DECLINED
    assert provider.query_refund(scene.ctx(), too_much).outcome is Outcome.UNKNOWN
    rest = scene.refund_of("parts-1", "R3-parts", 6550)
    assert provider.refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    assert provider.query_refund(scene.ctx(), rest).outcome is Outcome.SUCCEEDED
    # A number that was used for another amount is neither done nor refused.
    other = scene.refund_of("parts-1", "R3-parts", 1)
    assert provider.refund(scene.ctx(), other).outcome is Outcome.UNKNOWN
    # Refunded orders are no longer "paid": a person decides what that means.
    assert provider.query(scene.ctx(), "parts-1", "").outcome is Outcome.UNKNOWN


def test_an_accepted_refund_is_pending_until_the_money_has_moved(scene: Any, until: Wait) -> None:
    scene.settings(refund_seconds=1)
    provider = scene.paid("accepted")
    ref = scene.order("accepted")["payments"][0]["transaction_id"]
    whole = scene.refund_of("accepted", "R-accepted", ref=ref)
    assert provider.refund(scene.ctx(), whole).outcome is Outcome.PENDING
    assert provider.query_refund(scene.ctx(), whole).outcome is Outcome.PENDING
    (notice,) = until(lambda: scene.merchant.of("REFUND.SUCCESS"))
    event = scene.read(provider, notice)
    assert (event.kind, event.refund_no) == (PaymentEventKind.REFUNDED, "R-accepted")
    assert (event.amount, event.provider_ref) == (Money.from_fen(9550), ref)
    assert provider.query_refund(scene.ctx(), whole).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("becomes", "outcome"), [("CLOSED", Outcome.DECLINED), ("ABNORMAL", Outcome.UNKNOWN)]
)
def test_a_refund_that_moves_no_money_is_no_success(
    scene: Any, until: Wait, becomes: str, outcome: Outcome
) -> None:
    scene.settings(refund_answer=becomes)
    number = f"none-{becomes}"
    provider = scene.paid(number)
    request = scene.refund_of(number, f"R-{number}")
    assert provider.refund(scene.ctx(), request).outcome is outcome
    (notice,) = until(lambda: scene.merchant.of(f"REFUND.{becomes}"))
    assert provider.parse_webhook(scene.ctx(), notice).events == ()


def test_a_refund_not_accepted_is_asked_for_again_with_the_same_number(scene: Any) -> None:
    scene.settings(refund_answer="FREQUENCY_LIMITED")
    provider = scene.paid("busy-1")
    with pytest.raises(TemporarilyUnavailable):
        provider.refund(scene.ctx(), scene.refund_of("busy-1", "R-busy"))
    scene.settings(refund_answer="NOT_ENOUGH")
    refused = provider.refund(scene.ctx(), scene.refund_of("busy-1", "R-busy"))
    assert (refused.outcome, refused.message[:10]) == (Outcome.DECLINED, "NOT_ENOUGH")
    scene.settings(refund_answer="SUCCESS")
    done = provider.refund(scene.ctx(), scene.refund_of("busy-1", "R-busy"))
    assert done.outcome is Outcome.SUCCEEDED


def test_a_refusal_after_an_earlier_success_is_that_success(scene: Any) -> None:
    provider = scene.paid("earlier")
    request = scene.refund_of("earlier", "R-earlier")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED
    scene.settings(refund_answer="NOT_ENOUGH")
    assert provider.refund(scene.ctx(), request).outcome is Outcome.SUCCEEDED


def test_a_refund_of_what_was_never_paid_is_refused(scene: Any) -> None:
    provider = scene.open("unpaid-1")
    result = provider.refund(scene.ctx(), scene.refund_of("unpaid-1", "R-unpaid"))
    assert result.outcome is Outcome.DECLINED


def test_a_closed_order_cannot_be_paid_and_a_paid_one_not_closed(scene: Any) -> None:
    provider = scene.open("close-1")
    for _ in range(2):
        assert provider.cancel(scene.ctx(), "close-1", "") is Outcome.SUCCEEDED
    with pytest.raises(httpx.HTTPStatusError):
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


@pytest.mark.parametrize("manner", ["wrong", "none"])
def test_an_answer_that_is_not_signed_proves_nothing(scene: Any, manner: str) -> None:
    provider = scene.paid(f"unsigned-{manner}")
    scene.settings(answer_sign=manner)
    refund = scene.refund_of(f"unsigned-{manner}", f"R-unsigned-{manner}")
    for call in (
        lambda: provider.charge(scene.ctx(), scene.request(f"unsigned-{manner}-2")),
        lambda: provider.query(scene.ctx(), f"unsigned-{manner}", ""),
        lambda: provider.cancel(scene.ctx(), f"unsigned-{manner}-2", ""),
        lambda: provider.refund(scene.ctx(), refund),
    ):
        with pytest.raises(HttpOutcomeUnknown, match="WeChat Pay's answer"):
            call()
    scene.settings(answer_sign="right")
    assert provider.query_refund(scene.ctx(), refund).outcome is Outcome.SUCCEEDED


def test_an_unsigned_refusal_of_a_refund_is_not_believed(scene: Any) -> None:
    provider = scene.paid("rumour")
    scene.settings(answer_sign="none", refund_answer="NOT_ENOUGH")
    with pytest.raises(HttpOutcomeUnknown, match="unsigned"):
        provider.refund(scene.ctx(), scene.refund_of("rumour", "R-rumour"))


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


def test_the_test_button_finds_wrong_numbers_and_keys(scene: Any) -> None:
    assert scene.provider().check(scene.ctx()) == ""
    assert "SIGN_ERROR" in scene.provider(mchid="1900000001").check(scene.ctx())
    assert "SIGN_ERROR" in scene.provider(merchant_serial="AB" * 20).check(scene.ctx())
    other = str(scene.simulator.demo_config()["public_key_id"])[:-1] + "X"
    with pytest.raises(HttpOutcomeUnknown, match="unknown serial"):
        scene.provider(public_key_id=other).check(scene.ctx())


def test_calls_with_a_stale_clock_are_refused(scene: Any) -> None:
    scene.clock.moved = timedelta(seconds=-400)
    with pytest.raises(Declined, match="timestamp"):
        scene.charge("clock-1")


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
