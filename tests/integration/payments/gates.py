"""What a test must know of one gateway: how a shopper gets there, and how its notices are signed.

A gate can write any notice the gateway could write, rightly signed, and the forgeries that differ
from gateway to gateway. What is true of all of them is in `test_forged_notices`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from kameng_payment_alipay.signing import load_private_key, notice_text
from kameng_payment_alipay.signing import sign as alipay_sign
from kameng_payment_epay.signing import md5_sign, rsa_sign
from kameng_payment_unionpay.certificates import load_key
from kameng_payment_unionpay.signing import sign as unionpay_sign
from kameng_payment_unionpay.signing import signed_text
from kameng_payment_unionpay.simulator.keys import new_keys
from kameng_payment_wechatpay.signing import PROBE, open_sealed, seal
from kameng_payment_wechatpay.simulator.things import signed_headers

from .street import Notice, Street

Fields = dict[str, str]
Forgery = Callable[[Any, Notice], Notice]


class Gate(ABC):
    """One gateway in one of its ways to sign."""

    name: ClassVar[str]
    plugin_id: ClassVar[str]
    method: ClassVar[str]
    answer: ClassVar[tuple[int, str]] = (200, "success")
    partner: ClassVar[str] = "stripe"  # name of another gate that is open beside it
    gives_parts: ClassVar[bool] = True
    closes: ClassVar[bool] = True  # can close an order before its time
    calls_to_charge: ClassVar[bool] = True
    forgeries: ClassVar[Mapping[str, Forgery]] = {}

    def __init__(self, street: Street) -> None:
        self.street, self.simulator = street, street[self.plugin_id]
        self.url = f"{street.url}/{self.plugin_id.removeprefix('payment-')}"

    def other(self) -> Gate:
        """The gate beside it."""
        return GATES[self.partner](self.street)

    @property
    def keys(self) -> Any:
        """Both sides' keys: the simulator has them."""
        return self.simulator._keys

    def config(self) -> dict[str, Any]:
        """Form values of the plugin."""
        return dict(self.simulator.demo_config())

    def levers(self) -> Fields:
        """How the simulator stands; more than `callbacks` where the gate needs it."""
        return {"callbacks": "on", "fail_percent": "0", "latency_ms": "0"}

    def move(self, **levers: str) -> None:
        """Move levers of the simulator."""
        self.street.http.post(f"{self.url}/control/settings", data=levers).raise_for_status()

    def arrive(self, started: Any) -> None:
        """What the shopper's browser does before the gateway knows of the order: mostly nothing."""
        assert started.attempt_no

    def act(self, attempt_no: str, action: str, **params: str) -> int:
        """The shopper at the cashier; returns the HTTP status."""
        url = f"{self.url}/control/out:{attempt_no}/{action}"
        return self.street.http.post(url, data=params).status_code

    def orders(self, attempt_no: str) -> list[dict[str, Any]]:
        """What the gateway has of an attempt."""
        url = f"{self.url}/control/orders?out_trade_no={attempt_no}"
        found: list[dict[str, Any]] = self.street.http.get(url).json()["orders"]
        return found

    def told(self, attempt_no: str) -> bool:
        """Whether the shop has taken every notice there is of an attempt."""
        notices = [each for order in self.orders(attempt_no) for each in order["callbacks"]]
        return bool(notices) and all(each["state"] == "accepted" for each in notices)

    def given_back(self, attempt_no: str) -> list[tuple[str, int]]:
        """Refunds of an attempt at the gateway: our number, and fen."""
        refunds = [each for order in self.orders(attempt_no) for each in order["refunds"]]
        return sorted((self.refund_number(each), int(self.refund_fen(each))) for each in refunds)

    def refund_number(self, refund: Any) -> str:
        """Our number in a refund of the gateway's."""
        return str(refund["out_refund_no"])

    def refund_fen(self, refund: Any) -> int:
        """Its amount."""
        return int(refund["fen"])

    def tells_of_payment(self, notice: Notice) -> bool:
        """Whether it reports money, for gateways that send other notices too."""
        return True

    @abstractmethod
    def signed(self, notice: Notice, **changes: Any) -> Notice:
        """The notice with `attempt_no`, `fen` or the gateway's own fields changed, rightly signed."""
        ...


