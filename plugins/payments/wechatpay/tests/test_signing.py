"""Signatures and seals against the vectors of WeChat Pay's own Go client, and odd keys."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from kameng_payment_wechatpay.signing import (
    BadKey,
    BadSignature,
    check_signed,
    keyring,
    load_private_key,
    load_public_key,
    open_sealed,
    seal,
    sign,
    signed_lines,
    verify,
)

# A notice of wechatpay-go's core/notify/notify_test.go, with the certificate that signed it.
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIDVzCCAj+gAwIBAgIJANfOWdH1ItcBMA0GCSqGSIb3DQEBCwUAMEIxCzAJBgNV
BAYTAlhYMRUwEwYDVQQHDAxEZWZhdWx0IENpdHkxHDAaBgNVBAoME0RlZmF1bHQg
Q29tcGFueSBMdGQwHhcNMjEwNDI3MDg1NTIzWhcNMzEwNDI1MDg1NTIzWjBCMQsw
CQYDVQQGEwJYWDEVMBMGA1UEBwwMRGVmYXVsdCBDaXR5MRwwGgYDVQQKDBNEZWZh
dWx0IENvbXBhbnkgTHRkMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA
2VCTd91fnUn73Xy9DLvt/V62TVxRTEEstVdeRaZ3B3leO0pldE806mXO4RwdHXag
HQ4vGeZN0yqm++rDsGK+U3AH7kejyD2pXshNP9Cq5YwbptiLGtjcquw4HNxJQUOm
DeJf2vg6byms9RUipiq4SzbJKqJFlUpbuIPDpSpWz10PYmyCNeDGUUK65E5h2B83
4uxl1zNLYQCrkdBzb8oUxwYeP5a2DNxmjL5lsJML7DGr5znsevnoqGRwTm9fxCGf
y8wus7hwKz6clt3Whmmda7UAdb1c08hEQFVRbF14AR73xbnd8N0obCWJPCbzMCtk
aSef4FdEEgEXJiw0VAJT8wIDAQABo1AwTjAdBgNVHQ4EFgQUT1c7nd/SUO76HSoZ
umNUJv1R5PwwHwYDVR0jBBgwFoAUT1c7nd/SUO76HSoZumNUJv1R5PwwDAYDVR0T
BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAfTjxKRQMzNB/U6ZoCUS+BSNfa2Oh
0plMN6ZuzwiVVZwg1jywvv5yv04koS7Pd4i9E4gt9ZBUQXlpq+A3oOCEEHNRR6b2
kyazGRM7s0OP5X21WrbpSmKmU6K7hkfx30yYs08LVs/Q8DIhvaj1FCFeJzUCzYn/
fHMq4tsbKO0dKAeydPM/nrUZBmaYQVKMVOORGLFjFKVO7JV6Kq/R86ouhjEPgJOe
2xulNBUcjicqtZlBdEh/PWCYP2SpGVDclKm8jeo175T3EVAkdKzzmfpxtMmnMlmq
cTJOU9TxuGvNASMtjj7pYIerTx+xgZDXEVBWFW9PjJ0TV06tCRsgSHItgg==
-----END CERTIFICATE-----"""
SERIAL = "D7CE59D1F522D701"
NONCE = "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"
MOMENT = datetime.fromtimestamp(1624523846, UTC)
SIGNATURE = (
    "tJHIiIS9eB2hAYstmAmbbD3ZE5LiIm/Ug5tuL4fC0YOFRWIHV39UFIZXC0e9Wl6lBu6sKvkqDkzpqzBsVHyXF"
    "lbYZTOQrVdG4b6LfTnK4mikv9++ixJMd3vTf2yCqvBkh98zs3Ds5zsYQakzbcwhmw4fMJs4nPLws28H0UW9FjDR"
    "//rxELLwXvV1VEA1IBLX70xptjL8hrfUjEE8kkry6yNJTHZRU8CAc7qHli2Ng1V1qb9ARbK8A3ThmFmPQvRGrapI"
    "/jS2laKKgYUmfdEdkNO6B2Cke5e8VTxY406ArAmQ90GAihDwIcb16TQMnzCMBoutnwZKNiKRACrFmtxw2Q=="
)
CIPHERTEXT = (
    "YDS3lKPaC4Y52Gf3uhft5qUBlIa8b428AWTtTauHQfQrRw+X1WpiuHIDy0vo1Vd6VEq67aVyqPdDYMkRVSDaZL3iZt"
    "tevRMOoPKMifozg6XPWjIZumks/GpT48lI4NizyeaqLBokNebthah3o1H76qSlO9NkDjp9bzmKLEYYH9TEklFUpsvP"
    "qOTOcgSLgh21YJXYR7dEBXFgRLiNIKRgO5JdXh1hccRUAlyVWxE54PXpnQ=="
)
BODY = (
    '{"id":"3119dfba-e649-5eec-ab1e-3412bc4d2e17","create_time":"2021-06-24T16:37:26+08:00",'
    '"resource_type":"encrypt-resource","event_type":"PAYSCORE.USER_OPEN_SERVICE",'
    '"summary":"签约成功","resource":{"original_type":"payscore",'
    f'"algorithm":"AEAD_AES_256_GCM","ciphertext":"{CIPHERTEXT}",'
    '"associated_data":"payscore","nonce":"Kj7QIyUiYx1q"}}'
).encode()
HEADERS = {
    "wechatpay-nonce": NONCE,
    "wechatpay-timestamp": "1624523846",
    "wechatpay-serial": SERIAL,
    "wechatpay-signature": SIGNATURE,
}


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> tuple[str, str]:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def bare(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if "-----" not in line)


