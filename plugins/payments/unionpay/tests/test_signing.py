"""What is signed, checked by two readers of the specification that share no code with the plugin.

Specification (open.unionpay.com, 签名机制, version 5.1.0): take all fields but `signature`, sort by
name, join `name=value` by `&`, take SHA-256 in lower-case hexadecimal, and sign these 64 letters by
RSA with SHA-256 (PKCS#1 v1.5); base64. Empty fields are not sent.
"""

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from kameng_payment_unionpay.client import signed
from kameng_payment_unionpay.signing import read_answer, sign, signed_text, verify, write_answer
from kameng_payment_unionpay.simulator.keys import new_key
from kameng_sdk.payments import Device

KEY = new_key()
FIELDS = {"b": "2", "a": "1", "B": "3", "txnTime": "20260722101500", "名": "x"}


def letters_to_sign(form: dict[str, str]) -> bytes:
    """Written from the specification, not from the plugin."""
    names = [name for name in form if name != "signature"]
    names.sort()
    text = ""
    for name in names:
        text += ("&" if text else "") + name + "=" + form[name]
    return hashlib.sha256(text.encode("utf-8")).hexdigest().encode("ascii")


def messages(scene: Any) -> list[dict[str, str]]:
    """A charge as it leaves for the browser, and a query as it leaves for the gateway."""
    provider = scene.provider()
    charge = provider.charge(scene.ctx(), scene.request("oracle0001", device=Device.PHONE))
    query = {"txnType": "00", "txnSubType": "00", "orderId": "oracle0001", "empty": ""}
    return [dict(charge.form), signed(provider._account, query)]


def test_the_gateway_as_openssl_would_accept_what_we_sign(scene: Any, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed")
    cert = tmp_path / "cert.pem"
    cert.write_text(str(scene.simulator.demo_config()["sign_cert"]))
    public = subprocess.run(
        [openssl, "x509", "-in", cert, "-pubkey", "-noout"], check=True, capture_output=True
    ).stdout
    (tmp_path / "public.pem").write_bytes(public)
    shown = subprocess.run(
        [openssl, "x509", "-in", cert, "-serial", "-noout"], check=True, capture_output=True
    ).stdout.decode()
    for form in messages(scene):
        assert form["certId"] == str(int(shown.strip().removeprefix("serial="), 16))
        (tmp_path / "data").write_bytes(letters_to_sign(form))
        (tmp_path / "signature").write_bytes(base64.b64decode(form["signature"], validate=True))
        answer = subprocess.run(
            [openssl, "dgst", "-sha256", "-verify", tmp_path / "public.pem",
             "-signature", tmp_path / "signature", tmp_path / "data"], capture_output=True,
        )  # fmt: skip
        assert answer.stdout.strip() == b"Verified OK"


def test_the_gateway_as_the_specification_would_accept_what_we_sign(scene: Any) -> None:
    pem = str(scene.simulator.demo_config()["sign_cert"]).encode()
    public: Any = x509.load_pem_x509_certificate(pem).public_key()
    for form in messages(scene):
        assert all(form.values())
        signature = base64.b64decode(form["signature"])
        public.verify(signature, letters_to_sign(form), padding.PKCS1v15(), hashes.SHA256())


def test_we_accept_what_openssl_signs_as_the_gateway(scene: Any, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed")
    key, data = tmp_path / "key.pem", tmp_path / "data"
    subprocess.run([openssl, "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    fields = {"merId": "1", "respCode": "00", "reqReserved": "", "accNo": "6221****0000"}
    data.write_bytes(letters_to_sign(fields))
    made = subprocess.run(
        [openssl, "dgst", "-sha256", "-sign", key, data], check=True, capture_output=True
    ).stdout
    from kameng_payment_unionpay.certificates import load_key

    public = load_key(key.read_text()).public_key()
    assert verify({**fields, "signature": base64.b64encode(made).decode()}, public)


def test_names_are_sorted_by_their_letters_and_the_signature_stays_out() -> None:
    text = signed_text({**FIELDS, "signature": "x"})
    assert text == "B=3&a=1&b=2&txnTime=20260722101500&名=x"


def test_a_signature_holds_for_the_same_fields_only() -> None:
    good = {**FIELDS, "signature": sign(FIELDS, KEY)}
    assert verify(good, KEY.public_key())
    assert not verify({**good, "a": "2"}, KEY.public_key())
    assert not verify({**good, "more": ""}, KEY.public_key())
    assert not verify(good, new_key().public_key())


@pytest.mark.parametrize("signature", ["", "not base64!", "签名", "AAAA", "\x00", "=" * 400])
def test_a_malformed_signature_is_false_and_never_an_error(signature: str) -> None:
    assert not verify({**FIELDS, "signature": signature}, KEY.public_key())


def test_an_answer_is_read_as_the_gateway_writes_it() -> None:
    fields = {"a": "1", "cardTransData": "{x=1&y={z=2}}", "cert": "-----\nAB+/==\n", "b": ""}
    assert read_answer(write_answer(fields)) == fields
    assert read_answer("") == {}


@pytest.mark.parametrize(
    "text", ["<html>", "a=1&a=2", "a=1&&b=2", "=1", "a={x&b=2", "a=1&b", "&".join(["a"] * 300)]
)
def test_what_is_no_answer_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an answer|brace"):
        read_answer(text)
