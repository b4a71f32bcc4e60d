"""python-alipay-sdk as a second opinion: its client on our simulator, its eyes on our signing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import alipay
import pytest

from kameng_payment_alipay.certificates import serial_of, serial_of_roots
from kameng_payment_alipay.notices import read_notice
from kameng_payment_alipay.signing import load_private_key, public_text, request_text, verify
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome
from kameng_sdk.payments import PaymentEventKind
from kameng_sdk.webhooks import WebhookRequest

AMOUNT = "95.50"
# It reads certificates by an old way of pyOpenSSL.
old_ways = pytest.mark.filterwarnings("ignore:.* is deprecated. You should:DeprecationWarning")


class BeijingClock:
    """The library stamps requests with the machine's zone, which need not be Beijing's."""

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC) + timedelta(hours=8)


@pytest.fixture
def keys(scene: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(alipay, "datetime", BeijingClock)
    return scene.simulator._keys


@pytest.fixture
def client(scene: Any, keys: Any) -> Any:
    """Their client in plain key mode, its only address overridden."""
    made = alipay.AliPay(
        appid=keys.app_id,
        app_private_key_string=keys.app_private,
        alipay_public_key_string=public_text(load_private_key(keys.alipay_private)),
        app_notify_url=f"{scene.shop_url}/notify",
    )
    made._gateway = f"{scene.url}/gateway.do"
    return made


@pytest.fixture
def by_certificate(scene: Any, keys: Any) -> Any:
    made = alipay.DCAliPay(
        appid=keys.app_id,
        app_private_key_string=keys.app_private,
        app_public_key_cert_string=keys.app_cert,
        alipay_public_key_cert_string=keys.alipay_cert,
        alipay_root_cert_string=keys.root_cert,
    )
    made._gateway = f"{scene.url}/gateway.do"
    return made


def merchant_view(keys: Any) -> Any:
    """Their verification of what the application signs: its own public key as the other's."""
    return alipay.AliPay(
        appid=keys.app_id,
        app_private_key_string=keys.app_private,
        alipay_public_key_string=public_text(load_private_key(keys.app_private)),
    )


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True))


def test_their_page_is_taken_by_the_simulator_and_paid(scene: Any, client: Any) -> None:
    for kind, build in (("page", client.api_alipay_trade_page_pay),
                        ("wap", client.api_alipay_trade_wap_pay)):  # fmt: skip
        no = f"oracle_{kind}"
        query = build(
            out_trade_no=no, total_amount=AMOUNT, subject="话费充值",
            return_url=f"{scene.shop_url}/back",
        )  # fmt: skip
        page = scene.web.get(f"{client._gateway}?{query}", follow_redirects=True)
        assert (page.status_code, "95" in page.text) == (200, True)
        scene.control(no, "pay")
        answer = client.api_alipay_trade_query(out_trade_no=no)
        assert (answer["trade_status"], answer["total_amount"]) == ("TRADE_SUCCESS", AMOUNT)


def test_their_client_precreates_queries_closes_and_refunds(scene: Any, client: Any) -> None:
    made = client.api_alipay_trade_precreate("卡", "oracle_qr", AMOUNT)
    missing = client.api_alipay_trade_query(out_trade_no="oracle_qr")
    assert missing["sub_code"] == "ACQ.TRADE_NOT_EXIST"
    scene.web.get(made["qr_code"], follow_redirects=True)
    assert client.api_alipay_trade_query("oracle_qr")["trade_status"] == "WAIT_BUYER_PAY"
    scene.control("oracle_qr", "pay")
    closing = client.api_alipay_trade_close(out_trade_no="oracle_qr")
    assert closing["sub_code"] == "ACQ.TRADE_STATUS_ERROR"
    refund = {"out_trade_no": "oracle_qr", "out_request_no": "R1"}
    first = client.api_alipay_trade_refund("30.00", **refund)
    again = client.api_alipay_trade_refund("30.00", **refund)
    assert (first["fund_change"], again["fund_change"]) == ("Y", "N")
    found = client.api_alipay_trade_fastpay_refund_query("R1", out_trade_no="oracle_qr")
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", "30.00")
    none = client.api_alipay_trade_fastpay_refund_query("R2", out_trade_no="oracle_qr")
    assert (none["code"], "refund_status" in none) == ("10000", False)