def test_the_published_notice_is_proven_by_its_certificate_whose_serial_is_read_from_it() -> None:
    keys = keyring("", "", CERTIFICATE)
    assert list(keys.keys) == [SERIAL]
    check_signed(HEADERS, BODY, keys, MOMENT)
    with pytest.raises(BadSignature, match="wrong signature"):
        check_signed(HEADERS, BODY.replace(b"16:37", b"16:38"), keys, MOMENT)
    with pytest.raises(BadSignature, match="stale"):
        check_signed(HEADERS, BODY, keys, MOMENT + timedelta(seconds=301))
    with pytest.raises(BadSignature, match="dates"):
        keys.find(SERIAL, datetime(2031, 4, 26, tzinfo=UTC))


def test_the_published_seal_opens() -> None:
    opened = json.loads(open_sealed("testMchAPIv3Key0", "Kj7QIyUiYx1q", "payscore", CIPHERTEXT))
    assert opened["mchid"] == "1234567890"
    assert opened["appid"] == "054aa7d7a2a54ab5898df65bd96f001c"
    with pytest.raises(BadSignature):
        open_sealed("testMchAPIv3Key0", "Kj7QIyUiYx1q", "transaction", CIPHERTEXT)


def test_what_is_sealed_opens_with_the_same_words_only() -> None:
    sealed = seal("k" * 32, "abcdef012345", "data", b"{}")
    assert open_sealed("k" * 32, "abcdef012345", "data", sealed) == b"{}"
    for wrong in (
        ("x" * 32, "abcdef012345", "data", sealed),
        ("k" * 32, "abcdef012346", "data", sealed),
        ("k" * 32, "abcdef012345", "", sealed),
        ("k" * 32, "abcdef012345", "data", sealed[:-8]),
        ("k" * 31, "abcdef012345", "data", sealed),
        ("k" * 32, "abcdef012345", "data", "签名"),
    ):
        with pytest.raises(BadSignature):
            open_sealed(*wrong)


def test_requests_are_signed_over_the_published_lines() -> None:
    """As wechatpay-go's credentials test writes them, with a body and without."""
    get = signed_lines("GET", "/v3/certificates", "1624523846", "A1B2C3D4E5F6G7", b"")
    assert get == b"GET\n/v3/certificates\n1624523846\nA1B2C3D4E5F6G7\n\n"
    post = signed_lines(
        "POST", "/v3/certificates", "1624523846", "A1B2C3D4E5F6G7", b"Hello World!\n"
    )
    assert post == b"POST\n/v3/certificates\n1624523846\nA1B2C3D4E5F6G7\nHello World!\n\n"


def test_a_signature_fits_its_lines_and_key_only(private: rsa.RSAPrivateKey) -> None:
    public = private.public_key()
    signature = sign(private, "a", "", "签".encode())
    assert verify(public, signature, "a", "", "签")
    assert not verify(public, signature, "a", "签")
    for bad in ("", "A", "!!!", "签名", signature[:-4], base64.b64encode(b"x" * 256).decode()):
        assert not verify(public, bad, "a", "", "签")


def test_keys_are_read_with_and_without_their_frame(private: rsa.RSAPrivateKey) -> None:
    own, public = pem_of(private)
    assert load_private_key(bare(own)).private_numbers() == private.private_numbers()
    assert load_private_key(f"\n{own}\n").private_numbers() == private.private_numbers()
    numbers = private.public_key().public_numbers()
    assert load_public_key(bare(public)).public_numbers() == numbers


def test_what_is_no_rsa_key_is_refused(private: rsa.RSAPrivateKey) -> None:
    own, public = pem_of(ec.generate_private_key(ec.SECP256R1()))
    for text in ("", "abc", "-----BEGIN PRIVATE KEY-----", own, pem_of(private)[1]):
        with pytest.raises(BadKey):
            load_private_key(text)
    for text in ("", "abc", "-----BEGIN PUBLIC KEY-----", public, pem_of(private)[0]):
        with pytest.raises(BadKey):
            load_public_key(text)


def test_several_certificates_and_a_public_key_may_be_pasted_at_once(
    private: rsa.RSAPrivateKey,
) -> None:
    _, public = pem_of(private)
    keys = keyring("PUB_KEY_ID_1", public, f"note\n{CERTIFICATE}\n\n{CERTIFICATE}\n")
    assert set(keys.keys) == {SERIAL, "PUB_KEY_ID_1"}
    assert keys.find(SERIAL.lower(), MOMENT).public_numbers()
    for serial in ("", "PUB_KEY_ID_", "PUB_KEY_ID_2", "D7CE59D1F522D70", "0x" + SERIAL, "签"):
        with pytest.raises(BadSignature, match="unknown serial"):
            keys.find(serial, MOMENT)
    for wrong in ("not a certificate", CERTIFICATE.replace("MIID", "AAAA")):
        with pytest.raises(BadKey):
            keyring("", "", wrong)