class FormGate(Gate):
    """Notices are forms: in the body, or in the query."""

    NUMBER: ClassVar[str] = "out_trade_no"
    in_query: ClassVar[bool] = False

    def fields(self, notice: Notice) -> Fields:
        text = notice.query if self.in_query else notice.body.decode()
        return dict(parse_qsl(text, keep_blank_values=True))

    def form(self, notice: Notice, fields: Mapping[str, str] | list[tuple[str, str]]) -> Notice:
        """The notice with these fields, as they stand."""
        text = urlencode(fields)
        return notice.but(query=text) if self.in_query else notice.but(body=text.encode())

    def plain(self, notice: Notice, **changes: str) -> Notice:
        """Fields changed after signing; "" takes a field away."""
        fields = self.fields(notice) | changes
        return self.form(notice, {name: value for name, value in fields.items() if value})

    def signed(self, notice: Notice, **changes: Any) -> Notice:
        fields = self.fields(notice)
        if "attempt_no" in changes:
            fields[self.NUMBER] = changes.pop("attempt_no")
        if "fen" in changes:
            fields |= self.amount(changes.pop("fen"))
        return self.form(notice, self.sign({**fields, **changes}))

    def amount(self, fen: int) -> Fields:
        return {"total_amount": f"{fen // 100}.{fen % 100:02d}"}

    @abstractmethod
    def sign(self, fields: Fields) -> Fields: ...


def doubled(name: str) -> Forgery:
    """A field is given twice, the copy as signed."""

    def forge(gate: FormGate, notice: Notice) -> Notice:
        fields = gate.fields(notice)
        return gate.form(notice, [*fields.items(), (name, fields[name])])

    return forge


def changed(**changes: str) -> Forgery:
    """Fields changed after signing."""
    return lambda gate, notice: gate.plain(notice, **changes)


def resigned(**changes: Any) -> Forgery:
    """Fields changed, and rightly signed: who holds the key says something that is not ours."""
    return lambda gate, notice: gate.signed(notice, **changes)


class EpayV1(FormGate):
    name, plugin_id, method, in_query = "epay-v1", "payment-epay", "alipay", True
    gives_parts = closes = calls_to_charge = False
    forgeries: ClassVar = {
        "wrong signature": changed(sign="0" * 32),
        "signed with another key": lambda g, n: g.form(n, _md5(g.fields(n), "another key")),
        "no signature": changed(sign=""),
        "the algorithm named otherwise": changed(sign_type="NONE"),
        "upgraded to RSA": changed(sign_type="RSA"),
        "amount changed after signing": changed(money="0.01"),
        "another merchant": resigned(pid="1"),
        "amount is no number": resigned(money="NaN"),
        "amount with a third decimal": resigned(money="98.610000001"),
        "a parameter twice": doubled("out_trade_no"),
        "the same in query and body": lambda g, n: n.but(
            method="POST", body=n.query.encode(), headers=FORM
        ),
        "our own request sent back": resigned(notify_url="http://a.example/"),
    }

    def config(self) -> dict[str, Any]:
        return super().config() | {"version": "v1"}

    def arrive(self, started: Any) -> None:
        found = self.street.http.get(started.redirect_url, follow_redirects=True)
        assert found.status_code == 200

    def amount(self, fen: int) -> Fields:
        return {"money": f"{fen // 100}.{fen % 100:02d}"}

    def sign(self, fields: Fields) -> Fields:
        return _md5(fields, self.keys.md5_key)

    def given_back(self, attempt_no: str) -> list[tuple[str, int]]:
        rows = self.simulator._store.rows(
            "SELECT r.out_refund_no, r.fen FROM refunds r JOIN payments p USING (trade_no)"
            " JOIN orders o ON o.trade_no = p.order_no WHERE o.out_trade_no = ?",
            attempt_no,
        )
        return sorted((row["out_refund_no"] or "", row["fen"]) for row in rows)


