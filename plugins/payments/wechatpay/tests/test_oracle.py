"""An independent client, wechatpayv3, as the judge of simulator and signatures."""

import gzip
import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3 import utils as theirs

from kameng_payment_wechatpay.bills import BEIJING, read_bill
from kameng_payment_wechatpay.charging import bridge_arguments
from kameng_payment_wechatpay.client import authorization
from kameng_payment_wechatpay.signing import (
    check_signed,
    keyring,
    load_private_key,
    load_public_key,
    seal,
    verify,
)
from kameng_sdk.money import Money
from kameng_sdk.outcomes import Outcome


def client_of(scene: Any, tmp_path: Path, mode: str) -> Any:
    """Certificates are read from a folder: else the constructor would ask the real gateway."""
    config = scene.simulator.demo_config()
    keys: dict[str, Any] = {
        "public_key": config["public_key"], "public_key_id": config["public_key_id"],
    }  # fmt: skip
    if mode == "certificate":
        (tmp_path / "platform.pem").write_text(config["platform_certificates"])
        keys = {"cert_dir": str(tmp_path)}
    client = WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=config["mchid"],
        private_key=config["merchant_private_key"],
        cert_serial_no=config["merchant_serial"],
        appid=config["appid"],
        apiv3_key=config["api_v3_key"],
        notify_url=f"{scene.shop_url}/notify",
        timeout=10,
        **keys,
    )
    client._core._gate_way = scene.url
    return client


@pytest.fixture(params=["public_key", "certificate"])
def client(request: pytest.FixtureRequest, scene: Any, tmp_path: Path) -> Any:
    scene.settings(sign_with=request.param)
    client = client_of(scene, tmp_path, request.param)
    client.mode = request.param
    return client


def asked(answer: tuple[int, Any]) -> tuple[int, Any]:
    code, text = answer
    return code, json.loads(text) if text else None


def test_pay_query_close_as_it_expects(client: Any, scene: Any) -> None:
    number = f"o-{client.mode}"
    amount = {"total": 9550, "currency": "CNY"}
    code, made = asked(client.pay("点卡 & 1", number, amount))
    assert (code, made["code_url"].startswith(scene.url)) == (200, True)
    code, seen = asked(client.query(out_trade_no=number))
    assert (code, seen["trade_state"]) == (200, "NOTPAY")
    scene.control(number, "pay")
    code, seen = asked(client.query(out_trade_no=number))
    assert (seen["trade_state"], seen["amount"]["total"]) == ("SUCCESS", 9550)
    again = asked(client.query(transaction_id=seen["transaction_id"]))
    assert again == (200, seen)
    code, refusal = asked(client.close(number))
    assert (code, refusal["code"]) == (400, "ORDERPAID")
    client.pay("点卡", f"{number}-2", amount)
    assert client.close(f"{number}-2") == (204, "") or client.close(f"{number}-2")[0] == 204
    assert asked(client.query(out_trade_no=f"{number}-2"))[1]["trade_state"] == "CLOSED"
    assert asked(client.query(out_trade_no="never-seen"))[0] == 404


def test_refunds_as_it_expects(client: Any, scene: Any) -> None:
    number = f"or-{client.mode}"
    scene.paid(number)
    amount = {"refund": 3000, "total": 9550, "currency": "CNY"}
    code, made = asked(client.refund(f"R-{number}", amount, out_trade_no=number))
    assert (code, made["status"], made["amount"]["refund"]) == (200, "SUCCESS", 3000)
    assert asked(client.query_refund(f"R-{number}")) == (200, made)
    assert asked(client.refund(f"R-{number}", amount, out_trade_no=number)) == (200, made)
    assert asked(client.query_refund("never-seen"))[0] == 404


@pytest.mark.parametrize("packing", ["GZIP", "plain"])
def test_its_bill_is_the_file_that_we_read(client: Any, scene: Any, packing: str) -> None:
    number = f"ob-{client.mode}-{packing}"
    scene.paid(number)
    day = datetime.now(BEIJING).date().isoformat()
    code, told = asked(client.trade_bill(day, tar_type=packing))
    assert (code, told["hash_type"]) == (200, "SHA1")
    code, body = client.download_bill(told["download_url"])
    plain = gzip.decompress(body) if packing == "GZIP" else body
    assert hashlib.sha1(plain).hexdigest() == told["hash_value"]
    lines = read_bill(plain, scene.simulator.demo_config()["mchid"])
    (line,) = [line for line in lines if line.attempt_no == number]
    assert line.amount == Money.from_fen(9550)


