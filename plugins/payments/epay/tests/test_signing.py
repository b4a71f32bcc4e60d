"""Signatures against published vectors and odd input."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kameng_payment_epay.signing import (
    BadKey,
    canonical_text,
    load_private_key,
    load_public_key,
    md5_sign,
    md5_verify,
    rsa_sign,
    rsa_verify,
)

ORDER = {
    "pid": "1001",
    "type": "alipay",
    "out_trade_no": "A1",
    "notify_url": "https://a.test/n",
    "return_url": "https://a.test/r",
    "name": "测试",
    "money": "1.00",
}


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def test_the_published_md5_vector_is_reproduced() -> None:
    signed = {**ORDER, "param": "", "sign": "x", "sign_type": "MD5"}
    assert md5_sign(signed, "TESTKEY") == "77e2a7b79742ea145a230435314681bf"
    assert md5_verify(signed, "TESTKEY", "77E2A7B79742EA145A230435314681BF")


def test_empty_values_arrays_and_the_signature_stay_out_of_the_text() -> None:
    mixed = {"b": None, "a": 0, "c": " ", "list": [1], "sign": "s", "sign_type": "RSA", "d": True}
    assert canonical_text(mixed) == "a=0&d=1"


@pytest.mark.parametrize("sign", ["", "0" * 32, "签名", "77e2", "\x00"])
def test_a_wrong_md5_signature_is_false_and_never_an_error(sign: str) -> None:
    assert not md5_verify(ORDER, "TESTKEY", sign)


def test_rsa_holds_for_the_same_text_only(pair: tuple[str, str]) -> None:
    private, public = pair
    sign = rsa_sign(ORDER, private)
    assert rsa_verify({**ORDER, "sign": sign, "sign_type": "whatever"}, public, sign)
    assert not rsa_verify({**ORDER, "money": "1.01"}, public, sign)


@pytest.mark.parametrize("sign", ["", "not base64!", "签名", "AAAA"])
def test_a_malformed_rsa_signature_is_false(pair: tuple[str, str], sign: str) -> None:
    assert not rsa_verify(ORDER, pair[1], sign)


def test_keys_are_read_with_and_without_their_frame(pair: tuple[str, str]) -> None:
    private, public = pair
    bare = ["".join(text.strip().splitlines()[1:-1]) for text in pair]
    assert rsa_verify(ORDER, bare[1], rsa_sign(ORDER, bare[0]))
    assert rsa_verify(ORDER, public, rsa_sign(ORDER, f"\n{private}\n"))
    old_style = load_private_key(private).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    bare_old = "".join(old_style.decode().strip().splitlines()[1:-1])
    assert rsa_verify(ORDER, public, rsa_sign(ORDER, bare_old))


def test_other_kinds_of_keys_and_garbage_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for text in (curve.decode(), "garbage", "", "AAAA"):
        with pytest.raises(BadKey):
            load_private_key(text)
        with pytest.raises(BadKey):
            load_public_key(text)