class EpayV2(EpayV1):
    name = "epay-v2"
    gives_parts = closes = calls_to_charge = True
    forgeries: ClassVar = {
        **EpayV1.forgeries,
        "signed with another key": lambda g, n: g.form(
            n, _rsa(g.fields(n), g.keys.merchant_private)
        ),
        "upgraded to RSA": changed(sign_type="RSA1"),
        "downgraded to MD5 with the key of version 1": lambda g, n: g.form(
            n, _md5(g.fields(n), g.keys.md5_key)
        ),
        "stale": lambda g, n: g.signed(n, timestamp=_away(-400)),
        "from the future": lambda g, n: g.signed(n, timestamp=_away(400)),
        "without a time": lambda g, n: g.signed(n, timestamp=""),
    }

    def config(self) -> dict[str, Any]:
        return super().config() | {"version": "v2"}

    def arrive(self, started: Any) -> None:
        """The gateway has opened the order when the shop asked."""

    def sign(self, fields: Fields) -> Fields:
        return _rsa(fields, self.keys.platform_private)


class Alipay(FormGate):
    name, plugin_id, method = "alipay", "payment-alipay", "page"
    calls_to_charge = False
    forgeries: ClassVar = {
        "wrong signature": changed(sign="AAAA"),
        "signed with another key": lambda g, n: g.form(n, g.sign_by(n, g.keys.app_private)),
        "no signature": changed(sign=""),
        "downgraded to SHA-1": lambda g, n: g.form(n, g.sha1(g.fields(n))),
        "the algorithm named otherwise": changed(sign_type="RSA"),
        "no algorithm": changed(sign_type=""),
        "amount changed after signing": changed(total_amount="0.01"),
        "another application": resigned(app_id="2021000000000000"),
        "another seller": resigned(seller_id="2088000000000000"),
        "no word of what it is": resigned(notify_type=""),
        "amount is no number": resigned(total_amount="1e3"),
        "amount with a third decimal": resigned(total_amount="98.610000001"),
        "a parameter twice": doubled("trade_no"),
        "in the query as well": lambda g, n: n.but(query="a=b"),
        "by GET": lambda g, n: n.but(method="GET", query=n.body.decode(), body=b""),
    }

    def arrive(self, started: Any) -> None:
        found = self.street.http.get(started.redirect_url, follow_redirects=True)
        assert found.status_code == 200

    def sign(self, fields: Fields) -> Fields:
        return self._signed_by(fields, self.keys.alipay_private)

    def sign_by(self, notice: Notice, key: str) -> Fields:
        return self._signed_by(self.fields(notice), key)

    @staticmethod
    def _signed_by(fields: Fields, key: str) -> Fields:
        kept = {name: value for name, value in fields.items() if value}
        return {**kept, "sign_type": "RSA2", "sign": alipay_sign(notice_text(kept), key)}

    def sha1(self, fields: Fields) -> Fields:
        key = load_private_key(self.keys.alipay_private)
        old = key.sign(notice_text(fields).encode(), padding.PKCS1v15(), hashes.SHA1())
        return {**fields, "sign_type": "RSA", "sign": base64.b64encode(old).decode()}

    def given_back(self, attempt_no: str) -> list[tuple[str, int]]:
        rows = self.simulator._store.rows(
            "SELECT r.out_request_no, r.fen FROM refunds r JOIN payments p USING (trade_no)"
            " JOIN orders o ON o.trade_no = p.order_no WHERE o.out_trade_no = ?",
            attempt_no,
        )
        return sorted((row["out_request_no"], row["fen"]) for row in rows)