def test_what_their_client_did_our_plugin_sees_the_same(scene: Any, client: Any) -> None:
    query = client.api_alipay_trade_page_pay("卡", "oracle_both", AMOUNT)
    scene.web.get(f"{client._gateway}?{query}", follow_redirects=True)
    provider = scene.provider()
    assert provider.query(scene.ctx(), "oracle_both", "").outcome is Outcome.PENDING
    assert client.api_alipay_trade_close(out_trade_no="oracle_both")["code"] == "10000"
    assert provider.query(scene.ctx(), "oracle_both", "").outcome is Outcome.DECLINED


def test_their_client_refuses_an_unsigned_answer_of_the_simulator(client: Any) -> None:
    client._appid = "2021999999999999"
    with pytest.raises(alipay.AliPayException, match="invalid-app-id"):
        client.api_alipay_trade_query(out_trade_no="x")


@old_ways
def test_their_transfer_by_certificate_is_taken_and_without_is_not(
    scene: Any, client: Any, by_certificate: Any
) -> None:
    answer = by_certificate.api_alipay_fund_trans_uni_transfer(
        "oracle_out", "ALIPAY_LOGON_ID", "13800138000", "100.00", name="张三", order_title="提现"
    )
    assert answer["status"] == "SUCCESS"
    same = scene.payout("oracle_out", amount=Money.from_fen(10_000))
    assert scene.provider().query_payout(scene.ctx(), same).outcome is Outcome.SUCCEEDED
    refused = client.server_api("alipay.fund.trans.common.query", {"out_biz_no": "oracle_out"})
    assert refused["sub_code"] == "isv.missing-app-cert-sn"


@old_ways
def test_both_name_certificates_alike(keys: Any, by_certificate: Any) -> None:
    assert serial_of(keys.app_cert) == by_certificate.app_cert_sn
    # Their reading splits roots at empty lines.
    two = f"{keys.root_cert}\n{keys.app_cert}"
    assert serial_of_roots(two) == by_certificate.get_root_cert_sn(two)


@pytest.mark.parametrize("method", ["page", "wap"])
def test_our_address_passes_their_verification(scene: Any, keys: Any, method: str) -> None:
    url = scene.provider().charge(scene.ctx(), scene.request("ours", method=method)).redirect_url
    params = query_of(url)
    signature = params.pop("sign")
    theirs = merchant_view(keys)
    # Their verify() is made for notices and takes the sign_type out; requests sign it.
    assert theirs._verify(request_text(params), signature)
    assert not theirs._verify(request_text(params | {"app_id": "x"}), signature)
    assert json.loads(params["biz_content"])["total_amount"] == AMOUNT


def test_their_request_passes_our_verification(keys: Any, client: Any) -> None:
    query = client.api_alipay_trade_page_pay("话费 & 赠品", "theirs", AMOUNT)
    params = query_of(f"http://x/?{query}")
    assert verify(
        request_text(params), public_text(load_private_key(keys.app_private)), params["sign"]
    )


def test_a_notice_of_the_simulator_passes_both(scene: Any, client: Any, until: Any) -> None:
    provider, ref = scene.paid("oracle_notice")
    provider.refund(scene.ctx(), scene.refund("oracle_notice", ref, "R1", 100))
    until(lambda: len(scene.merchant.notices) == 2)
    for request in scene.merchant.notices:
        params = dict(request.form_pairs())
        signature = params.pop("sign")
        assert client.verify(dict(params), signature)
        assert not client.verify({**params, "total_amount": "0.01"}, signature)
    kinds = [event.kind for event in scene.events()]
    assert kinds == [PaymentEventKind.PAID, PaymentEventKind.REFUNDED]


def test_a_notice_they_sign_passes_ours(scene: Any, keys: Any) -> None:
    """Their client with Alipay's key in the application's place signs as Alipay does."""
    signer = alipay.AliPay(
        appid=keys.app_id,
        app_private_key_string=keys.alipay_private,
        alipay_public_key_string=public_text(load_private_key(keys.alipay_private)),
    )
    params = {
        "app_id": keys.app_id, "seller_id": keys.seller_id, "notify_type": "trade_status_sync",
        "trade_no": "1", "out_trade_no": "P1", "trade_status": "TRADE_SUCCESS",
        "total_amount": AMOUNT, "subject": "话费 & 赠品=1",
    }  # fmt: skip
    text = "&".join(f"{name}={params[name]}" for name in sorted(params))
    body = urlencode({**params, "sign_type": "RSA2", "sign": signer._sign(text)}).encode()
    request = WebhookRequest(method="POST", path="/h", query="", headers={}, body=body)
    (event,) = read_notice(scene.provider()._account, request).events
    assert (event.kind, event.amount) == (PaymentEventKind.PAID, Money.from_fen(9550))
