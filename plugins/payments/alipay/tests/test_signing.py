"""RSA2 against vectors made with openssl, and odd input."""

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kameng_payment_alipay.signing import (
    BadKey,
    load_private_key,
    load_public_key,
    notice_text,
    public_text,
    request_text,
    sign,
    verify,
)

PEM = serialization.Encoding.PEM


def new_key(bits: int = 2048) -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), public_text(key)


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    return new_key()


def test_the_text_of_the_published_example_is_reproduced() -> None:
    biz = '{"button":[{"actionParam":"ZFB_HFCZ","actionType":"out","name":"话费充值"}]}'
    params = {
        "method": "alipay.mobile.public.menu.add", "charset": "GBK", "sign_type": "RSA2",
        "app_id": "2013081700024223", "timestamp": "2014-07-24 03:07:50", "version": "1.0",
        "biz_content": biz,
        "sign": "x", "app_auth_token": "",
    }  # fmt: skip
    assert request_text(params) == (
        f"app_id=2013081700024223&biz_content={biz}&charset=GBK"
        "&method=alipay.mobile.public.menu.add&sign_type=RSA2"
        "&timestamp=2014-07-24 03:07:50&version=1.0"
    )


def test_a_notice_leaves_the_signature_type_out_and_a_request_does_not() -> None:
    params = {"b": "2", "a": "1", "sign_type": "RSA2", "sign": "s", "empty": "", "blank": " "}
    assert notice_text(params) == "a=1&b=2"
    assert request_text(params) == "a=1&b=2&sign_type=RSA2"


def test_openssl_signs_the_same_and_takes_what_we_sign(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    text = "a=1&b=话费 100 元"
    for name, content in (("key", pair[0]), ("pub", pair[1]), ("text", text)):
        (tmp_path / name).write_text(content, "utf-8")
    command = ["openssl", "dgst", "-sha256", "-sign", str(tmp_path / "key"), str(tmp_path / "text")]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    assert sign(text, pair[0]) == base64.b64encode(made).decode()
    assert verify(text, pair[1], base64.b64encode(made).decode())


def test_a_signature_holds_for_the_same_text_and_key_only(pair: tuple[str, str]) -> None:
    made = sign("a=1", pair[0])
    assert verify("a=1", pair[1], made)
    assert not verify("a=2", pair[1], made)
    assert not verify("a=1", new_key()[1], made)


def test_the_old_rsa_with_sha1_is_not_taken(pair: tuple[str, str]) -> None:
    old = load_private_key(pair[0]).sign(b"a=1", padding.PKCS1v15(), hashes.SHA1())
    assert not verify("a=1", pair[1], base64.b64encode(old).decode())


@pytest.mark.parametrize("bad", ["", "not base64!", "签名", "AAAA", "A" * 343, "\x00"])
def test_a_malformed_signature_is_false_and_never_an_error(pair: tuple[str, str], bad: str) -> None:
    assert not verify("a=1", pair[1], bad)


def test_keys_are_read_with_and_without_their_frame(pair: tuple[str, str]) -> None:
    bare = ["".join(text.strip().splitlines()[1:-1]) for text in pair]
    assert verify("a=1", bare[1], sign("a=1", bare[0]))
    old_style = load_private_key(pair[0]).private_bytes(
        PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    bare_old = "".join(old_style.decode().strip().splitlines()[1:-1])
    assert verify("a=1", f"\n{pair[1]}\n", sign("a=1", bare_old))


def test_other_kinds_of_keys_short_ones_and_garbage_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    short = new_key(1024)
    frame = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    for text in (curve.decode(), *short, "garbage", "", "AAAA", frame):
        with pytest.raises(BadKey):
            load_private_key(text)
        with pytest.raises(BadKey):
            load_public_key(text)