class Unionpay(FormGate):
    name, plugin_id, method = "unionpay", "payment-unionpay", "unionpay"
    answer, NUMBER = (200, "ok"), "orderId"
    closes = calls_to_charge = False
    forgeries: ClassVar = {
        "wrong signature": changed(signature="AAAA"),
        "signed with another key": lambda g, n: g.form(
            n, g.signed_by(g.fields(n), g.keys.merchant_key)
        ),
        "no signature": changed(signature=""),
        "certificate of a stranger who calls himself UnionPay": lambda g, n: g.strange(n),
        "certificate of the merchant": lambda g, n: g.form(
            n,
            g.signed_by(
                g.fields(n) | {"signPubKeyCert": g.keys.merchant_cert}, g.keys.merchant_key
            ),
        ),
        "no certificate": changed(signPubKeyCert=""),
        "downgraded to version 5.0.0": lambda g, n: g.form(n, g.sha1(g.fields(n))),
        "downgraded to a shared word": resigned(signMethod="11"),
        "another version": resigned(version="5.0.0"),
        "amount changed after signing": changed(txnAmt="1"),
        "another merchant": resigned(merId="777290000000000"),
        "another currency": resigned(currencyCode="840"),
        "no currency": resigned(currencyCode=""),
        "amount is no number": resigned(txnAmt="9861.0"),
        "a number of no payment": resigned(queryId="x"),
        "a parameter twice": doubled("orderId"),
        "by GET": lambda g, n: n.but(method="GET", query=n.body.decode(), body=b""),
    }

    def levers(self) -> Fields:
        return super().levers() | {"refund_seconds": "0", "refund_result": "done"}

    def arrive(self, started: Any) -> None:
        form = started.cashier["form"]
        found = self.street.http.post(started.redirect_url, data=form, follow_redirects=True)
        assert found.status_code == 200

    def amount(self, fen: int) -> Fields:
        return {"txnAmt": str(fen)}

    def sign(self, fields: Fields) -> Fields:
        return self.signed_by(fields, self.keys.sign_key)

    @staticmethod
    def signed_by(fields: Fields, key: str) -> Fields:
        kept = {k: v for k, v in fields.items() if v and k != "signature"}
        return {**kept, "signature": unionpay_sign(kept, load_key(key))}

    def strange(self, notice: Notice) -> Notice:
        keys = new_keys()
        fields = self.fields(notice) | {"signPubKeyCert": keys.sign_cert}
        return self.form(notice, self.signed_by(fields, keys.sign_key))

    def sha1(self, fields: Fields) -> Fields:
        old = {**fields, "version": "5.0.0"}
        digest = hashlib.sha1(signed_text(old).encode()).hexdigest().encode()
        made = load_key(self.keys.sign_key).sign(digest, padding.PKCS1v15(), hashes.SHA1())
        return {**old, "signature": base64.b64encode(made).decode()}

    def refund_number(self, refund: Any) -> str:
        return str(refund["order_id"])