def test_its_callback_reads_our_simulators_notices(client: Any, scene: Any, until: Any) -> None:
    number = f"oc-{client.mode}"
    provider = scene.paid(number)
    provider.refund(scene.ctx(), scene.refund_of(number, f"R-{number}", 3000))
    until(lambda: len(scene.merchant.notices) == 2)
    for notice in scene.merchant.notices:
        event = scene.read(provider, notice)
        read = client.callback(dict(notice.headers), notice.body)["resource"]
        assert read["out_trade_no"] == event.attempt_no == number
        assert read["transaction_id"] == event.provider_ref
        total = read["amount"]["refund" if event.refund_no else "total"]
        assert Money.from_fen(total) == event.amount


def test_it_refuses_the_wrong_signatures_that_we_refuse(
    client: Any, scene: Any, until: Any
) -> None:
    scene.settings(notice_sign="wrong")
    scene.paid(f"ow-{client.mode}")
    until(lambda: scene.merchant.notices)
    notice = scene.merchant.notices[0]
    assert client.callback(dict(notice.headers), notice.body) is None


def test_our_verification_accepts_what_it_signs(scene: Any) -> None:
    config = scene.simulator.demo_config()
    keys = scene.simulator._keys
    private = theirs.load_private_key(keys.public_key_private)
    now, body = scene.clock.now(), '{"summary":"支付成功"}'
    timestamp = str(int(now.timestamp()))
    headers = {
        "wechatpay-serial": keys.public_key_id,
        "wechatpay-timestamp": timestamp,
        "wechatpay-nonce": "n1",
        "wechatpay-signature": theirs.rsa_sign(private, f"{timestamp}\nn1\n{body}\n"),
    }
    ring = keyring(keys.public_key_id, config["public_key"], "")
    check_signed(headers, body.encode(), ring, now)


def test_it_accepts_what_we_sign_and_opens_what_we_seal(scene: Any) -> None:
    account = scene.provider()._account
    config = scene.simulator.demo_config()
    public = load_private_key(config["merchant_private_key"]).public_key()
    header = authorization(account, "POST", "/v3/x?a=1", "1624523846", b"{}")
    facts = dict(part.split("=", 1) for part in header.split(" ", 1)[1].split(","))
    signature, nonce = facts["signature"].strip('"'), facts["nonce_str"].strip('"')
    # Theirs checks three lines: the first three of ours stand in for their time.
    first = "POST\n/v3/x?a=1\n1624523846"
    assert theirs.rsa_verify(first, nonce, "{}", signature, public)
    sealed = seal(config["api_v3_key"], "abcdef012345", "x", "支付".encode())
    assert theirs.aes_decrypt("abcdef012345", sealed, "x", config["api_v3_key"]) == "支付"
    assert load_public_key(config["public_key"]) == theirs.load_public_key(config["public_key"])


def test_the_bridge_is_signed_as_it_signs(scene: Any, tmp_path: Path) -> None:
    client = client_of(scene, tmp_path, "public_key")
    account = scene.provider()._account
    bridge = bridge_arguments(account, "wx1", "1624523846")
    four = [bridge[name] for name in ("appId", "timeStamp", "nonceStr", "package")]
    assert bridge["paySign"] == client.sign(four)
    public = load_private_key(account.private_key.reveal()).public_key()
    assert verify(public, client.sign(four), *four)


def test_its_order_is_ours_to_query(scene: Any, tmp_path: Path) -> None:
    client = client_of(scene, tmp_path, "public_key")
    client.pay("点卡", "theirs-1", {"total": 100, "currency": "CNY"})
    scene.control("theirs-1", "pay")
    result = scene.provider().query(scene.ctx(), "theirs-1", "")
    assert (result.outcome, result.amount) == (Outcome.SUCCEEDED, Money.from_fen(100))
