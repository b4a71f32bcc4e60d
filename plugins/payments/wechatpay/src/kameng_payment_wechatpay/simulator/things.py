"""Orders and refunds as WeChat Pay shows them: in answers, and sealed in notices."""

import json
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from kameng_payment_wechatpay.bills import BEIJING
from kameng_payment_wechatpay.signing import PROBE, SCHEME, seal, sign

from .keys import Keys
from .store import Row

Thing = dict[str, Any]
TRADE_TYPES = {"native": "NATIVE", "h5": "MWEB", "jsapi": "JSAPI"}


def beijing(moment: float) -> str:
    """RFC 3339 with +08:00."""
    return datetime.fromtimestamp(moment, BEIJING).isoformat(timespec="seconds")


def trade(keys: Keys, order: Row, payment: Row | None) -> Thing:
    """An order, paid by `payment` or not."""
    seen: Thing = {
        "appid": keys.appid,
        "mchid": keys.mchid,
        "out_trade_no": order["out_trade_no"],
        "trade_state": _trade_state(order, payment),
        "trade_state_desc": "",
        "amount": {"total": order["fen"], "currency": "CNY"},
    }
    if payment is None:
        return seen
    total = payment["fen"]
    return seen | {
        "transaction_id": payment["transaction_id"],
        "trade_type": TRADE_TYPES[order["kind"]],
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": beijing(payment["paid_at"]),
        "payer": {"openid": payment["openid"]},
        "amount": {
            "total": total,
            "payer_total": total,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }


def _trade_state(order: Row, payment: Row | None) -> str:
    if payment is not None:
        return "REFUND" if payment["refunded_fen"] else "SUCCESS"
    return "CLOSED" if order["state"] == "closed" else "NOTPAY"


def refund_answer(order: Row, payment: Row, refund: Row) -> Thing:
    """What applying for a refund and asking about it answer."""
    seen: Thing = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": payment["transaction_id"],
        "out_trade_no": order["out_trade_no"],
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": beijing(refund["created_at"]),
        "status": refund["status"],
        "funds_account": "AVAILABLE",
        "amount": {
            "total": payment["fen"],
            "refund": refund["fen"],
            "payer_total": payment["fen"],
            "payer_refund": refund["fen"],
            "settlement_refund": refund["fen"],
            "settlement_total": payment["fen"],
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if refund["status"] == "SUCCESS":
        seen["success_time"] = beijing(refund["due_at"])
    return seen


def refund_notice(keys: Keys, order: Row, payment: Row, refund: Row) -> Thing:
    """What a notice about a refund holds: other names than the answer, and no currency."""
    seen: Thing = {
        "mchid": keys.mchid,
        "out_trade_no": order["out_trade_no"],
        "transaction_id": payment["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["refund_id"],
        "refund_status": refund["status"],
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": payment["fen"],
            "refund": refund["fen"],
            "payer_total": payment["fen"],
            "payer_refund": refund["fen"],
        },
    }
    if refund["status"] == "SUCCESS":
        seen["success_time"] = beijing(refund["due_at"])
    return seen


def notice_body(keys: Keys, subject: str, kind: str, thing: Thing) -> bytes:
    """A notice with its resource sealed; each copy has the same id."""
    nonce, data = secrets.token_hex(6), kind.partition(".")[0].lower()
    plain = json.dumps(thing, ensure_ascii=False).encode()
    notice = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, subject)),
        "create_time": beijing(time.time()),
        "resource_type": "encrypt-resource",
        "event_type": kind,
        "summary": "支付成功" if data == "transaction" else "退款结果",
        "resource": {
            "original_type": data,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": seal(keys.api_v3_key, nonce, data, plain),
            "associated_data": data,
            "nonce": nonce,
        },
    }
    return json.dumps(notice, ensure_ascii=False).encode()


def signed_headers(
    signer: tuple[str, RSAPrivateKey], body: bytes, manner: str = "right"
) -> Mapping[str, str]:
    """Headers that prove the body, or only look so: `wrong`, `signtest`, `unknown_serial`."""
    serial, key = signer
    timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
    signed = body if manner != "wrong" else body + b" "
    signature = sign(key, timestamp, nonce, signed)
    if manner == "signtest":
        signature = PROBE + signature[len(PROBE) :]
    return {
        "Wechatpay-Serial": "7" * 40 if manner == "unknown_serial" else serial,
        "Wechatpay-Signature": signature,
        "Wechatpay-Signature-Type": SCHEME,
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
    }