class Stripe(Gate):
    name, plugin_id, method = "stripe", "payment-stripe", "checkout"
    answer, partner = (200, '{"received":true}'), "epay-v2"
    forgeries: ClassVar = {
        "wrong signature": lambda g, n: g.header(n, n.body + b" ", sent=n.body),
        "signed with another key": lambda g, n: g.header(n, n.body, key="whsec_another"),
        "no signature": lambda g, n: n.without("Stripe-Signature"),
        "an empty signature": lambda g, n: n.with_headers(Stripe_Signature=""),
        "downgraded to the scheme of tests": lambda g, n: g.header(n, n.body, scheme="v0"),
        "without a time": lambda g, n: n.with_headers(
            Stripe_Signature=n.headers["Stripe-Signature"].partition(",")[2]
        ),
        "two times": lambda g, n: n.with_headers(
            Stripe_Signature=f"t=1,{n.headers['Stripe-Signature']}"
        ),
        "stale": lambda g, n: g.header(n, n.body, at=_away(-400)),
        "from the future": lambda g, n: g.header(n, n.body, at=_away(400)),
        "body changed after signing": lambda g, n: n.but(body=n.body.replace(b'"paid"', b'"Paid"')),
        "of another mode": lambda g, n: g.event(n, livemode=True),
        "another currency": resigned(currency="usd"),
        "amount is no whole number": resigned(amount_total=9861.0),
        "amount below zero": resigned(amount_total=-9861),
        "number and metadata differ": resigned(metadata={"attempt_no": "26110000000000000001"}),
        "not a payment session": resigned(mode="setup"),
        "a name twice": lambda g, n: g.header(
            n, n.body.replace(b'{"id"', b'{"type":"checkout.session.completed","id"', 1)
        ),
        "body is no JSON": lambda g, n: g.header(n, b"paid"),
        "by GET": lambda g, n: n.but(method="GET"),
    }

    def signed(self, notice: Notice, **changes: Any) -> Notice:
        event = json.loads(notice.body)
        thing = event["data"]["object"]
        if "attempt_no" in changes:
            number = changes.pop("attempt_no")
            thing |= {"client_reference_id": number, "metadata": {"attempt_no": number}}
        if "fen" in changes:
            changes["amount_total"] = changes.pop("fen")
        thing |= changes
        return self.header(notice, json.dumps(event).encode())

    def event(self, notice: Notice, **changes: Any) -> Notice:
        """The event itself changed, rightly signed."""
        return self.header(notice, json.dumps(json.loads(notice.body) | changes).encode())

    def header(
        self, notice: Notice, body: bytes, *, at: str = "", key: str = "", scheme: str = "v1",
        sent: bytes | None = None,
    ) -> Notice:  # fmt: skip
        """A body with its signature; `sent` is sent in its place."""
        at, secret = at or _away(0), key or self.config()["webhook_secret"]
        mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        signed = notice.with_headers(Stripe_Signature=f"t={at},{scheme}={mac}")
        return signed.but(body=body if sent is None else sent)

    def tells_of_payment(self, notice: Notice) -> bool:
        return json.loads(notice.body)["type"] == "checkout.session.completed"

    def refund_number(self, refund: Any) -> str:
        return str(refund["metadata"]["refund_no"])

    def refund_fen(self, refund: Any) -> int:
        return int(refund["amount"])


class Wechat(Gate):
    """WeChat Pay that signs with its public key (微信支付公钥模式)."""

    name, plugin_id, method = "wechatpay-public-key", "payment-wechatpay", "native"
    answer = (200, '{"code":"SUCCESS","message":"成功"}')
    signs_with: ClassVar[str] = "public_key"
    forgeries: ClassVar = {
        "wrong signature": lambda g, n: g.proved(n, n.body, manner="wrong"),
        "the gateway's own probe": lambda g, n: g.proved(n, n.body, manner="signtest"),
        "a probe by its mark alone": lambda g, n: n.with_headers(
            Wechatpay_Signature=PROBE + n.headers["Wechatpay-Signature"]
        ),
        "unknown serial": lambda g, n: g.proved(n, n.body, manner="unknown_serial"),
        "signed with the merchant's key": lambda g, n: g.by_merchant(n),
        "by the key of the other mode": lambda g, n: g.by_other_mode(n),
        "downgraded signature type": lambda g, n: n.with_headers(
            Wechatpay_Signature_Type="WECHATPAY2-SHA1-RSA1024"
        ),
        "stale": lambda g, n: g.at(n, -400),
        "from the future": lambda g, n: g.at(n, 400),
        "body changed after signing": lambda g, n: n.but(body=n.body + b" "),
        "another merchant": resigned(mchid="1900000000"),
        "another app": resigned(appid="wx0000000000000000"),
        "another currency": resigned(amount={"total": 9861, "currency": "USD"}),
        "amount is no whole number": resigned(amount={"total": "9861", "currency": "CNY"}),
        "not paid at all": resigned(trade_state="NOTPAY"),
        "sealed with another key": lambda g, n: g.sealed(n, key="0" * 32),
        "sealed by another algorithm": lambda g, n: g.outer(n, algorithm="AES_ECB"),
        "not sealed": lambda g, n: g.outer(n, ciphertext=base64.b64encode(b"{}").decode()),
        "a name twice": lambda g, n: g.proved(
            n, n.body.replace(b'{"id"', b'{"event_type": "TRANSACTION.SUCCESS", "id"', 1)
        ),
        "in the query as well": lambda g, n: n.but(query="a=b"),
        "by GET": lambda g, n: n.but(method="GET"),
        **{
            f"no {name}": lambda g, n, name=name: n.without(name)
            for name in (
                "Wechatpay-Serial", "Wechatpay-Signature", "Wechatpay-Timestamp",
                "Wechatpay-Nonce",
            )
        },
    }  # fmt: skip

    def config(self) -> dict[str, Any]:
        return super().config() | {"platform_certificates": ""}  # "" clears

    def levers(self) -> Fields:
        return super().levers() | {
            "sign_with": self.signs_with, "refund_seconds": "0", "refund_answer": "SUCCESS",
        }  # fmt: skip

    def signed(self, notice: Notice, **changes: Any) -> Notice:
        if "attempt_no" in changes:
            changes["out_trade_no"] = changes.pop("attempt_no")
        if "fen" in changes:
            changes["amount"] = {"total": changes.pop("fen"), "currency": "CNY"}
        return self.sealed(notice, **changes)

    def sealed(self, notice: Notice, key: str = "", **changes: Any) -> Notice:
        """The secret part changed, sealed and signed again."""
        outer, ours = json.loads(notice.body), self.keys.api_v3_key
        inner = outer["resource"]
        nonce, data = inner["nonce"], inner["associated_data"]
        thing = json.loads(open_sealed(ours, nonce, data, inner["ciphertext"])) | changes
        inner["ciphertext"] = seal(key or ours, nonce, data, json.dumps(thing).encode())
        return self.proved(notice, json.dumps(outer).encode())

    def outer(self, notice: Notice, **changes: str) -> Notice:
        """What surrounds the secret part changed, rightly signed."""
        outer = json.loads(notice.body)
        outer["resource"] |= changes
        return self.proved(notice, json.dumps(outer).encode())

    def proved(
        self, notice: Notice, body: bytes, *, manner: str = "right", by: Any = None
    ) -> Notice:
        signer = by or self.keys.signer(self.signs_with)
        made = signed_headers(signer, body, manner)
        return notice.but(body=body, headers={**notice.headers, **made})

    def by_merchant(self, notice: Notice) -> Notice:
        serial, _key = self.keys.signer(self.signs_with)
        ours = load_private_key(self.keys.merchant_private)
        return self.proved(notice, notice.body, by=(serial, ours))

    def by_other_mode(self, notice: Notice) -> Notice:
        other = {"public_key": "certificate", "certificate": "public_key"}[self.signs_with]
        return self.proved(notice, notice.body, by=self.keys.signer(other))

    def at(self, notice: Notice, seconds: int) -> Notice:
        """Signed at another moment."""
        _serial, key = self.keys.signer(self.signs_with)
        at, nonce = _away(seconds), notice.headers["Wechatpay-Nonce"]
        text = f"{at}\n{nonce}\n".encode() + notice.body + b"\n"
        made = base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
        return notice.with_headers(Wechatpay_Timestamp=at, Wechatpay_Signature=made)


class WechatByCertificate(Wechat):
    """WeChat Pay that signs with its platform certificate (平台证书模式)."""

    name, signs_with = "wechatpay-certificate", "certificate"

    def config(self) -> dict[str, Any]:
        return dict(self.simulator.demo_config()) | {"public_key": "", "public_key_id": ""}


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GATES: dict[str, type[Gate]] = {
    gate.name: gate
    for gate in (EpayV1, EpayV2, Stripe, Alipay, Wechat, WechatByCertificate, Unionpay)
}


def _md5(fields: Fields, key: str) -> Fields:
    bare = {k: v for k, v in fields.items() if k not in ("sign", "sign_type")}
    return {**bare, "sign": md5_sign(bare, key), "sign_type": "MD5"}


def _rsa(fields: Fields, key: str) -> Fields:
    bare = {k: v for k, v in fields.items() if k not in ("sign", "sign_type")}
    return {**bare, "sign": rsa_sign(bare, key), "sign_type": "RSA"}


def _away(seconds: int) -> str:
    """A moment that many seconds from now."""
    return str(int(time.time()) + seconds)
